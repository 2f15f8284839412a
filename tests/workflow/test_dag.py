"""What the workflow plans to do, before anything runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
import runs
import yaml

from quorum import conditions, report, settings
from quorum.figures import FIGURES

pytestmark = pytest.mark.workflow

TARGETS = {
    "all",
    "retrieve",
    "baseline",
    "bargaining",
    "defenses",
    "figures",
    "release",
    "plan",
    "depth_study",
    "overlap_study",
    "learning_curve",
    "arms_race",
    "minority",
    "scale",
    "report",
}

SEEDS = len(yaml.safe_load((runs.ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))["seeds"])


FILTERING = ("monitor", "score_contributions", "score_honest_text", "score_partition", "sweep_filters")
IN_PARTS = ("find_contexts_", "ask_in_context_", "ask_server_")
SERVED = {
    "uptakes": ["in_context"],
    "model": {"backend": "endpoint", "name": "any"},
    "endpoint": {"base_url": "http://127.0.0.1:9/v1"},
}


def script_of(rule: str) -> str:
    """Scripts have the names of their rules, but sentences are sentences, whoever wrote them, a figure a figure, a sum
    over runs a sum over runs, and a question a question, whatever a filter let through."""
    if rule.startswith("draw_"):
        return "draw_figure"
    if rule.startswith(IN_PARTS):
        return rule.rpartition("_")[0]
    if rule in conditions.minority_runs(settings.defaults(settings.read(runs.ROOT / "config" / "schema.yaml"))):
        return "minority_table"
    shared = {
        "encode_pool": "encode_background",
        "write_reference": "write_stream",
        "judge_partition": "judge_contributions",
    }
    return shared.get(rule, rule)


READ_RULES = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

with SnakemakeApi(OutputSettings()) as api:
    settings = ConfigSettings(configfiles=[Path(name) for name in sys.argv[1:]])
    workflow = api.workflow(ResourceSettings(), config_settings=settings, snakefile=Path("Snakefile"))._workflow
    print(json.dumps([
        {
            "name": rule.name,
            "docstring": rule.docstring,
            "script": rule.script and str(rule.script),
            "log": [str(path) for path in rule.log],
            "benchmark": rule.benchmark and str(rule.benchmark),
            "paths": [str(path) for path in rule.input],
            "input": [name for name, _ in rule.input._allitems()],
            "output": [name for name, _ in rule.output._allitems()],
            "products": [str(path) for path in rule.products()],
            "code": [str(path) for path in getattr(rule.input, "code", [])],
        }
        for rule in workflow.rules
    ]))
"""


def read_rules(folder, *configs: str) -> dict[str, dict]:
    """Every rule as Snakemake has read it."""
    read = [sys.executable, "-c", READ_RULES, *configs]
    printed = subprocess.run(read, cwd=folder, capture_output=True, encoding="utf-8", check=True).stdout
    return {rule["name"]: rule for rule in json.loads(printed)}


@pytest.fixture(scope="module")
def rules(fresh) -> dict[str, dict]:
    """Every rule, with those that ask a server; they come on top of all others."""
    return read_rules(fresh, runs.write_config(fresh, SERVED, "served.yaml"))


@pytest.fixture(scope="module")
def default(fresh) -> list[runs.Job]:
    return runs.planned(fresh, configs=())


# ---- the rules -------------------------------------------------------------------------------------------------------


def test_every_rule_says_what_it_does(rules):
    assert [name for name, rule in rules.items() if not rule["docstring"]] == []


def test_rules_without_a_script_are_the_named_targets(rules):
    assert {name for name, rule in rules.items() if not rule["script"]} == TARGETS
    for name in TARGETS - {"all"}:
        assert rules[name]["docstring"].startswith("Target: ")


def test_every_rule_has_log_benchmark_and_names_for_its_files(rules):
    for name in rules.keys() - TARGETS:
        rule, folder = rules[name], name
        if name.startswith(("draw_", *IN_PARTS)):
            folder = script_of(name)
        assert len(rule["log"]) == 1 and rule["log"][0].startswith(f"results/logs/{folder}"), name
        assert rule["benchmark"].startswith(f"results/benchmarks/{folder}/"), name
        assert rule["output"] and None not in rule["output"], name
        assert rule["input"] and None not in rule["input"], name
        assert "code" in rule["input"], name


def test_every_rule_has_a_script_of_its_name_and_every_script_a_rule(rules):
    scripts = {name: rule["script"] for name, rule in rules.items() if rule["script"]}
    assert scripts == {name: f"../scripts/{script_of(name)}.py" for name in scripts}
    doors = {f"../scripts/{path.name}" for path in (runs.ROOT / "scripts").glob("*.py")}
    assert set(scripts.values()) == doors


def imported(script: Path, *by_name: str) -> set[str]:
    """Files of the library that a script runs, as the standard library's own finder sees it."""
    finder = ModuleFinder(path=[str(runs.ROOT / "scripts")])
    finder.run_script(str(script))
    for name in by_name:
        finder.import_hook(name)
    files = {Path(module.__file__) for module in finder.modules.values() if module.__file__}
    return {str(file.relative_to(runs.ROOT)) for file in files - {script}}


def test_every_rule_waits_for_exactly_the_modules_that_its_script_runs(rules):
    """So that an edited module reruns what runs it, and an edit of another one reruns nothing."""
    library = runs.ROOT / "scripts"
    files = [path.relative_to(library).with_suffix("") for path in (library / "quorum" / "defenses").rglob("*.py")]
    filters = [".".join(file.parts).removesuffix(".__init__") for file in files]
    for name in rules.keys() - TARGETS:
        by_name = filters if name in FILTERING else []
        if name == "write_report":
            by_name = [f"quorum.figures.{FIGURES[figure].module}" for figure in report.FIGURES]
        if name.startswith("draw_"):
            by_name = [f"quorum.figures.{FIGURES[name.removeprefix('draw_')].module}"]
        assert set(rules[name]["code"]) == imported(runs.ROOT / "scripts" / f"{script_of(name)}.py", *by_name), name


@pytest.mark.parametrize("path", sorted((runs.ROOT / "profiles").glob("*/*.yaml")), ids=lambda path: path.parent.name)
def test_profiles_name_rules_that_there_are(rules, path):
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    named = {rule for key in ("groups", "set-resources", "set-threads") for rule in profile.get(key) or {}}
    assert named <= set(rules), named - set(rules)


def test_no_two_rules_make_the_same_file(rules):
    # What a server is asked takes the place of what a model on this machine is asked, by an order of rules.
    local = {name for name in rules if not name.startswith("ask_server_")}
    products = [path for name in local - TARGETS for path in rules[name]["products"]]
    assert len(products) == len(set(products))


def test_the_list_of_what_can_be_asked_for_reads_like_a_table_of_contents(fresh, rules):
    """Every entry says in one line what comes of it; a target begins with that word."""
    listed = runs.snakemake(fresh, "--list-target-rules").stdout
    entries = dict(re.findall(r"^(\w+) \((.+)\)$", listed, re.MULTILINE))
    assert TARGETS | {"draw_tipping_curve", "baseline_bias"} <= entries.keys() <= rules.keys()
    assert "fine_tune" not in entries  # it has wildcards
    assert [name for name, entry in entries.items() if entry[-1] not in ".?" or len(entry) > 110] == []
    assert [name for name, entry in entries.items() if entry.startswith("Target: ")] == sorted(TARGETS - {"all"})


# ---- other uses of the same files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--dag", "--rulegraph", "--filegraph"])
def test_graphs_are_printed_without_anything_else(fresh, option):
    """So that they can go into `dot` as they come."""
    command = runs.command("bargaining", option)
    drawn = subprocess.run(
        command, cwd=fresh, env=runs.environment(), capture_output=True, encoding="utf-8", check=True
    )
    assert drawn.stdout.startswith("digraph snakemake_dag {") and drawn.stdout.rstrip().endswith("}")


@pytest.mark.skipif(not shutil.which("git"), reason="an archive holds what git knows")
def test_an_archive_of_the_workflow_plans_the_same_elsewhere(unused, tmp_path_factory):
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    for step in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *step], cwd=unused, check=True)
    made = runs.snakemake(unused, "--archive", "study.tar.gz")
    assert made.returncode == 0, made.stdout
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(unused / "study.tar.gz") as archive:
        archive.extractall(elsewhere, filter="data")
    assert runs.count(runs.planned(elsewhere)) == runs.count(runs.planned(unused))


# ---- the jobs --------------------------------------------------------------------------------------------------------


def test_the_default_study_has_few_jobs_and_trains_every_condition_once(default):
    """By hand: for every seed a model for n = 0, 2 styles x 4 sizes, and 2 styles x 5 filters; a third style is only
    tried against the filters."""
    counted = runs.count(default)
    assert len(default) <= 360
    assert counted["fine_tune"] == counted["audit_model"] == SEEDS * (1 + 2 * 4 + 2 * 5)
    assert counted["score_contributions"] == counted["sweep_filters"] == SEEDS * 3
    assert counted["judge_contributions"] == SEEDS * 2 * 5
    assert counted["write_background"] == counted["encode_background"] == SEEDS
    assert sum(rule.startswith("draw_") for rule in counted) == 6 + 4 + 7
    # In context a seed is one block, and another one with filters.
    for part in ("undefended", "filtered"):
        assert counted[f"find_contexts_{part}"] == counted[f"ask_in_context_{part}"] == SEEDS
    # 3 data sets x 2 learners x 5 seeds; the signal has one data set and one learner more.
    assert counted["act_collectively"] == counted["mitigate"] == 3 * 2 * 5
    assert counted["plant_signal"] == 3 * 5


def test_every_table_between_the_rules_is_asked_for_so_that_one_that_is_deleted_is_missed(fresh, default):
    """But for what came from outside or is the machine's own, and what lies beside hidden states and adapters."""
    made = {path: job for job in default for path in job.output if path.endswith(".parquet")}
    asked = set(read_rules(fresh)["all"]["paths"])
    together = {path for path, job in made.items() if asked & set(job.output)}
    outside = {"retrieve_model", "retrieve_texts", "retrieve_cohort", "measure_precision"}
    assert {made[path].rule for path in made.keys() - together} == outside | {"fine_tune", "encode_utility"}


def test_the_model_as_deployed_is_trained_once_per_seed(default):
    zero = [job for job in default if job.rule == "fine_tune" and job.wildcards["size"] == "0"]
    assert sorted(job.wildcards["seed"] for job in zero) == [str(seed) for seed in range(1, SEEDS + 1)]
    assert {job.wildcards["style"] for job in zero} == {"none"}


def test_the_tipping_curve_waits_for_no_filter(fresh):
    jobs = runs.planned(fresh, "results/figures/tipping_curve.svg", configs=())
    counted = runs.count(jobs)
    assert counted["score_contributions"] == 0
    assert counted["fine_tune"] == SEEDS * (1 + 2 * 4)
    assert counted["ask_in_context_undefended"] == SEEDS and not counted["ask_in_context_filtered"]
    assert [rule for rule in counted if rule.startswith("draw_")] == ["draw_tipping_curve"]
    assert not any(path.startswith("results/tables/") for job in jobs for path in job.output)


@pytest.mark.parametrize(
    ("target", "needs", "needs_not"),
    [
        ("retrieve", {"retrieve_model", "retrieve_cohort", "record_provenance"}, {"audit_released"}),
        ("baseline", {"audit_released", "record_provenance"}, {"fine_tune", "write_pool"}),
        ("bargaining", {"fine_tune", "tipping", "wordings"}, {"score_contributions", "draw_domains"}),
        ("defenses", {"score_contributions", "defense_effects"}, {"draw_defenses", "act_collectively"}),
        ("minority", {"retrieve_cohort", "act_collectively", "minority_alpha"}, {"retrieve_model", "costs"}),
        ("figures", {"draw_pipeline", "score_contributions"}, {"release_pool", "costs"}),
        (
            "release",
            {"release_pool", "release_run", "fine_tune", "minority_alpha"},
            {"write_report", "draw_domains", "costs"},
        ),
        ("results/release/varied/sentences.csv", {"write_pool"}, {"retrieve_model", "fine_tune", "release_run"}),
        ("depth_study", {"depth_table", "draw_depth_study"}, {"score_contributions"}),
        ("overlap_study", {"overlap_table", "draw_overlap_study"}, {"score_contributions"}),
        ("scale", {"write_stream", "link_documents", "judge_partition"}, {"retrieve_model", "score_contributions"}),
        ("learning_curve", {"learning_table", "draw_learning_curve"}, {"write_pool", "score_contributions"}),
        ("arms_race", {"race_table", "honest_table", "draw_arms_race"}, {"sweep_filters", "write_paraphrases"}),
        ("report", {"write_report", "costs", "paper_comparison", "defense_grid"}, {"draw_domains", "release_pool"}),
        ("plan", {"plan_campaign", "tipping", "sweep_filters"}, {"monitor", "act_collectively"}),
        ("monitor", {"write_background"}, {"write_pool", "fine_tune", "score_contributions"}),
        ("results/tables/defense_grid.csv", {"sweep_filters"}, {"fine_tune", "retrieve_model", "score_contributions"}),
        ("results/tables/filter_curves.csv", {"score_contributions"}, {"fine_tune", "retrieve_model"}),
        ("results/tables/honest_costs.csv", {"retrieve_texts", "score_honest_text"}, {"write_pool", "retrieve_model"}),
    ],
)
def test_a_named_target_needs_its_own_part_only(fresh, target, needs, needs_not):
    planned = set(runs.count(runs.planned(fresh, target, configs=())))
    assert needs <= planned
    assert not needs_not & planned


IN_CONTEXT = "results/uptake/in_context/near3/overlap0.0"


def test_in_context_every_condition_has_its_prompts_and_its_audit(fresh, default):
    """By hand, at one size: for every seed n = 0, 2 styles, and 2 styles x 5 filters."""
    made = {path for job in default for path in job.output if path.startswith("results/uptake/in_context")}
    assert len(made) == SEEDS * (1 + 2 + 2 * 5) * 5
    for name in ("prompts", "contexts", "audit", "readings", "utility"):
        assert f"{IN_CONTEXT}/none/none/n0/none/seed1/{name}.parquet" in made
        assert f"{IN_CONTEXT}/template/parity/n1000/none/seed2/{name}.parquet" in made
        assert f"{IN_CONTEXT}/varied/parity/n1000/composite-moderate/seed3/{name}.parquet" in made


def test_a_prompt_is_found_without_a_model(fresh):
    path = f"{IN_CONTEXT}/varied/parity/n1000/none/seed1/prompts.parquet"
    counted = runs.count(runs.planned(fresh, path, configs=()))
    assert counted["find_contexts_undefended"] == 1
    assert not {"retrieve_model", "measure_precision", "score_contributions", "fine_tune"} & set(counted)
    changes = {"in_context": {"retriever": "embeddings"}}
    config = runs.write_config(fresh, changes, "embeddings.yaml")
    assert "retrieve_model" in runs.count(runs.planned(fresh, path, configs=[config]))


@pytest.mark.parametrize("uptake", ["fine_tune", "in_context"])
def test_an_uptake_can_be_left_out(fresh, uptake):
    config = runs.write_config(fresh, {"uptakes": [uptake]}, f"{uptake}.yaml")
    planned = set(runs.count(runs.planned(fresh, configs=[config])))
    trains = {"encode_background", "encode_pool", "encode_utility", "fine_tune", "audit_model"}
    asks = {f"{rule}_{part}" for rule in ("find_contexts", "ask_in_context") for part in ("undefended", "filtered")}
    assert planned >= (trains if uptake == "fine_tune" else asks) | {"tipping", "draw_pipeline", "defense_effects"}
    assert not planned & (asks if uptake == "fine_tune" else trains)


def test_the_arms_race_trains_every_style_behind_every_filter_and_none_behind_them_all(fresh):
    trained = [job for job in runs.planned(fresh, "arms_race", configs=()) if job.rule == "fine_tune"]
    filtered = [job for job in trained if job.wildcards["size"] == "0" and job.wildcards["defense"] != "none"]
    assert len(filtered) == SEEDS * 5
    assert len(trained) - len(filtered) == SEEDS * (1 + 3 * 6)
    assert {job.wildcards["style"] for job in trained} == {"none", "template", "varied", "mimic"}


def test_a_grid_is_trained_where_the_configuration_asks_for_it(fresh):
    (fresh / "config" / "trained.yaml").write_text("defense: {grid_trained_sizes: [300]}\n", encoding="utf-8")
    jobs = runs.planned(fresh, "results/tables/defense_grid.csv", configs=["config/trained.yaml"])
    trained = [job for job in jobs if job.rule == "fine_tune"]
    assert len(trained) == SEEDS * 3 * 5 * 3
    assert {job.wildcards["size"] for job in trained} == {"300"}


def test_only_who_asks_for_paraphrases_has_the_model_write(fresh):
    (fresh / "config" / "own.yaml").write_text("collective: {styles: [paraphrase]}\n", encoding="utf-8")
    counted = runs.count(runs.planned(fresh, "bargaining", configs=["config/own.yaml"]))
    assert counted["write_paraphrases"] == SEEDS and counted["write_pool"] == 0
    assert "write_paraphrases" not in runs.count(runs.planned(fresh, configs=()))


def test_depths_and_overlaps_are_those_of_their_studies(fresh):
    depths = [job for job in runs.planned(fresh, "depth_study", configs=()) if job.rule == "fine_tune"]
    assert {job.wildcards["layers"] for job in depths} == {"2", "4", "8", "15", "30"}
    assert len(depths) == 5 * (1 + 2) * 3
    worlds = [job for job in runs.planned(fresh, "overlap_study", configs=()) if job.rule == "fine_tune"]
    assert {job.wildcards["overlap"] for job in worlds} == {"0.0", "0.1", "0.25", "1.0"}
    assert {job.wildcards["style"] for job in worlds} == {"template", "none"}
    assert len(worlds) == 4 * (1 + 3) * 3


def test_long_streams_are_cut_into_parts_that_all_filters_judge(fresh):
    counted = runs.count(runs.planned(fresh, "scale", configs=()))
    parts = 1 + 1 + 10
    assert counted["write_stream"] == counted["count_wordings"] == counted["digest_documents"] == parts
    assert counted["score_partition"] == 4 * parts and counted["judge_partition"] == 5 * parts
    assert counted["merge_wordings"] == counted["link_documents"] == 3
    assert counted["write_reference"] == counted["scale_table"] == 1


@pytest.mark.parametrize("config", ["config/paper.yaml", "served.yaml"])
def test_a_model_behind_a_server_is_asked_and_nothing_is_trained_or_fetched_for_it(fresh, default, config):
    runs.write_config(fresh, SERVED, "served.yaml")
    jobs = runs.planned(fresh, configs=[config])
    counted = runs.count(jobs)
    seeds = 5 if "paper" in config else SEEDS
    for part in ("released", "undefended", "filtered"):
        assert counted[f"ask_server_{part}"] == seeds
    of_a_local_model = {"retrieve_model", "measure_precision", "fine_tune", "audit_model", "audit_released"}
    of_a_local_model |= {"encode_background", "encode_pool", "encode_utility"}
    of_a_local_model |= {f"ask_in_context_{part}" for part in ("undefended", "filtered")}
    asked = {f"ask_server_{part}" for part in ("released", "undefended", "filtered")}
    assert set(counted) == set(runs.count(default)) - of_a_local_model | asked | {"requests_table"}


def test_the_estimate_needs_no_answer(fresh):
    runs.write_config(fresh, SERVED, "served.yaml")
    counted = runs.count(runs.planned(fresh, "estimate", configs=["served.yaml"]))
    assert counted["find_contexts_filtered"] == SEEDS
    assert not any(rule.startswith("ask_") for rule in counted)


OTHERS = sorted({path.stem for path in (runs.ROOT / "config").glob("*.yaml")} - {"config", "schema", "paper"})
OTHERS.append("tiny")


@pytest.mark.parametrize("name", OTHERS)
def test_every_configuration_file_walks_the_same_rules(fresh, default, name):
    jobs = runs.planned(fresh, configs=[f"config/{name}.yaml"])
    assert set(runs.count(jobs)) == set(runs.count(default))
    if name == "full":
        trained = [job for job in jobs if job.rule == "fine_tune"]
        assert {job.wildcards["layers"] for job in trained} == {"30"}
        assert {job.wildcards["strategy"] for job in trained} == {"balanced", "counter", "parity", "none"}


def test_a_model_of_ones_own_is_not_retrieved(fresh):
    changes = {"model": {"path": "mine", "name": "Mine"}}
    (fresh / "mine").mkdir()
    (fresh / "mine" / "config.json").write_text("{}")
    planned = runs.planned(fresh, "results/tables/wordings.csv", configs=[runs.write_config(fresh, changes)])
    assert "retrieve_model" not in runs.count(planned)


def test_a_submitted_pool_takes_the_place_of_the_written_one(fresh):
    (fresh / "pool.csv").write_text("text\n")
    changes = {"collective": {"pool_file": "pool.csv"}}
    config = runs.write_config(fresh, changes, "submitted.yaml")
    jobs = runs.planned(fresh, "defenses", configs=[config])
    assert runs.count(jobs)["accept_submission"] == SEEDS
    assert runs.count(jobs)["write_pool"] == 0
    studies = runs.planned(fresh, "depth_study", "overlap_study", configs=[config])
    assert {job.wildcards["strategy"] for job in studies if job.rule == "write_pool"} == {"parity"}


# ---- configurations that cannot be run -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"collective": {"agnets": 3}}, ["collective.agnets", "did you mean collective.agents", "sentences_per_agent"]),
        ({"defense": {"names": ["none", "psychic"]}}, ["defense.names[1]", "psychic", "keyword, repetition, tfidf"]),
        ({"collective": {"agents": "many"}}, ["collective.agents", "many", "whole number, at least 1"]),
        ({"defense": {"at_size": 333}}, ["defense.at_size", "333", "one of collective.sizes"]),
        ({"seeds": []}, ["seeds", "[]", "list of 1 or more"]),
        ({"figures": {"domains": {"widht": 3}}}, ["figures.domains.widht", "did you mean figures.domains.width"]),
    ],
    ids=["mistyped key", "unknown defense", "wrong type", "unknown size", "no seeds", "mistyped style key"],
)
def test_a_bad_configuration_stops_before_any_job(unused, changes, words):
    stopped = runs.run(unused, configs=[runs.write_config(unused, changes)])
    assert stopped.returncode != 0
    for word in words:
        assert word in stopped.stdout
    assert "Traceback" not in stopped.stdout
    assert not (unused / "results").exists() and not (unused / "resources" / "retrieved").exists()


def test_all_problems_of_a_configuration_are_told_at_once(unused):
    changes = {"seeds": 3, "audit": {"max_token": 5}}
    told = runs.snakemake(unused, "--dry-run", configs=[runs.write_config(unused, changes)]).stdout
    assert "seeds: found 3" in told and "audit.max_token" in told
