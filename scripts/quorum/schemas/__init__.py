"""The columns of every table of the study, part by part, in the order of docs/tables.md."""

from __future__ import annotations

from collections.abc import Mapping

from quorum.schemas import (
    audits,
    bargaining,
    campaign,
    contributions,
    costs,
    endpoint,
    filters,
    minority,
    retrieved,
    uptake,
)
from quorum.schemas.columns import Column

PARTS: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    "What is retrieved": retrieved.TABLES,
    "Probes and contributions": contributions.TABLES,
    "Filters": filters.TABLES,
    "Uptake": uptake.TABLES,
    "Audit": audits.TABLES,
    "What the campaign did to the model": bargaining.TABLES,
    "The minority study": minority.TABLES,
    "A model behind a server": endpoint.TABLES,
    "A campaign that is planned, and one that is followed": campaign.TABLES,
    "What the run cost": costs.TABLES,
}
SCHEMAS: Mapping[str, tuple[Column, ...]] = {
    name: columns for tables in PARTS.values() for name, columns in tables.items()
}

# Tables that go on, after their own columns, with a column of floats for every feature.
WITH_FEATURES = frozenset({"population"})
