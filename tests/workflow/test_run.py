"""A whole run on the real model: what it leaves, and what it does again after a change."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterable
from pathlib import Path

import interruptions
import pandas as pd
import pytest
import runs

from quorum import tables
from quorum.figures import FIGURES, FORMATS
from quorum.schemas import SCHEMAS

pytestmark = [pytest.mark.workflow, pytest.mark.model, pytest.mark.apart]

TABLES = (
    "baseline_bias",
    "tipping_curve",
    "tipping_points",
    "defenses",
    "domains",
    "utility",
    "paper_comparison",
    "wordings",
    "costs",
    "depth_study",
    "overlap_study",
    "learning_curve",
    "defense_grid",
    "filter_curves",
    "filter_scores",
    "honest_costs",
    "arms_race",
    "honest_uptake",
    "minority_datasets",
    "minority_flips",
    "minority_alpha",
    "minority_baselines",
    "minority_signal",
    "plan",
)
SIDE_STUDIES = {"depth_study", "overlap_study", "learning_curve", "arms_race"}
DEFENSES = ("keyword", "repetition", "tfidf", "minhash", "composite")
STYLES = ("template", "varied")
PROBE_SETS = ("held_out", "matched")
STUDY = Path("results", "uptake", "fine_tune", "last2", "overlap0.0")
IN_CONTEXT = Path("results", "uptake", "in_context", "near1", "overlap0.0")
UPTAKES = ("fine_tune", "in_context")
SIZES = {"fine_tune": (0, 20, 40), "in_context": (0, 40)}


def named(rules: Iterable[str]) -> set[str]:
    """Rules without the one that only asks for all others."""
    return set(rules) - {"all"}


# ---- what a run leaves -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_there_with_its_columns_in_both_formats(finished, name):
    path = finished / "results" / "tables" / name
    table = tables.read_table(f"{path}.parquet", name)
    assert len(table)
    # A text may be empty, and a number absent; in CSV both are nothing, and a column of whole numbers is one of floats.
    texts = {column.name: str for column in SCHEMAS[name] if column.dtype == "string"}
    text = pd.read_csv(
        f"{path}.csv", dtype=texts, keep_default_na=False, na_values={c: [""] for c in table if c not in texts}
    )
    assert list(text.columns) == [column.name for column in SCHEMAS[name]]
    absent = {column: float for column in table.select_dtypes("Int64") if table[column].isna().any()}
    pd.testing.assert_frame_equal(text, table.astype(absent), check_dtype=False, rtol=1e-9)


def test_no_table_is_there_that_nobody_declared(finished):
    assert {path.stem for path in (finished / "results" / "tables").iterdir()} == set(TABLES)


def test_tables_have_a_row_for_every_condition(finished):
    def keys(name: str, *columns: str) -> set[tuple]:
        table = tables.read_table(finished / "results" / "tables" / f"{name}.parquet", name)
        rows = [tuple(row) for row in table[list(columns)].to_numpy()]
        assert len(rows) == len(set(rows))
        return set(rows)

    swept = {(u, s, p, "none", n) for u in UPTAKES for s in STYLES for p in PROBE_SETS for n in SIZES[u]}
    filtered = {(u, s, p, d, 40) for u in UPTAKES for s in STYLES for p in PROBE_SETS for d in DEFENSES}
    assert keys("tipping_curve", "uptake", "style", "probe_set", "defense", "pool_size") == swept | filtered
    compared = {(u, s, p, d) for u in UPTAKES for s in STYLES for p in PROBE_SETS for d in ("none", *DEFENSES)}
    assert keys("defenses", "uptake", "style", "probe_set", "defense") == compared
    assert keys("tipping_points", "uptake", "style", "probe_set", "defense") == compared
    assert len(keys("baseline_bias", "probe_set", "domain")) == 2 * (4 + 1)
    assert len(keys("domains", "uptake", "style", "probe_set", "pool_size", "domain")) == 2 * 2 * (2 + 1) * 4
    metrics = {"entropy", "perplexity", "coherence", "accuracy", "honest_share"}
    everywhere = {(u, s, d, m) for u, s, _, d in compared for m in metrics}
    assert {key[:4] for key in keys("utility", "uptake", "style", "defense", "metric", "pool_size")} == everywhere
    depths = {(k, s, n, p) for k in (1, 2) for s, n in (("none", 0), *((s, 40) for s in STYLES)) for p in PROBE_SETS}
    assert keys("depth_study", "layers", "style", "pool_size", "probe_set") == depths
    worlds = {(xi, n, p) for xi in (0.0, 1.0) for n in (0, 40) for p in PROBE_SETS}
    assert keys("overlap_study", "overlap", "pool_size", "probe_set") == worlds


def test_in_context_a_probe_stands_after_its_contributions(finished):
    probes = tables.read_table(finished / "results" / "probes.parquet", "probes")
    pool = tables.read_table(finished / "results" / "pool" / "template" / "parity" / "seed1.parquet", "contributions")
    background = tables.read_table(
        finished / "results" / "background" / "overlap0.0" / "seed1.parquet", "contributions"
    )
    stream = pd.concat([background, pool]).set_index("contribution_id")
    texts = stream["prompt"] + stream["completion"]
    seen = set()
    for style, size in (("none", 0), ("template", 40)):
        folder = IN_CONTEXT / style / ("parity" if size else "none") / f"n{size}" / "none" / "seed1"
        prompts = tables.read_table(finished / folder / "prompts.parquet", "prompts")
        ids = [json.loads(names)[0] for names in prompts["contributions"]]
        assert prompts["prompt"].tolist() == [
            f"{texts[name]}\n{p}" for name, p in zip(ids, probes["prompt"], strict=True)
        ]
        allowed = set(background["contribution_id"]) | set(pool["contribution_id"].head(size))
        assert set(ids) <= allowed
        audit = tables.read_table(finished / folder / "audit.parquet", "audit")
        assert audit["probe_id"].tolist() == probes["probe_id"].tolist() and (audit["seen_mass"] == 1).all()
        seen.add(tuple(ids))
    assert len(seen) == 2


def test_costs_count_the_jobs_of_the_run(finished):
    costs = tables.read_table(finished / "results" / "tables" / "costs.parquet", "costs").set_index("rule")
    models = 1 + 2 * 2 + 2 * 5
    # The studies beside the main one may have begun before the table was made.
    assert costs.loc["fine_tune", "jobs"] >= models and costs.loc["audit_model", "jobs"] >= models
    assert (costs["seconds_total"] >= costs["seconds_mean"]).all()


def test_figures_are_whole_in_every_format(finished):
    folder = finished / "results" / "figures"
    assert {path.name for path in folder.iterdir()} == {f"{name}.{suffix}" for name in FIGURES for suffix in FORMATS}
    for name in FIGURES:
        assert json.loads((folder / f"{name}.vl.json").read_text(encoding="utf-8"))["$schema"]
        assert ElementTree.parse(folder / f"{name}.svg").getroot().tag.endswith("svg")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n")
        assert (folder / f"{name}.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_the_release_is_balanced_and_of_the_size_that_the_agents_can_write(finished):
    for style in STYLES:
        sentences = tables.read_table(finished / "results" / "release" / style / "sentences.parquet", "sentences")
        assert sentences["gender"].value_counts().to_dict() == {"male": 20, "female": 20}


def test_nothing_half_written_is_left(finished):
    assert [path for path in (finished / "results").rglob(".*")] == []
    assert [path for path in (finished / "resources" / "retrieved").rglob(".*")] == []


def test_the_report_has_every_table_and_figure_with_its_caption(spoilt):
    done = runs.snakemake(spoilt, "--report", "report.zip", configs=["config/tiny.yaml"])
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(spoilt / "report.zip") as archive:
        content = "\n".join(archive.read(name).decode(errors="replace") for name in archive.namelist())
    for kind, names in (("table", set(TABLES) - SIDE_STUDIES - {"honest_uptake"}), ("figure", ["tipping_curve"])):
        for name in names:
            caption = (runs.ROOT / "resources" / "report" / f"{kind}_{name}.rst").read_text(encoding="utf-8")
            words = next(line for line in caption.splitlines() if len(line.split()) > 5 and "`" not in line)
            assert words.split("*")[0][:40] in content, f"{kind} {name}"


# ---- what is done again ----------------------------------------------------------------------------------------------


def test_a_second_run_has_nothing_to_do(finished):
    again = runs.run(finished, *runs.EVERYTHING)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout


def test_a_copy_of_a_run_has_nothing_to_do(spoilt):
    """Else the tests below would prove nothing."""
    assert runs.planned(spoilt) == []


def test_a_style_key_redraws_its_figure_alone(replanned):
    jobs = replanned({"figures": {"domains": {"width": 341}}})
    assert named(runs.count(jobs)) == {"draw_domains"}


@pytest.mark.parametrize(
    ("changes", "again", "stay"),
    [
        (
            {"audit": {"max_tokens": 5}},
            {"audit_released", "audit_model", "gather"},
            {"fine_tune", "write_probes", "write_pool", "score_contributions"},
        ),
        ({"probes": {"held_out": 160}}, {"write_probes", "audit_released", "audit_model"}, {"fine_tune", "write_pool"}),
        (
            {"fine_tune": {"rank": 4}},
            {"fine_tune", "audit_model", "tipping"},
            {"encode_background", "encode_pool", "encode_utility", "audit_released", "score_contributions"},
        ),
        (
            {"world": {"male_share": 0.7}},
            {"write_background", "write_pool", "encode_background", "score_contributions", "fine_tune"},
            {"audit_released", "encode_utility", "act_collectively"},
        ),
        (
            {"statistics": {"resamples": 101}},
            {"tipping", "baseline_bias", "defense_effects"},
            {"fine_tune", "audit_model", "audit_released", "gather", "write_pool"},
        ),
    ],
    ids=["audit", "probes", "fine_tune", "world", "statistics"],
)
def test_a_key_reruns_what_reads_it_and_what_follows(replanned, changes, again, stay):
    counted = set(runs.count(replanned(changes)))
    assert again <= counted and not stay & counted


def test_a_caption_reruns_nothing(spoilt):
    append(spoilt / "resources" / "report" / "table_domains.rst", "More words.\n")
    assert runs.planned(spoilt) == []


def append(path: Path, line: str = "# another line\n") -> None:
    """Anew, since the file may be shared by several folders."""
    content = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(content + line, encoding="utf-8")


# The tables' way out of the house.
RELEASED = {"release_run", "describe_release"}


def changed_by(jobs: list[runs.Job], path: str) -> set[str]:
    """Rules that run because of the file itself."""
    return {job.rule for job in jobs if "Updated input files" in job.reason and path in job.reason}


def test_an_edited_module_reruns_what_imports_it_and_what_follows(spoilt):
    append(spoilt / "scripts" / "quorum" / "tipping.py")
    jobs = runs.planned(spoilt)
    # The other rule that imports it is told to follow the first.
    assert changed_by(jobs, "quorum/tipping.py") == {"tipping"}
    follows = {"defenses", "paper_comparison", "costs", "plan_campaign", "write_report", *RELEASED}
    figures = {f"draw_{name}" for name, figure in FIGURES.items() if {"tipping_curve"} & set(figure.tables)}
    assert named(runs.count(jobs)) <= {"tipping", "publish_tipping"} | follows | figures
    assert {"tipping", "publish_tipping", "paper_comparison", "draw_tipping_curve"} <= set(runs.count(jobs))


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("quorum/figures/theme.py", {f"draw_{name}" for name in FIGURES if name not in SIDE_STUDIES}),
        ("quorum/figures/domains.py", {"draw_domains", "write_report"}),
        ("quorum/conditions.py", {"write_report"}),
        ("quorum/defenses/tfidf.py", {"score_contributions", "sweep_filters", "score_honest_text"}),
    ],
)
def test_an_edited_module_that_is_found_by_name_reruns_its_rules(spoilt, module, rules):
    append(spoilt / "scripts" / module)
    assert changed_by(runs.planned(spoilt), module) == rules


def test_an_edit_of_the_estimates_reruns_tables_and_no_model(spoilt):
    append(spoilt / "scripts" / "quorum" / "statistics.py")
    counted = set(runs.count(runs.planned(spoilt)))
    assert {"tipping", "baseline_bias", "draw_tipping_curve"} <= counted
    assert not {"fine_tune", "audit_model", "audit_released", "write_pool", "score_contributions"} & counted


def test_an_edited_door_reruns_its_rule(spoilt):
    append(spoilt / "scripts" / "wordings.py")
    drawn_from_it = {f"draw_{name}" for name, figure in FIGURES.items() if "wordings" in figure.tables}
    assert named(runs.count(runs.planned(spoilt))) == {"wordings", "costs", "write_report", *RELEASED} | drawn_from_it


@pytest.mark.parametrize("changes", [{"strengths": {"moderate": 0.1}}, {"at_strength": "strong"}], ids=str)
def test_another_strength_scores_nothing_anew_and_leaves_undefended_models_alone(replanned, changes):
    jobs = replanned({"defense": changes})
    assert runs.count(jobs)["score_contributions"] == 0
    trained = [job for job in jobs if job.rule == "fine_tune"]
    assert sorted(job.wildcards["defense"].split("-")[0] for job in trained) == sorted(2 * DEFENSES)
    audited = [job for job in jobs if job.rule == "audit_model"]
    assert not any("/none/" in job.wildcards["condition"] for job in audited)
    counted = runs.count(jobs)
    assert counted["ask_in_context_filtered"] == 1 and not counted["ask_in_context_undefended"]
    assert runs.count(jobs)["encode_pool"] == runs.count(jobs)["write_background"] == 0


def test_a_strength_behind_which_nothing_is_trained_judges_and_trains_nothing(replanned):
    counted = runs.count(replanned({"defense": {"strengths": {"strong": 0.3}}}))
    assert counted["sweep_filters"] and counted["draw_defense_grid"]
    assert not {"score_contributions", "judge_contributions", "fine_tune", "audit_model"} & set(counted)


def test_one_filter_less_leaves_the_others_alone(replanned):
    names = ["none", "keyword", "repetition", "tfidf", "minhash"]
    counted = runs.count(replanned({"defense": {"names": names}}))
    assert counted["defense_effects"] == 1
    assert not {"score_contributions", "judge_contributions", "fine_tune", "audit_model"} & set(counted)


def test_one_more_seed_runs_that_seed_and_what_adds_up(replanned):
    jobs = replanned({"seeds": [1, 2]})
    of_a_seed = [job for job in jobs if "seed" in job.wildcards or "seed" in job.wildcards.get("condition", "")]
    assert of_a_seed and all("seed2" in job.output[0] for job in of_a_seed)
    others = named(runs.count(jobs)) - set(runs.count(of_a_seed))
    figures = {f"draw_{name}" for name in FIGURES if name not in SIDE_STUDIES and not name.startswith("minority")}
    summaries = {"baseline_bias", "gather", "describe_streams", "tipping", "publish_tipping", "domains", "wordings"}
    summaries |= {"utility", "defense_effects", "paper_comparison", "costs", "filter_curves", "defense_grid"}
    summaries |= {"plan_campaign", "write_report", *RELEASED}
    # Honest text is scored once, whatever the seeds.
    assert others == summaries | figures - {"draw_honest_costs"}


def test_a_smaller_sweep_trains_nothing(replanned):
    jobs = replanned({"collective": {"sizes": [0, 40]}})
    assert not {"fine_tune", "audit_model", "write_pool"} & set(runs.count(jobs))
    assert "gather" in runs.count(jobs)


AUDIT = STUDY / "varied" / "parity" / "n40" / "none" / "seed1" / "audit.parquet"


def test_a_forced_audit_is_followed_by_all_that_reads_it_and_no_training(spoilt):
    counted = runs.count(runs.planned(spoilt, "all", "--forcerun", str(AUDIT)))
    assert counted["audit_model"] == 1
    assert {"gather", "tipping", "domains", "wordings", "draw_tipping_curve"} <= set(counted)
    assert not {"fine_tune", "score_contributions", "encode_pool", "audit_released"} & set(counted)


@pytest.mark.parametrize(
    ("path", "rule", "follow", "stay"),
    [
        (AUDIT, "audit_model", {"gather", "tipping", "draw_tipping_curve", "costs"}, {"fine_tune", "describe_streams"}),
        (
            Path("results/pool/varied/parity/seed1.parquet"),
            "write_pool",
            {"encode_pool", "fine_tune", "audit_model", "draw_defenses"},
            {"write_background", "encode_background", "baseline_bias", "act_collectively"},
        ),
        (
            Path("results/minority/runs/compas/logistic_regression/seed2.parquet"),
            "act_collectively",
            {"minority_flips", "minority_alpha", "draw_minority_pareto", "paper_comparison"},
            {"minority_baselines", "mitigate", "gather"},
        ),
    ],
    ids=["an audit", "a pool", "a run of the minority study"],
)
def test_a_deleted_table_is_missed_and_made_again_with_what_follows(spoilt, path, rule, follow, stay):
    (spoilt / path).unlink()
    counted = runs.count(runs.planned(spoilt))
    assert counted[rule] == 1 and follow <= set(counted) and not stay & set(counted)


def test_a_deleted_table_comes_back_as_it_was_and_so_does_what_follows(spoilt):
    before = interruptions.results(spoilt)
    (spoilt / "results" / "statistics" / "undefended" / "streams.parquet").unlink()
    done = runs.run(spoilt)
    assert done.returncode == 0, done.stdout
    assert interruptions.results(spoilt) == before
    assert runs.planned(spoilt) == []


def test_hidden_states_and_adapters_may_go_until_something_needs_them(spoilt):
    for path in (spoilt / "results").rglob("*.safetensors"):
        path.unlink()
    assert runs.planned(spoilt) == []
    (spoilt / AUDIT).unlink()
    assert {"encode_background", "encode_utility", "fine_tune"} <= set(runs.count(runs.planned(spoilt)))


@pytest.mark.parametrize("module", ["settings", "sources", "learning"])
def test_a_comment_in_a_module_that_no_script_of_the_study_runs_reruns_nothing(spoilt, module):
    append(spoilt / "scripts" / "quorum" / f"{module}.py")
    assert runs.planned(spoilt) == []


# ---- the same again --------------------------------------------------------------------------------------------------


def test_the_same_configuration_elsewhere_gives_the_same_bytes(finished, unused):
    runs.copy_retrieved(finished, unused)
    # Measured on the machine, and two measurements may choose differently where both precisions are as fast.
    precision = Path("results", "machine", "precision.parquet")
    (unused / precision).parent.mkdir(parents=True)
    shutil.copy(finished / precision, unused / precision)
    sentences = "results/release/varied/sentences.csv"
    done = runs.run(unused, "bargaining", sentences, "results/tables/baseline_bias.csv")
    assert done.returncode == 0, done.stdout
    made = [
        path.relative_to(unused)
        for suffix in ("csv", "parquet", "safetensors")
        for path in (unused / "results").rglob(f"*.{suffix}")
    ]
    assert Path("results/tables/wordings.csv") in made and Path(sentences) in made
    differ = [str(path) for path in made if (unused / path).read_bytes() != (finished / path).read_bytes()]
    assert differ == []
