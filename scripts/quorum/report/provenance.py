"""Where a page comes from: configuration, versions, hashes, times, requests and cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from quorum.fingerprints import VERSION, hashes, versions
from quorum.report import words
from quorum.report.blocks import Cell, Table, Tables, table


def tables_of(tables: Tables, paths: Mapping[str, str | Path]) -> list[Table]:
    """Everything that can be counted about the run as folded tables. paths: the files of its tables, by name."""
    return [
        *_requests(tables.get("requests")),
        *_costs(tables.get("costs")),
        *_retrieved(tables.get("provenance")),
        _pairs("Versions", ["package", "version"], versions()),
        _pairs("SHA-256 of the tables behind this page", ["table", "SHA-256"], hashes(paths)),
    ]


def facts(tables: Tables, settings: Mapping[str, Any], made_at: datetime) -> list[tuple[str, str]]:
    """The few facts that stand at the top: model, seeds, time, requests and cost."""
    model = settings["model"]
    where = "behind a server" if model["backend"] == "endpoint" else "on this machine"
    found = [
        ("Model", f"{model['name']}, {where}"),
        ("Independent runs", words.count(len(settings["seeds"]))),
        ("Confidence", f"{100 * settings['statistics']['confidence']:g}% intervals"),
        ("Made", f"{made_at:%Y-%m-%d %H:%M %Z}".strip()),
        ("Quorum", VERSION),
    ]
    costs, requests = tables.get("costs"), tables.get("requests")
    if costs is not None and len(costs):
        found.append(
            (
                "Computing time",
                f"{words.seconds(costs['seconds_total'].sum())} in {words.counted(costs['jobs'].sum(), 'job')}",
            )
        )
    if requests is not None and len(requests):
        found.append(("Requests", f"{words.count(requests['requests'].sum())}, cost {requests['cost'].sum():,.2f}"))
    return found


def _requests(frame: pd.DataFrame | None) -> list[Table]:
    if frame is None:
        return []
    columns: dict[str, tuple[str, Any]] = {
        "uptake": ("uptake", None),
        "style": ("style", None),
        "defense": ("filter", None),
        "pool_size": ("sentences", words.count),
        "prompts": ("prompts", words.count),
        "requests": ("requests", words.count),
        "cache_hits": ("from the cache", words.count),
        "prompt_tokens": ("prompt tokens", words.count),
        "completion_tokens": ("completion tokens", words.count),
        "cost": ("cost", lambda value: f"{value:,.4g}"),
    }
    return table("Requests to the server, and their price as configured", frame, columns)


def _costs(frame: pd.DataFrame | None) -> list[Table]:
    if frame is None:
        return []
    columns: dict[str, tuple[str, Any]] = {
        "rule": ("rule", str),
        "jobs": ("jobs", words.count),
        "seconds_total": ("time in all", words.seconds),
        "seconds_mean": ("a job", words.seconds),
        "max_rss_mb": ("memory at most, MB", words.count),
    }
    return table("Time and memory of each rule", frame, columns)


def _retrieved(frame: pd.DataFrame | None) -> list[Table]:
    if frame is None:
        return []
    columns: dict[str, tuple[str, Any]] = {
        name: (title, str)
        for name, title in (
            ("name", "what"),
            ("package", "package"),
            ("version", "version"),
            ("licence", "licence"),
            ("source", "source"),
            ("sha256_member", "SHA-256"),
        )
    }
    (found,) = table("What came from outside", frame, columns) or [None]
    return [] if found is None else [Table(found.caption, found.columns, found.rows, [False] * len(found.columns))]


def _pairs(caption: str, columns: list[str], pairs: Mapping[str, str]) -> Table:
    return Table(caption, columns, [[Cell(name), Cell(value)] for name, value in pairs.items()], [False, False])
