"""What the run cost."""

from __future__ import annotations

from quorum.schemas.columns import columns

TABLES = {
    "costs": columns(
        "rule | string | | the rule",
        "jobs | int | jobs | how often it ran",
        "seconds_total | float | s | wall time of all its jobs",
        "seconds_mean | float | s | mean wall time of one job",
        "max_rss_mb | float? | MB | largest memory of one job",
    ),
}
