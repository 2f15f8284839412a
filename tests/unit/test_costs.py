"""What a run cost, out of benchmark files as Snakemake writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quorum import costs, tables
from quorum.tables import TableError

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def benchmark(path: Path, *rows: tuple[float, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{seconds}\t0:00:01\t{rss}\t1.0\t1.0\t1.0\t0.0\t0.0\t99.0\t1.0\n" for seconds, rss in rows]
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path


def test_rules_are_added_up_and_the_dearest_comes_first(tmp_path):
    benchmark(tmp_path / "write_pool" / "seed1.tsv", (1.0, "10.5"))
    benchmark(tmp_path / "fine_tune" / "seed1.tsv", (2.0, "900.0"))
    benchmark(tmp_path / "fine_tune" / "deep" / "er" / "seed2.tsv", (4.0, "700.0"))
    table = costs.by_rule(tmp_path)
    assert table.to_dict("list") == {
        "rule": ["fine_tune", "write_pool"],
        "jobs": [2, 1],
        "seconds_total": [6.0, 1.0],
        "seconds_mean": [3.0, 1.0],
        "max_rss_mb": [900.0, 10.5],
    }
    tables.validate(table, "costs")


@pytest.mark.parametrize("unknown", ["-", "NA"])
def test_a_job_too_short_for_its_memory_to_be_measured_has_none(tmp_path, unknown):
    benchmark(tmp_path / "wordings" / "table.tsv", (0.1, unknown))
    table = costs.by_rule(tmp_path)
    assert table["max_rss_mb"].isna().all() and table["seconds_total"].tolist() == [0.1]
    tables.validate(table, "costs")
    benchmark(tmp_path / "wordings" / "other.tsv", (0.1, "7.0"))
    assert costs.by_rule(tmp_path)["max_rss_mb"].tolist() == [7.0]


def test_a_job_that_was_measured_several_times_counts_by_its_mean(tmp_path):
    benchmark(tmp_path / "tipping" / "a.tsv", (1.0, "5.0"), (3.0, "6.0"))
    assert costs.by_rule(tmp_path)[["jobs", "seconds_total", "max_rss_mb"]].to_numpy().tolist() == [[1, 2.0, 6.0]]


def test_a_run_without_benchmarks_cost_nothing_known(tmp_path):
    tables.validate(costs.by_rule(tmp_path), "costs")
    assert costs.by_rule(tmp_path).empty


@pytest.mark.parametrize("content", [b"", b"a\tb\n1\t2\n", b"s\tmax_rss\n\xff\xfe\n"])
def test_a_file_that_is_no_benchmark_is_named(tmp_path, content):
    path = tmp_path / "fine_tune" / "seed1.tsv"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"seed1\.tsv: not a benchmark file"):
        costs.by_rule(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"gone\.tsv"):
        costs.read_benchmark(tmp_path / "gone.tsv")


def test_training_times_by_hand(tmp_path):
    """(100 + 50) sentences x 2 epochs in 30 s are 10 a second; 100 x 2 in 5 s are 40."""
    paths = [benchmark(tmp_path / "a.tsv", (30.0, "1.0")), benchmark(tmp_path / "b.tsv", (5.0, "1.0"))]
    conditions = [
        {"layers": 2, "style": "varied", "pool_size": 50, "seed": 1},
        {"layers": 2, "style": "none", "pool_size": 0, "seed": 1},
    ]
    table = costs.training_times([str(path) for path in paths], conditions, 100, 2)
    assert table["seconds"].tolist() == [30.0, 5.0]
    assert table["sentences_per_second"].tolist() == [10.0, 40.0]
    assert table[["layers", "style", "pool_size", "seed"]].to_dict("records") == conditions


def test_the_last_measurement_of_a_training_counts(tmp_path):
    path = benchmark(tmp_path / "a.tsv", (99.0, "1.0"), (10.0, "1.0"))
    assert costs.training_times([str(path)], [{"pool_size": 0}], 100, 1)["seconds"].tolist() == [10.0]


def test_filters_over_streams_by_hand(tmp_path):
    short = [benchmark(tmp_path / "a.tsv", (1.5, "NA")), benchmark(tmp_path / "b.tsv", (0.5, "300.0"))]
    long = [benchmark(tmp_path / f"{k}.tsv", (40.0, f"{k}00.0")) for k in range(5)]
    run = {"defense": "tfidf", "rows": 4, "partitions": 1, "verdicts": ["unread"], "benchmarks": short}
    runs = [run, run | {"rows": 40, "partitions": 2, "benchmarks": long}]
    accepted = [[np.array([True, True, True, False])], [np.ones(30, dtype=bool), np.zeros(10, dtype=bool)]]
    table = costs.of_filters(runs, accepted)
    tables.validate(table, "scale")
    assert table["jobs"].tolist() == [2, 5]
    assert table["seconds"].tolist() == [2.0, 200.0]
    assert table["exponent"].isna().tolist() == [True, False]
    assert table["exponent"][1] == pytest.approx(2)
    assert table["max_rss_mb"].tolist() == [300.0, 400.0]
    assert table["rejected"].tolist() == [0.25, 0.25]
    with pytest.raises(ValueError, match="tfidf: 3 verdicts on a stream of 4 contributions"):
        costs.of_filters(runs[:1], [[np.ones(3, dtype=bool)]])
