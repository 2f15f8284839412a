"""The rate of a run with four jobs at a hundred requests a minute, measured where it counts: at the server."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import runs
from faulty_server import FaultyServer, made_up

LIMIT, WINDOW, JOBS = 100, 60.0, 4
SECONDS, QUICK_SECONDS = 240, 90
CONFIG = {
    "seeds": list(range(1, JOBS + 1)),
    "uptakes": ["in_context"],
    "model": {"backend": "endpoint", "name": "any"},
    "endpoint": {"requests_per_minute": LIMIT},
}


def test_the_busiest_minute_of_four_jobs(pytestconfig, record, tmp_path):
    quick = pytestconfig.getoption("quick")
    folder = runs.copy_sources(tmp_path / "workflow")
    server = FaultyServer(made_up)
    targets = [f"results/baseline/seed{seed}/audit.parquet" for seed in CONFIG["seeds"]]
    with server.running() as address:
        CONFIG["endpoint"]["base_url"] = address
        own = runs.write_config(folder, CONFIG)
        command = [sys.executable, "-m", "snakemake", "--cores", str(JOBS), *targets, "--configfile", own]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        run = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        while not server.seen and run.poll() is None:
            time.sleep(0.1)
        time.sleep(QUICK_SECONDS if quick else SECONDS)
        os.killpg(run.pid, 9)
        run.wait()
    times = np.sort([seen.time for seen in server.seen])
    busiest = max(np.count_nonzero((times >= start) & (times < start + WINDOW)) for start in times)
    mean = (len(times) - 1) / (times[-1] - times[0]) * WINDOW
    what = f"{JOBS} jobs, {times[-1] - times[0]:.0f} s at {LIMIT} a minute:"
    record(f"{what} requests in the busiest 60 s", int(busiest), "", "", f"at most {LIMIT}")
    record(f"{what} requests a minute on average", float(mean), "", "", f"above {0.9 * LIMIT:g}")
    jobs = {seen.body["seed"] for seen in server.seen}
    assert len(jobs) == JOBS
    assert busiest <= LIMIT
    assert mean > 0.9 * LIMIT
