"""The files around the study agree with each other, and the Makefile sets up what it says."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from quorum import tables

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN = [Requirement(line) for line in PROJECT["dependencies"]]
DEV = [Requirement(line) for line in PROJECT["optional-dependencies"]["dev"]]
CLUSTER = [Requirement(line) for line in PROJECT["optional-dependencies"]["cluster"]]
BROWSER = [Requirement(line) for line in PROJECT["optional-dependencies"]["browser"]]
PIN = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Version by canonical name of a requirements file; every line must be one exact pin."""
    lines = [line for line in read(name).splitlines() if line and not line.startswith(("#", "-r "))]
    found = {line: PIN.fullmatch(line) for line in lines}
    loose = [line for line, match in found.items() if match is None]
    assert not loose, f"{name}: not exact pins: {loose}"
    pinned = {canonicalize_name(match[1]): match[2] for match in found.values() if match}
    assert len(pinned) == len(lines), f"{name}: a package is pinned twice"
    return pinned


# ---- dependencies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "direct"),
    [
        ("requirements.txt", RUN),
        ("requirements-dev.txt", DEV),
        ("requirements-cluster.txt", CLUSTER),
        ("requirements-browser.txt", BROWSER),
    ],
)
def test_every_direct_dependency_is_pinned_within_its_bounds(name, direct):
    pinned = pins(name)
    for requirement in direct:
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} against {version}"


@pytest.mark.parametrize("name", ["requirements-dev.txt", "requirements-cluster.txt", "requirements-browser.txt"])
def test_other_environments_are_the_studys_and_more(name):
    assert "-r requirements.txt\n" in read(name)
    assert not set(pins("requirements.txt")) & set(pins(name))


def test_every_import_is_a_direct_dependency():
    """What only comes along with another package can go with it."""
    known = {"yaml": "pyyaml", "sklearn": "scikit-learn", "vl_convert": "vl-convert-python"}
    direct = {canonicalize_name(requirement.name) for requirement in RUN}
    for path in (ROOT / "scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for module in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"quorum"}:
                assert canonicalize_name(known.get(module, module)) in direct, f"{path}: {module}"


def test_conda_and_the_container_install_the_pins_and_nothing_else():
    python, _, pip = yaml.safe_load(read("envs/study.yaml"))["dependencies"]
    assert python == "python=3.11"
    [line] = pip["pip"]
    option, path = line.split()
    assert option == "--requirement" and (ROOT / "envs" / path).resolve() == ROOT / "requirements.txt"
    installs = re.findall(r"pip install (.*)", read("Dockerfile"))
    assert installs == ["--no-cache-dir --requirement requirements.txt"]


def test_every_direct_dependency_is_explained_and_nothing_else():
    rows = re.findall(r"^\| ([a-z0-9-]+) \|", read("docs/dependencies.md"), re.MULTILINE)
    explained = [row for row in rows if row != "package"]
    assert sorted(explained) == sorted(
        canonicalize_name(requirement.name) for requirement in RUN + DEV + CLUSTER + BROWSER
    )


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-cluster.txt",
        "requirements-browser.txt",
        "pyproject.toml",
        "Makefile",
        "Dockerfile",
        "envs/study.yaml",
    ],
)
def test_no_file_says_where_packages_come_from(name):
    """That is the machine's own setting."""
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|[^_]trusted-host", read(name))


# ---- one version, one Python -----------------------------------------------------------------------------------------


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    assert re.search(r"^## ([0-9.]+)", read("CHANGELOG.md"), re.MULTILINE)[1] == version
    assert f'container: "docker://quorum:{version}"\n' in read("Snakefile")


def test_the_licence_is_the_same_everywhere():
    assert PROJECT["license"] == yaml.safe_load(read("CITATION.cff"))["license"] == "MIT"
    assert read("LICENSE").startswith("MIT License\n")


def test_the_oldest_python_is_the_same_everywhere():
    assert PROJECT["requires-python"] == ">=3.11"
    assert "FROM python:3.11-slim\n" in read("Dockerfile")
    assert "sys.version_info >= (3, 11)" in read("Makefile")


# ---- the documents ---------------------------------------------------------------------------------------------------


def test_the_page_of_tables_is_made_from_the_schemas():
    assert read("docs/tables.md") == tables.describe(), "run `make docs/tables.md`"


def test_the_map_has_every_rule_file_rule_and_module():
    page = read("docs/map.md")
    library = ROOT / "scripts" / "quorum"
    names = {path.relative_to(library).with_suffix("").as_posix() for path in library.rglob("*.py")}
    # A package is shown whole where its modules are alike.
    shown = {re.sub(r"^(defenses|figures|schemas)/.*", r"\1/", name) for name in names if not name.endswith("__init__")}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        shown |= {path.name} if path.name != "common.smk" else set()
        shown |= set(re.findall(r"^ *rule (\w+):", path.read_text(encoding="utf-8"), re.MULTILINE))
    missing = sorted(name for name in shown if f"`{name}`" not in page)
    assert not missing, f"docs/map.md lacks {missing}"


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_between_the_documents_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(f"docs/{page}")):
        assert (ROOT / "docs" / target).exists(), target


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_continuous_integration_runs_the_readers_own_commands():
    path = ROOT / ".ci" / "run"
    assert os.access(path, os.X_OK)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    service = 'make test-service SERVICE="tests/service/test_slurm.py -k local_run"'
    assert [line for line in lines if line.startswith("make ")] == ["make test", service]


def test_the_hooks_need_no_network():
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]
    assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")]
    subprocess.run(command, check=True)


def test_snakemake_finds_and_reads_the_profile(tmp_path):
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "Snakefile").write_text(
        'rule all:\n    input: "good"\n\n'
        'rule good:\n    input: "bad"\n    output: "good"\n    shell: "touch good"\n\n'
        'rule bad:\n    output: "bad"\n    log: "bad.log"\n'
        "    shell: \"echo {resources.mem_mb} {resources.runtime} the rea''son > {log}; exit 1\"\n"
    )
    # Whatever profile the machine has for all workflows is not what is tested here.
    environment = {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    finished = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    output = finished.stdout + finished.stderr
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "profile.v9+.yaml").read_text(encoding="utf-8"))
    defaults = profile["default-resources"]
    assert finished.returncode == 1
    assert "profile profiles/default" in output
    assert f"{defaults['mem_mb']} {defaults['runtime']} the reason" in output  # show-failed-logs, default-resources


PROFILES = {path.parent.name: path for path in (ROOT / "profiles").glob("*/*.yaml")}


@pytest.mark.parametrize("name", PROFILES)
def test_every_entry_of_a_profile_is_commented(name):
    lines = PROFILES[name].read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[a-z_-]+:", line):
            assert lines[number - 1].startswith("# "), line


@pytest.mark.parametrize("name", sorted(set(PROFILES) - {"default"}))
def test_a_clusters_profile_does_what_the_default_does_and_names_no_account(name):
    """It takes the place of the default one."""
    default, profile = (yaml.safe_load(PROFILES[which].read_text(encoding="utf-8")) for which in ("default", name))
    for key in set(default) - {"default-resources", "latency-wait"}:
        assert profile[key] == default[key], key
    assert profile["latency-wait"] > default["latency-wait"]
    assert set(profile["default-resources"]) >= {"mem_mb", "disk_mb"}
    assert profile["executor"] and profile["jobs"] and profile["retries"]
    text = PROFILES[name].read_text(encoding="utf-8")
    assert not re.search(r"^ *slurm_(account|partition): *[^?\s]", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["generic", "kubernetes"])
def test_other_clusters_ask_for_what_slurm_asks_for(name):
    slurm, profile = (yaml.safe_load(PROFILES[which].read_text(encoding="utf-8")) for which in ("slurm", name))
    assert profile["groups"].items() <= slurm["groups"].items()
    assert profile["group-components"].items() <= slurm["group-components"].items()
    assert set(profile["group-components"]) == set(profile["groups"].values())
    for rule, resources in profile["set-resources"].items():
        assert resources.items() <= slurm["set-resources"][rule].items(), rule


# ---- the Makefile ----------------------------------------------------------------------------------------------------

FAKE_PYTHON = """#!/usr/bin/env bash
# Stands in for Python: keeps a diary, and makes a .venv whose python is this script again.
OLD='import sys; sys.version_info = (3, 10); sys.version = "3.10.1 x"'
echo "$*" >> "{diary}"
case "$*" in
    "-c "*) [[ -z "${{TOO_OLD:-}}" ]] || exec {python} -c "$OLD; $2" ;;
    "-m venv "*) [[ -z "${{NO_VENV:-}}" ]] || exit 1
        rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python ;;
    "-m pip install"*) [[ -z "${{OFFLINE:-}}" ]] || exit 1 ;;
esac
"""


@pytest.fixture
def house(tmp_path):
    """make(arguments, environment) in a copy of the house with a Python that only keeps a diary."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    diary = tmp_path / "diary"
    python = tmp_path / "fake-python"
    python.write_text(FAKE_PYTHON.format(diary=diary, python=sys.executable))
    python.chmod(0o755)

    def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        diary.write_text("")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        return subprocess.run(
            ["make", f"PYTHON={python}", *arguments],
            cwd=tmp_path,
            env=inherited | environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    make.diary = lambda: [line for line in diary.read_text().splitlines() if line.startswith("-m")]
    make.folder = tmp_path
    return make


INSTALL = ["-m venv --clear .venv", "-m pip install --requirement requirements.txt"]
RUN_ALL = ["-m snakemake --cores all", "-m snakemake --report results/report.zip"]


def test_make_sets_up_and_reproduces(house):
    assert house().returncode == 0
    assert house.diary() == INSTALL + RUN_ALL


def test_set_up_is_done_once_and_again_when_a_pin_changes(house):
    house("setup")
    house()
    assert house.diary() == RUN_ALL
    with (house.folder / "requirements.txt").open("a") as file:
        file.write("another==1.0\n")
    os.utime(house.folder / "requirements.txt", (2**31, 2**31))
    house("setup")
    assert house.diary() == INSTALL


def test_quick_puts_its_file_over_the_default(house):
    house("quick")
    assert house.diary()[2:] == [
        "-m snakemake --configfile config/quick.yaml --cores all",
        "-m snakemake --configfile config/quick.yaml --report results/report.zip",
    ]


def test_a_set_up_that_fails_is_no_set_up(house):
    assert house("setup", OFFLINE="1").returncode != 0
    assert house("setup").returncode == 0
    assert house.diary() == INSTALL


def test_an_old_python_is_told(house):
    finished = house(TOO_OLD="1")
    assert finished.returncode != 0
    assert "needs Python 3.11 or later" in finished.stderr and "3.10.1" in finished.stderr
    assert house.diary() == []


def test_a_missing_python_is_told(house):
    finished = house("PYTHON=no-such-python")
    assert finished.returncode != 0 and "no-such-python not found" in finished.stderr


def test_a_python_without_venv_is_told(house):
    finished = house(NO_VENV="1")
    assert finished.returncode != 0 and "python3-venv" in finished.stderr


def test_test_checks_the_style_and_runs_all_tests(house):
    finished = house("-n", "test")
    assert finished.returncode == 0, finished.stderr
    commands = finished.stdout
    for step in ("ruff check", "ruff format --check", "snakefmt --check", "snakemake  --lint", "codespell"):
        assert step in commands
    assert "-m pytest tests/unit" in commands and commands.rstrip().endswith('-m pytest tests/workflow -m "not apart"')
    assert "requirements-dev.txt" in commands


def test_help_has_every_target(house):
    listed = set(re.findall(r"^  make (\S+)", house("help").stdout, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)[1].split())
    assert phony <= listed


def test_clean_keeps_what_cost_a_download_or_money(house):
    for name in ("results/tables", ".snakemake", ".venv/bin", "resources/retrieved", ".quorum"):
        (house.folder / name).mkdir(parents=True)
    house("clean")
    left = {path.name for path in house.folder.iterdir() if path.is_dir()}
    assert left == {".venv", "resources", ".quorum"}
