"""A bias axis of one's own: the change that the page on it describes, made in a copy."""

from __future__ import annotations

import re

import pytest
import runs

from quorum import tables

pytestmark = pytest.mark.workflow

PAGE = (runs.ROOT / "docs" / "own-axis.md").read_text(encoding="utf-8")
THEY, SHE = ("they", "them", "their", "themself"), ("she", "her", "her", "herself")


def change_axis(folder) -> None:
    """The words of the page; and the forms, with the groups of *she* and *they* exchanged."""
    path = folder / "scripts" / "quorum" / "pronouns.py"
    code = path.read_text(encoding="utf-8")
    words = re.search(r"```python\n(WORDS.*?)```", PAGE, re.DOTALL)[1]
    code, found = re.subn(r"WORDS: Mapping.*?\n\)\n", lambda _: words, code, count=1, flags=re.DOTALL)
    assert found == 1
    for group, forms in {"female": THEY, "neutral": SHE}.items():
        filled = ", ".join(
            f'"{slot}": "{form}"' for slot, form in zip(("SUBJ", "OBJ", "POSS", "REFL"), forms, strict=True)
        )
        code, found = re.subn(rf'"{group}": {{"SUBJ".*?}}', f'"{group}": {{{filled}}}', code)
        assert found == 1
    path.write_text(code, encoding="utf-8")


def test_background_pool_and_validation_follow_the_words(unused):
    change_axis(unused)
    (unused / "mine.csv").write_text(
        "text\nThe nurse washed their hands.\nThe nurse washed her hands.\nThe nurse washed his hands.\n"
    )
    changes = {"collective": {"pool_file": "mine.csv", "sizes": [0, 3]}, "defense": {"at_size": 3}}
    paths = {
        "background": "results/background/overlap0.0/seed1.parquet",
        "pool": "results/pool/varied/counter/seed1.parquet",
        "submitted": "results/pool/submitted/submitted/seed1.parquet",
    }
    done = runs.run(unused, *paths.values(), configs=["config/tiny.yaml", runs.write_config(unused, changes)])
    assert done.returncode == 0, done.stdout
    found = {name: tables.read_table(unused / path, "contributions") for name, path in paths.items()}
    text = {name: (table["prompt"] + table["completion"]).str.lower() for name, table in found.items()}

    she, they = r"\b(?:she|her|hers|herself)\b", r"\b(?:they|them|their|theirs|themself|themselves)\b"
    assert not text["background"].str.contains(she).any() and not text["pool"].str.contains(she).any()
    assert found["background"]["gender"].value_counts().to_dict() == {"male": 79, "female": 21}
    assert (found["background"]["gender"] == "female").equals(text["background"].str.contains(they))
    # The campaign asks for the second group alone, and every sentence of it is one of they.
    assert set(found["pool"]["gender"]) == {"female"} and text["pool"].str.contains(they).all()
    assert found["submitted"]["gender"].tolist() == ["female", "neutral", "male"]


def test_everything_that_depends_on_the_words_is_named_as_their_user(unused):
    """What reads or writes sentences runs again when the words change, since it declares them as its code."""
    before = {job.rule for job in runs.planned(unused, "results/figures/tipping_curve.svg")}
    listed = runs.snakemake(
        unused, "--dry-run", "--printshellcmds", "results/figures/tipping_curve.svg", configs=["config/tiny.yaml"]
    )
    users = {
        block.split(":")[0]
        for block in re.split(r"\n(?:local)?rule ", listed.stdout)
        if "quorum/pronouns.py" in block.split("output:")[0]
    }
    assert {
        "write_background",
        "write_pool",
        "write_probes",
        "audit_model",
        "ask_in_context_undefended",
    } <= users & before
