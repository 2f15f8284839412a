"""The filters beside the libraries that do the same: near duplicates, neighbours by TF-IDF, Gopher's measures.

Both sides get the same contributions. What both need and either could do, the other side gets for nothing: shingles,
vectors and words are ready before its clock starts, while ours starts from the texts (for TF-IDF: from their words).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SEED, timed

from quorum import streams, tables
from quorum.defenses import gopher, minhash, score, tfidf
from quorum.defenses.blinded import Blinded, blind_contributions
from quorum.defenses.calibration import threshold
from quorum.defenses.groups import merging_levels
from quorum.defenses.ragged import Ragged, starts_of
from quorum.defenses.words import Words, blocks

ROWS, REFERENCE = 100_000, 1_000
NEAR = 0.8
RATES = (0.01, 0.05, 0.2)


@pytest.fixture(scope="module")
def material() -> streams.Material:
    texts = ROOT / "resources" / "retrieved" / "texts.parquet"
    if not texts.is_file():
        pytest.fail(f"{texts}: no texts; `make bench` retrieves them, or run `make` first", pytrace=False)
    skeletons = {
        name: pd.read_csv(ROOT / "resources" / "wordings" / f"{name}.csv")["text"].tolist()
        for name in ("background", "template", "varied")
    }
    return streams.gather_material(
        tables.read_table(texts, "texts")["text"].tolist(),
        skeletons["background"],
        skeletons["template"] + skeletons["varied"],
        pd.read_csv(ROOT / "resources" / "professions.csv")["profession"].tolist(),
    )


@pytest.fixture(scope="module")
def stream(material: streams.Material, pytestconfig: pytest.Config) -> Blinded:
    rows = ROWS // 10 if pytestconfig.getoption("quick") else ROWS
    return blind_contributions(streams.write_stream(material, rows, 0, rows, SEED))


@pytest.fixture(scope="module")
def reference(material: streams.Material) -> Blinded:
    return blind_contributions(streams.write_stream(material, REFERENCE, 0, REFERENCE, SEED + 1, clean=True))


@pytest.fixture(autouse=True, scope="module")
def warmed(stream: Blinded, reference: Blinded) -> None:
    """A first small call of everything, for what it has to import and to build."""
    few = Blinded(stream.texts[:200], stream.agents[:200])
    ours_near_duplicates(few)
    clean = tfidf.learn(reference)
    for _, words in blocks(few.texts):
        tfidf.distances(words, clean)
        gopher.measures(words)


# ---- near duplicates -------------------------------------------------------------------------------------------------


def ours_near_duplicates(part: Blinded) -> tuple[Ragged, np.ndarray, np.ndarray, np.ndarray]:
    """(shingles of the distinct documents, pairs, their exact similarities), from the texts on."""
    documents, shingles = minhash.digest(part)
    sets = Ragged(shingles["shingle"].to_numpy().view(np.uint64), starts_of(documents["shingles"].to_numpy()))
    return sets, *minhash.near_pairs(sets, SEED)


def by_datasketch(sets: Sequence[list[bytes]]) -> set[tuple[int, int]]:
    """Candidate pairs of MinHash and MinHashLSH with as many permutations and bands; not verified."""
    from datasketch import MinHash, MinHashLSH

    columns = minhash.BANDS * minhash.ROWS
    index = MinHashLSH(num_perm=columns, params=(minhash.BANDS, minhash.ROWS))
    sketches = MinHash.bulk(sets, num_perm=columns, seed=SEED)
    with index.insertion_session() as session:
        for number, sketch in enumerate(sketches):
            session.insert(number, sketch)
    return {
        (number, other) for number, sketch in enumerate(sketches) for other in index.query(sketch) if number < other
    }


def true_pairs(sets: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """All pairs with a Jaccard similarity of at least NEAR, exactly, by prefixes (Bayardo, Ma and Srikant 2007).

    Sets x and y with J(x, y) >= t share at least t |x| values, so they share one of the |x| - ceil(t |x|) + 1 rarest
    values of each.
    """
    frequency: dict[int, int] = defaultdict(int)
    for own in sets:
        for value in own:
            frequency[value] += 1
    holders: dict[int, list[int]] = defaultdict(list)
    found = set()
    unordered = [set(own) for own in sets]
    for number, own in enumerate(sets):
        prefix = sorted(own, key=lambda value: (frequency[value], value))[: len(own) - ceil(NEAR * len(own)) + 1]
        for other in {holder for value in prefix for holder in holders[value]}:
            shared = len(unordered[number] & unordered[other])
            if shared >= NEAR * (len(own) + len(sets[other]) - shared):
                found.add((other, number))
        for value in prefix:
            holders[value].append(number)
    return found


def test_near_duplicates(stream, pytestconfig, record):
    (sets, one, other, similarity), seconds = timed(lambda: ours_near_duplicates(stream))
    near = similarity >= NEAR
    found = set(zip(one[near].tolist(), other[near].tolist(), strict=True))
    listed = [sets.values[a:b].tolist() for a, b in pairwise(sets.starts)]
    as_bytes = [[value.to_bytes(8, "little") for value in own] for own in listed]
    candidates, plain = timed(lambda: by_datasketch(as_bytes))
    truth = true_pairs(listed)
    recall, theirs = len(found & truth) / len(truth), len(candidates & truth) / len(truth)
    level = merging_levels(one[near], other[near], similarity[near], np.arange(len(sets), dtype=float))
    required = "" if pytestconfig.getoption("quick") else "10"
    what = f"near duplicates among {len(stream):,} contributions, MinHash {minhash.BANDS} x {minhash.ROWS} and LSH"
    record(f"{what}, against datasketch", seconds, plain, plain / seconds, required)
    record(f"recall of the {len(truth):,} pairs with Jaccard >= {NEAR} ({len(sets):,} distinct texts)", recall, theirs)
    record(f"texts that have an earlier one with Jaccard >= {NEAR}", int((level > 0).sum()))
    assert found <= truth
    assert recall >= 0.95
    assert pytestconfig.getoption("quick") or plain >= 10 * seconds


# ---- neighbours by TF-IDF --------------------------------------------------------------------------------------------


def vectors(texts: Sequence[Words], clean: Sequence[Words]) -> tuple:
    """scikit-learn's own vectors of both, words that the clean texts lack included."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    def analyse(tokens: list[str]) -> list[str]:
        return [*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))]

    tokens = [[words.of(row) for words in part for row in range(len(words))] for part in (clean, texts)]
    counts = CountVectorizer(analyzer=analyse).fit_transform([*tokens[0], *tokens[1]])
    weighted = TfidfTransformer().fit(counts[: len(tokens[0])]).transform(counts)
    return weighted[len(tokens[0]) :], weighted[: len(tokens[0])]


def test_neighbours_by_tfidf(stream, reference, pytestconfig, record):
    from sklearn.neighbors import NearestNeighbors

    distinct = list(dict.fromkeys(reference.texts))
    of_reference = {key for _, words in blocks(distinct) for key in words.fingerprints().tolist()}
    read = [words for _, words in blocks(stream.texts)]
    clean = tfidf.learn(reference)
    distances, seconds = timed(lambda: np.concatenate([tfidf.distances(words, clean) for words in read]))

    clean_read = [words for _, words in blocks(distinct)]
    assert len(of_reference) == len(distinct), "two texts of the reference have the same words"
    rows, columns = vectors(read, clean_read)
    search = NearestNeighbors(n_neighbors=tfidf.NEIGHBOURS, metric="cosine", algorithm="brute").fit(columns)
    search.kneighbors(rows[:200])
    (found, _), plain = timed(lambda: search.kneighbors(rows))
    total = np.asarray(columns.sum(axis=0)).ravel()
    expected = 1 - ((1 - found).mean(axis=1) + rows @ total / np.linalg.norm(total)) / 2

    # a text with the words of a clean one is not compared with it: that is ours alone
    other = ~np.isin(np.concatenate([words.fingerprints() for words in read]), list(of_reference))
    of_clean = np.concatenate([tfidf.distances(words, clean) for _, words in blocks(reference.texts)])
    np.testing.assert_allclose(distances[other], expected[other], atol=1e-9)
    for rate in RATES:
        limit = threshold(of_clean, rate)
        assert ((distances > limit) == (expected > limit))[other].all()

    frequency = np.bincount(columns.indices, minlength=columns.shape[1])
    floor = float(frequency[rows.indices].sum()) / len(stream)
    required = "" if pytestconfig.getoption("quick") else "5"
    what = f"{tfidf.NEIGHBOURS} nearest of {len(distinct):,} clean texts for {len(stream):,} contributions"
    record(f"{what}, against NearestNeighbors (brute, cosine)", seconds, plain, plain / seconds, required)
    record("multiply-adds a text that the cosines need (nonzeros x postings)", floor)
    record("seconds a multiply-add, times 10^9", seconds / len(stream) / floor * 1e9, plain / len(stream) / floor * 1e9)
    assert pytestconfig.getoption("quick") or plain >= 5 * seconds


# ---- Gopher's measures -----------------------------------------------------------------------------------------------


def test_gopher_measures(stream, pytestconfig, record, monkeypatch):
    from datatrove.data import Document
    from datatrove.pipeline.filters import gopher_repetition_filter as datatrove

    def ours() -> np.ndarray:
        return np.concatenate([gopher.measures(words)[0] for _, words in blocks(stream.texts)])

    found, seconds = timed(ours)
    read = [words for _, words in blocks(stream.texts)]
    texts = [text for words in read for text in words.texts]
    tokens = dict(zip(texts, (words.of(row) for words in read for row in range(len(words))), strict=True))
    monkeypatch.setattr(datatrove, "split_into_words", lambda text, language: tokens[text])
    documents = [Document(text=text, id="") for text in texts]
    # limits that nothing reaches: otherwise it stops at the first measure above one
    all_measures = datatrove.GopherRepetitionFilter(
        *[1e9] * 4, *(tuple((size, 1e9) for size in sizes) for sizes in ((2, 3, 4), range(5, 11)))
    )
    _, plain = timed(lambda: [all_measures.filter(document) for document in documents])
    drops = datatrove.GopherRepetitionFilter()
    kept = np.array([drops.filter(document) is True for document in documents])
    ours_kept = (found <= list(gopher.LIMITS.values())).all(axis=1)
    assert (kept == ours_kept)[[bool(text) for text in texts]].all()
    for row in range(0, len(texts), 97):
        for column, size in enumerate((2, 3, 4), start=4):
            grams = datatrove.get_n_grams(tokens[texts[row]], size)
            assert found[row, column] == (datatrove.find_top_duplicate(grams) / len(texts[row]) if grams else 0)
        for column, size in enumerate(range(5, 11), start=7):
            assert found[row, column] == datatrove.find_all_duplicate(tokens[texts[row]], size) / max(
                1, len(texts[row])
            )
    required = "" if pytestconfig.getoption("quick") else "3"
    what = f"Gopher's 13 measures of {len(stream):,} contributions, against datatrove's filter"
    record(what, seconds, plain, plain / seconds, required)
    record("its verdicts that differ", int((kept != ours_kept).sum()))
    assert pytestconfig.getoption("quick") or plain >= 3 * seconds


# ---- hostile text ----------------------------------------------------------------------------------------------------


HOSTILE = {
    "a sentence": "The nurse read it.",
    "2,000 letters": "a" * 3_000,
    "1,000 words": "a b " * 800,
    "🩺": "🩺" * 50,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hundred_thousand_equal_rows(kind, reference, pytestconfig, record):
    rows = ROWS // 10 if pytestconfig.getoption("quick") else ROWS
    stream = Blinded((HOSTILE[kind],) * rows, np.arange(rows, dtype=np.uint64))
    lexicon = pd.read_csv(ROOT / "resources" / "lexicons" / "keywords.csv")
    score(["0"], Blinded(("",), stream.agents[:1]), reference, SEED, lexicon)
    found, seconds = timed(lambda: score([str(row) for row in range(rows)], stream, reference, SEED, lexicon))
    assert len(found[0]) == 5 * rows
    record(f"all filters over {rows:,} times the same {kind}", seconds)
