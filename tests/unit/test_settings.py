"""The configuration: what is accepted, what the messages say, and that schema, files and page agree."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from quorum import collective, defenses, figures, settings
from quorum.minority.cohorts import COHORTS
from quorum.minority.learners import LEARNERS
from quorum.minority.mitigations import MITIGATIONS
from quorum.minority.scores import SCORES
from quorum.population import DOMAINS
from quorum.settings import SettingsError

ROOT = Path(__file__).parents[2]
SCHEMA = settings.read(ROOT / "config" / "schema.yaml")
DEFAULTS = settings.defaults(SCHEMA)


def leaves(part: dict, path: tuple[str, ...] = ()):
    """(path, schema) of every key that is no section that is always there."""
    for key, below in part["properties"].items():
        if "properties" in below and "default" not in below:
            yield from leaves(below, (*path, key))
        else:
            yield (*path, key), below


LEAVES = dict(leaves(SCHEMA))


OWN = {"name": "mine", "path": "mine.csv", "label": "well", "positive": 1, "group": "sex", "minority": "f"}


def with_value(path: tuple[str, ...], value: object) -> dict:
    config = deepcopy(DEFAULTS)
    section = config
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    return config


def message(config: dict) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.check(config, SCHEMA)
    return str(caught.value)


# ---- schema and files ------------------------------------------------------------------------------------------------


def test_the_schema_is_one_and_closed_everywhere():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def walk(part: dict):
        assert part["description"].strip()
        if "properties" in part:
            assert "object" in part["type"] and part["additionalProperties"] is False
            required = part.get("required", [])
            for key, below in part["properties"].items():
                below = {**SCHEMA["$defs"].get(below.get("$ref", "").removeprefix("#/$defs/"), {}), **below}
                walk(below | ({"default": None} if key in required else {}))
        else:
            assert "default" in part and "type" in part
            if "properties" in part.get("items", {}):
                walk({"description": "an entry", **part["items"]})

    walk(SCHEMA)


def test_the_default_file_says_every_default():
    """A reader of config.yaml sees every key with the value that holds."""
    assert load_configfile(str(ROOT / "config" / "config.yaml")) == DEFAULTS


@pytest.mark.parametrize("name", ["config.yaml", "quick.yaml", "full.yaml", "paper.yaml"])
def test_every_file_of_the_project_can_be_run(name):
    config = load_configfile(str(ROOT / "config" / "config.yaml"))
    update_config(config, load_configfile(str(ROOT / "config" / name)))
    assert settings.check(config, SCHEMA) == config


def test_quick_is_smaller_and_walks_the_same_steps():
    config = deepcopy(DEFAULTS)
    update_config(config, load_configfile(str(ROOT / "config" / "quick.yaml")))
    for path in (("collective", "styles"), ("collective", "strategies"), ("defense", "names")):
        assert config[path[0]][path[1]] == DEFAULTS[path[0]][path[1]]
    assert max(config["collective"]["sizes"]) < max(DEFAULTS["collective"]["sizes"])
    assert len(config["seeds"]) < len(DEFAULTS["seeds"])


def test_the_page_is_made_from_the_schema():
    page = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert page == settings.describe(SCHEMA), "config/README.md is out of date: run `make config/README.md`"


def test_the_page_has_every_key_with_its_default():
    page = settings.describe(SCHEMA)
    for path, part in LEAVES.items():
        heading = "## Top level" if len(path) == 1 else f"{'#' * len(path)} {'.'.join(path[:-1])}\n"
        section = page.split(heading, 1)[1].split("\n#", 1)[0]
        (row,) = [line for line in section.splitlines() if line.startswith(f"| `{path[-1]}` |")]
        default = part["default"]
        words = {"": '""', "None": "null", "True": "true", "False": "false"}
        shown = words.get(str(default), str(default).replace("None", "null"))
        assert row.endswith(f"| `{shown}` |".replace("'", ""))


def test_the_schema_knows_what_the_library_knows():
    inside = SCHEMA["properties"]
    assert inside["collective"]["properties"]["strategies"]["items"]["enum"] == list(collective.STRATEGIES)
    assert set(inside["defense"]["properties"]["names"]["items"]["enum"]) == set(defenses.DEFENSES)
    assert DEFAULTS["figures"] == {name: dict(figure.style) for name, figure in figures.FIGURES.items()}
    minority = inside["minority"]["properties"]
    for key, registry in (
        ("datasets", COHORTS),
        ("learners", LEARNERS),
        ("methods", SCORES),
        ("mitigations", MITIGATIONS),
    ):
        assert set(minority[key]["items"]["enum"]) == set(registry)


@pytest.mark.parametrize("probe_set", ["held_out", "matched"])
def test_probe_numbers_are_those_that_the_design_can_balance(probe_set):
    part = LEAVES["probes", probe_set]
    pairs = len(DOMAINS) * int(pd.read_csv(ROOT / "resources" / "professions.csv")["in_probes"].sum())
    wordings = pd.read_csv(ROOT / "resources" / "wordings" / f"{probe_set}.csv")["domain"].value_counts().min()
    assert part["multipleOf"] == part["minimum"] == pairs
    assert part["maximum"] == pairs * wordings


# ---- check -----------------------------------------------------------------------------------------------------------


def test_absent_keys_get_their_defaults_and_the_argument_stays():
    given_config = {"defense": {"at_size": 500}}
    config = settings.check(given_config, SCHEMA)
    assert given_config == {"defense": {"at_size": 500}}
    assert config["defense"]["at_size"] == 500
    assert {**config, "defense": None} == {**DEFAULTS, "defense": None}
    config["seeds"].append(99)
    assert 99 not in settings.defaults(SCHEMA)["seeds"]


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
@pytest.mark.parametrize("typo", ["z", "_", "s"])
def test_every_mistyped_key_is_named_with_the_nearest(path, typo):
    config = with_value((*path[:-1], path[-1] + typo), 1)
    prefix = ".".join((*path[:-1], ""))
    text = message(config)
    assert f"  {prefix}{path[-1]}{typo}: is no key" in text
    assert f"did you mean {prefix}{path[-1]}?" in text


def test_an_unknown_key_without_a_likeness_lists_what_is_allowed():
    text = message(with_value(("world", "qqq"), 1))
    assert "world.qqq: is no key" in text and "did you mean" not in text
    assert "Allowed here: background_size, male_share, overlap" in text


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
@pytest.mark.parametrize("wrong", [{"a": 1}, True, float("nan"), float("inf"), -1, b"bytes"], ids=str)
def test_no_key_takes_a_value_of_another_kind(path, wrong):
    if wrong is True and LEAVES[path].get("type") == "boolean":
        wrong = "true"
    text = message(with_value(path, wrong))
    assert f"  {'.'.join(path)}: found" in text and "allowed:" in text


@pytest.mark.parametrize("section", [key for key, part in SCHEMA["properties"].items() if "properties" in part])
@pytest.mark.parametrize("wrong", [None, [], "text", 3], ids=str)
def test_a_section_must_be_one(section, wrong):
    assert f"  {section}: found" in message({**DEFAULTS, section: wrong})


LISTS = [path for path, part in LEAVES.items() if part.get("type") == "array" and part["minItems"]]


@pytest.mark.parametrize("path", LISTS, ids=".".join)
def test_a_list_has_entries_and_none_twice(path):
    default = LEAVES[path]["default"]
    assert f"  {'.'.join(path)}: found []" in message(with_value(path, []))
    assert "none twice" in message(with_value(path, [*default, default[0]]))


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (("defense", "names"), ["none", "tfdif"], ["defense.names[1]: found tfdif", "Did you mean tfidf?"]),
        (("fine_tune", "dtype"), "fp32", ["fine_tune.dtype: found fp32", "one of auto, float32, bfloat16"]),
        (("model", "backend"), "remote", ["model.backend: found remote", "allowed: one of local, endpoint"]),
        (("world", "male_share"), 79, ["world.male_share: found 79", "at least 0, at most 1"]),
        (
            ("fine_tune", "learning_rate"),
            "1e-3",
            ['found "1e-3"', "without quotation marks, and 1e-3 as 1.0e-3"],
        ),
        (("audit", "max_tokens"), 50.0, ["audit.max_tokens: found 50.0", "whole number"]),
        (("probes", "held_out"), 100, ["probes.held_out: found 100", "a multiple of 80"]),
        (("figures", "domains", "width"), 0, ["figures.domains.width: found 0", "at least 20"]),
        (("endpoint", "cache"), False, ["endpoint.cache: found false", "write it in quotation marks"]),
        (("model", "name"), "", ['model.name: found ""', "not empty"]),
    ],
)
def test_a_value_that_is_not_allowed(path, value, parts):
    text = message(with_value(path, value))
    for part in parts:
        assert part in text
    assert text.count("\n") == 1  # one problem, one line


def test_all_problems_are_told_at_once():
    text = message({"sedes": [1], "world": {"male_share": 2}, "defense": {"namez": ["none"], "at_size": "x"}})
    for part in ("sedes", "world.male_share", "defense.namez", "defense.at_size"):
        assert f"\n  {part}: " in text


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"name": "mine", "path": "mine.csv"}, "minority.own_tables[0]: lacks label, positive, group, minority"),
        (OWN | {"labels": 1}, "minority.own_tables[0].labels: is no key"),
        (OWN | {"name": "My people"}, "minority.own_tables[0].name: found My people"),
        (OWN | {"series": {"path": "long.csv"}}, "minority.own_tables[0].series: lacks landmark"),
        (OWN | {"positive": [1]}, "minority.own_tables[0].positive: found [1]"),
    ],
)
def test_an_entry_of_a_list_is_checked_like_a_section(entry, words):
    assert f"\n  {words}" in message(with_value(("minority", "own_tables"), [entry]))


def test_an_entry_of_a_list_gets_its_defaults():
    series = {"path": "long.csv", "landmark": 3, "time": "day"}
    entries = [OWN, OWN | {"name": "long", "person": "id", "series": series}]
    given_config = with_value(("minority", "own_tables"), entries)
    plain, long = settings.check(given_config, SCHEMA)["minority"]["own_tables"]
    assert plain == OWN | {"drop": [], "person": "", "series": None}
    assert long["series"] == series | {"id": "id", "test": "test", "value": "value"}
    page = settings.describe(SCHEMA)
    for key in [*plain, *long["series"]]:
        assert f"\n| `{key}` |" in page.split("### An entry of minority.own_tables\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("value", ["sk-proj-CANARY", "gsk_CANARY", "CANARY " * 20])
def test_a_key_in_the_place_of_its_variable_is_refused_and_not_repeated(value):
    text = message(with_value(("endpoint", "key_variable"), value))
    assert "endpoint.key_variable: found what is not repeated here; allowed: text, empty, or capital letters" in text
    assert "CANARY" not in text


def test_a_long_value_is_cut():
    assert len(message(with_value(("fine_tune", "dtype"), "x" * 10_000))) < 600


ENDPOINT = {
    ("model", "backend"): "endpoint",
    ("model", "name"): "any",
    ("endpoint", "base_url"): "http://127.0.0.1:8080/v1",
    ("uptakes",): ["in_context"],
}
IN_CONTEXT = {"uptakes": ["in_context"]}
PAID = {"base_url": "http://h/v1", "max_cost": 1.5, "completion_price": 2, "key_variable": "MY_KEY_2"}

# ---- across keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({("collective", "agents"): 199}, "collective.sizes", "pool of 2000, but 199 agents with 10 sentences"),
        ({("depth_study", "size"): 2001}, "depth_study.size", "pool of 2001"),
        ({("overlap_study", "sizes"): [50, 4000]}, "overlap_study.sizes", "pool of 4000"),
        ({("defense", "at_size"): 750}, "defense.at_size", "one of collective.sizes above 0"),
        ({("collective", "sizes"): [250, 1000]}, "collective.sizes", "begin with 0"),
        ({("collective", "sizes"): [0, 1000, 250]}, "collective.sizes", "must ascend"),
        ({("defense", "names"): ["tfidf"]}, "defense.names", "must hold none"),
        ({("defense", "grid_sizes"): [100, 10]}, "defense.grid_sizes", "must ascend"),
        ({("defense", "grid_trained_sizes"): [7]}, "defense.grid_trained_sizes", "each must be one of"),
        ({("defense", "reference_size"): 99}, "defense.reference_size", "at least 100"),
        ({("in_context", "sizes"): [0, 300, 1000]}, "in_context.sizes", "some of collective.sizes: [0, 250, 500"),
        ({("in_context", "sizes"): [250, 1000]}, "in_context.sizes", "begin with 0"),
        ({("in_context", "sizes"): [0, 1000, 250]}, "in_context.sizes", "must ascend"),
        ({("in_context", "sizes"): [0, 500]}, "in_context.sizes", "must hold defense.at_size, 1000"),
        ({("defense", "strengths", "weak"): 0.06}, "defense.strengths", "weak must reject no more than moderate"),
        ({("figures", "utility", "main_size"): 750}, "figures.utility.main_size", "or null"),
        ({("model", "name"): "my-model"}, "model.name", "model.path is empty"),
        (ENDPOINT | {("endpoint", "base_url"): ""}, "endpoint.base_url", "begins with http"),
        (ENDPOINT | {("endpoint", "base_url"): "localhost:8080/v1"}, "endpoint.base_url", "begins with http"),
        (ENDPOINT | {("endpoint", "base_url"): "http://me:CANARY@a/v1"}, "endpoint.base_url", "holds a user name"),
        (ENDPOINT | {("endpoint", "base_url"): "http://a/v1?key=CANARY"}, "endpoint.base_url", "holds a user name"),
        (ENDPOINT | {("model", "path"): "models/mine"}, "model.path", "must be empty"),
        (ENDPOINT | {("uptakes",): ["fine_tune"]}, "uptakes", "found [fine_tune]; must be [in_context]"),
        (ENDPOINT | {("uptakes",): ["fine_tune", "in_context"]}, "uptakes", "must be [in_context]"),
        (ENDPOINT | {("in_context", "retriever"): "embeddings"}, "in_context.retriever", "must be tfidf"),
        (ENDPOINT | {("endpoint", "max_cost"): 5.0}, "endpoint.max_cost", "endpoint.prompt_price"),
        ({("minority", "datasets"): [], ("minority", "signal", "dataset"): ""}, "minority.datasets", "is empty"),
        ({("minority", "alphas"): [0.3, 0.1]}, "minority.alphas", "must ascend"),
        ({("minority", "at_alpha"): 0.25}, "minority.at_alpha", "one of minority.alphas"),
        ({("minority", "mitigations"): ["reweighing"]}, "minority.mitigations", "must hold none"),
        ({("minority", "signal", "dataset"): "adult"}, "minority.signal.dataset", "compas, law, rhc, or empty"),
        ({("minority", "own_tables"): [OWN | {"name": "rhc"}]}, "minority.own_tables", "the name rhc is taken"),
        (
            {("minority", "own_tables"): [OWN | {"series": {"path": "long.csv", "landmark": 3}}]},
            "minority.own_tables[0].person",
            "the column that holds its ids",
        ),
    ],
)
def test_keys_that_do_not_fit_together(changes, path, words):
    config = deepcopy(DEFAULTS)
    for (*sections, key), value in changes.items():
        section = config
        for name in sections:
            section = section[name]
        section[key] = value
    text = message(config)
    assert f"  {path}: " in text and words in text
    assert text.count("\n") == 1 and "CANARY" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"collective": {"agents": 1, "pool_file": "own.csv"}},
        {"collective": {"agents": 100, "sentences_per_agent": 20}},
        {"model": {"name": "my-model", "path": "models/mine"}},
        {"defense": {"reference_size": 100}},
        {"defense": {"reference_size": 20, "strengths": {"weak": 0.05}}},
        {"figures": {"utility": {"main_size": 1000}}},
        {"audit": {"temperature": 0}},
        {"in_context": {"sizes": [0, 500, 1000]}},
        {"uptakes": ["fine_tune"], "in_context": {"sizes": [0, 1]}},
        {"collective": {"sizes": [0, 7]}, "defense": {"at_size": 7}},
        {"model": {"backend": "endpoint", "name": "any"}, "endpoint": {"base_url": "https://host/v1"}} | IN_CONTEXT,
        {"model": {"backend": "endpoint", "name": "any"}, "endpoint": PAID} | IN_CONTEXT,
    ],
    ids=str,
)
def test_what_fits_together_is_accepted(change):
    settings.check(change, SCHEMA)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 2000))
def test_a_pool_is_accepted_exactly_if_the_agents_can_write_it(agents, each, size):
    change = {
        "collective": {"agents": agents, "sentences_per_agent": each, "sizes": [0, size]},
        "defense": {"at_size": size},
        "depth_study": {"size": 1},
        "overlap_study": {"sizes": [1]},
    }
    if size <= agents * each:
        settings.check(change, SCHEMA)
    else:
        assert "collective.sizes: asks for" in message(change)


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a: [1", b"- 1\n", b"", b"a: \xff\xfe\n", b"just text"])
def test_a_file_that_is_no_mapping_is_named(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"mine\.yaml: is not"):
        settings.read(path)
