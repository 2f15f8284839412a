from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorum import population, probes, pronouns, tables
from quorum.population import ResourceError

RESOURCES = Path(__file__).parents[2] / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
HELD_OUT = pd.read_csv(RESOURCES / "wordings" / "held_out.csv")
MATCHED = pd.read_csv(RESOURCES / "wordings" / "matched.csv")


@pytest.mark.parametrize("n", [80, 160, 240, 320, 640])
@pytest.mark.parametrize(
    ("write", "wordings"),
    [(probes.held_out_probes, HELD_OUT), (probes.matched_probes, MATCHED)],
    ids=["held", "matched"],
)
def test_the_design_is_balanced_and_no_prompt_occurs_twice(write, wordings, n):
    frame = write(PROFESSIONS, wordings, n)
    tables.validate(frame, "probes")
    assert len(frame) == n
    assert frame["probe_id"].is_unique
    assert frame["prompt"].is_unique
    assert (frame.groupby(["domain", "profession"]).size() == n // 80).all()
    assert frame.groupby(["domain", "profession"]).ngroups == 80
    used = frame.groupby("wording").size()
    assert set(used.index) == set(wordings["wording"])
    assert used.max() - used.min() <= 1
    assert set(frame["profession"]) == set(PROFESSIONS.query("in_probes")["profession"])
    assert (frame.groupby("profession")["scenario"].nunique() == 4).all()


def test_the_default_held_out_set_has_each_wording_with_five_professions():
    frame = probes.held_out_probes(PROFESSIONS, HELD_OUT)
    assert len(frame) == 160
    assert (frame.groupby("wording")["profession"].nunique() == 5).all()
    assert frame["probe_set"].eq("held_out").all()
    assert (~frame["profession_in_pool"]).sum() == 4 * 8


def test_prompts_are_the_wordings_about_the_profession():
    frame = probes.held_out_probes(PROFESSIONS, HELD_OUT).merge(HELD_OUT, on=["wording", "domain", "scenario"])
    assert len(frame) == 160
    for row in frame.itertuples():
        assert row.prompt == row.text.replace("[PROFESSION]", row.profession)
    matched = probes.matched_probes(PROFESSIONS, MATCHED).merge(MATCHED, on="wording")
    for row in matched.itertuples():
        assert row.prompt == f"The {row.profession} {row.action} the patient. Who was"


@given(
    people=st.integers(1, 24),
    wordings_per_domain=st.integers(1, 8),
    data=st.data(),
)
@settings(max_examples=40)
def test_the_design_holds_for_any_number_of_professions_and_wordings(people, wordings_per_domain, data):
    professions = PROFESSIONS.head(people).assign(in_probes=True)
    wordings = HELD_OUT.groupby("domain").head(wordings_per_domain)
    repetitions = data.draw(st.integers(1, wordings_per_domain))
    frame = probes.held_out_probes(professions, wordings, 4 * people * repetitions)
    assert frame["prompt"].is_unique
    used = (
        frame.groupby(["domain", "wording"])
        .size()
        .reindex(pd.MultiIndex.from_frame(wordings[["domain", "wording"]]), fill_value=0)
    )
    assert used.max() - used.min() <= 1


def test_no_prompt_has_a_counted_pronoun():
    for frame in (probes.held_out_probes(PROFESSIONS, HELD_OUT), probes.matched_probes(PROFESSIONS, MATCHED)):
        assert frame["prompt"].map(pronouns.first_gender).eq("none").all()


@pytest.mark.parametrize("n", [0, 81, -80])
def test_a_size_that_cannot_be_balanced_is_refused(n):
    with pytest.raises(ResourceError, match=f"{n} is not a multiple of the 80 pairs"):
        probes.held_out_probes(PROFESSIONS, HELD_OUT, n)


def test_too_few_wordings_are_named():
    with pytest.raises(ResourceError, match=r"has 8 wordings, but 720 probes need 9"):
        probes.held_out_probes(PROFESSIONS, HELD_OUT, 720)
    one_domain = HELD_OUT[HELD_OUT["domain"] == population.DOMAINS[0]]
    with pytest.raises(ResourceError, match="domain 'ECG analysis' has 0 wordings"):
        probes.held_out_probes(PROFESSIONS, one_domain, 80)


def test_matched_wordings_need_an_action():
    with pytest.raises(ResourceError, match="missing column action"):
        probes.matched_probes(PROFESSIONS, MATCHED.drop(columns="action"))


def test_nobody_to_ask_about_is_an_error():
    with pytest.raises(ResourceError, match="0 pairs"):
        probes.held_out_probes(PROFESSIONS.assign(in_probes=False), HELD_OUT, 80)
