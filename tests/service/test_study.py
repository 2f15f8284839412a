"""A run against a server on loopback, and what others can do with what it leaves."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
import runs
import study
from faulty_server import FaultyServer, made_up

pytestmark = [pytest.mark.service, pytest.mark.workflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def asked(prepared, tmp_path_factory):
    """A finished run with its published answers, and the server that it asked."""
    folder = runs.copy_run(prepared, tmp_path_factory.mktemp("asked") / "workflow")
    server = FaultyServer(made_up)
    with server.running() as address:
        done = study.run(folder, address, *study.ASKED, "export_answers")
    assert done.returncode == 0, done.stdout[-5000:]
    return folder, server


def test_the_estimate_said_what_was_sent(prepared, asked):
    folder, server = asked
    estimate = pd.read_csv(prepared / "results" / "estimate" / "estimate.csv")
    assert (
        estimate["requests"].sum() == len(server.seen) == len(study.prompts(folder)) == study.requests(folder).requests
    )
    taken = study.requests(folder)
    assert 0 < taken.cost <= estimate["cost"].sum()
    assert taken.prompts == estimate["prompts"].sum() == taken.requests + taken.cache_hits
    after = study.run(folder, "http://127.0.0.1:9/v1", "estimate")
    assert "to be requested             0" in after.stdout, after.stdout[-3000:]


def test_published_answers_give_the_same_tables_without_a_server_or_a_key(prepared, asked, tmp_path):
    folder, _ = asked
    other = runs.copy_run(prepared, tmp_path / "other")
    shutil.copy(folder / "results" / "release" / "answers.parquet", other / "published.parquet")
    config = {"base_url": "http://127.0.0.1:9/v1", "cache": "replay", "answers_file": "published.parquet"}
    own = runs.write_config(other, {"endpoint": config}, "server.yaml")
    done = runs.run(other, *study.ASKED, configs=study.configs(own), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stdout[-5000:]
    pd.testing.assert_frame_equal(study.audits(other), study.audits(folder))
    assert (other / study.ASKED[0]).read_bytes() == (folder / study.ASKED[0]).read_bytes()


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"concurrency": 9, "retries": 1, "timeout": 7, "requests_per_minute": 5, "max_requests": 3}, set()),
        ({"base_url": "http://127.0.0.1:10/v1", "key_variable": "", "cache": "replay"}, set()),
        ({"prompt_price": 9.0}, {"requests_table"}),
        ({"logprobs": 5}, {"ask_server_released", "ask_server_undefended"}),
        ({"provider": "another"}, {"ask_server_released", "ask_server_undefended"}),
    ],
    ids=["rate and tries", "another address of the same server", "prices", "logprobs", "another server"],
)
def test_only_what_decides_the_answers_asks_again(asked, changes, rules):
    folder, _ = asked
    own = runs.write_config(folder, {"endpoint": {"base_url": "http://127.0.0.1:9/v1"} | changes}, "changed.yaml")
    planned = set(runs.count(runs.planned(folder, *study.ASKED, configs=study.configs(own))))
    assert {rule for rule in planned if rule.startswith("ask_")} == {rule for rule in rules if rule.startswith("ask_")}
    assert rules <= planned
    assert rules or not planned
