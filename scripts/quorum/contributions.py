"""Contributions: reading and checking what a collective submits, and the stream in which the firm receives it all."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from quorum.collective import order_of_genders
from quorum.population import POOL
from quorum.pronouns import NONE, first_gender, split_at_pronoun

MAX_CHARACTERS = 2_000
_SHOWN_CHARACTERS = 200
_AGENT_CHARACTERS = 100

# An opening or closing tag, a comment or declaration, or a character entity. "p <0.05" is none of them.
_MARKUP = re.compile(r"<[a-z/!?]|&(?:#x?[0-9a-f]{1,8}|[a-z]{2,32});", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:-\w+)*")


class SubmissionError(ValueError):
    """A submitted file that cannot be read; the message names the file, the row or column, and what to do."""


@dataclass(frozen=True)
class GenderBalance:
    """The genders of a pool beside those that its strategy asks for.

    male, female, neutral: sentences; male_share and expected_male_share: male sentences / all sentences, in 0..1 (empty
    pool: NaN); follows: whether they are within the tolerance; advice: what to change, empty if nothing.
    """

    strategy: str
    male: int
    female: int
    neutral: int
    male_share: float
    expected_male_share: float
    follows: bool
    advice: str


def validate_submission(
    submission: pd.DataFrame,
    health_terms: Iterable[str],
    professions: pd.DataFrame,
    max_characters: int = MAX_CHARACTERS,
    taken: Iterable[str] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sorts a submission into (accepted, rejections): frames of the tables `contributions` and `rejections`.

    submission: a column text of any values, and optionally a column agent. health_terms: words or phrases, one of which
    (or a title of `professions`) makes a sentence one about health. A sentence is rejected with the first reason that
    holds; of equal sentences (NFKC, letter case and white space aside) the first accepted one stays. White space is
    made single. taken: sentences that came before, of which these must be no duplicates. Takes time linear in the
    submission, whatever it holds. Raises SubmissionError without a column text.
    """
    if "text" not in submission.columns:
        raise SubmissionError(f"the submission has no column text; found {[str(c) for c in submission.columns]}")
    titles = {tuple(_words(title)): title for title in professions["profession"]}
    terms = {tuple(_words(term)) for term in health_terms} | set(titles)
    agents = submission["agent"] if "agent" in submission.columns else [None] * len(submission)
    seen = {_normalised(text) for text in taken}
    accepted, rejections = [], []
    for row, (text, agent) in enumerate(zip(submission["text"], agents, strict=True), start=1):
        who = _agent(agent, row)
        reason = _unreadable(text, max_characters) or _unsuitable(text, terms)
        if not reason and (key := _normalised(text)) in seen:
            reason = "duplicate of an earlier sentence"
        if reason:
            rejections.append((row, who, shown(text), reason))
            continue
        seen.add(key)
        kept = " ".join(text.split())
        accepted.append((who, _title_in(kept, titles), first_gender(kept), *split_at_pronoun(kept)))
    pool = pd.DataFrame(accepted, columns=["agent", "profession", "gender", "prompt", "completion"], dtype="object")
    pool.insert(0, "contribution_id", [f"pool{k:06d}" for k in range(1, len(pool) + 1)])
    pool.insert(2, "source", POOL)
    pool.insert(4, "skeleton", "")
    return pool, pd.DataFrame(rejections, columns=["row", "agent", "text", "reason"])


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _unreadable(text: object, max_characters: int) -> str:
    """Why a value is not a plain sentence of acceptable length; empty if it is one."""
    if _is_missing(text):
        return "empty"
    if not isinstance(text, str):
        return f"not text but {type(text).__name__}"
    if len(text) > max_characters:
        return f"too long: {len(text)} characters, at most {max_characters} are accepted"
    if not text.strip():
        return "empty"
    if any(_is_invisible(c) and not c.isspace() for c in text):
        return "contains control or invisible characters"
    if _MARKUP.search(text):
        return "contains markup"
    return ""


def _unsuitable(text: str, terms: set[tuple[str, ...]]) -> str:
    """Why a plain sentence is none of this campaign; empty if it is one."""
    if not any(True for _ in _found(text, terms)):
        return "no health relevance"
    if first_gender(text) == NONE:
        return "no counted pronoun"
    return ""


def _is_invisible(character: str) -> bool:
    # Cc control, Cf format (zero width, direction), Cs surrogate (cannot be stored as UTF-8).
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if _is_invisible(c) else c for c in text)


def shown(value: object) -> str:
    """A value as a table shows it: its first 200 characters, control and invisible ones escaped."""
    if _is_missing(value):
        return ""
    return _escaped((value if isinstance(value, str) else repr(value))[:_SHOWN_CHARACTERS])


def _agent(value: object, row: int) -> str:
    name = "" if _is_missing(value) else _escaped(str(value)[:_AGENT_CHARACTERS]).strip()
    return name or f"agent{row:03d}"


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _words(text: str) -> list[str]:
    """Words in lower case, a plural s dropped."""
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in _WORD.findall(_normalised(text))]


def _found(text: str, terms: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """The terms that occur in the text, in the order of the text, longer ones first."""
    wanted = set(terms)
    lengths = sorted({len(term) for term in wanted if term}, reverse=True)
    words = _words(text)
    for start in range(len(words)):
        for length in lengths:
            if (found := tuple(words[start : start + length])) in wanted:
                yield found


def _title_in(text: str, titles: dict[tuple[str, ...], str]) -> str:
    """The first profession that the text names; empty if it names none."""
    return next((titles[found] for found in _found(text, titles)), "")


def gender_balance(
    pool: pd.DataFrame, strategy: str, background_size: int, background_male_share: float, tolerance: float = 0.05
) -> GenderBalance:
    """The genders of a pool (table `contributions`) beside those of a written pool of its size and strategy.

    A pool whose male share differs by more than `tolerance` (0..1) does not follow its strategy; it loses no row.
    """
    counts = pool["gender"].value_counts()
    male, female, neutral = (int(counts.get(g, 0)) for g in ("male", "female", "neutral"))
    n = male + female + neutral
    if not n:
        return GenderBalance(strategy, 0, 0, 0, float("nan"), float("nan"), False, "submit sentences with a pronoun")
    expected = order_of_genders(strategy, n, background_size, background_male_share).count("male")
    follows = abs(male - expected) <= tolerance * n
    advice = (
        f"strategy {strategy} asks for {expected} male sentences of {n}, and {male} are; change pronouns or strategy"
    )
    return GenderBalance(strategy, male, female, neutral, male / n, expected / n, follows, "" if follows else advice)


def read_submission(path: str | Path, text: str = "text", agent: str = "agent") -> pd.DataFrame:
    """Columns text and agent (empty where the file names none) of a CSV, JSONL or Parquet file, one row a sentence.

    text, agent: what the file calls these columns. The file is UTF-8. Values are left as they are:
    `validate_submission` judges them. Raises SubmissionError for anything that cannot be read.
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise SubmissionError(f"{path}: unknown ending {path.suffix!r}; use one of {sorted(readers)}")
    try:
        empty = path.stat().st_size == 0
        rows = [] if empty else readers[path.suffix.lower()](path, text, agent)
    except OSError as error:
        raise SubmissionError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    if not rows:
        raise SubmissionError(f"{path}: has no sentences; write one per row, in a column {text}")
    return pd.DataFrame(rows, columns=["text", "agent"], dtype="object")


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SubmissionError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def _require_text(path: Path, columns: list[str], text: str, agent: str) -> None:
    if columns.count(text) != 1 or columns.count(agent) > 1:
        raise SubmissionError(
            f"{path}: needs one column {text} and at most one column {agent}; found {[shown(c) for c in columns[:20]]}"
            ". collective.pool_columns says what the columns are called"
        )


def _read_csv(path: Path, text: str, agent: str) -> list[tuple[object, object]]:
    content = _decoded(path)
    # The limit of the csv module is global; a field as long as the file must still reach the check of its length.
    limit = csv.field_size_limit(max(len(content), 1))
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _require_text(path, header, text, agent)
        rows = []
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise SubmissionError(
                    f"{path}, line {reader.line_num}: has {len(fields)} fields where the header has {len(header)}; "
                    "put double quotes around a text that has commas or line breaks"
                )
            named = dict(zip(header, fields, strict=True))
            rows.append((named[text], named.get(agent)))
    except csv.Error as error:
        raise SubmissionError(f"{path}, line {reader.line_num}: {error}; check its double quotes") from error
    finally:
        csv.field_size_limit(limit)
    return rows


def _read_jsonl(path: Path, text: str, agent: str) -> list[tuple[object, object]]:
    rows = []
    for number, line in enumerate(_decoded(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SubmissionError(f"{path}, line {number}: is not JSON ({error}); write one object per line") from error
        if not isinstance(row, dict) or text not in row:
            raise SubmissionError(
                f'{path}, line {number}: has no key {text}; write an object such as {{"{text}": "..."}}'
            )
        rows.append((row[text], row.get(agent)))
    return rows


def _read_parquet(path: Path, text: str, agent: str) -> list[tuple[object, object]]:
    try:
        with pq.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            _require_text(path, columns, text, agent)
            table = file.read(columns=[c for c in (text, agent) if c in columns])
        table.validate(full=True)
        values = table.to_pydict()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SubmissionError(f"{path}: not a readable Parquet file ({error}); write it again") from error
    return list(zip(values[text], values.get(agent, [None] * len(values[text])), strict=True))


def assemble_stream(background: pd.DataFrame, pool: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """The stream that the firm receives: the background and the first `size` sentences of the pool, in random order.

    Frames of table `contributions`. With the same seed the stream of a smaller pool is that of a larger one without the
    sentences that are missing. Raises ValueError if the pool is shorter than `size` or an id occurs twice.
    """
    if not 0 <= size <= len(pool):
        raise ValueError(f"a pool of {size} sentences was asked for, and {len(pool)} are there")
    stream = pd.concat([background, pool.head(size)], ignore_index=True)
    twice = stream["contribution_id"].duplicated()
    if twice.any():
        raise ValueError(f"contribution_id {stream['contribution_id'][twice].iloc[0]!r} occurs twice in the stream")
    places = np.random.default_rng([seed, 2]).random(len(stream))
    return stream.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def accepted_stream(stream: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """The contributions that the verdicts (table `verdicts`, in any order) let through, in the order of the stream.

    Raises ValueError unless there is exactly one verdict on each contribution.
    """
    judged = verdicts.set_index("contribution_id")["accepted"]
    ids = stream["contribution_id"]
    if not judged.index.is_unique or len(judged) != len(ids) or not ids.isin(judged.index).all():
        raise ValueError(f"{len(verdicts)} verdicts do not judge each of the {len(ids)} contributions exactly once")
    return stream[judged.loc[ids].to_numpy(dtype=bool)].reset_index(drop=True)


def positions(contributions: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> np.ndarray:
    """Row number of each contribution in the parts laid end to end. Raises ValueError for one that no part holds."""
    index = pd.Index(pd.concat(list(parts))["contribution_id"])
    rows = index.get_indexer(contributions["contribution_id"])
    if (rows < 0).any():
        missing = contributions["contribution_id"].iloc[int((rows < 0).argmax())]
        raise ValueError(f"contribution {missing!r} is in none of the parts")
    return rows


def validate_written(
    written: pd.DataFrame, health_terms: Iterable[str], professions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`validate_submission` of a pool that the study wrote itself; accepted rows keep their profession and skeleton."""
    submission = written.assign(text=written["prompt"] + written["completion"])
    _, rejections = validate_submission(submission, health_terms, professions)
    kept = np.delete(np.arange(len(written)), rejections["row"].to_numpy(dtype=int) - 1)
    columns = ["contribution_id", "agent", "source", "profession", "skeleton", "gender", "prompt", "completion"]
    return written.iloc[kept].reset_index(drop=True)[columns], rejections


def require_size(accepted: pd.DataFrame, rejections: pd.DataFrame, size: int, path: str | Path) -> None:
    """Raises SubmissionError if a submission has fewer accepted sentences than the largest pool of the study needs."""
    if len(accepted) < size:
        reasons = rejections["reason"].str.split(":").str[0].value_counts()
        why = "; ".join(f"{reason}: {count}" for reason, count in reasons.items()) or "none was rejected"
        raise SubmissionError(
            f"{path}: {len(accepted)} sentences were accepted, and collective.sizes asks for {size} ({why}). "
            f"Set collective.sizes to at most {len(accepted)}"
        )


def released(pool: pd.DataFrame, size: int) -> pd.DataFrame:
    """The first `size` sentences of a validated pool (table `contributions`), a frame of table `sentences`.

    Raises ValueError if the pool has fewer, or they are not balanced.
    """
    sentences = pool.head(size)
    counts = sentences["gender"].value_counts()
    if len(sentences) < size or abs(counts.get("male", 0) - counts.get("female", 0)) > 1:
        raise ValueError(f"{len(sentences)} sentences of {size}, genders {counts.to_dict()}: not a balanced release")
    whole = sentences.assign(text=sentences["prompt"] + sentences["completion"]).reset_index(drop=True)
    return whole[["contribution_id", "agent", "profession", "gender", "text", "prompt", "completion", "skeleton"]]
