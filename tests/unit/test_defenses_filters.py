"""Each filter's own measure against a hand-worked case, a slow reference or another library."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from quorum.defenses import composite, judge, keywords, minhash, repetition, score, tfidf
from quorum.defenses.blinded import blind
from quorum.defenses.calibration import Scores
from quorum.pronouns import WORDS

LEXICON = pd.DataFrame({"term": ["who was", "Who", "stereotype"], "weight": [1.0, 0.25, 0.5]})
ROOT = Path(__file__).parents[2]
VOCABULARY = [a + b for a in ("ka", "lo", "mi", "tu", "re") for b in ("n", "s", "t", "d", "m", "p")]


def nonsense(count: int, seed: int, length: int = 12) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(VOCABULARY, k=length)) for _ in range(count)]


def found_by(filter_: ModuleType, texts: list[str], reference: list[str], seed: int = 0) -> Scores:
    return filter_.score(blind(texts), blind(reference), seed=seed, lexicon=LEXICON)


def altered(text: str, changes: int, draw: random.Random) -> str:
    tokens = text.split()
    for place in draw.sample(range(len(tokens)), changes):
        tokens[place] = f"new{draw.randrange(10**6)}"
    return " ".join(tokens)


# ---- keyword ---------------------------------------------------------------------------------------------------------


def test_keyword_score_by_hand() -> None:
    texts = ["Who was she? A STEREO\u200bTYPE.", "who who was", "whole stereotypes", ""]
    found = found_by(keywords, texts, ["who knows", "nothing"])
    assert found.texts == pytest.approx([(1 + 0.5) / 5, (0.25 + 1) / 3, 0, 0])
    assert found.reference == pytest.approx([0.25 / 2, 0])
    assert found.explain(0, []) == "matches listed terms: who was, stereotype"


@given(st.lists(st.sampled_from(["who", "was", "it", "there"]), max_size=30))
def test_keyword_matches_as_a_slow_search_does(tokens: list[str]) -> None:
    terms = {("who", "was", "it"): 1.0, ("who", "was"): 1.0, ("was",): 1.0}
    left, expected = " ".join(tokens) + " ", []
    while left:
        hit = next((" ".join(t) for t in terms if left.startswith(" ".join(t) + " ")), None)
        expected += [hit] if hit else []
        left = left[len(hit) + 1 :] if hit else left.partition(" ")[2]
    assert [" ".join(hit) for hit in keywords.matches(tokens, terms)] == expected


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

NAMES = list(repetition.GOPHER_LIMITS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("the cat sat on the mat", {}),
        ("one two three one two four", {"characters in the top 2-gram": 12 / 21}),
        (
            "ab cd ab cd ab cd",
            {
                "characters in the top 2-gram": 1.0,
                "characters in the top 3-gram": 10 / 12,
                "characters in the top 4-gram": 1.0,
            },
        ),
        (
            "a b c d e f a b c d e",
            {
                "characters in the top 2-gram": 4 / 11,
                "characters in the top 3-gram": 6 / 11,
                "characters in the top 4-gram": 8 / 11,
                "characters in duplicate 5-grams": 10 / 11,
            },
        ),
        (
            "a b\na b\nc d\n\nc d",
            {
                "duplicate lines": 2 / 4,
                "characters in duplicate lines": 6 / 12,
                "characters in the top 2-gram": 4 / 8,
            },
        ),
        (
            "xxx\n\nxxx\n\nz",
            {
                "duplicate lines": 1 / 3,
                "duplicate paragraphs": 1 / 3,
                "characters in duplicate lines": 3 / 7,
                "characters in duplicate paragraphs": 3 / 7,
            },
        ),
    ],
)
def test_gopher_measures_by_hand(text: str, expected: dict[str, float]) -> None:
    found = dict(zip(NAMES, repetition.gopher(text), strict=True))
    assert found == pytest.approx({name: expected.get(name, 0.0) for name in NAMES})


@given(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=40))
def test_gopher_measures_against_a_slow_reading(tokens: list[str]) -> None:
    total = max(1, len("".join(tokens)))
    expected = []
    for n in range(2, 11):
        grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
        counts = Counter(grams)
        most = max(counts.values(), default=0)

        def covered(chosen: set, grams: list = grams, n: int = n) -> int:
            hit = [any(grams[i] in chosen for i in range(max(0, w - n + 1), min(w, len(grams) - 1) + 1))
                   for w in range(len(tokens))]  # fmt: skip
            return sum(len(t) for t, yes in zip(tokens, hit, strict=True) if yes)

        if most < 2:
            expected.append(0.0)
        elif n <= 4:
            expected.append(max(covered({g}) for g, c in counts.items() if c == most) / total)
        else:
            expected.append(covered({g for g, c in counts.items() if c > 1}) / total)
    assert repetition.gopher(" ".join(tokens))[4:] == pytest.approx(expected)


def test_shared_wording_by_hand() -> None:
    documents = [tuple("abcd"), tuple("abcd"), tuple("abcde"), tuple("wxyz"), ("a",), ()]
    found, occurs = repetition.shared_wording(documents)
    assert found == pytest.approx([2 / 5, 2 / 5, (2 / 5 + 0) / 2, 0, 0, 0])
    assert occurs[tuple("abcd")] == 3
    assert repetition.shared_wording([tuple("abcd")])[0].tolist() == [0]


def test_repetition_is_the_larger_of_its_two_ranks() -> None:
    stream, reference = [*nonsense(20, 1), "tap tap tap tap tap tap"], nonsense(30, 2)
    limits = np.array(list(repetition.GOPHER_LIMITS.values()))
    inside = [max(repetition.gopher(text) / limits) for text in [*stream, *reference]]
    shared = repetition.shared_wording([tuple(text.split()) for text in [*stream, *reference]])[0]
    found = found_by(repetition, stream, reference)

    def quantile(measure: np.ndarray, value: float) -> float:
        excess = max(0.0, value - max(measure))
        return percentileofscore(measure, value, kind="strict") / 100 + excess / (1 + excess)

    expected = [max(quantile(m[21:], m[row]) for m in (np.array(inside), shared)) for row in range(51)]
    assert [*found.texts, *found.reference] == pytest.approx(expected)
    assert found.texts[20] > 1
    assert found.explain(20, []).startswith("repeats itself: characters in")
    copies = found_by(repetition, ["one two three four five"] * 9 + ["one two three four six"], reference)
    assert copies.explain(9, []) == "shares the wording “one two three four” with 9 other texts"


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


def test_tfidf_against_a_slow_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfidf, "_BLOCK", 7)
    reference = nonsense(25, 3)
    stream = [*nonsense(10, 4), "entirely foreign words kan", reference[4], "kan kan kan"]
    found = found_by(tfidf, stream, [*reference, reference[0]])
    assert found.texts == pytest.approx([slow_distance(text, reference) for text in stream])
    assert found.reference == pytest.approx([slow_distance(text, reference) for text in [*reference, reference[0]]])
    assert found.explain(10, []) == f"unlike the reference texts: TF-IDF distance {found.texts[10]:.2f}"


def test_tfidf_of_a_small_or_wordless_reference() -> None:
    assert found_by(tfidf, ["kan lon"], ["kan lon"]).texts.tolist() == [1.0]  # no other text to compare with
    assert found_by(tfidf, ["kan lon", ""], ["kan los", "mis kan"]).texts[1] == 1.0
    assert found_by(tfidf, ["", "\n"], ["", " "]).reference.tolist() == [1.0, 1.0]


def test_unknown_words_are_not_overlooked() -> None:
    reference = nonsense(40, 5)
    plain, padded = reference[0] + " kan", reference[0] + " kan quux zyzzy plugh xyzzy"
    found = found_by(tfidf, [plain, padded], reference[1:]).texts
    assert found[1] > found[0] + 0.01


# ---- minhash ---------------------------------------------------------------------------------------------------------


def shingled(text: str) -> set[str]:
    tokens = text.split()
    return {" ".join(tokens[i : i + 3]) for i in range(len(tokens) - 2)}


def exact(one: str, other: str) -> float:
    return len(shingled(one) & shingled(other)) / len(shingled(one) | shingled(other))


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_signatures_estimate_the_exact_jaccard(changes: int) -> None:
    draw = random.Random(changes)
    left = nonsense(300, 10 + changes, 20)
    right = [altered(text, changes, draw) for text in left]
    true = np.array([exact(a, b) for a, b in zip(left, right, strict=True)])
    signature = minhash.signatures([sorted(shingled(t)) for t in left + right], 1)
    estimate = (signature[:300] == signature[300:]).mean(axis=1)
    columns = minhash.BANDS * minhash.ROWS
    # columns are Bernoulli draws of the true value: the mean error of 300 pairs stays within 4 of its SDs
    deviation = np.sqrt((true * (1 - true)).sum() / columns) / 300
    assert abs((estimate - true).mean()) < 4 * deviation


def test_score_is_the_largest_exact_similarity() -> None:
    draw = random.Random(6)
    base = nonsense(150, 7, 14)
    stream = base + [altered(text, draw.choice([1, 2, 5]), draw) for text in base]
    reference = nonsense(50, 8, 14)
    found = found_by(minhash, stream, reference, seed=2)
    everything = [*stream, *reference]
    sets = [shingled(text) for text in everything]
    best = np.array([max(len(a & b) / len(a | b) for b in sets if b is not a) for a in sets])
    got = np.concatenate([found.texts, found.reference])
    assert (got <= best + 1e-12).all()
    near = best >= 0.55
    assert near.sum() > 50
    assert got[near] == pytest.approx(best[near])


def test_candidates_are_all_pairs_that_share_a_band_in_small_buckets() -> None:
    draw = np.random.default_rng(1)
    signature = draw.integers(0, 3, (12, minhash.BANDS * minhash.ROWS)).astype(np.uint64)
    bands = signature.reshape(12, minhash.BANDS, minhash.ROWS)
    expected = {
        (i, j): int((bands[i] == bands[j]).all(axis=1).sum())
        for i in range(12)
        for j in range(i + 1, 12)
        if (bands[i] == bands[j]).all(axis=1).any()
    }
    assert {(int(i), int(j)): int(n) for i, j, n in minhash.candidates(signature)} == expected


def test_candidates_grow_with_the_texts_and_not_with_their_square() -> None:
    signature = np.zeros((1000, minhash.BANDS * minhash.ROWS), dtype=np.uint64)
    pairs = minhash.candidates(signature)
    assert len(pairs) <= 1000 * minhash.WINDOW
    assert (pairs[:, 2] == minhash.BANDS).all()


def test_order_does_not_matter_in_crowded_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minhash, "WINDOW", 2)
    monkeypatch.setattr(minhash, "PARTNERS", 2)
    draw = random.Random(17)
    stream = [altered("kan lon mis tut res kad lom mip tun ret", 2, draw) for _ in range(120)]
    order = draw.sample(range(120), 120)
    straight, shuffled = found_by(minhash, stream, []).texts, found_by(minhash, [stream[i] for i in order], []).texts
    assert shuffled.tolist() == straight[order].tolist()


@settings(max_examples=25)
@given(st.permutations(range(12)))
def test_one_of_each_group_of_near_duplicates_stays_the_first(order: list[int]) -> None:
    draw = random.Random(9)
    one, two, *single = nonsense(8, 10, 30)
    groups = [[one, one.upper(), altered(one, 1, draw)], [two, altered(two, 1, draw), two], *[[s] for s in single]]
    texts = [text for group in groups for text in group]
    member = [number for number, group in enumerate(groups) for _ in group]
    stream = [texts[i] for i in order]
    ids = [f"c{i}" for i in order]
    found = judge(*score(ids, blind(stream), blind(nonsense(40, 11, 30)), 4, LEXICON), "minhash", 0.05)
    seen: set[int] = set()
    for row, kept in enumerate(found["accepted"]):
        group = member[order[row]]
        assert kept == (group not in seen)
        seen.add(group)
        if not kept:
            assert found["reason"][row].startswith("near duplicate of c")
            assert member[int(found["reason"][row].split(":")[0].split(" of c")[1])] == group


def test_a_copy_of_a_reference_text_is_no_duplicate_but_a_near_one_says_so() -> None:
    reference = nonsense(30, 12, 30)
    draw = random.Random(13)
    stream = [reference[0], altered(reference[1], 1, draw), *nonsense(5, 14, 30)]
    found = found_by(minhash, stream, reference)
    assert found.texts[0] == found.reference[0] < 0.2
    assert found.texts[1] > 0.7
    assert found.explain(1, [""] * 7).startswith("near duplicate of a reference text: Jaccard 0.")


# ---- composite -------------------------------------------------------------------------------------------------------


def test_composite_is_the_mean_of_the_four_ranks() -> None:
    stream, reference = [*nonsense(30, 15), "who was who was"], nonsense(40, 16)
    filters = {"keyword": keywords, "repetition": repetition, "tfidf": tfidf, "minhash": minhash}
    parts = {name: found_by(part, stream, reference, seed=5) for name, part in filters.items()}

    def mean_rank(pick: str, row: int) -> float:
        ranks = [percentileofscore(p.reference, getattr(p, pick)[row], kind="strict") / 100 for p in parts.values()]
        return float(np.mean(ranks))

    found = composite.combine(parts)
    assert found.reference == pytest.approx([mean_rank("reference", row) for row in range(40)])
    within = [row for row in range(31) if all(p.texts[row] <= p.reference.max() for p in parts.values())]
    assert len(within) > 20
    assert found.texts[within] == pytest.approx([mean_rank("texts", row) for row in within])
    assert found.accepted_from.tolist() == found.texts.tolist()
    assert found.explain(30, []).startswith("suspicious together: ")
    assert "keyword rank" in found.explain(30, [])
