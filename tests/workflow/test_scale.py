"""Filters over a long stream in parts: the rules leave the same verdicts however many parts, and what it took."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import runs

from quorum import tables

pytestmark = [pytest.mark.workflow, pytest.mark.apart]

ROWS = 300
DEFENSES = ("keyword", "repetition", "tfidf", "minhash", "composite")


def run_in_parts(folder: Path, size: int) -> pd.DataFrame:
    """The verdicts of all filters on a stream of ROWS in parts of this size, by contribution, after a whole run."""
    sources = runs.copy_sources(folder)
    sentence = "The {0} of the patients was seen by a {1} who wrote {2} notes on every {0} of the day."
    texts = [sentence.format(a, b, c) for a in ("blood", "pulse") for b in ("nurse", "medic") for c in ("two", "long")]
    frame = pd.DataFrame({"text_id": map(str, range(len(texts))), "source": "made up", "text": texts})
    tables.write_table(frame, sources / runs.RETRIEVED / "texts.parquet", "texts")
    changes = runs.write_config(sources, {"scale": {"rows": [ROWS], "partition_rows": size}})
    done = runs.run(sources, "scale", configs=["config/tiny.yaml", changes])
    assert done.returncode == 0, done.stdout[-20_000:]
    found = []
    for defense in DEFENSES:
        parts = (sources / "results" / "scale" / f"rows{ROWS}" / f"{defense}-moderate").glob("part*.parquet")
        ordered = sorted(parts, key=lambda path: int(path.stem.removeprefix("part")))
        assert len(ordered) == -(-ROWS // size)
        verdicts = pd.concat([tables.read_table(path, "verdicts") for path in ordered])
        found.append(verdicts.set_index("contribution_id").add_prefix(f"{defense} "))
    return pd.concat(found, axis=1)


def test_verdicts_are_the_same_however_many_parts(tmp_path):
    whole, parts = run_in_parts(tmp_path / "whole", ROWS), run_in_parts(tmp_path / "parts", 43)
    pd.testing.assert_frame_equal(whole, parts, check_exact=True)
    assert len(whole) == ROWS and not whole.filter(like="accepted").all(axis=None)
    table = tables.read_table(tmp_path / "parts" / "results" / "tables" / "scale.parquet", "scale")
    assert table["defense"].tolist() == list(DEFENSES)
    assert (table["partitions"] == 7).all() and (table["seconds"] > 0).all()
    assert table["jobs"].tolist() == [14, 22, 14, 22, 14]
    assert table["rejected"].tolist() == pytest.approx((~parts.filter(like="accepted")).mean().tolist())
