# Quorum from one command. `make` sets up .venv and reproduces the study, `make test` runs all tests, `make help` says the rest.

PYTHON ?= python3
CORES ?= all
CONFIG ?=
BENCH ?=
SERVICE ?= tests/service

VENV := .venv
RUN := $(VENV)/bin/python
STUDY_READY := $(VENV)/.study-installed
CLUSTER_READY := $(VENV)/.cluster-installed
BROWSER_READY := $(VENV)/.browser-installed
TESTS_READY := $(VENV)/.tests-installed
# For this project's commands only: $(PYTHON) must not turn into the interpreter of the .venv that it is to make anew.
WITH_VENV := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
SNAKEMAKE = $(WITH_VENV) $(RUN) -m snakemake $(if $(CONFIG),--configfile $(CONFIG))

export PIP_DISABLE_PIP_VERSION_CHECK := 1

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := reproduce
# What a failed or interrupted recipe has begun must not pass for finished.
.DELETE_ON_ERROR:
.PHONY: reproduce quick test test-apart test-service test-browser test-interruptions bench docs notebooks lint format coverage setup help clean distclean

reproduce: $(STUDY_READY) ## set up, run the whole study, write results/report and report.zip (the default)
	$(SNAKEMAKE) --cores $(CORES)
	$(SNAKEMAKE) --report results/report.zip

quick: ## the same with config/quick.yaml: every step, within minutes
	$(MAKE) reproduce CONFIG=config/quick.yaml

test: lint ## set up, check the style, retrieve all data sets, run all tests
	$(WITH_VENV) $(RUN) -m snakemake retrieve --cores $(CORES) --configfile config/full.yaml
	$(WITH_VENV) OMP_NUM_THREADS=1 $(RUN) -m pytest tests/unit --numprocesses auto
	$(WITH_VENV) $(RUN) -m pytest tests/workflow -m "not apart"

test-apart: $(TESTS_READY) ## whole runs: reruns, damaged files, full disks, interruptions, long streams, use as a module; an hour
	$(SNAKEMAKE) retrieve --cores $(CORES)
	$(WITH_VENV) $(RUN) -m pytest tests/workflow -m apart

test-service: $(TESTS_READY) $(CLUSTER_READY) ## run the study through real services: a model server, SLURM (installed where root and apt are, else skipped)
	@command -v slurmctld /usr/sbin/slurmctld > /dev/null || { [[ $$(id -u) == 0 ]] && command -v apt-get > /dev/null && apt-get update && apt-get install --yes --no-install-recommends munge slurmctld slurmd slurm-client; } || echo "no SLURM, and none can be installed here: its tests will be skipped"
	$(SNAKEMAKE) --cores $(CORES) resources/retrieved/model/config.json resources/retrieved/texts.parquet
	$(WITH_VENV) $(RUN) -m pytest $(SERVICE)

test-browser: $(TESTS_READY) $(BROWSER_READY) ## open the report in a real browser; installs chromium where root and apt are, skips without one
	@command -v chromium chromium-browser google-chrome > /dev/null || { [[ $$(id -u) == 0 ]] && command -v apt-get > /dev/null && apt-get install --yes --no-install-recommends chromium; } || echo "no browser, and none can be installed here: the tests will be skipped"
	$(WITH_VENV) $(RUN) -m pytest tests/browser

test-interruptions: $(TESTS_READY) ## interrupt runs at 20 random moments by each of three signals, and resume them: hours
	$(SNAKEMAKE) retrieve --cores $(CORES)
	$(WITH_VENV) $(RUN) tests/workflow/interruptions.py --moments 20
	$(WITH_VENV) $(RUN) tests/workflow/interruptions.py --moments 20 --signals SIGKILL --alone

bench: $(TESTS_READY) ## measure the ratios of docs/performance.md, on a quiet machine; BENCH=--quick for a tenth of the size
	$(SNAKEMAKE) --cores $(CORES) resources/retrieved/model/config.json
	$(WITH_VENV) $(RUN) -m pytest tests/benchmarks $(BENCH)

docs: $(TESTS_READY) ## build the site of the documents in results/site, with no warning
	$(WITH_VENV) NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

notebooks: $(TESTS_READY) ## install the library in place (import quorum) and write the notebooks out of their Python files
	$(RUN) -m pip install --no-deps --editable .
	$(RUN) -m jupytext --update --to ipynb notebooks/*.py

lint: $(TESTS_READY) ## check style, formatting, spelling and the workflow's own rules
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint
	$(VENV)/bin/codespell

format: $(TESTS_READY) ## put code and rules into the one format
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	$(VENV)/bin/snakefmt Snakefile rules

coverage: $(TESTS_READY) ## unit tests with branch coverage
	$(WITH_VENV) $(RUN) -m pytest tests/unit --cov --cov-report=term-missing

config/README.md: config/schema.yaml scripts/quorum/settings.py $(STUDY_READY) ## describe every configuration key, out of the schema
	PYTHONPATH=scripts $(RUN) -c 'from quorum import settings; print(settings.describe(settings.read("$<")), end="")' > $@

docs/tables.md: scripts/quorum/tables.py $(wildcard scripts/quorum/schemas/*.py) $(STUDY_READY) ## describe every table and column, out of the schemas
	PYTHONPATH=scripts $(RUN) -c 'from quorum import tables; print(tables.describe(), end="")' > $@

setup: $(STUDY_READY) ## only create .venv with the pinned packages

# Made anew when a pin changes, so that nothing of the old set stays behind.
$(STUDY_READY): requirements.txt
	@command -v $(PYTHON) > /dev/null || { echo "error: $(PYTHON) not found; install Python 3.11, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("error: Quorum needs Python 3.11 or later, but $(PYTHON) is " + sys.version.split()[0] + "; name another: make PYTHON=python3.11")'
	@rm -f $(STUDY_READY) $(TESTS_READY) $(CLUSTER_READY) $(BROWSER_READY)
	@$(PYTHON) -m venv --clear $(VENV) || { echo "error: $(PYTHON) -m venv failed; on Debian and Ubuntu install the package python3-venv" >&2; exit 1; }
	$(RUN) -m pip install --requirement requirements.txt
	@touch $@

$(TESTS_READY): requirements-dev.txt $(STUDY_READY)
	$(RUN) -m pip install --requirement requirements-dev.txt
	@touch $@

$(CLUSTER_READY): requirements-cluster.txt $(STUDY_READY)
	$(RUN) -m pip install --requirement requirements-cluster.txt
	@touch $@

$(BROWSER_READY): requirements-browser.txt $(STUDY_READY)
	$(RUN) -m pip install --requirement requirements-browser.txt
	@touch $@

help: ## this list
	@awk -F ':.*## ' '/^[a-zA-Z\/.-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "Variables: PYTHON (now $(PYTHON)), CORES (now $(CORES)), CONFIG (a file put over config/config.yaml)"

clean: ## delete results and Snakemake's records of them; keeps .venv and what was retrieved
	rm -rf results .snakemake

distclean: clean ## delete what was retrieved and .venv as well
	rm -rf resources/retrieved $(VENV)
