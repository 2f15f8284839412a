"""The rate at which four processes send together, measured where it counts: at the server."""

from __future__ import annotations

import functools
from multiprocessing import get_context

import numpy as np
import pytest
import study
from faulty_server import FaultyServer, made_up

from quorum import pronouns
from quorum.endpoint import model
from quorum.endpoint.limits import Limits

pytestmark = [pytest.mark.service, pytest.mark.slow]

# A hundred in any window, as in the paper's protocol, but in shorter windows.
REQUESTS, PERIOD, PROCESSES, EACH = 100, 12.0, 4, 60


def ask(settings: dict, process: int) -> None:
    model.Limits = functools.partial(Limits, period=PERIOD)
    prompts = [f"prompt {i} of process {process}" for i in range(EACH)]
    model.EndpointModel("m", settings).ask(prompts, pronouns.WORDS, 0.1, 5, 1)


def test_no_window_has_more_requests_than_the_limit_and_the_mean_is_near_it(tmp_path):
    server = FaultyServer(made_up)
    with server.running() as address, get_context("spawn").Pool(PROCESSES) as pool:
        settings = study.section(address, tmp_path, requests_per_minute=REQUESTS, concurrency=8, retries=0)
        pool.starmap(ask, [(settings, process) for process in range(PROCESSES)], chunksize=1)
    times = np.sort([seen.time for seen in server.seen])
    busiest = max(np.count_nonzero((times >= start) & (times < start + PERIOD)) for start in times)
    # Before the last process has started, and after the first has ended, fewer than four are sending.
    mean = (len(times) - 1) / (times[-1] - times[0]) * PERIOD
    print(f"\n{len(times)} requests, busiest {PERIOD:g} s: {busiest}, mean {mean:.1f}, limit {REQUESTS}")
    assert len(times) == PROCESSES * EACH
    assert busiest <= REQUESTS
    assert mean > 0.9 * REQUESTS
