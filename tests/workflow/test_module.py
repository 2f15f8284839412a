"""Another workflow uses this one as a module: with its own configuration, its own rules and its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import runs

from quorum import tables

pytestmark = [pytest.mark.workflow, pytest.mark.apart]

IMPORT = """
configfile: "settings.yaml"


module quorum:
    snakefile:
        "{snakefile}"
    config:
        config["campaign"]
    {paths}


use rule * from quorum as quorum_*


rule announce:
    \"\"\"Count the sentences of the campaign.\"\"\"
    default_target: True
    input:
        collect(rules.quorum_release_pool.output.csv, style="varied"),
        rules.quorum_draw_minority_toy.output.svg,
    output:
        "announcement.txt",
    log:
        "announce.log",
    shell:
        "wc -l {{input}} > {{output}} 2> {{log}}"
"""
CAMPAIGN = {
    "seeds": [7],
    "collective": {"agents": 4, "sizes": [0, 40]},
    "defense": {"at_size": 40},
    "depth_study": {"size": 40},
    "overlap_study": {"sizes": [40]},
}
PLACES = {
    "beside its own files": ("", "results"),
    "in a folder": ('prefix:\n        "campaign"', "campaign/results"),
    "with other names": ('replace_prefix:\n        {"results/": "campaign/"}', "campaign"),
}


@pytest.fixture(params=PLACES)
def place(request) -> tuple[str, str]:
    return PLACES[request.param]


@pytest.fixture
def importing(tmp_path, place) -> Path:
    """A workflow that imports this one, out of a checkout within its own folder."""
    runs.copy_sources(tmp_path / "quorum")
    text = IMPORT.format(snakefile="quorum/Snakefile", paths=place[0])
    (tmp_path / "Snakefile").write_text(text, encoding="utf-8")
    runs.write_config(tmp_path, {"campaign": CAMPAIGN}, "settings.yaml")
    return tmp_path


def test_an_importing_workflow_runs_its_part_with_its_configuration_in_its_folder(importing, place):
    done = runs.run(importing, configs=())
    assert done.returncode == 0, done.stdout
    assert "41 " in (importing / "announcement.txt").read_text()
    released = importing / place[1] / "release" / "varied" / "sentences.parquet"
    assert len(tables.read_table(released, "sentences")) == 40
    assert "Nothing to be done" in runs.run(importing, configs=()).stdout
    made = {path.relative_to(importing).parts[0] for path in importing.rglob("*.parquet")}
    assert made == {place[1].split("/")[0]}


def test_the_whole_study_can_be_planned_with_all_paths_in_their_place(importing, place):
    jobs = runs.planned(importing, "quorum_all", "quorum_depth_study", "quorum_overlap_study", configs=())
    counted = runs.count(jobs)
    assert counted["quorum_fine_tune"] > counted["quorum_audit_released"] == 1
    inside = {"resources/retrieved"} if place[1] != "campaign/results" else {"campaign/resources/retrieved"}
    roots = (place[1], *inside)
    assert [path for job in jobs for path in job.output if not path.startswith(roots)] == []


def test_rules_of_the_module_carry_its_name_and_say_what_they_do(importing):
    listed = runs.snakemake(importing, "--list-target-rules").stdout
    assert "quorum_bargaining (Target: the tipping curve" in listed
    assert "\nannounce (Count the sentences of the campaign.)\n" in f"\n{listed}"
    linted = runs.snakemake(importing, "--dry-run", "--quiet")
    assert "localrules directive specifies rules that are not present" not in linted.stdout


def test_a_mistake_in_the_importing_configuration_is_told_as_ones_own(importing):
    runs.write_config(importing, {"campaign": {"seed": [7]}}, "settings.yaml")
    told = runs.snakemake(importing, "--dry-run")
    assert told.returncode != 0
    assert "seed" in told.stdout and "did you mean seeds" in told.stdout and "Traceback" not in told.stdout
