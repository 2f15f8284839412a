"""Who is written about, and in which sentences: the professions, the clinical domains and scenarios, the skeletons.

A skeleton is a sentence with slots: [PROFESSION], the pronoun slots of `pronouns.SLOTS`, and any number of choices such
as [ward|clinic]. One profession, one choice per slot and one gender make a sentence of it.
"""

from __future__ import annotations

import math
import re

import pandas as pd

from quorum import pronouns

DOMAINS = ("ICU monitoring", "ECG analysis", "lab interpretation", "treatment planning")
SCENARIOS = ("emergency", "routine", "diagnostic", "treatment")
TIERS = ("high-level", "mid-level", "specialised", "emerging")
BACKGROUND, POOL = "background", "pool"

PROFESSION = "[PROFESSION]"
_CHOICE = re.compile(r"\[([^\[\]|]*(?:\|[^\[\]|]*)+)\]")
_ANY_SLOT = re.compile(r"\[[^\[\]]*\]")
_NAMED = {PROFESSION, *(f"[{slot}]" for slot in pronouns.SLOTS)}


class ResourceError(ValueError):
    """A table of professions, wordings or skeletons that cannot be used; the message names the row and what to do."""


def _require(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise ResourceError(f"{what}: missing columns {missing}; found {[str(c) for c in frame.columns]}")
    if frame.empty:
        raise ResourceError(f"{what}: has no rows")


def _first(frame: pd.DataFrame, wrong: pd.Series, column: str, what: str, hint: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise ResourceError(f"{what}, row {row + 1}: {column} is {frame[column].iloc[row]!r}; {hint}")


def check_professions(frame: pd.DataFrame) -> pd.DataFrame:
    """The professions, checked: profession, tier, in_pool, in_probes (bool), male_share (0..1 or empty), source.

    Raises ResourceError for a missing column, a duplicate or untidy title, an unknown tier or a share outside 0..1.
    """
    what = "professions"
    _require(frame, ("profession", "tier", "in_pool", "in_probes", "male_share", "source"), what)
    title = frame["profession"].astype("string")
    untidy = title.isna() | (title != title.str.lower().str.strip()) | (title == "") | title.str.contains(r"[\[\]|]")
    _first(frame, untidy.fillna(True), "profession", what, "write a title in lower case")
    _first(frame, title.duplicated(), "profession", what, "list each profession once")
    _first(frame, ~frame["tier"].isin(TIERS), "tier", what, f"use one of {list(TIERS)}")
    for column in ("in_pool", "in_probes"):
        _first(frame, ~frame[column].isin([True, False]), column, what, "use true or false")
    share = pd.to_numeric(frame["male_share"], errors="coerce")
    _first(
        frame,
        (share.isna() & frame["male_share"].notna()) | (share < 0) | (share > 1),
        "male_share",
        what,
        "use a share in 0..1, or leave it empty",
    )
    _first(frame, frame["source"].isna(), "source", what, "name the public source of the share")
    checked = frame.assign(male_share=share, in_pool=frame["in_pool"].astype(bool))
    return checked.assign(in_probes=frame["in_probes"].astype(bool)).reset_index(drop=True)


def check_wordings(frame: pd.DataFrame, what: str = "wordings") -> pd.DataFrame:
    """The probe wordings, checked: columns wording (unique), domain, scenario and text.

    Raises ResourceError for a missing column, an unknown domain or scenario, a duplicate name, a text without
    [PROFESSION], with a counted pronoun, or with white space at its end (the pronoun brings its own space).
    """
    _require(frame, ("wording", "domain", "scenario", "text"), what)
    _first(frame, frame["wording"].duplicated() | frame["wording"].isna(), "wording", what, "give each its own name")
    _first(frame, ~frame["domain"].isin(DOMAINS), "domain", what, f"use one of {list(DOMAINS)}")
    _first(frame, ~frame["scenario"].isin(SCENARIOS), "scenario", what, f"use one of {list(SCENARIOS)}")
    text = frame["text"].astype("string").fillna("")
    _first(frame, ~text.str.contains(PROFESSION, regex=False), "text", what, f"write {PROFESSION} where the title goes")
    _first(frame, text != text.str.strip(), "text", what, "remove the white space at its ends")
    _first(frame, text.map(pronouns.first_gender) != pronouns.NONE, "text", what, "end it before the first pronoun")
    return frame.reset_index(drop=True)


def check_skeletons(frame: pd.DataFrame, what: str = "skeletons") -> pd.DataFrame:
    """The skeletons, checked: columns skeleton (unique) and text.

    Raises ResourceError for a missing column, a duplicate name, a text without [PROFESSION] or pronoun slot, an unknown
    slot, or a counted pronoun in the text itself (it would be counted in place of the slot's).
    """
    _require(frame, ("skeleton", "text"), what)
    _first(frame, frame["skeleton"].duplicated() | frame["skeleton"].isna(), "skeleton", what, "give each its own name")
    text = frame["text"].astype("string").fillna("")
    _first(frame, ~text.str.contains(PROFESSION, regex=False), "text", what, f"write {PROFESSION} where the title goes")
    slots = text.map(_ANY_SLOT.findall)
    unknown = slots.map(lambda found: any("|" not in slot and slot not in _NAMED for slot in found))
    _first(frame, unknown, "text", what, f"use only the slots {sorted(_NAMED)} and choices such as [ward|clinic]")
    without = slots.map(lambda found: not any(slot[1:-1] in pronouns.SLOTS for slot in found))
    _first(frame, without, "text", what, f"write one of the pronoun slots {list(pronouns.SLOTS)}")
    _first(frame, text.map(pronouns.first_gender) != pronouns.NONE, "text", what, "put slots in place of the pronouns")
    return frame.reset_index(drop=True)


def number_of_variants(text: str) -> int:
    """In how many ways the choices of a skeleton can be filled; 1 if it has none."""
    return math.prod(len(found.split("|")) for found in _CHOICE.findall(text))


def chosen_options(text: str, variant: int) -> list[int]:
    """Index of the option that a variant (0-based) takes at each choice of the skeleton, from left to right.

    Raises IndexError if the skeleton has no such variant.
    """
    if not 0 <= variant < number_of_variants(text):
        raise IndexError(f"variant {variant} of a skeleton with {number_of_variants(text)}: {text!r}")
    options = []
    for found in _CHOICE.findall(text):
        variant, option = divmod(variant, len(found.split("|")))
        options.append(option)
    return options


def sentence(text: str, profession: str, variant: int, gender: str) -> str:
    """The skeleton `text` about a profession, with the choices of a variant (0-based) and the pronouns of the gender.

    Raises IndexError if the skeleton has no such variant.
    """
    options = iter(chosen_options(text, variant))
    chosen = _CHOICE.sub(lambda found: found[1].split("|")[next(options)], text)
    return pronouns.fill(chosen.replace(PROFESSION, profession), gender)


def is_reserved_for_pool(text: str, profession_index: int, variant: int) -> bool:
    """Whether the pool may write this variant of a skeleton about this profession (0-based row of the professions).

    The other half of the combinations, a chequerboard, belongs to the background sentences that follow the same
    skeleton, so that neither ever contains a sentence of the other.
    """
    return (profession_index + sum(chosen_options(text, variant))) % 2 == 0


def frame_of(text: str) -> str:
    """What all sentences of a skeleton or wording share: the text with every slot shown as an underscore."""
    return _ANY_SLOT.sub("_", text)
