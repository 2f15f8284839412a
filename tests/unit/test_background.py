from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import background, collective, grammar, probes, pronouns, tables
from quorum.population import ResourceError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
SKELETONS, TEMPLATE, VARIED, HELD_OUT, MATCHED = (
    grammar.expand(pd.read_csv(RESOURCES / "wordings" / f"{name}.csv"))
    for name in ("background", "template", "varied", "held_out", "matched")
)


def write(size=1700, male_share=0.79, overlap=0.0, seed=1, template=TEMPLATE):
    return background.write_background(PROFESSIONS, SKELETONS, template, size, male_share, overlap, seed)


def texts(frame: pd.DataFrame) -> pd.Series:
    return frame["prompt"] + frame["completion"]


@given(size=st.integers(0, 300), male_share=st.floats(0, 1), overlap=st.floats(0, 1), seed=st.integers(0, 2**31))
@settings(max_examples=30)
def test_sizes_and_shares_are_exact(size, male_share, overlap, seed):
    frame = write(size, male_share, overlap, seed)
    in_template = frame["skeleton"].isin(TEMPLATE["skeleton"])
    assert len(frame) == size
    assert in_template.sum() == round(size * overlap)
    assert (frame["gender"] == "male").sum() == round(size * male_share)
    assert frame["gender"].isin(["male", "female"]).all()
    for part in (in_template, ~in_template):
        assert abs((frame[part]["gender"] == "male").sum() - part.sum() * male_share) <= 1
    assert texts(frame).is_unique
    assert texts(frame).map(pronouns.first_gender).tolist() == frame["gender"].tolist()


def test_a_background_is_a_table_of_contributions_that_names_no_pool():
    frame = write()
    tables.validate(frame, "contributions")
    assert frame["source"].eq("background").all()
    assert frame["contribution_id"].is_unique
    assert frame["agent"].value_counts().tolist() == [10] * (len(frame) // 10)
    assert frame["agent"].iloc[[0, 9, 10]].tolist() == ["firm0001", "firm0001", "firm0002"]
    assert set(frame["profession"]) == set(PROFESSIONS["profession"])


def test_every_profession_and_skeleton_is_used_alike_and_has_the_male_share():
    frame = write()
    for column, share_tolerance in (("profession", 0.03), ("skeleton", 0.03)):
        groups = frame.groupby(column)["gender"]
        assert groups.size().max() - groups.size().min() <= len(frame) / 10 / 24 + 10
        share = groups.apply(lambda g: (g == "male").mean())
        assert (share - 0.79).abs().max() < share_tolerance


def test_the_seed_decides_everything():
    pd.testing.assert_frame_equal(write(200, seed=3), write(200, seed=3))
    assert set(texts(write(200, seed=3))) != set(texts(write(200, seed=4)))


@pytest.mark.parametrize("style", [TEMPLATE, VARIED.iloc[::50]], ids=["template", "varied"])
def test_an_overlapping_background_shares_no_sentence_with_the_pool(style):
    firm = write(1700, 0.79, 1.0, 1, style)
    pool = collective.write_pool(PROFESSIONS, style, "balanced", 300, 10, 1700, 0.79, 1)
    ungendered = [
        {" ".join(w for w in t.split() if pronouns.first_gender(w) == "none") for t in texts(f)} for f in (firm, pool)
    ]
    assert not ungendered[0] & ungendered[1]


def test_no_probe_is_found_in_background_or_pool():
    prompts = [
        *probes.held_out_probes(PROFESSIONS, HELD_OUT)["prompt"],
        *probes.matched_probes(PROFESSIONS, MATCHED)["prompt"],
    ]
    everything = "\n".join(
        [
            *texts(write(1700, overlap=0.5)),
            *texts(collective.write_pool(PROFESSIONS, TEMPLATE, "parity", 400, 10, 1700, 0.79, 1)),
            *texts(collective.write_pool(PROFESSIONS, VARIED, "parity", 400, 10, 1700, 0.79, 1)),
        ]
    )
    assert not [prompt for prompt in prompts if prompt in everything]


def test_too_large_a_background_is_refused():
    with pytest.raises(ResourceError, match="15360 sentences, fewer than the 15361 asked"):
        write(15361)
    assert len(write(15360)) == 15360


@pytest.mark.parametrize(("name", "value"), [("male_share", 1.1), ("male_share", -0.1), ("overlap", 2.0)])
def test_a_share_outside_its_range_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        write(10, **{name: value})
