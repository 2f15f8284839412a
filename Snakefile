"""Quorum: how many voices does it take to move a model?

population -> collective -> contributions -> defense -> uptake -> audit -> statistics -> figures
"""

import os
import sys
import time
from glob import glob

from snakemake.utils import min_version

min_version("9.27")
HERE = workflow.current_basedir.get_path_or_uri(secret_free=True)
sys.path.insert(0, os.path.join(HERE, "scripts"))

from quorum import conditions, files, filters, lifeline, settings
from quorum.figures import FIGURES, FORMATS
from quorum.release import TABLES as RELEASED_TABLES
from quorum.report import FIGURES as REPORTED_FIGURES, TABLES as REPORTED
from quorum.sources import modules_of

lifeline.hold(".snakemake")

# ---- configuration ---------------------------------------------------------------------------------------------------


configfile: "config/config.yaml"


config = settings.checked_or_exit(config, workflow.source_path("config/schema.yaml"), filters.own())


onstart:
    files.writable_or_exit("results")


container: "docker://quorum:0.1.0"


report: "resources/report/workflow.rst"


wildcard_constraints:
    seed=r"\d+",
    size=r"\d+",
    layers=r"\d+",
    rows=r"\d+",
    part=r"\d+",
    overlap=r"\d\.\d+",
    dataset=r"[a-z][a-z0-9_]*",
    learner="bayes|boosted_trees|logistic_regression",
    study="undefended|defended|depth_study|overlap_study|arms_race|filtered_background|trained_grid",


# ---- the story, one file a step --------------------------------------------------------------------------------------


include: "rules/common.smk"
include: "rules/retrieve.smk"
include: "rules/baseline.smk"
include: "rules/bargaining.smk"
include: "rules/defense.smk"
include: "rules/uptake.smk"
include: "rules/endpoint.smk"
include: "rules/minority.smk"
include: "rules/statistics.smk"
include: "rules/figures.smk"
include: "rules/monitor.smk"
include: "rules/release.smk"
include: "rules/scale.smk"
include: "rules/report.smk"


# ---- what can be asked for -------------------------------------------------------------------------------------------


rule all:
    """The whole study: tables, figures, the released pool and the report."""
    default_target: True
    input:
        rules.baseline.input,
        rules.bargaining.input,
        rules.defenses.input,
        rules.figures.input,
        rules.release.input,
        rules.minority.input,
        rules.plan.input,
        rules.report.input,
        "results/tables/paper_comparison.csv",
        "results/tables/costs.parquet",
        "results/tables/requests.csv" if has_server() else [],
        conditions.tables_between(config),
