"""What a run cost: time and memory out of the benchmark files that Snakemake writes for every job."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quorum.schemas import SCHEMAS
from quorum.tables import TableError


def read_benchmark(path: str | Path) -> pd.DataFrame:
    """Snakemake's benchmark file of a job; column s is its wall time in seconds, max_rss its memory in MB.

    Raises TableError that names the file if it is none.
    """
    try:
        frame = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: not a benchmark file ({error})") from error
    if not {"s", "max_rss"} <= set(frame.columns):
        raise TableError(f"{path}: not a benchmark file; it has no columns s and max_rss")
    return frame


def by_rule(folder: str | Path) -> pd.DataFrame:
    """Table costs: jobs, time and memory of every rule that has benchmark files under folder/RULE/."""
    rows = [
        (path.relative_to(folder).parts[0], frame["s"].mean(), frame["max_rss"].max())
        for path in sorted(Path(folder).rglob("*.tsv"))
        for frame in [read_benchmark(path)]
    ]
    jobs = pd.DataFrame(rows, columns=["rule", "s", "rss"])
    table = jobs.groupby("rule", as_index=False).agg(
        jobs=("s", "size"), seconds_total=("s", "sum"), seconds_mean=("s", "mean"), max_rss_mb=("rss", "max")
    )
    return table.sort_values("seconds_total", ascending=False, ignore_index=True)[[c.name for c in SCHEMAS["costs"]]]


def of_filters(runs: Sequence[Mapping[str, Any]], accepted: Sequence[Sequence[np.ndarray]]) -> pd.DataFrame:
    """Table scale: what each run of a filter over a stream took.

    runs: defense, rows, partitions and the benchmark files of the jobs, as `conditions.scale_runs` lists them, lengths
    ascending. accepted: for each run whether each contribution was accepted, one array a part. Raises ValueError if a
    run has not judged all of its rows.
    """
    rows: list[dict[str, Any]] = []
    before: dict[str, tuple[int, float]] = {}
    for run, parts in zip(runs, accepted, strict=True):
        judged = np.concatenate(list(parts))
        if len(judged) != run["rows"]:
            raise ValueError(f"{run['defense']}: {len(judged)} verdicts on a stream of {run['rows']} contributions")
        jobs = pd.concat([read_benchmark(path) for path in run["benchmarks"]])
        seconds = float(jobs["s"].sum())
        shorter = before.get(run["defense"])
        growth = math.log(seconds / shorter[1]) / math.log(run["rows"] / shorter[0]) if shorter else math.nan
        before[run["defense"]] = run["rows"], seconds
        rows.append(
            {name: run[name] for name in ("defense", "rows", "partitions")}
            | {
                "jobs": len(jobs),
                "seconds": seconds,
                "exponent": growth,
                "max_rss_mb": jobs["max_rss"].max(),
                "rejected": float(1 - judged.mean()),
            }
        )
    return pd.DataFrame(rows)[[c.name for c in SCHEMAS["scale"]]]


def training_times(
    paths: Sequence[str], conditions: Sequence[Mapping[str, Any]], background_size: int, epochs: float
) -> pd.DataFrame:
    """Wall time of each training job (start of Python included) and sentences per second, with its condition."""
    frame = pd.DataFrame(list(conditions))
    seconds = [float(read_benchmark(path)["s"].iloc[-1]) for path in paths]
    sentences = (background_size + frame["pool_size"]) * epochs
    return frame.assign(seconds=seconds, sentences_per_second=sentences / seconds)
