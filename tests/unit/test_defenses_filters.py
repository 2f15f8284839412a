"""Each filter's own measure against a hand-worked case, a slow reference or another library."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import gopher_repetition_filter as datatrove
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from quorum.defenses import composite, gopher, groups, judge, keywords, minhash, repetition, score, score_part, tfidf
from quorum.defenses.blinded import Blinded, blind
from quorum.defenses.calibration import Scores
from quorum.defenses.ragged import Ragged, runs, starts_of
from quorum.defenses.words import normalise, read
from quorum.pronouns import WORDS

LEXICON = pd.DataFrame({"term": ["who was", "Who", "stereotype"], "weight": [1.0, 0.25, 0.5]})
ROOT = Path(__file__).parents[2]
VOCABULARY = [a + b for a in ("ka", "lo", "mi", "tu", "re") for b in ("n", "s", "t", "d", "m", "p")]


def nonsense(count: int, seed: int, length: int = 12) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(VOCABULARY, k=length)) for _ in range(count)]


def scored(defense: str, texts: Sequence[str] | Blinded, reference: Sequence[str] | Blinded, seed: int = 0) -> Scores:
    stream, clean = (side if isinstance(side, Blinded) else blind(side) for side in (texts, reference))
    sharing = {"repetition": repetition, "minhash": minhash}
    shared = sharing[defense].share(stream, clean, seed) if defense in sharing else None
    return score_part(defense, stream, clean, shared, lexicon=LEXICON)


def altered(text: str, changes: int, draw: random.Random) -> str:
    tokens = text.split()
    for place in draw.sample(range(len(tokens)), changes):
        tokens[place] = draw.choice(VOCABULARY)
    return " ".join(tokens)


# ---- keyword ---------------------------------------------------------------------------------------------------------


def test_keyword_score_by_hand() -> None:
    texts = ["Who was she? A STEREO\u200bTYPE.", "who who was", "whole stereotypes", ""]
    found = scored("keyword", texts, ["who knows", "nothing", "at all"])
    assert found.texts == pytest.approx([(1 + 0.5) / 5, (0.25 + 1) / 3, 0, 0])
    assert found.reference == pytest.approx([0.25 / 2, 0, 0])
    assert found.reasons == (
        "matches listed terms: who was, stereotype", "matches listed terms: who, who was", "", "",
    )  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(["who", "was", "it", "there"]), max_size=12), max_size=5))
def test_keyword_matches_as_a_slow_search_does(texts: list[list[str]]) -> None:
    terms = {("who", "was", "it"): 1.0, ("who", "was"): 1.0, ("was",): 1.0, ("it", "there", "it"): 1.0}
    words = read([" ".join(tokens) for tokens in texts])
    places, numbers = keywords.find(words, terms)
    expected = []
    for row, tokens in enumerate(texts):
        place = 0
        while place < len(tokens):
            hit = next((t for t in terms if tuple(tokens[place : place + len(t)]) == t), None)
            expected += [(words.hashes.starts[row] + place, hit)] if hit else []
            place += len(hit) if hit else 1
    assert [(p, list(terms)[n]) for p, n in zip(places.tolist(), numbers.tolist(), strict=True)] == expected


@pytest.mark.parametrize(
    ("lexicon", "message"),
    [
        (pd.DataFrame({"word": ["x"]}), r"missing columns \['term', 'weight'\]"),
        (pd.DataFrame({"term": [], "weight": []}), "lists no terms"),
        (pd.DataFrame({"term": ["x", " "], "weight": [1, 1]}), "row 2: the term is empty"),
        (pd.DataFrame({"term": ["x", None], "weight": [1, 1]}), "row 2: the term is empty"),
        (pd.DataFrame({"term": ["Who Was", "who  was"], "weight": [1, 1]}), "row 2: .* already listed"),
        (pd.DataFrame({"term": ["x"], "weight": ["heavy"]}), "row 1: the weight"),
        (pd.DataFrame({"term": ["x"], "weight": [0]}), "row 1: the weight"),
        (pd.DataFrame({"term": [" ".join("abcdefghijklmnop")], "weight": [1]}), "row 1: .* at most 15 words"),
    ],
)
def test_an_unusable_lexicon_is_an_error(lexicon: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        keywords.read_terms(lexicon)


def test_the_listed_words_are_usable_and_no_ordinary_pronouns() -> None:
    table = pd.read_csv(ROOT / "resources" / "lexicons" / "keywords.csv")
    assert list(table.columns) == ["term", "weight", "why"]
    terms = keywords.read_terms(table)
    assert not [word for forms in WORDS.values() for word in forms if (word,) in terms]
    assert max(terms.values()) <= 1


# ---- repetition ------------------------------------------------------------------------------------------------------

NAMES = list(gopher.LIMITS)
SENTENCES = st.lists(st.lists(st.sampled_from(["a", "aa", "b", "the", "nurse"]), max_size=14), max_size=6)


def datatrove_measures(text: str, tokens: list[str]) -> list[float]:
    """The 13 measures, by datatrove's own functions, put together as its filter does."""
    if not text:
        return [0.0] * 13
    lines, blocks = (
        (*datatrove.find_duplicates(part), len(part))
        for part in (datatrove.re.split("\n+", text), datatrove.re.split(r"\n{2,}", text.strip()))
    )
    found = [lines[0] / lines[2], blocks[0] / blocks[2], lines[1] / len(text), blocks[1] / len(text)]
    for size in (2, 3, 4):
        grams = datatrove.get_n_grams(tokens, size)
        found.append(datatrove.find_top_duplicate(grams) / len(text) if grams else 0.0)
    return found + [datatrove.find_all_duplicate(tokens, size) / len(text) for size in range(5, 11)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("the", {}),
        (
            "one two three one two four",
            {
                "characters in the top 2-gram": 2 * 7 / 26,
                "characters in the top 3-gram": 13 / 26,
                "characters in the top 4-gram": 17 / 26,
            },
        ),
        (
            "ab cd ab cd ab cd",
            {
                "characters in the top 2-gram": 3 * 5 / 17,
                "characters in the top 3-gram": 2 * 8 / 17,
                "characters in the top 4-gram": 2 * 11 / 17,
            },
        ),
        (
            "a b c d e f a b c d e",
            {
                "characters in the top 2-gram": 2 * 3 / 21,
                "characters in the top 3-gram": 2 * 5 / 21,
                "characters in the top 4-gram": 2 * 7 / 21,
                "characters in duplicate 5-grams": 5 / 21,
            },
        ),
        (
            "xy\nxy\nz\n\nz",
            {
                "duplicate lines": 2 / 4,
                "characters in duplicate lines": 3 / 10,
                "characters in the top 2-gram": 5 / 10,
                "characters in the top 3-gram": 7 / 10,
                "characters in the top 4-gram": 9 / 10,
            },
        ),
        (
            "xxx\n\nxxx\n\nz",
            {
                "duplicate lines": 1 / 3,
                "duplicate paragraphs": 1 / 3,
                "characters in duplicate lines": 3 / 11,
                "characters in duplicate paragraphs": 3 / 11,
                "characters in the top 2-gram": 7 / 11,
                "characters in the top 3-gram": 9 / 11,
            },
        ),
    ],
)
def test_gopher_measures_by_hand(text: str, expected: dict[str, float]) -> None:
    found = dict(zip(NAMES, gopher.measures(read([text]))[0][0], strict=True))
    assert found == pytest.approx({name: expected.get(name, 0.0) for name in NAMES})


@given(st.lists(SENTENCES, max_size=4), st.sampled_from(["\n", "\n\n", " ", ". "]))
@example([[["a", "aa", "b", "b", "b", "aa", "a", "b", "b", "b"]]], " ")  # the same letters, other words
@example([[["a"] * 40]], " ")
def test_gopher_measures_are_those_of_datatrove(documents: list[list[list[str]]], between: str) -> None:
    texts = [between.join(" ".join(sentence) for sentence in sentences) for sentences in documents]
    words = read(texts)
    found, repeated = gopher.measures(words)
    expected = [datatrove_measures(normalise(text), words.of(row)) for row, text in enumerate(texts)]
    assert found.tolist() == [pytest.approx(measures) for measures in expected]
    for row in range(len(texts)):
        for column, size in enumerate((2, 3, 4), start=4):
            times = Counter(datatrove.get_n_grams(words.of(row), size))
            assert repeated[row, column] == (max(times.values(), default=0) > 1)


def test_datatrove_drops_what_is_above_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*nonsense(60, 1, 30), *(f"{a} {a} {b}" for a, b in pairwise(nonsense(60, 2, 9))), "x\nx\nx", "kan " * 30]
    words = read(texts)
    own = {text: words.of(row) for row, text in enumerate(words.texts)}
    monkeypatch.setattr(datatrove, "split_into_words", lambda text, language: own[text])
    drops = datatrove.GopherRepetitionFilter()
    kept = [drops.filter(Document(text=text, id="")) is True for text in words.texts]
    found, _ = gopher.measures(words)
    assert kept == (found <= list(gopher.LIMITS.values())).all(axis=1).tolist()
    assert 0 < sum(kept) < len(kept)


def ranked(values: Sequence[float], clean: Sequence[float]) -> list[float]:
    excess = [max(0.0, value - max(clean)) for value in values]
    return [
        percentileofscore(clean, value, kind="strict") / 100 + e / (1 + e)
        for value, e in zip(values, excess, strict=True)
    ]


def slow_measures(texts: list[str], agents: list[str]) -> tuple[list[float], list[float], list[float]]:
    """inside, shared and burst of every text, each against all others."""
    tokens = [text.split() for text in texts]
    grams = [[tuple(t[i : i + 4]) for i in range(max(1, len(t) - 3))] for t in tokens]
    inside = []
    for text in texts:
        values, repeated = gopher.measures(read([text]))
        inside.append(max((values * repeated)[0] / list(gopher.LIMITS.values())))
    shared, burst = (
        [
            float(
                np.mean(
                    [sum(g in grams[o] for o in range(len(texts)) if o != row and same(row, o)) for g in grams[row]]
                )
            )
            for row in range(len(texts))
        ]
        for same in (lambda a, b: True, lambda a, b: agents[a] == agents[b])
    )
    return inside, shared, burst


def test_repetition_is_the_largest_of_its_three_ranks() -> None:
    draw = random.Random(3)
    stream = [
        *nonsense(20, 1, 6),
        "tap tap tap tap tap tap",
        *[altered("kan lon mis tut res kad", 1, draw) for _ in range(9)],
    ]
    reference = [*nonsense(20, 2, 6), *[altered("mip lon mis tut res kad", 1, draw) for _ in range(10)]]
    agents, clean_agents = [f"a{i % 7}" for i in range(30)], [f"a{i % 7}" for i in range(30)]
    found = scored("repetition", blind(stream, agents), blind(reference, clean_agents))
    measures = slow_measures([*stream, *reference], [*agents, *(f"clean {agent}" for agent in clean_agents)])
    ranks = np.array([ranked(measure, measure[30:]) for measure in measures])
    assert [*found.texts, *found.reference] == pytest.approx(ranks.max(axis=0).tolist())
    assert {int(row) for row in ranks[:, :30].argmax(axis=0)} == {0, 1, 2}
    assert found.reasons[20].startswith("repeats itself: characters in")
    for row, reason in enumerate(found.reasons):
        if "of its agent" in reason:
            assert ranks[2, row] == ranks[:, row].max()
            wording, count = reason.split("“")[1].split("”")[0], int(reason.split("with ")[1].split()[0])
            assert (
                count
                == sum(wording in text for text, who in zip(stream, agents, strict=True) if who == agents[row]) - 1
            )


def test_a_wording_that_many_share_is_named() -> None:
    copies = scored("repetition", ["one two three four five"] * 9 + ["one two three four six"], nonsense(30, 2))
    assert copies.reasons[9] == "shares the wording “one two three four” with 9 other texts"


def test_agents_of_the_reference_are_nobody_in_the_stream() -> None:
    text, other = "kan lon mis tut res", nonsense(9, 4)
    for clean in (["me"] * 10, [f"somebody {i}" for i in range(10)]):
        found = scored("repetition", blind([text], ["me"]), blind([text, *other], clean))
        assert "of its agent" not in found.reasons[0]


# ---- tfidf -----------------------------------------------------------------------------------------------------------


def slow_distance(text: str, reference: list[str]) -> float:
    """The formula of the docstring, word by word; idf from all of the reference, the text itself no neighbour."""

    def terms(words: list[str]) -> list[str]:
        return [*words, *map(" ".join, pairwise(words))]

    size = len(reference)
    occurs = Counter(term for known in reference for term in set(terms(known.split())))

    def vector(one: str) -> dict[str, float]:
        raw = {t: c * (math.log((1 + size) / (1 + occurs[t])) + 1) for t, c in Counter(terms(one.split())).items()}
        norm = math.sqrt(sum(v * v for v in raw.values()))
        return {t: v / norm for t, v in raw.items()}

    others = [vector(known) for known in reference if known != text]
    own = vector(text)
    cosines = sorted((sum(v * o.get(t, 0) for t, v in own.items()) for o in others), reverse=True)
    centroid: Counter[str] = Counter()
    for other in others:
        centroid.update(other)
    norm = math.sqrt(sum(v * v for v in centroid.values()))
    near = sum(cosines[:5]) / min(5, len(cosines))
    return 1 - (near + sum(v * centroid[t] for t, v in own.items()) / norm) / 2


@pytest.mark.parametrize("frequent", [0.0, 0.3, 1.1])
def test_tfidf_against_a_slow_reference(monkeypatch: pytest.MonkeyPatch, frequent: float) -> None:
    monkeypatch.setattr(tfidf, "_ROWS", 7)
    monkeypatch.setattr(tfidf, "_FREQUENT", frequent)
    reference = nonsense(25, 3)
    stream = [*nonsense(10, 4), "entirely foreign words kan", reference[4], "kan kan kan", "kan"]
    found = scored("tfidf", stream, [*reference, reference[0]])
    assert found.texts == pytest.approx([slow_distance(text, reference) for text in stream])
    assert found.reference == pytest.approx([slow_distance(text, reference) for text in [*reference, reference[0]]])
    assert found.reasons[10] == f"unlike the reference texts: TF-IDF distance {found.texts[10]:.2f}"


def test_tfidf_of_a_small_or_wordless_reference() -> None:
    assert scored("tfidf", ["kan lon"], ["kan lon"]).texts.tolist() == [1.0]  # no other text to compare with
    assert scored("tfidf", ["kan lon", ""], ["kan los", "mis kan"]).texts[1] == 1.0
    assert scored("tfidf", ["", "\n"], ["", " "]).reference.tolist() == [1.0, 1.0]
    assert scored("tfidf", ["kan lon"], ["", " "]).texts.tolist() == [1.0]


def test_unknown_words_are_not_overlooked() -> None:
    reference = nonsense(40, 5)
    plain, padded = reference[0] + " kan", reference[0] + " kan quux zyzzy plugh xyzzy"
    found = scored("tfidf", [plain, padded], reference[1:]).texts
    assert found[1] > found[0] + 0.01


# ---- minhash ---------------------------------------------------------------------------------------------------------


def shingled(text: str) -> set[str]:
    tokens = text.split()
    return {" ".join(tokens[i : i + 3]) for i in range(max(1, len(tokens) - 2))} if tokens else set()


def exact(one: str, other: str) -> float:
    both = shingled(one) | shingled(other)
    return len(shingled(one) & shingled(other)) / len(both) if both else 0.0


def shingles_of(texts: list[str]) -> Ragged:
    return runs(read(texts).hashes, minhash.SHINGLE).distinct()


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_signatures_estimate_the_exact_jaccard(changes: int) -> None:
    draw = random.Random(changes)
    left = nonsense(300, 10 + changes, 20)
    texts = left + [altered(text, changes, draw) for text in left]
    true = np.array([exact(a, b) for a, b in zip(left, texts[300:], strict=True)])
    columns = minhash.BANDS * minhash.ROWS
    signature = np.zeros((600, columns), dtype=np.uint32)
    for documents, values in minhash.signatures(shingles_of(texts), 1):
        signature[documents] = values.T
    estimate = (signature[:300] == signature[300:]).mean(axis=1)
    # columns are Bernoulli draws of the true value: the mean error of 300 pairs stays within 4 of its SDs, and so does
    # the mean of the squared errors over their variances (chi-square with 300 degrees of freedom)
    variance = true * (1 - true) / columns
    assert abs((estimate - true).mean()) < 4 * np.sqrt(variance.sum()) / 300
    some = variance > 0
    assert abs(((estimate - true)[some] ** 2 / variance[some]).mean() - 1) < 4 * np.sqrt(2 / some.sum())


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=9), min_size=2, max_size=8))
def test_jaccard_is_exact(rows: list[list[str]]) -> None:
    texts = [" ".join(row) for row in rows]
    one, other = np.array(list(combinations(range(len(texts)), 2))).T
    found = minhash.jaccard(shingles_of(texts), one, other)
    assert found.tolist() == [exact(texts[i], texts[j]) for i, j in zip(one, other, strict=True)]


def test_score_is_the_largest_exact_similarity() -> None:
    draw = random.Random(6)
    base = nonsense(150, 7, 14)
    stream = base + [altered(text, draw.choice([1, 2, 5]), draw) for text in base]
    reference = nonsense(50, 8, 14)
    found = scored("minhash", stream, reference, seed=2)
    everything = [*stream, *reference]
    sets = [shingled(text) for text in everything]
    best = np.array([max(len(a & b) / len(a | b) for b in sets if b is not a) for a in sets])
    got = np.concatenate([found.texts, found.reference])
    assert (got <= best + 1e-12).all()
    near = best >= 0.55
    assert near.sum() > 50
    assert got[near] == pytest.approx(best[near])


def test_candidates_are_all_pairs_that_share_a_band_in_small_buckets() -> None:
    keys = np.random.default_rng(1).integers(0, 40, (minhash.BANDS, 12)).astype(np.uint32)
    sharing = {
        (i, j)
        for i, j in combinations(range(12), 2)
        for band in keys
        if band[i] == band[j] and (band == band[i]).sum() <= 5
    }
    one, other = minhash.candidates(keys)
    found = list(zip(one.tolist(), other.tolist(), strict=True))
    assert sharing <= set(found)
    assert all((keys[:, i] == keys[:, j]).any() for i, j in found)
    assert found == sorted(set(found)) and (one < other).all()


def test_candidates_grow_with_the_texts_and_not_with_their_square() -> None:
    one, _ = minhash.candidates(np.zeros((minhash.BANDS, 1000), dtype=np.uint32))
    assert len(one) <= 1000 * minhash.WINDOW
    assert len(minhash.candidates(np.zeros((minhash.BANDS, 0), dtype=np.uint32))[0]) == 0


def test_the_nearest_of_a_crowded_bucket_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """All share a band; those that share the next one as well stand together, in any order of the documents."""
    monkeypatch.setattr(minhash, "WINDOW", 1)
    keys = np.arange(minhash.BANDS * 40, dtype=np.uint32).reshape(minhash.BANDS, 40)
    keys[0] = 7
    keys[1, [3, 31]] = 1_000_000
    one, other = minhash.candidates(keys)
    assert (3, 31) in set(zip(one.tolist(), other.tolist(), strict=True))


def slow_levels(pairs: dict[tuple[int, int], float], arrival: list[float]) -> list[float]:
    """Per node the largest t such that at thresholds below t an earlier node is in its group, by trying them all."""
    levels = []
    for node in range(len(arrival)):
        joined = [0.0]
        for t in sorted(set(pairs.values())):
            group, waiting = {node}, [node]
            while waiting:
                here = waiting.pop()
                for pair, similarity in pairs.items():
                    if here in pair and similarity >= t:
                        waiting += [n for n in pair if n not in group]
                        group |= set(pair)
            joined += [t] if any(arrival[other] < arrival[node] for other in group) else []
        levels.append(max(joined) if arrival[node] < math.inf else 0.0)
    return levels


@given(st.data())
def test_merging_levels_against_a_slow_search(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 7))
    every = list(combinations(range(size), 2))
    chosen = data.draw(st.lists(st.sampled_from(every), unique=True)) if every else []
    similarity = [data.draw(st.sampled_from([0.2, 0.5, 0.5, 0.7, 1.0])) for _ in chosen]
    arrival = [float(place) for place in data.draw(st.permutations(range(size)))]
    for node in data.draw(st.sets(st.integers(0, size - 1))):
        arrival[node] = math.inf
    one, other = (np.array([pair[side] for pair in chosen], dtype=np.int64) for side in (0, 1))
    found = groups.merging_levels(one, other, np.array(similarity), np.array(arrival))
    assert found.tolist() == slow_levels(dict(zip(chosen, similarity, strict=True)), arrival)


@settings(max_examples=25)
@given(st.permutations(range(12)))
def test_one_of_each_group_of_near_duplicates_stays_the_first(order: list[int]) -> None:
    draw = random.Random(9)
    one, two, *single = nonsense(8, 10, 30)
    members = [[one, one.upper(), altered(one, 1, draw)], [two, altered(two, 1, draw), two], *[[s] for s in single]]
    texts = [text for group in members for text in group]
    member = [number for number, group in enumerate(members) for _ in group]
    ids = [f"c{i}" for i in order]
    tables = score(ids, blind([texts[i] for i in order]), blind(nonsense(40, 11, 30)), 4, LEXICON)
    found = judge(*tables, "minhash", 0.05)
    seen: set[int] = set()
    for row, kept in enumerate(found["accepted"]):
        group = member[order[row]]
        assert kept == (group not in seen)
        seen.add(group)
        if not kept and "near duplicate" in found["reason"][row]:
            assert member[order[int(found["reason"][row].split("row ")[1].split()[0]) - 1]] == group


def test_a_copy_of_a_reference_text_is_no_duplicate_but_a_near_one_says_so() -> None:
    reference = nonsense(30, 12, 30)
    draw = random.Random(13)
    stream = [reference[0], altered(reference[1], 1, draw), *nonsense(5, 14, 30)]
    found = scored("minhash", stream, reference)
    assert found.texts[0] == found.reference[0] < 0.2
    assert found.texts[1] > 0.7
    assert found.accepted_from[1] == 0  # the first of its group in the stream
    assert found.reasons[1].startswith("near duplicate of a reference text: Jaccard 0.")


# ---- composite -------------------------------------------------------------------------------------------------------


def test_composite_is_the_mean_of_the_four_ranks() -> None:
    stream, reference = [*nonsense(30, 15), "who was who was"], nonsense(40, 16)
    parts = {name: scored(name, stream, reference, seed=5) for name in ("keyword", "repetition", "tfidf", "minhash")}
    ranks = [ranked([*p.texts, *p.reference], p.reference) for p in parts.values()]
    found = composite.combine(parts)
    assert [*found.texts, *found.reference] == pytest.approx(np.mean(ranks, axis=0).tolist())
    assert found.accepted_from.tolist() == found.texts.tolist()
    assert found.reasons[30].startswith("suspicious together: ")
    assert "keyword rank" in found.reasons[30]


def test_starts_of_rows() -> None:
    assert starts_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
