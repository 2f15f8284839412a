"""The sections about the bargaining study: the answer, tipping curves, domains, utility, and the other uptake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from quorum.figures import theme
from quorum.report import answer, words
from quorum.report.blocks import Cell, Chart, Section, Table, Tables, campaigns, chart, of_uptake, table, with_interval

PARITY = "50%"
SIGNIFICANT = 0.05


def uptakes(tables: Tables) -> list[str]:
    """The uptakes of the run, that of the main sections first."""
    return theme.ordered(tables["tipping_curve"]["uptake"], theme.UPTAKES) if "tipping_curve" in tables else []


def outcomes(tables: Tables) -> list[answer.Outcome]:
    """The outcome of every campaign and probe set."""
    return answer.outcomes(tables["tipping_curve"], tables["tipping_points"])


def campaigns_table(found: Sequence[answer.Outcome], confidence: float) -> list[Table]:
    """Every campaign beside every way of asking: the number, and what happened."""
    sets = theme.ordered((o.probe_set for o in found), answer.SETS)
    cells = {((o.uptake, o.style, o.strategy), o.probe_set): o for o in found}
    several = {name: len({getattr(o, name) for o in found}) > 1 for name in ("strategy", "uptake")}
    rows = []
    for key in dict.fromkeys(campaign for campaign, _ in cells):
        uptake, style, strategy = key
        name = words.campaign(style, strategy if several["strategy"] else "", uptake if several["uptake"] else "")
        row = [Cell(name[0].upper() + name[1:])]
        for probe_set in sets:
            o = cells.get((key, probe_set))
            row.append(Cell("\u2013") if o is None else Cell(answer.figure(o), answer.sentence(o, confidence)))
        rows.append(row)
    asked = [answer.asked(name).capitalize() for name in sets]
    columns = ["Campaign", *asked]
    caption = "Sentences it took, campaign by campaign"
    return [Table(caption, columns, rows, [False] * len(columns), folded=False, kind="outcomes")] if rows else []


def tipping(tables: Tables, uptake: str, name: str, title: str, short: str, sentences: Sequence[str]) -> list[Section]:
    """The curves of one uptake."""
    own = of_uptake(tables, uptake)
    several = len(uptakes(tables)) > 1
    caption = "The numbers of the tipping curve" + (f", {theme.label(uptake)}" if several else "")
    blocks: list[Chart | Table] = [*chart("tipping_curve", own), *_curve_table(own["tipping_curve"], caption)]
    return [Section(name, title, short, sentences, blocks)] if blocks else []


def curve_sentences(curve: pd.DataFrame, points: pd.DataFrame) -> list[str]:
    """What the model says without a campaign, and when the data alone would come to one half."""
    start = curve[(curve["pool_size"] == 0) & (curve["defense"] == "none")].drop_duplicates("probe_set")
    said = [
        f"{row['text']} on {_probe_word(row['probe_set'])} probes"
        for row in theme.rows(start.assign(text=_sampled(start)))
        if row["text"]
    ]
    expected = points["critical_size_expected"].dropna()
    return [
        *([f"Before the campaign the male share is {words.listed(said)}."] if said else []),
        *(
            [
                f"The data themselves come to {PARITY} with {words.count(expected.iloc[0])} sentences that all speak "
                "against the firm's own; a model that copies what it reads would need as many."
            ]
            if len(expected)
            else []
        ),
    ]


def _probe_word(name: str) -> str:
    return theme.label(name).split(" probes")[0].lower() if name in theme.PROBE_SETS else theme.label(name)


def _sampled(curve: pd.DataFrame) -> list[str | None]:
    return with_interval(curve, "male_share", "clustered_low", "clustered_high", wilson=("male_low", "male_high"))


def _curve_table(curve: pd.DataFrame, caption: str) -> list[Table]:
    curve = curve[curve["defense"] == "none"]
    shown = curve.assign(
        campaign=campaigns(curve),
        asked=[_probe_word(name) for name in curve["probe_set"]],
        sampled=_sampled(curve),
        exact=with_interval(curve, "exact_male_share", "exact_low", "exact_high"),
    )
    columns: dict[str, tuple[str, Any]] = {
        "campaign": ("campaign", None),
        "asked": ("probes", None),
        "pool_size": ("sentences", words.count),
        "coverage": ("answers that name a gender", words.share),
        "sampled": ("male share, sampled", str),
        "exact": ("male share, exact", str),
        "data_male_share": ("male share of the data", words.share),
    }
    return table(caption, shown, columns)


# ---- domains ---------------------------------------------------------------------------------------------------------


def domains(tables: Tables, size: int | None) -> list[Section]:
    """Where the model changes."""
    frame = tables.get("domains")
    if frame is None or frame.empty:
        return []
    size = theme.main_size(frame, size)
    shown = frame[frame["pool_size"] == size]
    shown = shown.assign(
        campaign=campaigns(shown),
        asked=[_probe_word(name) for name in shown["probe_set"]],
        before=with_interval(shown, "male_before", "before_low", "before_high"),
        after=with_interval(shown, "male_after", "after_low", "after_high"),
    )
    columns: dict[str, tuple[str, Any]] = {
        "campaign": ("campaign", None),
        "asked": ("probes", None),
        "domain": ("domain", None),
        "before": ("before", str),
        "after": ("after", str),
        "reduction_pp": ("points less", lambda value: f"{value:+.0f}"),
        "chi2_p_holm": ("p (Holm)", lambda value: f"{value:.2g}"),
    }
    blocks = [
        *chart("domains", tables, main_size=size),
        *table(f"The domains at {words.counted(size, 'sentence')}", shown, columns),
    ]
    sentences = [_domain_sentence(part, name) for name, part in shown.groupby("campaign", sort=False)]
    return [Section("domains", "Where does the model change?", "Domains", sentences, blocks)]


def _domain_sentence(shown: pd.DataFrame, campaign: str) -> str:
    changed = shown["chi2_p_holm"].notna() & (shown["chi2_p_holm"] < SIGNIFICANT)
    said = [
        f"{int(changed[part.index].sum())} of {len(part)} domains on {_probe_word(name)} probes"
        for name, part in shown.groupby("probe_set", sort=False)
    ]
    return (
        f"A campaign in {campaign} changes the male share in {words.listed(said)} (chi-square test, p below "
        f"{SIGNIFICANT:g} after Holm's correction; it treats answers as independent)."
    )


# ---- utility ---------------------------------------------------------------------------------------------------------


def utility(tables: Tables, size: int | None) -> list[Section]:
    """What the campaign costs the model."""
    frame = tables.get("utility")
    if frame is None or frame.empty:
        return []
    size = theme.main_size(frame, size)
    shown = frame[(frame["pool_size"] == size) & (frame["defense"] == "none")]
    shown = shown.assign(campaign=campaigns(shown))
    sentences = [
        f"With {words.counted(size, 'sentence')} in {name}: "
        + "; ".join(
            f"{theme.label(row['metric'])} from {row['before']:.3g} to {row['after']:.3g}"
            for row in theme.rows(part)
            if row["metric"] != "honest_share"
        )
        + "."
        for name, part in shown.groupby("campaign", sort=False)
    ]
    columns: dict[str, tuple[str, Any]] = {
        "style": ("style", None),
        "pool_size": ("sentences", words.count),
        "defense": ("filter", None),
        "metric": ("metric", None),
        "before": ("before", lambda value: f"{value:.3g}"),
        "after": ("after", lambda value: f"{value:.3g}"),
        "retention": ("kept", words.share),
    }
    blocks = [*chart("utility", tables, narrow=True, main_size=size), *table("The numbers of utility", frame, columns)]
    return [Section("utility", "What does it cost the model?", "Utility", sentences, blocks)]


def in_context(tables: Tables, found: Sequence[answer.Outcome], settings: Mapping[str, Any]) -> list[Section]:
    """The other uptake, where the run has both."""
    both = uptakes(tables)
    if len(both) < 2:
        return []
    number = settings["in_context"]["neighbours"]
    sentences = [
        f"Nothing is trained here: the firm keeps all sentences, and puts the {words.counted(number, 'sentence')} "
        "nearest to each question before it.",
        *(
            f"{answer.asked(item.probe_set).capitalize()}: {item.headline} {item.detail}"
            for item in answer.answers(
                [o for o in found if o.uptake == both[1]],
                settings["world"]["background_size"],
                settings["statistics"]["confidence"],
            )
        ),
    ]
    return tipping(tables, both[1], "in-context", "What if the model only looks them up?", "In context", sentences)
