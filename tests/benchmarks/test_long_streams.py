"""How time and memory of each filter grow with the stream: parts on disk, one process a filter, as the rules do it."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from conftest import ROOT, SEED
from test_filters import REFERENCE, material
from test_neighbours import peak_memory

from quorum import defenses, streams, tables
from quorum.defenses import composite, minhash, repetition
from quorum.defenses.blinded import Blinded, blind_contributions

ROWS = (10_000, 100_000, 1_000_000)
PART = 100_000
RANGES = 10
LARGEST_MB = 2_048

__all__ = ["material"]  # a fixture


def read(path: Path) -> Blinded:
    return blind_contributions(tables.read_table(path, "contributions"))


def write(sentences: streams.Material, rows: int, first: int, last: int, path: Path, clean: bool = False) -> None:
    tables.write_table(streams.write_stream(sentences, rows, first, last, SEED + clean, clean), path, "contributions")


def wordings(parts: list[Path], clean: Blinded) -> pd.DataFrame:
    """What count_wordings and merge_wordings do."""
    counted = [path.with_suffix(".counted") for path in parts]
    for path, own in zip(parts, counted, strict=True):
        tables.write_table(repetition.count(read(path)), own, "shared_wordings")
    of_reference = repetition.count(clean, reference=True)
    merged = []
    for first, last in repetition.ranges(RANGES):
        within = [("wording", ">=", first), ("wording", "<", last)]
        own = [tables.read_table(path, "shared_wordings", within) for path in counted]
        merged.append(repetition.merge([*own, of_reference[of_reference["wording"].between(first, last - 1)]]))
    return pd.concat(merged, ignore_index=True)


def duplicates(parts: list[Path], clean: Blinded) -> pd.DataFrame:
    """What digest_documents and link_documents do."""
    for number, path in enumerate(parts):
        documents, shingles = minhash.digest(read(path), number * PART)
        tables.write_table(documents, path.with_suffix(".documents"), "documents")
        tables.write_table(shingles, path.with_suffix(".shingles"), "shingles")
    digests = [
        tuple(tables.read_table(path.with_suffix(f".{name}"), name) for name in ("documents", "shingles"))
        for path in parts
    ]
    return minhash.link([*digests, minhash.digest_reference(clean)], SEED)


def run(job: tuple[str, list[Path], Path]) -> tuple[float, float]:
    """(processor seconds, peak memory in MB) of one filter over the parts, from Parquet to Parquet."""
    defense, parts, reference = job
    clean = read(reference)
    began = process_time()
    if defense == defenses.COMPOSITE:
        for path in parts:
            own = [path.with_suffix(f".{name}") for name in defenses.FILTERS]
            found = composite.combine(
                defenses.from_tables(
                    pd.concat([tables.read_table(f"{name}.scores", "scores") for name in own]),
                    pd.concat([tables.read_table(f"{name}.reference", "reference_scores") for name in own]),
                )
            )
            ids = tables.read_table(f"{own[0]}.scores", "scores")["contribution_id"].tolist()
            tables.write_table(defenses.as_tables(defense, ids, found)[0], path.with_suffix(".all"), "scores")
        return process_time() - began, peak_memory()
    lexicon = pd.read_csv(ROOT / "resources" / "lexicons" / "keywords.csv")
    telling = {"repetition": wordings, "minhash": duplicates}.get(defense)
    shared = telling(parts, clean) if telling else None
    for number, path in enumerate(parts):
        part = tables.read_table(path, "contributions")
        found = defenses.score_part(
            defense, blind_contributions(part), clean, shared, first_row=number * PART, lexicon=lexicon
        )
        scores, of_reference = defenses.as_tables(defense, part["contribution_id"].tolist(), found)
        tables.write_table(scores, f"{path.with_suffix('')}.{defense}.scores", "scores")
        tables.write_table(of_reference, f"{path.with_suffix('')}.{defense}.reference", "reference_scores")
    return process_time() - began, peak_memory()


def test_growth_with_the_stream(material, pytestconfig, record, tmp_path):
    quick = pytestconfig.getoption("quick")
    sizes = [rows // 10 for rows in ROWS] if quick else list(ROWS)
    reference = tmp_path / "reference.parquet"
    write(material, REFERENCE, 0, REFERENCE, reference, clean=True)
    names = [*defenses.FILTERS, defenses.COMPOSITE]
    taken: dict[str, list[float]] = {name: [] for name in names}
    for rows in sizes:
        edges = [(first, min(rows, first + PART)) for first in range(0, rows, PART)]
        parts = [tmp_path / f"{rows}part{number}.parquet" for number in range(len(edges))]
        for (first, last), path in zip(edges, parts, strict=True):
            write(material, rows, first, last, path)
        for name in names:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                seconds, memory = pool.submit(run, (name, parts, reference)).result()
            taken[name].append(seconds)
            record(f"{name}, {rows:,} contributions: processor seconds", seconds)
            record(f"{name}, {rows:,} contributions: peak memory, MB", memory, required=f"at most {LARGEST_MB:,}")
            assert memory <= LARGEST_MB
    for name in names:
        record(f"{name}: exponent of growth in rows", float(np.polyfit(np.log(sizes), np.log(taken[name]), 1)[0]))
        last = np.diff(np.log(taken[name][-2:])) / np.diff(np.log(sizes[-2:]))
        record(f"{name}: exponent between the two longest", float(last[0]))
