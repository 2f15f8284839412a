"""The release as those who get it use it: loaded by pandas, datasets and mlcroissant, checked by sha256sum, read."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quorum import collective, contributions, probes, settings, tables
from quorum.release import card, checksums, citation, croissant, description, forms, versions
from quorum.schemas import SCHEMAS

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources"
PROFESSIONS = pd.read_csv(RESOURCES / "professions.csv")
HEALTH = pd.read_csv(RESOURCES / "lexicons" / "health.csv")["term"].tolist()
CARD = (RESOURCES / "release" / "card.md").read_text(encoding="utf-8")
STYLES = ("varied", "template")
FACTS = {"seed": 7, "model": "a-model", "submitted": False}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whoever opens a connection fails the test."""

    def refused(*arguments):
        raise AssertionError(f"a connection was opened: {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)


def made_up(name: str, rows: int) -> pd.DataFrame:
    """A table of the schema; what may be empty is so in its first row."""
    values = {"string": lambda k: f'text {k}, "so"', "int": int, "float": lambda k: k / 3, "bool": lambda k: k % 2 == 0}
    columns = {c.name: [values[c.dtype](k) for k in range(rows)] for c in SCHEMAS[name]}
    frame = pd.DataFrame(columns)
    for column in SCHEMAS[name]:
        if column.optional:
            frame[column.name] = [np.nan if column.dtype == "float" else None, *columns[column.name][1:]]
    return frame


def written(style: str) -> pd.DataFrame:
    """The sentences of the study in that style."""
    skeletons = pd.read_csv(RESOURCES / "wordings" / f"{style}.csv")
    pool = collective.write_pool(PROFESSIONS, skeletons, "balanced", 100, 10, 1700, 0.79, 1)
    accepted, _ = contributions.validate_written(pool, HEALTH, PROFESSIONS)
    return contributions.released(accepted, 1000)


SENTENCES = {style: written(style) for style in STYLES}


def make(folder: Path, sentences: dict[str, pd.DataFrame], **facts: object) -> list[str]:
    """A release of the sentences, with two tables; returns the files that are none of it."""
    for style, frame in sentences.items():
        forms.write(frame, "sentences", *(folder / style / f"sentences.{form}" for form in forms.FORMS))
    wordings = pd.read_csv(RESOURCES / "wordings" / "matched.csv")
    asked = probes.matched_probes(PROFESSIONS, wordings, 80)
    for name, where, frame in (("probes", "probes", asked), ("provenance", "versions", made_up("provenance", 3))):
        forms.write(frame, name, *(folder / where / f"{name}.{form}" for form in forms.FORMS))
    for name in ("utility", "tipping_points"):
        tables.publish(made_up(name, 5), folder / "tables" / f"{name}.parquet", folder / "tables" / f"{name}.csv", name)
    for name in ("LICENSE", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    (folder / "versions" / "versions.json").write_text(versions.summary("0" * 40, "float32"), encoding="utf-8")
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return description.write(folder, paths, CARD, list(sentences), **FACTS | facts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A whole release, in a folder whose name is no name of a package; nobody changes it."""
    place = tmp_path_factory.mktemp("a release") / "it"
    assert make(place, SENTENCES) == []
    return place


# ---- the data set ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_the_data_set_is_the_promised_one(style):
    """1,000 sentences, none twice, 20 professions, half and half."""
    sentences = SENTENCES[style]
    assert len(sentences) == sentences["text"].nunique() == 1000
    assert sentences["gender"].value_counts().to_dict() == {"female": 500, "male": 500}
    about = sentences["profession"].value_counts()
    assert len(about) == 20 and about.max() - about.min() <= 1


@pytest.mark.parametrize("style", STYLES)
def test_the_sentences_can_be_contributed_as_they_are(folder, style):
    """As the pool file of another run, with the columns that it looks for unless told otherwise."""
    for form in forms.FORMS:
        submission = contributions.read_submission(folder / style / f"sentences.{form}")
        accepted, rejections = contributions.validate_submission(submission, HEALTH, PROFESSIONS)
        assert rejections.empty
        for column in ("agent", "profession", "gender", "prompt", "completion"):
            assert accepted[column].tolist() == SENTENCES[style][column].tolist(), column


# ---- read by others --------------------------------------------------------------------------------------------------


def read(stem: Path) -> list[pd.DataFrame]:
    """The three forms as the card says that they are read."""
    return [
        pd.read_parquet(stem.with_suffix(".parquet")),
        pd.read_csv(stem.with_suffix(".csv"), keep_default_na=False),
        pd.read_json(stem.with_suffix(".jsonl"), lines=True, dtype=False),
    ]


@pytest.mark.parametrize("stem", [*(f"{style}/sentences" for style in STYLES), "probes/probes", "versions/provenance"])
def test_pandas_reads_the_same_from_all_forms(folder, stem):
    parquet, csv, jsonl = read(folder / stem)
    pd.testing.assert_frame_equal(parquet, csv)
    pd.testing.assert_frame_equal(parquet, jsonl)
    if stem.endswith("sentences"):
        pd.testing.assert_frame_equal(parquet, SENTENCES[Path(stem).parent.name])


LOAD = """
import json, socket, sys
import pandas as pd

def refused(*arguments):
    raise AssertionError("a connection was opened")

socket.socket.connect = refused
from datasets import get_dataset_config_names, load_dataset
from datasets.utils.logging import disable_progress_bar

disable_progress_bar()
folder, target = sys.argv[1:]
configs = get_dataset_config_names(folder)
loaded = {name: load_dataset(folder, name) for name in configs} | {"": load_dataset(folder)}
for name, splits in loaded.items():
    [(split, rows)] = splits.items()
    rows.to_pandas().to_parquet(f"{target}/{name}-{split}.parquet")
print(json.dumps(configs))
"""


def test_datasets_loads_every_configuration_from_the_folder(folder, tmp_path):
    """In a process of its own, since the library reads its environment when it is imported."""
    environment = {"PATH": "", "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    inherited = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [sys.executable, "-c", LOAD, str(folder), str(tmp_path)]
    done = subprocess.run(command, env=environment | inherited, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [*STYLES, "probes"]
    expected = {f"{style}-train": f"{style}/sentences" for style in STYLES}
    expected |= {"-train": f"{STYLES[0]}/sentences", "probes-test": "probes/probes"}
    assert {path.stem for path in tmp_path.glob("*.parquet")} == expected.keys()
    for name, stem in expected.items():
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / f"{name}.parquet"), pd.read_parquet(folder / f"{stem}.parquet")
        )


def records(folder: Path, record_set: str) -> pd.DataFrame:
    import mlcroissant as mlc

    rows = mlc.Dataset(folder / "croissant.json").records(record_set)
    named = ({key.split("/", 1)[1]: value for key, value in row.items()} for row in rows)
    return pd.DataFrame({k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()} for row in named)


@pytest.mark.parametrize("style", STYLES)
def test_mlcroissant_reads_the_sentences_of_the_csv(folder, style):
    csv = pd.read_csv(folder / style / "sentences.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(records(folder, style), csv)


@pytest.mark.parametrize("name", ["utility", "tipping_points"])
def test_mlcroissant_reads_numbers_as_numbers_and_what_is_empty_as_empty(folder, name):
    found, expected = records(folder, name), pd.read_parquet(folder / "tables" / f"{name}.parquet")
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)


def test_the_validator_of_mlcroissant_finds_nothing_to_say(folder):
    command = [sys.executable, "-m", "mlcroissant.scripts.validate", "--jsonld", str(folder / "croissant.json")]
    inherited = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": ""}
    done = subprocess.run(command, env=inherited, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0 and "warning" not in done.stderr.lower(), done.stderr
    assert "Done." in done.stderr


def test_the_metadata_have_what_the_format_asks_for_and_every_file(folder):
    metadata = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    for key in ("@context", "name", "description", "license", "creator", "datePublished", "version", "citeAs"):
        assert metadata[key], key
    assert metadata["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    described = {entry["contentUrl"]: entry for entry in metadata["distribution"]}
    lying = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert described.keys() == lying - {"croissant.json", "SHA256SUMS"}
    for name, entry in described.items():
        assert entry["contentSize"] == f"{len((folder / name).read_bytes())} B"
    columns = {record["@id"]: [field["name"] for field in record["field"]] for record in metadata["recordSet"]}
    for name in described:
        if name.endswith(".parquet"):
            stem, folder_name = Path(name).stem, Path(name).parent.name
            identity = folder_name if stem == "sentences" else stem
            assert columns.pop(identity) == pd.read_parquet(folder / name).columns.tolist()
    assert columns == {}


# ---- metadata that are wrong -----------------------------------------------------------------------------------------


def spoilt(folder: Path, tmp_path: Path, change) -> Path:
    """A copy of the release whose metadata are changed."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "croissant.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    change(metadata, copy)
    path.write_text(json.dumps(metadata), encoding="utf-8")
    return path


def without_hash(metadata, copy):
    del metadata["distribution"][-1]["sha256"]


def of_no_file(metadata, copy):
    metadata["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "elsewhere.parquet"


def of_no_column(metadata, copy):
    metadata["recordSet"][0]["field"][0]["source"]["extract"]["column"] = "colour"


def another_type(metadata, copy):
    record = next(record for record in metadata["recordSet"] if record["@id"] == STYLES[0])
    record["field"][0]["dataType"] = "cr:Int64"


def a_flipped_bit(metadata, copy):
    path = copy / STYLES[0] / "sentences.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def a_lost_file(metadata, copy):
    (copy / STYLES[0] / "sentences.parquet").unlink()


@pytest.mark.parametrize("change", [without_hash, of_no_file, of_no_column, another_type, a_flipped_bit, a_lost_file])
def test_metadata_that_are_not_valid_or_do_not_fit_are_an_error(folder, tmp_path, change):
    path = spoilt(folder, tmp_path, change)
    with pytest.raises(croissant.CroissantError, match=re.escape(str(path))):
        croissant.require_valid(path)


def test_metadata_that_fit_are_none(folder, tmp_path):
    croissant.require_valid(spoilt(folder, tmp_path, lambda metadata, copy: None))


# ---- checksums -------------------------------------------------------------------------------------------------------


def sha256sum(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum")
def test_sha256sum_accepts_every_file_and_notices_a_flipped_bit(folder, tmp_path):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    done = sha256sum(copy)
    assert done.returncode == 0, done.stderr
    checked = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert checked == {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    for name in ("README.md", "varied/sentences.csv"):
        data = bytearray((copy / name).read_bytes())
        data[-2] ^= 1
        (copy / name).write_bytes(data)
    done = sha256sum(copy)
    assert done.returncode != 0
    failed = [line for line in done.stdout.splitlines() if not line.endswith(": OK")]
    assert failed == ["README.md: FAILED", "varied/sentences.csv: FAILED"]


def test_files_that_are_none_of_the_release_are_told(tmp_path):
    small = {"varied": SENTENCES["varied"].head(4)}
    assert make(tmp_path, small) == []
    for name in (".git/config", "mimic/sentences.csv", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    names = [line.split("  ")[1] for line in (tmp_path / "SHA256SUMS").read_text().splitlines()]
    assert checksums.others(tmp_path, names) == ["mimic/sentences.csv", "notes.txt"]


def test_a_file_that_lies_elsewhere_has_no_name_in_the_release(tmp_path):
    assert checksums.inside(tmp_path, [tmp_path / "b" / "c", tmp_path / "a"]) == ["a", "b/c"]
    with pytest.raises(ValueError):
        checksums.inside(tmp_path / "b", [tmp_path / "a"])


# ---- the same again --------------------------------------------------------------------------------------------------


def test_the_same_release_has_the_same_bytes(folder, tmp_path):
    make(tmp_path, SENTENCES)
    for path in folder.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path


# ---- any text --------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "",
        "NA",
        "null",
        "\n```\n",
        "1",
        '"',
        "'",
        ",",
        "a\rb",
        "a\r\nb",
        "\n",
        " ",
        "<b>&amp;</b>",
        "שלום",
        "👩‍⚕️",
        "\u2028",
        "\x85",
        "\\n",
        "=1+1",
        "\ufeff",
    ]
)


def sentences_of(texts: list[str]) -> pd.DataFrame:
    columns = {column.name: texts for column in SCHEMAS["sentences"]}
    return pd.DataFrame(columns | {"text": texts, "contribution_id": [f"pool{k}" for k in range(len(texts))]})


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_survives_in_every_form(tmp_path_factory, texts):
    """NUL ends a text for some readers of CSV, and which texts are numbers CSV cannot say."""
    stem = tmp_path_factory.mktemp("forms") / "sentences"
    forms.write(sentences_of(texts), "sentences", *(stem.with_suffix(f".{form}") for form in forms.FORMS))
    parquet, _, jsonl = read(stem)
    csv = pd.read_csv(stem.with_suffix(".csv"), keep_default_na=False, dtype=str)
    assert parquet["text"].tolist() == jsonl["text"].tolist() == texts
    lines = stem.with_suffix(".jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts
    if not any("\x00" in text for text in texts):
        assert csv["text"].tolist() == texts


@hypothesis.settings(max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_any_text_stays_text_in_the_card(texts):
    """The example is a block of code that a reader of Markdown gives back as it was."""
    from markdown_it import MarkdownIt

    frame = sentences_of(texts).assign(gender="female", agent="agent001")
    made = card.write(
        CARD, {"varied": frame}, made_up("probes", 1), made_up("provenance", 1), CITATION, version="1", commit=None,
        tables=[], **FACTS | {"model": texts[0] or "m"},
    )  # fmt: skip
    _, matter, prose = made.split("---\n", 2)
    assert yaml.safe_load(matter)["configs"][0]["config_name"] == "varied"
    tokens = MarkdownIt("commonmark").parse(prose)
    example = next(token.content for token in tokens if token.type == "fence" and token.info == "json")
    assert json.loads(example)["text"] == texts[0]
    within = [child.type for token in tokens for child in token.children or []]
    assert "html_block" not in [token.type for token in tokens] and "html_inline" not in within


# ---- the card --------------------------------------------------------------------------------------------------------

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def cells(text: str, first: str) -> dict[str, list[str]]:
    """The rows of the Markdown table whose head begins with that cell, by their first cell."""
    lines = text[text.index(f"| {first} |") :].split("\n\n")[0].splitlines()
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in [rows[0], *rows[2:]]}


def test_the_card_counts_what_the_files_hold(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    balance, professions = cells(text, "style"), cells(text, "profession")
    pairs = {}
    for style in STYLES:
        rows = [json.loads(line) for line in (folder / style / "sentences.jsonl").read_text().splitlines()]
        genders = Counter(row["gender"] for row in rows)
        assert balance[style] == [str(genders["female"]), str(genders["male"]), f"{len(rows):,}"]
        pairs[style] = Counter((row["profession"], row["gender"]) for row in rows)
        assert f"`{style}`: {len(rows):,} sentences of {len({row['agent'] for row in rows}):,} agents about 20" in text
    assert professions.pop("profession") == list(STYLES)
    assert len(professions) == 20
    for profession, found in professions.items():
        assert found == [f"{pairs[s][profession, 'female']} / {pairs[s][profession, 'male']}" for s in STYLES]
    assert "2,000 synthetic English sentences" in text and "`probes`: 80 prompts" in text and "the 2 tables" in text


def test_the_card_explains_every_column(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    section = text[text.index("## Columns") : text.index("## Balance")]
    for name in ("sentences", "probes"):
        for column in SCHEMAS[name]:
            assert f"| `{column.name}` | {column.dtype} |" in section


def test_the_front_matter_is_the_hubs(folder):
    matter = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert matter["license"] == "mit" and matter["language"] == ["en"]
    assert matter["size_categories"] == ["1K<n<10K"]  # 2,080 rows
    assert [config.get("default", False) for config in matter["configs"]] == [True, False, False]
    for config in matter["configs"]:
        assert (folder / config["data_files"][0]["path"]).is_file()


def test_the_card_tells_what_differs_between_runs(tmp_path):
    small = {"paraphrase": SENTENCES["template"].head(2), "mimic": SENTENCES["template"].head(2)}
    make(tmp_path, small, submitted=True, model="my`model")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "in the words of a language model (`` my`model ``)" in text and "what the model was told" in text
    assert "out of a file. They are not released" in text
    assert "one grammar" not in text and f"commit `{'0' * 40}`" in text


# ---- citation --------------------------------------------------------------------------------------------------------


def test_a_citation_has_what_its_file_has():
    found = citation.bibtex(CITATION)
    assert f"version = {{{CITATION['version']}}}" in found and "author = {{The Quorum authors}}" in found
    people = {
        "title": "T",
        "version": "2",
        "license": "MIT",
        "authors": [{"given-names": "Ada", "family-names": "Lovelace"}, {"name": "A Club"}],
        "repository-code": "https://example.org/t",
    }
    assert citation.bibtex(people) == (
        "@software{quorum,\n  title = {{T}},\n  author = {{Ada Lovelace} and {A Club}},\n  version = {2},\n"
        "  url = {https://example.org/t},\n}"
    )
    assert citation.released_on(people) == "" and citation.address(people | {"url": "u"}) == "u"


def test_the_projects_citation_says_when():
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", citation.released_on(CITATION))


# ---- versions --------------------------------------------------------------------------------------------------------

SCHEMA = settings.read(ROOT / "config" / "schema.yaml")
# Free texts of the configuration that name no place: models, who runs a server, columns of tables, scenarios.
TOLD = {
    "model.name",
    "endpoint.provider",
    "collective.pool_columns.text",
    "collective.pool_columns.agent",
    "planner.scenarios[].name",
    "minority.signal.dataset",
    "minority.signal.feature",
    "minority.signal.others[]",
}


def free_texts(part: dict, path: str = ""):
    """Path and key of every text in the schema that may hold anything."""
    part = settings._resolved(part, SCHEMA)
    for key, below in part.get("properties", {}).items():
        yield from free_texts(below, f"{path}.{key}" if path else key)
    if "items" in part:
        yield from free_texts(part["items"], f"{path}[]")
    if "string" in part.get("type", []) and not {"enum", "pattern"} & part.keys():
        yield path


def test_no_text_of_the_configuration_says_where_something_lies_unless_it_is_left_out():
    """A new key of free text must be decided on: a place by its name, or listed here."""
    open_ones = {path for path in free_texts(SCHEMA) if not versions._PRIVATE.fullmatch(path.split(".")[-1])}
    assert {path for path in open_ones if not path.startswith("minority.own_tables[]")} <= TOLD


def test_what_is_private_is_left_out_of_the_configuration():
    given = {
        "model": {"name": "any", "path": "/home/ada/model"},
        "endpoint": {"base_url": "http://10.0.0.7/v1", "key_variable": "ADAS_KEY", "cache_file": "", "mode": "chat"},
        "minority": {"own_tables": [{"name": "ward", "path": "ada.csv", "series": {"path": "labs.csv", "id": "no"}}]},
    }
    before = json.dumps(given)
    text = versions.configuration(given)
    assert json.dumps(given) == before
    assert yaml.safe_load(text) == {
        "model": {"name": "any", "path": "(left out)"},
        "endpoint": {"base_url": "(left out)", "key_variable": "(left out)", "cache_file": "", "mode": "chat"},
        "minority": {
            "own_tables": [{"name": "ward", "path": "(left out)", "series": {"path": "(left out)", "id": "no"}}]
        },
    }


def test_packages_are_those_of_the_pins_in_the_versions_that_are_there():
    pins = "# a comment==1\npandas==0.0.1\nno-such-package==3\n-r other.txt\nPyYAML==1\n"
    assert versions.requirements(pins) == f"pandas=={pd.__version__}\nPyYAML=={yaml.__version__}\n"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_the_commit_is_that_of_the_repository_that_knows_the_file(tmp_path, monkeypatch):
    for name in ("known.py", "unknown.py"):
        (tmp_path / name).write_text("1\n")
    assert versions.commit_of(tmp_path / "known.py") == ""
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "known.py")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    git(tmp_path, "tag", "a-tag")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert versions.commit_of(tmp_path / "known.py") == commit
    assert versions.commit_of(tmp_path / "unknown.py") == ""
    (tmp_path / "known.py").write_text("2\n")
    assert versions.commit_of(tmp_path / "known.py") == f"{commit}-dirty"
    monkeypatch.setenv("PATH", "")
    assert versions.commit_of(tmp_path / "known.py") == ""


def test_the_summary_says_no_more_than_versions():
    assert json.loads(versions.summary("", "")).keys() == {"quorum", "commit", "python", "precision"}
    assert json.loads(versions.summary("", ""))["commit"] is None
    assert json.loads(versions.summary("abc", "bfloat16"))["precision"] == "bfloat16"


# ---- nothing of the machine ------------------------------------------------------------------------------------------


def test_no_file_tells_of_the_machine_its_folders_or_the_time(folder):
    told = {str(folder).encode(), str(ROOT).encode(), socket.gethostname().encode(), str(Path.home()).encode()}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [word for word in told if len(word) > 5 and word in data], path
