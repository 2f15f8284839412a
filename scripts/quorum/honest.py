"""Honest people: clinical text that none of the study's templates wrote, and what the firm's filters do to it.

A person is a document: an abstract, a vignette, a note. Its sentences are the contributions. The gender of a sentence
is that of its first counted pronoun, so it is whom the sentence is about, not who wrote it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from quorum import defenses, differences, statistics
from quorum.defenses.blinded import Blinded, blind
from quorum.defenses.calibration import threshold
from quorum.pronouns import NONE, first_gender
from quorum.summaries import as_table, require

TEMPLATE, REAL = "template", "real"
"""Kinds of text: of the study's own skeletons, or written by people."""
SILENCED = 0.5
_SHORTEST = 3

_ABBREVIATION = re.compile(r"(?:^|\W)(?:Dr|Mr|Mrs|Ms|Prof|St|vs|al|Fig|No|approx|e\.g|i\.e|ca|resp|[A-Z])\.$")
_LONGEST_ABBREVIATION = 10
_END = re.compile(r"(?<=[.!?])[\"')\]]*(?P<gap>\s+)(?=[\"'(\[]?[A-Z0-9])")
_WORD = re.compile(r"[^\W\d_]+")


def documents(abstracts: pd.DataFrame, questions: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    """All documents, columns document, source and text: abstracts of PubMedQA, vignettes of MedQA, notes of ACI-Bench.

    abstracts, notes: frames of table `texts`; questions: of table `questions`, of which those of source medqa are
    vignettes. The two parts of PubMedQA are one source.
    """
    vignettes = questions[questions["source"] == "medqa"]
    parts = [
        abstracts.rename(columns={"text_id": "document"}).assign(source="pubmedqa"),
        vignettes.rename(columns={"question_id": "document", "question": "text"}),
        notes.rename(columns={"text_id": "document"}),
    ]
    return pd.concat([part[["document", "source", "text"]] for part in parts], ignore_index=True)


def split(text: str) -> list[str]:
    """The sentences of a text: lines, cut after a full stop, question or exclamation mark before a capital or number.

    Not after common abbreviations and initials. Pieces of fewer than three words (headings, numbers) are left out, as
    are lines in capitals.
    """
    pieces = []
    for line in text.splitlines():
        start = 0
        for end in _END.finditer(line):
            if not _ABBREVIATION.search(line[max(start, end.start() - _LONGEST_ABBREVIATION) : end.start()]):
                pieces.append(line[start : end.start("gap")])
                start = end.end()
        pieces.append(line[start:])
    tidy = (" ".join(piece.split()) for piece in pieces)
    return [piece for piece in tidy if len(_WORD.findall(piece)) >= _SHORTEST and not piece.isupper()]


def sentences(documents: pd.DataFrame) -> pd.DataFrame:
    """One row per sentence, columns sentence_id, document, source, gender and text, in the order of the documents.

    sentence_id is unique; gender is male, female, neutral or none.
    """
    rows = [
        (f"{document}_{number:03d}", document, source, first_gender(piece), piece)
        for document, source, text in documents[["document", "source", "text"]].itertuples(index=False)
        for number, piece in enumerate(split(text), start=1)
    ]
    return pd.DataFrame(rows, columns=["sentence_id", "document", "source", "gender", "text"], dtype="str")


def halves(sentences: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(judged, clean): the sentences of one half of each source's documents, drawn at random, and those of the rest."""
    rng = np.random.default_rng([seed, 3])
    judged: list[str] = []
    for _, names in sentences.drop_duplicates("document").groupby("source", sort=False)["document"]:
        judged += names.iloc[rng.permutation(len(names))[: (len(names) + 1) // 2]].tolist()
    mine = sentences["document"].isin(judged)
    return sentences[mine].reset_index(drop=True), sentences[~mine].reset_index(drop=True)


def clean_sample(clean: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """`size` of the clean sentences (all, if there are fewer), drawn at random, alike from every source as far as it
    has them."""
    shuffled = clean.iloc[np.random.default_rng([seed, 4]).permutation(len(clean))]
    turn = shuffled.groupby("source").cumcount().to_numpy()
    return shuffled.iloc[np.argsort(turn, kind="stable")[:size]].reset_index(drop=True)


def blinded(sentences: pd.DataFrame) -> Blinded:
    """The sentences as a filter sees them: texts, and a pseudonym for each document."""
    return blind(sentences["text"].tolist(), sentences["document"].tolist())


def as_sentences(contributions: pd.DataFrame) -> pd.DataFrame:
    """Contributions of the study's own background as honest sentences; the documents are its agents."""
    return pd.DataFrame(
        {
            "sentence_id": contributions["contribution_id"],
            "document": contributions["agent"],
            "source": contributions["source"],
            "gender": contributions["gender"],
            "text": contributions["prompt"] + contributions["completion"],
        }
    )


def score(
    judged: pd.DataFrame, reference: Blinded, stream: str, calibration: str, seed: int, lexicon: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the tables `honest_scores` and `honest_reference_scores`.

    All judged sentences are one stream, which is named `stream`; `calibration` names the reference.
    """
    scores, clean = defenses.score(judged["sentence_id"].tolist(), blinded(judged), reference, seed, lexicon)
    kept = scores.rename(columns={"contribution_id": "sentence_id"})[["defense", "sentence_id", "accepted_from"]]
    who = judged[["sentence_id", "document", "source", "gender"]]
    named = {"stream": stream, "calibration": calibration}
    return kept.merge(who, on="sentence_id").assign(**named), clean.assign(**named)


def honest_costs(
    scores: pd.DataFrame,
    reference_scores: pd.DataFrame,
    names: Iterable[str],
    strengths: Mapping[str, float],
    n_resamples: int = statistics.N_RESAMPLES,
    confidence: float = statistics.CONFIDENCE,
) -> pd.DataFrame:
    """Table honest_costs: what each filter rejects of honest text at each strength, from whom, and about whom.

    scores, reference_scores: the tables honest_scores and honest_reference_scores. names: the filters. strengths:
    false-positive rate by name. A person is hit with one sentence rejected, and silenced with more than half.
    """
    keys = ["stream", "source", "calibration", "defense"]
    require(scores, [*keys, "sentence_id", "document", "gender", "accepted_from"], "honest scores")
    rows = []
    for key, group in scores[scores["defense"].isin(list(names))].groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True))
        of_stream = ["stream", "calibration", "defense"]
        clean = reference_scores[(reference_scores[of_stream] == [row[name] for name in of_stream]).all(axis=1)]
        for strength, rate in strengths.items():
            rejected = group["accepted_from"] > threshold(clean["score"].to_numpy(), rate)
            own = {"strength": strength, "false_positive_rate": rate}
            rows.append(row | own | _cost(group.assign(rejected=rejected), n_resamples, confidence))
    return as_table(rows, "honest_costs")


def _cost(group: pd.DataFrame, n_resamples: int, confidence: float) -> dict[str, Any]:
    lost = group["rejected"].to_numpy(dtype=float)
    of_people = group.groupby("document")["rejected"].mean()
    low, high = statistics.wilson_interval(int(lost.sum()), len(lost), confidence)
    clustered = statistics.clustered_bootstrap(lost, group["document"], n_resamples=n_resamples, confidence=confidence)
    counts = group.groupby("gender")["rejected"].agg(["sum", "size"]).reindex(["female", "male"], fill_value=0)
    (female_lost, female), (male_lost, male) = counts.astype(int).to_numpy().tolist()
    independent = differences.newcombe_interval(female_lost, female, male_lost, male, confidence)
    told = group[group["gender"].isin(["female", "male"])]
    dependent = differences.clustered_difference(
        told["rejected"], told["gender"] == "female", told["document"], confidence
    )
    return {
        "n_people": len(of_people),
        "n_sentences": len(lost),
        "rejected": float(lost.mean()),
        "rejected_low": low,
        "rejected_high": high,
        "clustered_low": clustered[0],
        "clustered_high": clustered[1],
        "people_hit": float((of_people > 0).mean()),
        "people_silenced": float((of_people > SILENCED).mean()),
        "n_female": female,
        "n_male": male,
        "rejected_female": _share(female_lost, female),
        "rejected_male": _share(male_lost, male),
        "gap": _share(female_lost, female) - _share(male_lost, male),
        "gap_low": independent[0],
        "gap_high": independent[1],
        "gap_clustered_low": dependent[0],
        "gap_clustered_high": dependent[1],
        "male_share_before": male_share(group["gender"]),
        "male_share_after": male_share(group.loc[~group["rejected"], "gender"]),
    }


def _share(count: int, total: int) -> float:
    return count / total if total else math.nan


def male_share(genders: pd.Series) -> float:
    """Male sentences / sentences with a counted pronoun; NaN without one."""
    return _share(int((genders == "male").sum()), int((genders != NONE).sum()))
