"""Long streams: what they are made of, and that their parts are parts of one stream."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import streams, tables

RESOURCES = Path(__file__).parents[2] / "resources"
ABSTRACTS = [
    "The patients were seen at noon. Blood was taken from all of them. None of the patients was ill.",
    "A trial of two drugs was run in the clinic. The drugs were taken at noon by all patients. Why? It was short.",
]
TEXTS = {
    name: pd.read_csv(RESOURCES / "wordings" / f"{name}.csv")["text"].tolist() for name in ("background", "varied")
}
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")["profession"].tolist()
MATERIAL = streams.gather_material(ABSTRACTS, TEXTS["background"], TEXTS["varied"], PROFESSIONS)


def texts(stream: pd.DataFrame) -> pd.Series:
    return stream["prompt"] + stream["completion"]


def test_material_by_hand() -> None:
    assert len(MATERIAL.sentences) == 5  # sentences of fewer than four words are none
    assert MATERIAL.words[0] == streams.END
    patients = MATERIAL.words.index("patients")
    follows = MATERIAL.follows[MATERIAL.starts[patients] : MATERIAL.starts[patients + 1]]
    assert sorted(MATERIAL.words[k] for k in follows) == ["was", "were"]
    begins = MATERIAL.follows[MATERIAL.starts[0] : MATERIAL.starts[1]]
    assert sorted(MATERIAL.words[k] for k in begins) == ["A", "Blood", "None", "The", "The"]


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs abstracts"):
        streams.gather_material(["Too short."], TEXTS["background"], TEXTS["varied"], PROFESSIONS)


@settings(max_examples=20)
@given(st.integers(1, 90), st.data())
def test_parts_of_any_size_make_the_same_stream(rows: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", 25)
        whole = streams.write_stream(MATERIAL, rows, 0, rows, 1)
        edges = sorted({0, rows, *data.draw(st.lists(st.integers(0, rows), max_size=4))})
        parts = [streams.write_stream(MATERIAL, rows, first, last, 1) for first, last in pairwise(edges)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert whole["contribution_id"].is_unique and len(whole) == rows


def test_a_stream_holds_every_kind_in_its_share() -> None:
    stream = streams.write_stream(MATERIAL, 20_000, 0, 20_000, 1)
    tables.validate(stream, "contributions")
    shares = stream["skeleton"].value_counts(normalize=True)
    for kind, share in streams.SHARES.items():
        # 2,000 agents draw a kind each
        assert abs(shares[kind] - share) < 4 * (share * (1 - share) / 2_000) ** 0.5
    assert (stream["source"] == "pool").equals(stream["skeleton"] == "campaign")
    by_agent = stream.groupby("agent")
    assert (by_agent.size() == streams.PER_AGENT).all()
    assert (by_agent["skeleton"].nunique() == 1).all()
    by_kind = {kind: texts(rows).tolist() for kind, rows in stream.groupby("skeleton")}
    assert set(by_kind["abstract"]) <= set(MATERIAL.sentences)
    pairs = {pair for text in MATERIAL.sentences for pair in pairwise(["", *text.split(), ""])}
    for text in by_kind["chain"][:200]:
        words = text.split()
        assert set(pairwise(["", *words])) <= pairs
        assert len(words) == streams._LONGEST_CHAIN or (words[-1], "") in pairs
    chains = {tuple(text.split()) for text in by_kind["chain"]}
    one_off = 0
    for text in by_kind["copy"][:20]:
        words = text.split()
        one_off += any(
            len(chain) == len(words) and sum(a != b for a, b in zip(chain, words, strict=True)) <= 1 for chain in chains
        )
    assert one_off == 20


def test_a_clean_stream_has_no_campaign_and_another_seed_other_rows() -> None:
    clean = streams.write_stream(MATERIAL, 500, 0, 500, 2, clean=True)
    assert "campaign" not in set(clean["skeleton"]) and set(clean["source"]) == {"background"}
    other = streams.write_stream(MATERIAL, 500, 0, 500, 3, clean=True)
    assert (texts(clean) != texts(other)).mean() > 0.5


def test_a_block_without_chains_copies_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SHARES", {"copy": 1.0})
    stream = streams.write_stream(MATERIAL, 10, 0, 10, 1)
    assert set(map(len, texts(stream).str.split())) <= {len(text.split()) for text in MATERIAL.sentences}


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (0, 11), (5, 4)])
def test_rows_outside_of_a_stream_are_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="of a stream of 10"):
        streams.write_stream(MATERIAL, 10, first, last, 1)


def test_no_rows_are_a_table_too() -> None:
    assert tables.validate(streams.write_stream(MATERIAL, 10, 3, 3, 1), "contributions").num_rows == 0
