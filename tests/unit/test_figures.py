"""The figures against their tables: every number drawn is one of the table, and nothing in a table breaks one."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import altair as alt
import docutils.core
import jinja2
import jsonschema
import numpy as np
import pandas as pd
import pytest
import vl_convert
from fake_filters import filter_tables
from fake_minority import minority_tables
from hypothesis import given
from hypothesis import strategies as st

from quorum import figures
from quorum.figures import bias_reduction, defenses, domains, overlap_study, theme, tipping_curve
from quorum.schemas import SCHEMAS
from quorum.tables import validate

ROOT = Path(__file__).parents[2]
BACKGROUND, SHARE = 1700, 0.79
SIZES = (0, 250, 500, 1000, 2000)
DOMAINS = ("icu_monitoring", "ecg_analysis", "lab_interpretation", "treatment_planning")
ALL_DEFENSES = ("none", "keyword", "repetition", "tfidf", "minhash", "composite")
END = {
    ("template", "matched"): 0.12,
    ("template", "held_out"): 0.7,
    ("varied", "matched"): 0.45,
    ("varied", "held_out"): 0.55,
}


def _spread(*key: object) -> float:
    """A number in -1..1 that depends on the key alone."""
    return int(hashlib.sha256(repr(key).encode()).hexdigest()[:8], 16) / 2**31 - 1


def _shares(style: str, probe_set: str, n: int, pull: float, *key: object) -> dict[str, float]:
    level = (
        0.8 + (END[style, probe_set] - 0.8) * (1 - np.exp(-n / 350)) * pull + 0.02 * _spread(style, probe_set, n, *key)
    )
    return {
        "coverage": 0.93,
        "male_share": level,
        "male_low": level - 0.03,
        "male_high": level + 0.03,
        "exact_male_share": level + 0.02 * _spread("exact", style, probe_set, n, *key),
        "clustered_low": max(0.0, level - 0.09),
        "clustered_high": min(1.0, level + 0.09),
        "exact_low": max(0.0, level - 0.1),
        "exact_high": min(1.0, level + 0.1),
        "pronoun_mass": 0.6,
        "seen_mass": 1.0,
    }


def _data_share(n: int) -> float:
    return max(0.5, SHARE * BACKGROUND / (BACKGROUND + n)) if n else SHARE


def fake_tables() -> dict[str, pd.DataFrame]:
    """A small run that follows every schema, with plausible numbers."""
    tables: dict[str, list[dict]] = {
        name: []
        for name in (
            "baseline_bias",
            "tipping_curve",
            "tipping_points",
            "defenses",
            "domains",
            "utility",
            "wordings",
            "depth_study",
            "overlap_study",
            "learning_curve",
        )
    }
    for place, (epochs, probe_set) in enumerate(itertools.product((0.25, 0.5, 1.0, 2.0), ("matched", "held_out"))):
        tables["learning_curve"].append(
            {
                "epochs": epochs,
                "steps": round(53 * epochs),
                "probe_set": probe_set,
                "n_seeds": 3,
                "exact_male_share": 0.55 + 0.03 * place,
                "exact_sd": 0.02,
                "pronoun_mass": 0.6,
                "loss": 3.0 - 0.1 * place,
                "background_male_share": 0.79,
            }
        )
    pull = dict(zip(ALL_DEFENSES, (1, 0.9, 0.6, 0.5, 0.35, 0.1), strict=True))
    sets = ("matched", "held_out")
    for probe_set, domain in itertools.product(sets, ("all", *DOMAINS)):
        shares = _shares("varied", probe_set, 0, 1, domain)
        shares = {k: v - (0.55 if k not in ("coverage", "pronoun_mass", "seen_mass") else 0) for k, v in shares.items()}
        tables["baseline_bias"].append(
            {
                "backend": "local",
                "model": "SmolLM2-135M-Instruct",
                "probe_set": probe_set,
                "domain": domain,
                "n_prompts": 80,
                "n_completions": 240,
                "female_share": 0.6,
                "neutral_share": 0.1,
                **shares,
            }
        )
    for style, probe_set in itertools.product(("template", "varied"), sets):
        key = {"uptake": "fine_tune", "style": style, "strategy": "parity", "probe_set": probe_set}
        for defense in ALL_DEFENSES:
            for n in SIZES if defense == "none" else (1000,):
                data = _data_share(n) if defense == "none" else SHARE - 0.1 * pull[defense]
                shares = _shares(style, probe_set, n, pull[defense], defense if n else "none")
                tables["tipping_curve"].append(
                    {
                        **key,
                        "defense": defense,
                        "pool_size": n,
                        "alpha": n / (BACKGROUND + n),
                        "n_seeds": 3,
                        "n_completions": 240,
                        **shares,
                        "exact_sd": 0.02,
                        "data_male_share": data,
                        "expected_male_share": _data_share(n),
                        "parity_gap": abs(shares["male_share"] - 0.5),
                        "reduction_pp": 100 * (0.8 - shares["male_share"]),
                        "chi2_p": 0.001,
                    }
                )
                for w in range(20 if probe_set == "held_out" else 4):
                    tables["wordings"].append(
                        {
                            **key,
                            "defense": defense,
                            "pool_size": n,
                            "wording": f"{probe_set}-{w}",
                            "n_completions": 12,
                            "coverage": 0.9,
                            "male_share": 0.5,
                            "exact_male_share": 0.5,
                        }
                    )
        reach = {
            ("template", "matched"): (250.0, 180.0, 320.0, 240.0),
            ("varied", "matched"): (1000.0, 700.0, 1900.0, 1150.0),
            ("varied", "held_out"): (1000.0, 900.0, 3500.0, 2300.0),
        }.get((style, probe_set), (np.nan,) * 4)
        tables["tipping_points"].append(
            {
                **key,
                "defense": "none",
                "tipping_size": reach[0],
                "tipping_low": reach[1],
                "tipping_high": reach[2],
                "critical_size_expected": 986.0,
                "diminishing_size": 1000.0,
                "fitted_size": reach[3],
                "crossing_share": 0.9,
            }
        )
        for defense in ALL_DEFENSES:
            shares = _shares(style, probe_set, 1000, pull[defense], defense)
            reduction = 100 * (0.8 - shares["male_share"])
            tables["defenses"].append(
                {
                    **key,
                    "pool_size": 1000,
                    "defense": defense,
                    "recall": 1 - pull[defense] + (0.02 if style == "template" else -0.01) * (defense != "none"),
                    "false_positive_rate": 0.0 if defense == "none" else 0.01 + 0.004 * _spread(defense, style),
                    "roc_auc": 0.9,
                    "honest_retention": 0.99,
                    "male_share": shares["male_share"],
                    "reduction_pp": reduction,
                    "reduction_low": reduction - 6,
                    "reduction_high": reduction + 6,
                    "utility_retention": 0.97,
                }
            )
        for n, domain in itertools.product(SIZES[1:], DOMAINS):
            before = 0.8 + 0.05 * _spread(domain, probe_set)
            after = _shares(style, probe_set, n, 1, domain)["male_share"] + 0.05 * _spread(domain)
            tables["domains"].append(
                {
                    **key,
                    "pool_size": n,
                    "domain": domain,
                    "male_before": before,
                    "before_low": before - 0.06,
                    "before_high": before + 0.05,
                    "male_after": after,
                    "after_low": max(0, after - 0.07),
                    "after_high": after + 0.07,
                    "reduction_pp": 100 * (before - after),
                    "chi2_p": 0.001,
                    "chi2_p_holm": 0.004,
                }
            )
        for layers, n in itertools.product((2, 4, 8, 15, 30), (0, 1000)):
            share = _shares(style, probe_set, n, 0.6 + layers / 75, layers if n else 0)["exact_male_share"]
            if n or style == "template":
                tables["depth_study"].append(
                    {
                        "layers": layers,
                        "style": style if n else "none",
                        "pool_size": n,
                        "probe_set": probe_set,
                        "n_seeds": 3,
                        "exact_male_share": share,
                        "exact_sd": 0.03,
                        "wording_sd": 0.15,
                        "seconds": 8100 / (260 / layers**0.8),
                        "sentences_per_second": 260 / layers**0.8 * (1 + 0.03 * _spread(n, layers, style)),
                    }
                )
    for style, metric in itertools.product(
        ("template", "varied"), ("entropy", "perplexity", "coherence", "accuracy", "honest_share")
    ):
        for defense in ALL_DEFENSES:
            for n in SIZES if defense == "none" else (1000,):
                kept = metric == "honest_share"
                retention = (
                    (1.0 if defense == "none" else 0.99)
                    if kept
                    else 1 + 0.04 * _spread(metric, style, defense, n) * (n > 0)
                )
                tables["utility"].append(
                    {
                        "uptake": "fine_tune",
                        "style": style,
                        "strategy": "parity",
                        "pool_size": n,
                        "defense": defense,
                        "metric": metric,
                        "before": 2.3,
                        "after": 2.3 * retention,
                        "retention": retention,
                    }
                )
    for overlap, n, probe_set in itertools.product((0.0, 0.1, 0.25, 1.0), (50, 250, 1000), sets):
        signal = SHARE * BACKGROUND * overlap / (BACKGROUND * overlap + n)
        share = signal if probe_set == "matched" else 0.8 - 0.00008 * n
        alpha = n / (BACKGROUND + n)
        bound = 1 - (1 - alpha) / alpha * overlap * 0.58
        tables["overlap_study"].append(
            {
                "overlap": overlap,
                "pool_size": n,
                "probe_set": probe_set,
                "alpha": alpha,
                "n_seeds": 3,
                "exact_male_share": share,
                "exact_sd": 0.03,
                "exact_low": max(0.0, share - 0.08),
                "exact_high": share + 0.08,
                "data_male_share": SHARE * BACKGROUND / (BACKGROUND + n),
                "signal_male_share": signal,
                "success": 1 - signal,
                "hardt_bound": bound if overlap < 1 else np.nan,
            }
        )
    frames = {name: pd.DataFrame(rows)[[c.name for c in SCHEMAS[name]]] for name, rows in tables.items()}
    reference = [
        ("male_share", "pool_size=0", 0.79),
        ("male_share", "pool_size=1000", 0.48),
        ("tipping_size", None, 1000),
    ]
    for defense, reduction, kept in zip(ALL_DEFENSES, (31, 22, 18, 13, 8, 3), (100, 95, 92, 88, 85, 80), strict=True):
        condition = f"pool_size=1000, defense={defense}"
        reference += [("reduction_pp", condition, reduction), ("utility_retention", condition, kept / 100)]
    for domain, before, after in zip(DOMAINS, (78, 82, 76, 80), (49, 47, 50, 48), strict=True):
        condition = f"domain={domain}, pool_size=1000"
        reference += [("male_share_before", condition, before / 100), ("male_share_after", condition, after / 100)]
    columns = ["quantity", "condition", "paper_value"]
    frames["paper_reference"] = pd.DataFrame(reference, columns=columns).assign(paper="collective", unit="", note="")
    return frames


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return {**fake_tables(), **minority_tables(), **filter_tables()}


def _draw(name: str, tables: dict[str, pd.DataFrame], **style: object) -> dict:
    """The specification; that it is valid is checked once per figure, on the saved file."""
    return figures.draw(name, tables, style).to_dict(validate=False)


def _values(spec: dict, part: object = None) -> list[dict]:
    """The rows of all data sets that a specification, or a part of it, refers to; each data set once."""
    names: dict[str, None] = {}

    def walk(node: object) -> None:
        if isinstance(node, dict):
            data = node.get("data")
            if isinstance(data, dict) and "name" in data:
                names[data["name"]] = None
        if isinstance(node, (dict, list)):
            for child in node.values() if isinstance(node, dict) else node:
                walk(child)

    walk(spec if part is None else part)
    return [row for name in names for row in spec["datasets"][name]]


def _svg(spec: dict) -> ET.Element:
    return ET.fromstring(vl_convert.vegalite_to_svg(spec))


def _marks(root: ET.Element, role: str) -> list[str]:
    """The spoken label of every mark of a kind in a rendered figure."""
    return [node.get("aria-label", "") for node in root.iter() if node.get("aria-roledescription") == role]


def _set(rows: list[dict], *keys: str) -> set[tuple]:
    found = [tuple(row.get(key) for key in keys) for row in rows]
    assert len(found) == len(set(found)), "a row is drawn twice"
    return set(found)


def _table(frame: pd.DataFrame, *columns: str) -> set[tuple]:
    return {
        tuple(None if pd.isna(cell) else cell for cell in row) for row in frame[list(columns)].itertuples(index=False)
    }


def test_the_fake_tables_follow_the_schemas(tables):
    for name, frame in tables.items():
        if name in SCHEMAS:
            validate(frame, name)


# ---- what is drawn is what the tables hold ---------------------------------------------------------------------------


def test_tipping_curve_draws_every_undefended_row_of_the_table_and_no_other(tables):
    spec = _draw("tipping_curve", tables)
    rows, curve = _values(spec), tables["tipping_curve"].query("defense == 'none'")
    headings = {"template": "Template style", "varied": "Varied style"}
    curve = curve.assign(row=curve["style"].map(headings), column=curve["probe_set"].map(theme.label))
    keys = ("row", "column", "pool_size", "share")
    for kind, column in (
        (tipping_curve.DATA, "data_male_share"),
        (tipping_curve.EXPECTED, "expected_male_share"),
        (tipping_curve.EXACT, "exact_male_share"),
    ):
        assert _set([r for r in rows if r["kind"] == kind], *keys) == _table(curve, *keys[:3], column)
    sampled = [row for row in rows if row["kind"] == tipping_curve.SAMPLED]
    intervals = ("clustered_low", "clustered_high", "male_low", "male_high")
    expected = _table(curve, *keys[:3], "male_share", *intervals)
    assert _set(sampled, *keys, "low", "high", "wilson_low", "wilson_high") == expected

    labels = _marks(_svg(spec), "point")
    for kind in (tipping_curve.SAMPLED, tipping_curve.EXACT):
        assert sum(f"kind: {kind}" in label for label in labels) == len(curve)
    panels = 4
    assert sum(f"kind: {tipping_curve.PAPER}" in label for label in labels) == panels * 2
    paper = {(row["pool_size"], row["share"]) for row in rows if row["kind"] == tipping_curve.PAPER}
    assert paper == {(0, 0.79), (1000, 0.48)}


@pytest.mark.parametrize("name", ["tipping_curve", "bias_reduction"])
def test_a_bootstrap_without_width_is_not_drawn_and_wilsons_interval_is(tables, name):
    curve = tables["tipping_curve"]
    tables["tipping_curve"] = curve.assign(clustered_low=curve["male_share"], clustered_high=curve["male_share"])
    drawn = [row for row in _values(_draw(name, tables)) if row.get("wilson_low") is not None]
    # What is as released stands in a table of its own.
    agreeing = [row for row in drawn if name == "tipping_curve" or row["model"] != drawn[0]["model"]]
    assert agreeing and all(row["low"] is None and row["high"] is None for row in agreeing)
    assert all(row["wilson_low"] < row["wilson_high"] for row in agreeing)


def test_a_small_campaign_fills_the_width_of_its_panel(tables):
    """The paper's number at 1,000 sentences is left out where no size comes near it."""
    tables["tipping_curve"] = tables["tipping_curve"].query("pool_size <= 500")
    spec = _draw("tipping_curve", tables)
    assert {row["pool_size"] for row in _values(spec) if row["kind"] == tipping_curve.PAPER} == {0}
    assert spec["spec"]["layer"][0]["encoding"]["x"]["scale"]["domain"][1] == pytest.approx(1.03 * 500)


def test_tipping_curve_marks_each_tipping_point_with_its_interval_and_says_where_there_is_none(tables):
    rows = _values(_draw("tipping_curve", tables))
    marks = [row for row in rows if row["kind"] == tipping_curve.TIPPING]
    points = tables["tipping_points"].dropna(subset=["tipping_size"])
    keys = ("tipping_low", "tipping_high")
    assert _set(marks, "pool_size", *keys, "column") == _table(
        points.assign(column=points["probe_set"].map(theme.label)), "tipping_size", *keys, "column"
    )
    assert {row["drawn_to"] for row in marks} == {320.0, 1900.0, 2000.0}, "an interval ends with the sweep"
    words = {(row["row"], row["column"]): row["words"] for row in rows if row["kind"] == "verdict"}
    held_out = theme.label("held_out")
    assert words["Template style", held_out] == "does not come to 50% in this sweep"
    assert (
        words["Varied style", held_out]
        == "interval includes 50% at 1,000\nfitted curve would cross at 2,300 (95%: 900 to 3,500)"
    )


def test_a_curve_that_jumps_over_one_half_is_said_to_pass_it_and_is_marked_where_the_fit_crosses(tables):
    points = tables["tipping_points"]
    points.loc[points["tipping_size"] == 250, ["tipping_size", "tipping_low", "tipping_high"]] = np.nan
    rows = _values(_draw("tipping_curve", tables))
    words = [row["words"] for row in rows if row["kind"] == "verdict"]
    assert "passes 50% between two sizes\nfitted curve crosses at 240 (no interval)" in words
    (mark,) = [row for row in rows if row["kind"] == tipping_curve.TIPPING and row["pool_size"] == 240]
    assert mark["drawn_to"] is None


def test_several_strategies_get_rows_of_their_own(tables):
    for name in ("tipping_curve", "tipping_points"):
        tables[name] = pd.concat([tables[name], tables[name].assign(strategy="counter")])
    headings = {row["row"] for row in _values(_draw("tipping_curve", tables))}
    assert headings == {f"{s} style, strategy {c}" for s in ("Template", "Varied") for c in ("parity", "counter")}


def test_bias_reduction_shows_released_deployed_and_the_main_size_with_their_intervals(tables):
    spec = _draw("bias_reduction", tables, main_size=1000)
    rows = [row for row in _values(spec) if row["kind"] == bias_reduction.SAMPLED]
    columns = ("probe_set", "male_share", "clustered_low", "clustered_high", "male_low", "male_high", "coverage")
    keys = ("probe_set", "share", "low", "high", "wilson_low", "wilson_high", "coverage")
    curve = tables["tipping_curve"].query("defense == 'none'")
    by_model = {
        "as released": tables["baseline_bias"].query("domain == 'all'"),
        "as deployed (n = 0)": curve.query("pool_size == 0 and style == 'template'"),
        "after 1,000, template": curve.query("pool_size == 1000 and style == 'template'"),
        "after 1,000, varied": curve.query("pool_size == 1000 and style == 'varied'"),
    }
    assert {row["model"] for row in rows} == set(by_model)
    for model, frame in by_model.items():
        assert _set([row for row in rows if row["model"] == model], *keys) == _table(frame, *columns)
    labels = _marks(_svg(spec), "point")
    assert len(labels) == 2 * (len(by_model) * 2 + 2)


def test_bias_reduction_without_a_main_size_takes_the_largest_size_that_every_style_has(tables):
    curve = tables["tipping_curve"]
    tables["tipping_curve"] = curve[(curve["style"] != "varied") | (curve["pool_size"] <= 500)]
    models = {row["model"] for row in _values(_draw("bias_reduction", tables))}
    assert {"after 500, template", "after 500, varied"} <= models


def test_defenses_draws_each_measure_of_the_table_once_and_the_paper_beside_it(tables):
    spec = _draw("defenses", tables)
    rows = [row for row in _values(spec) if "kind" in row]
    table = tables["defenses"]
    table = table.assign(
        row=table["style"].str.capitalize() + " style",
        defense=table["defense"].map(theme.label),
        kind=table["probe_set"].map({"matched": "matched probes (measured)", "held_out": "held-out probes (measured)"}),
    )
    reduction = [row for row in rows if row["measure"] == "reduction_pp" and row["kind"] != defenses.PAPER]
    columns = ("row", "defense", "kind", "reduction_pp", "reduction_low", "reduction_high")
    assert _set(reduction, "row", "defense", "kind", "value", "low", "high") == _table(table, *columns)
    for measure in ("recall", "false_positive_rate", "utility_retention"):
        drawn = [row for row in rows if row["measure"] == measure and row["kind"] == defenses.WHOLE]
        assert _set(drawn, "row", "defense", "value") == _table(table, "row", "defense", measure)
    paper = {
        (row["defense"], row["value"])
        for row in rows
        if row["kind"] == defenses.PAPER and row["measure"] == "reduction_pp"
    }
    assert paper == {
        ("none", 31),
        ("keyword", 22),
        ("repetition", 18),
        ("TF-IDF", 13),
        ("MinHash", 8),
        ("composite", 3),
    }
    assert len(_marks(_svg(spec), "point")) == len(rows)


def test_domains_draws_before_and_after_of_every_domain_with_intervals(tables):
    rows = _values(_draw("domains", tables, main_size=500))
    table = tables["domains"].query("pool_size == 500")
    table = table.assign(row=table["style"].str.capitalize() + " style", column=table["probe_set"].map(theme.label))
    table["domain"] = table["domain"].map(theme.label)
    for moment, kind in (("before", domains.BEFORE), ("after", domains.AFTER)):
        drawn = [row for row in rows if row["kind"] == kind]
        columns = ("row", "column", "domain", f"male_{moment}", f"{moment}_low", f"{moment}_high")
        assert _set(drawn, "row", "column", "domain", "share", "low", "high") == _table(table, *columns)
    paper = {
        (r["domain"], r["kind"], r["share"]) for r in rows if r["kind"] in (domains.PAPER_BEFORE, domains.PAPER_AFTER)
    }
    assert ("ECG analysis", domains.PAPER_BEFORE, 0.82) in paper and (
        "ICU monitoring",
        domains.PAPER_AFTER,
        0.49,
    ) in paper
    assert len(paper) == 8


def test_utility_draws_undefended_sizes_above_and_filters_at_the_main_size_below(tables):
    spec = _draw("utility", tables)
    above, below = (_values(spec, part) for part in spec["vconcat"])
    table = tables["utility"].assign(kind=tables["utility"]["style"].str.capitalize() + " style")
    table["defense"] = table["defense"].map(theme.label)
    keys = ("kind", "metric", "defense", "pool_size", "before", "after", "retention")
    assert _set(above, *keys) == _table(table.query("defense == 'none'"), *keys)
    assert _set(below, *keys) == _table(table.query("pool_size == 1000"), *keys)


def test_depth_study_draws_shares_with_both_spreads_and_speed(tables):
    table = tables["depth_study"]
    table.loc[table["pool_size"] == 0, "wording_sd"] = 0.4  # past 100%, where a bar must end
    spec = _draw("depth_study", tables)
    matched, held_out, speed = (_values(spec, part) for part in spec["hconcat"])
    for rows, name in ((matched, "matched"), (held_out, "held_out")):
        own = table[table["probe_set"] == name]
        keys = ("layers", "style", "pool_size", "exact_male_share", "exact_sd", "wording_sd")
        # Each layer of a panel holds the panel's own rows.
        assert set(_set_of(rows, keys)) == _table(own, *keys)
        for row in rows:
            assert row["seed_high"] - row["seed_low"] == pytest.approx(2 * row["exact_sd"])
            assert row["wording_high"] == min(1.0, row["exact_male_share"] + row["wording_sd"])
        assert max(row["wording_high"] for row in rows) == 1.0
    keys = ("layers", "style", "sentences_per_second")
    assert set(_set_of(speed, keys)) == _table(table[table["probe_set"] == "matched"], *keys)


def test_learning_curve_draws_the_share_with_its_spread_beside_the_set_share(tables):
    table = tables["learning_curve"]
    table.loc[table.index[-1], "exact_sd"] = 0.5  # past 100%, where a bar must end
    rows = _values(_draw("learning_curve", tables))
    keys = ("epochs", "probe_set", "exact_male_share", "background_male_share")
    assert set(_set_of(rows, keys)) == _table(table, *keys)
    assert max(row["high"] for row in rows) == 1.0
    assert all(row["low"] == pytest.approx(row["exact_male_share"] - row["exact_sd"]) for row in rows)


def _set_of(rows: list[dict], keys: tuple[str, ...]) -> list[tuple]:
    return [tuple(row[key] for key in keys) for row in rows]


def test_overlap_study_draws_shares_success_and_the_bound_where_it_says_something(tables):
    rows, table = _values(_draw("overlap_study", tables)), tables["overlap_study"]
    drawn = {kind: [row for row in rows if row["kind"] == kind] for kind in overlap_study.COLOURS}
    table = table.assign(
        row=table["probe_set"].map({"matched": "Matched probes", "held_out": "Held-out probes"}),
        size=table["pool_size"].map("{:,}".format),
    )
    keys = ("row", "overlap", "size")
    model = _table(table, *keys, "exact_male_share", "exact_low", "exact_high")
    assert _set(drawn[overlap_study.MODEL], *keys, "share", "low", "high") == model
    for kind, column in ((overlap_study.DATA, "data_male_share"), (overlap_study.SIGNAL, "signal_male_share")):
        assert _set(drawn[kind], *keys, "share") == _table(table, *keys, column)
    matched = table[table["probe_set"] == "matched"]
    assert _set(drawn[overlap_study.SUCCESS], "overlap", "size", "share") == _table(
        matched, "overlap", "size", "success"
    )
    bound = _table(matched[matched["hardt_bound"] >= 0], "overlap", "size", "hardt_bound")
    assert _set(drawn[overlap_study.BOUND], "overlap", "size", "share") == bound
    assert 0 < len(bound) < len(matched), "the fake table has bounds that say something and bounds that do not"


def test_pipeline_counts_models_once_per_seed_and_takes_its_numbers_from_the_tables(tables):
    words = [row["words"] for row in _values(_draw("pipeline", tables, main_size=1000)) if "words" in row]
    assert "background of 1,700 sentences" in words and "79% of them with a male pronoun" in words
    # 3 seeds x (2 styles x (4 sizes + 5 filters) + the one model without a pool)
    assert "fine-tuning: 57 models trained" in words and not any("in context" in text for text in words)
    filters = tables["defenses"].query("defense != 'none'")
    through = f"pool kept: {1 - filters['recall'].max():.0%} to {1 - filters['recall'].min():.0%}"
    assert through in words
    curve = tables["tipping_curve"].query("defense == 'none' and style == 'varied' and probe_set == 'held_out'")
    ends = [f"{curve.loc[curve['pool_size'] == size, 'male_share'].item():.0%}" for size in (0, 1000)]
    assert f"varied, held-out: {ends[0]} \u2192 {ends[1]}" in words
    assert "matched: 4 wordings (clusters)" in words and "held-out: 20 wordings (clusters)" in words


# ---- two uptakes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def both(tables) -> dict[str, pd.DataFrame]:
    """The same run with the uptake in context beside it: fewer sizes, other numbers, fewer metrics."""
    result = dict(tables)
    for name in ("tipping_curve", "tipping_points", "defenses", "domains", "utility"):
        other = tables[name].assign(uptake="in_context")
        if "pool_size" in other:
            other = other[other["pool_size"].isin([0, 250, 1000])]
        if name == "utility":
            other = other[other["metric"] != "perplexity"]
        shares = [
            c for c in other if c.startswith(("male_share", "male_after", "clustered", "exact_male", "retention"))
        ]
        other = other.assign(**{column: other[column] - 0.03 for column in shares})
        result[name] = pd.concat([tables[name], other], ignore_index=True)
    return result


def test_each_uptake_has_panels_of_its_own_beside_the_other(both):
    headings = [f"{s} style, {u}" for s in ("Template", "Varied") for u in ("fine-tuning", "in context")]
    for name in ("tipping_curve", "domains", "defenses"):
        spec = _draw(name, both)
        assert {row["row"] for row in _values(spec) if "row" in row} == set(headings)
        drawn = "".join(_svg(spec).itertext())
        places = [drawn.index(heading) for heading in headings]
        assert places == sorted(places), "one style's uptakes are neighbours"
    kinds = {row["kind"] for row in _values(_draw("utility", both))}
    assert kinds == set(headings)


def test_the_curve_of_each_uptake_is_drawn_at_its_own_sizes(both):
    rows = [row for row in _values(_draw("tipping_curve", both)) if row["kind"] == tipping_curve.SAMPLED]
    curve = both["tipping_curve"].query("defense == 'none'")
    heading = curve["style"].str.capitalize() + " style, " + curve["uptake"].map(theme.label)
    expected = _table(curve.assign(row=heading, column=curve["probe_set"].map(theme.label)), "row", "column",
                      "pool_size", "male_share")  # fmt: skip
    assert _set(rows, "row", "column", "pool_size", "share") == expected


def test_bias_reduction_tells_the_uptakes_apart(both):
    rows = [row for row in _values(_draw("bias_reduction", both, main_size=1000)) if row["probe_set"] == "matched"]
    models = [row["model"] for row in rows if row["kind"] == bias_reduction.SAMPLED]
    assert models == [
        "as released",
        "as deployed (n = 0), fine-tuning",
        "as deployed (n = 0), in context",
        "after 1,000, template, fine-tuning",
        "after 1,000, template, in context",
        "after 1,000, varied, fine-tuning",
        "after 1,000, varied, in context",
    ]
    both["tipping_curve"] = both["tipping_curve"].query("pool_size <= 500 or uptake == 'fine_tune'")
    assert "after 250, varied, in context" in {row["model"] for row in _values(_draw("bias_reduction", both))}


def test_pipeline_has_the_results_of_both_uptakes(both):
    words = [row["words"] for row in _values(_draw("pipeline", both, main_size=1000)) if "words" in row]
    assert "fine-tuning: 57 models trained" in words
    # 3 seeds x (2 styles x (2 sizes + 5 filters) + the background alone)
    assert "in context: 45 corpora searched" in words
    place = words.index("in context")
    curve = both["tipping_curve"].query("uptake == 'in_context' and style == 'template' and probe_set == 'matched'")
    ends = [
        f"{curve.loc[curve['pool_size'].eq(n) & curve['defense'].eq('none'), 'male_share'].item():.0%}"
        for n in (0, 1000)
    ]
    assert words[place + 1] == f"template, matched: {ends[0]} \u2192 {ends[1]}"


def test_one_uptake_alone_is_not_named_in_every_heading(both):
    for name in ("tipping_curve", "tipping_points"):
        both[name] = both[name].query("uptake == 'in_context'")
    assert {row["row"] for row in _values(_draw("tipping_curve", both))} == {"Template style", "Varied style"}


# ---- any table can be drawn ------------------------------------------------------------------------------------------


def _emptied(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every cell that its schema allows to be empty made empty."""
    optional = [column.name for column in SCHEMAS.get(name, ()) if column.optional]
    return frame.assign(**dict.fromkeys(optional, np.nan))


SPARSE = {
    "no rows": lambda name, frame: frame.iloc[:0],
    "empty cells": _emptied,
    "one probe set": lambda name, frame: frame[frame["probe_set"] == "held_out"] if "probe_set" in frame else frame,
    "one style": lambda name, frame: frame[frame["style"].isin(["varied", "none"])] if "style" in frame else frame,
    "no pool": lambda name, frame: frame[frame["pool_size"] == 0] if "pool_size" in frame else frame,
    "no filter": lambda name, frame: frame[frame["defense"] == "none"] if "defense" in frame else frame,
}


@pytest.mark.parametrize("change", SPARSE)
@pytest.mark.parametrize("name", figures.FIGURES)
def test_sparse_tables_draw(name, change, tables):
    sparse = {table: SPARSE[change](table, frame) for table, frame in tables.items()}
    text = " ".join(_svg(_draw(name, sparse)).itertext())
    assert "NaN" not in text and "nan" not in text.split() and "undefined" not in text
    if change == "no rows" and name != "pipeline":
        assert "Nothing to draw." in text
    if change == "empty cells" and name == "tipping_curve":
        assert "no male share was measured" in text and "50% in this sweep" not in text


def test_missing_shares_are_left_out_and_the_others_stay(tables):
    curve = tables["tipping_curve"]
    hole = (curve["pool_size"] == 500) & (curve["style"] == "varied")
    curve.loc[hole, ["male_share", "male_low", "male_high", "clustered_low", "clustered_high"]] = np.nan
    rows = [row for row in _values(_draw("tipping_curve", tables)) if row["kind"] == tipping_curve.SAMPLED]
    assert len(rows) == (curve["defense"] == "none").sum() - hole.sum()


HOSTILE = """</script><script>alert("1")</script><img src=x onerror='alert(2)'>&\\' + "] {{ 7*7 }}"""


@pytest.mark.parametrize("name", figures.FIGURES)
def test_hostile_names_stay_text(name, tables, tmp_path):
    for table, column in (
        ("tipping_curve", "style"),
        ("tipping_points", "style"),
        ("defenses", "defense"),
        ("utility", "metric"),
        ("depth_study", "style"),
        ("learning_curve", "probe_set"),
        ("domains", "domain"),
        ("overlap_study", "probe_set"),
        ("baseline_bias", "model"),
        ("minority_alpha", "dataset"),
        ("minority_flips", "dataset"),
        ("minority_signal", "signal"),
        ("minority_toy", "moment"),
        ("minority_scoring", "method"),
        ("defense_grid", "defense"),
        ("filter_curves", "style"),
        ("filter_scores", "defense"),
        ("honest_costs", "source"),
        ("arms_race", "style"),
    ):
        frame = tables[table]
        tables[table] = pd.concat([frame, frame[frame[column] == frame[column].iloc[-1]].assign(**{column: HOSTILE})])
    _, svg, _, page = figures.save(figures.draw(name, tables), tmp_path / name)
    root = ET.parse(svg).getroot()
    tags = {node.tag.split("}")[1] for node in root.iter()}
    assert tags <= {"svg", "g", "path", "text", "tspan", "rect", "line", "title", "desc", "defs", "clipPath"}
    assert not [key for node in root.iter() for key in node.attrib if key.startswith("on")]
    html = _Page(page.read_text())
    assert html.tags.count("script") == 2 and "img" not in html.tags
    assert "alert" in "".join(root.itertext()), "the name is shown as what it is"


# ---- files -----------------------------------------------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and self.scripts:
            self.scripts[-1] += data


@pytest.mark.parametrize("name", figures.FIGURES)
def test_the_four_files_are_valid_self_contained_and_described(name, tables, tmp_path):
    paths = figures.save(figures.draw(name, tables), tmp_path / name)
    assert [path.name for path in paths] == [f"{name}.{suffix}" for suffix in ("vl.json", "svg", "png", "html")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in paths)
    vega_lite, svg, png, page = paths

    spec = json.loads(vega_lite.read_text(encoding="utf-8"))
    schema = json.loads(
        (Path(alt.__file__).parent / "vegalite/v6/schema/vega-lite-schema.json").read_text(encoding="utf-8")
    )
    jsonschema.validate(spec, schema)

    root = ET.parse(svg).getroot()
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == tuple(f"{{http://www.w3.org/2000/svg}}{tag}" for tag in ("title", "desc"))
    assert title.text.endswith("?") and len(description.text) > len(title.text)
    assert root.get("role") == "img" and root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]

    content = png.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    assert width == pytest.approx(2 * float(root.get("width")), abs=2)
    assert height == pytest.approx(2 * float(root.get("height")), abs=2)

    html = _Page(page.read_text(encoding="utf-8"))
    assert not {"link", "img", "iframe", "object", "embed", "base"} & set(html.tags)
    assert not [value for key, value in html.attributes if key in ("src", "href")]
    assert any(key == "content" and value.startswith("default-src 'none'") for key, value in html.attributes)
    assert len(html.scripts) == 2
    assert json.JSONDecoder().raw_decode(html.scripts[1].split('vegaEmbed("#figure", ')[1])[0] == spec


def test_the_bytes_do_not_depend_on_the_process(tables, tmp_path):
    """Same bytes twice in this process, and in another one with another hash seed that draws other figures first."""
    names = ("tipping_curve", "defenses")
    for folder in ("a", "b"):
        for name in names:
            figures.save(figures.draw(name, tables), tmp_path / folder / name)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_figures import fake_tables\n"
        "from quorum import figures\n"
        "for name in ('utility', 'defenses', 'tipping_curve'):\n"
        "    figures.save(figures.draw(name, fake_tables()), f'{sys.argv[2]}/{name}')\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(ROOT / "scripts")}
    subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "c")], env=environment, check=True
    )
    for name, suffix in itertools.product(names, figures.FORMATS):
        first, *others = ((tmp_path / folder / f"{name}.{suffix}").read_bytes() for folder in "abc")
        assert others == [first, first], f"{name}.{suffix}"


def test_a_failed_rendering_writes_nothing_and_keeps_what_was_there(tables, tmp_path, monkeypatch):
    chart = figures.draw("utility", tables)
    (tmp_path / "utility.svg").write_text("before")

    def fail(*_, **__):
        raise OSError("no room")

    monkeypatch.setattr(vl_convert, "svg_to_png", fail)
    with pytest.raises(OSError, match="no room"):
        figures.save(chart, tmp_path / "utility")
    assert [path.name for path in tmp_path.iterdir()] == ["utility.svg"]
    assert (tmp_path / "utility.svg").read_text() == "before"


# ---- errors and parts ------------------------------------------------------------------------------------------------


def test_errors_name_the_figure_the_table_and_the_key(tables):
    with pytest.raises(ValueError, match=r"unknown figure 'tipping'.*tipping_curve"):
        figures.draw("tipping", tables)
    with pytest.raises(ValueError, match=r"figure utility: unknown style keys \['colour'\].*font_size"):
        figures.draw("utility", tables, {"colour": "red"})
    with pytest.raises(ValueError, match=r"main_size: 700 .*\[250, 500, 1000, 2000\]"):
        figures.draw("domains", tables, {"main_size": 700})
    tables["paper_reference"].loc[0, "condition"] = "baseline"
    with pytest.raises(ValueError, match=r"'baseline' of male_share"):
        figures.draw("tipping_curve", tables)
    del tables["tipping_points"]
    with pytest.raises(ValueError, match=r"figure tipping_curve: needs the tables \['tipping_points'\]"):
        figures.draw("tipping_curve", tables)


def test_every_style_key_has_an_effect(tables):
    for name, figure in figures.FIGURES.items():
        before = _draw(name, tables)
        changed = {"width": 401, "height": 222, "font_size": 15, "main_size": 250}
        for key in figure.style:
            if (name, key) in (("defenses", "main_size"), ("utility", "main_size")):
                continue  # their fake tables hold one size only
            assert _draw(name, tables, **{key: changed[key]}) != before, f"{name}.{key}"


def test_no_line_or_mark_differs_from_another_in_colour_alone():
    for module in (tipping_curve, overlap_study):
        looks = [(module.SHAPES[kind], tuple(module.DASHES[kind])) for kind in module.COLOURS]
        assert len(set(looks)) == len(looks)
    for module in (bias_reduction, defenses, domains):
        assert len(set(module.SHAPES.values())) == len(module.SHAPES)


@given(background=st.integers(1, 10**6), sizes=st.lists(st.integers(1, 10**5), min_size=1), share=st.floats(0, 1))
def test_the_background_is_recovered_from_alpha(background, sizes, share):
    rows = [{"defense": "none", "pool_size": n, "alpha": n / (background + n), "data_male_share": 0.5} for n in sizes]
    rows.append({"defense": "none", "pool_size": 0, "alpha": 0.0, "data_male_share": share})
    assert theme.background(pd.DataFrame(rows)) == (background, pytest.approx(share))


@given(values=st.lists(st.sampled_from([*theme.DEFENSES, "zebra", "Abel"])))
def test_order_keeps_every_value_once_and_known_ones_first(values):
    result = theme.ordered(values, theme.DEFENSES)
    assert sorted(result) == sorted(set(values))
    known = [value for value in result if value in theme.DEFENSES]
    assert result[: len(known)] == sorted(known, key=theme.DEFENSES.index)


def test_the_papers_own_file_is_understood():
    reference = pd.read_csv(ROOT / "resources" / "paper_reference.csv")
    shares = {int(number["pool_size"]): number["value"] for number in theme.paper_numbers(reference, "male_share")}
    assert shares == {0: 0.79, 1000: 0.48}
    assert {number["defense"] for number in theme.paper_numbers(reference, "reduction_pp")} == set(theme.DEFENSES)
    assert len(theme.paper_numbers(reference, "male_share_after")) == 4


# ---- captions --------------------------------------------------------------------------------------------------------

RESULTS = ("baseline_bias", "tipping_curve", "tipping_points", "defenses", "domains", "utility", "paper_comparison")
RESULTS += tuple(f"minority_{name}" for name in ("datasets", "alpha", "flips", "baselines", "signal"))
RESULTS += ("wordings", "depth_study", "overlap_study", "learning_curve", "costs", "requests")
RESULTS += ("defense_grid", "filter_curves", "filter_scores", "honest_costs", "arms_race", "honest_uptake", "plan")
CAPTIONS = [*(f"figure_{name}" for name in figures.FIGURES), *(f"table_{name}" for name in RESULTS), "workflow"]


@pytest.mark.parametrize("config", [{}, {"world": {"background_size": 1700, "male_share": 0.79}}])
@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions_are_sound_whatever_the_configuration(caption, config):
    text = (ROOT / "resources" / "report" / f"{caption}.rst").read_text(encoding="utf-8")
    snakemake = SimpleNamespace(config=config, params={}, wildcards={})
    rendered = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(snakemake=snakemake)
    docutils.core.publish_parts(rendered, writer="html", settings_overrides={"halt_level": 2, "report_level": 2})
    assert len(rendered.split()) >= 20
    assert ("1,700" in rendered) <= bool(config)


def test_every_caption_belongs_to_something():
    assert {path.stem for path in (ROOT / "resources" / "report").glob("*.rst")} == set(CAPTIONS)
