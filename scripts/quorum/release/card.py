"""The data card: what a data set is, how it was made, what it holds as counted, and what it is not for.

Front matter as dataset hubs read it (Hugging Face Hub documentation, "Dataset Cards" and "Manual Configuration"), then
prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from quorum.release import citation as citing
from quorum.release.citation import Citation
from quorum.release.croissant import CONFORMS_TO, SENTENCES
from quorum.schemas import SCHEMAS

PROBES = "probes"
GENDERS = ("female", "male")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Style:
    """What the card says of the sentences of one style (frame of table `sentences`)."""

    name: str
    sentences: pd.DataFrame

    @property
    def rows(self) -> int:
        return len(self.sentences)

    @property
    def agents(self) -> int:
        return self.sentences["agent"].nunique()

    @property
    def professions(self) -> list[str]:
        return sorted(self.sentences["profession"].unique())

    @property
    def genders(self) -> dict[str, int]:
        return {gender: int((self.sentences["gender"] == gender).sum()) for gender in GENDERS}

    @property
    def example(self) -> str:
        return json.dumps(self.sentences.iloc[0].to_dict(), indent=2, ensure_ascii=False)

    def of(self, profession: str) -> str:
        """Sentences about the profession of each gender, as in 25 / 25."""
        own = self.sentences.loc[self.sentences["profession"] == profession, "gender"]
        return " / ".join(str(int((own == gender).sum())) for gender in GENDERS)


def summary(styles: Mapping[str, pd.DataFrame]) -> str:
    """The data set in one paragraph. styles: frames of table `sentences`, by style."""
    rows = sum(len(frame) for frame in styles.values())
    professions = {profession for frame in styles.values() for profession in frame["profession"]}
    return (
        f"{rows:,} synthetic English sentences about people at work in {len(professions)} medical professions, "
        "balanced between he and she, which a collective contributes so that a language model stops assuming a "
        "profession's gender; with the probes that ask the model, and the tables of one run of the study."
    )


def title(citation: Citation) -> str:
    """Name of the data set: that of the study before its colon, and what it is."""
    return f"{citation['title'].split(':')[0]}: sentences of a collective"


def write(
    template: str,
    sentences: Mapping[str, pd.DataFrame],
    probes: pd.DataFrame,
    retrieved: pd.DataFrame,
    citation: Citation,
    **facts: Any,
) -> str:
    """The card as Markdown with YAML front matter.

    template: a Jinja template of the prose; sentences: frames of table `sentences` by style, the default one first;
    probes, retrieved: frames of tables `probes` and `provenance`; facts: further values of the template (seed, model,
    whether the run's sentences were submitted, version, commit, names of the tables). Text of a sentence or of the
    configuration is put into code or escaped, so that it stays text.
    """
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"count": "{:,}".format, "cell": _cell, "code": _code, "fenced": _fenced}
    styles = [Style(name, frame) for name, frame in sentences.items()]
    prose = environment.from_string(template).render(
        title=title(citation),
        summary=summary(sentences),
        styles=styles,
        names=list(sentences),
        professions=sorted({profession for style in styles for profession in style.professions}),
        genders=GENDERS,
        probes=probes,
        sentence_columns=SCHEMAS[SENTENCES],
        probe_columns=SCHEMAS[PROBES],
        retrieved=retrieved.to_dict("records"),
        licence=citation["license"],
        bibtex=citing.bibtex(citation),
        conforms_to=CONFORMS_TO,
        instructed="paraphrase" in sentences,
        **facts,
    )
    return f"---\n{_front_matter(sentences, probes, citation)}---\n\n{prose.rstrip()}\n"


def _front_matter(sentences: Mapping[str, pd.DataFrame], probes: pd.DataFrame, citation: Citation) -> str:
    rows = len(probes) + sum(len(frame) for frame in sentences.values())
    configs = [_config(name, "train", f"{name}/{SENTENCES}.parquet") for name in sentences]
    configs[0]["default"] = True
    matter = {
        "pretty_name": title(citation),
        "language": ["en"],
        "license": citation["license"].lower(),
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"],
        "multilinguality": ["monolingual"],
        "source_datasets": ["original"],
        "task_categories": ["text-generation"],
        "size_categories": [next((words for bound, words in _SIZES if rows < bound), "n>1M")],
        "tags": ["synthetic", "medical", *(word.replace(" ", "-") for word in citation["keywords"])],
        "configs": [*configs, _config(PROBES, "test", f"{PROBES}/{PROBES}.parquet")],
    }
    return yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=120)


def _config(name: str, split: str, path: str) -> dict[str, Any]:
    return {"config_name": name, "data_files": [{"split": split, "path": path}]}


def _cell(text: object) -> str:
    """Text in a cell of a table: on one line, no markup."""
    return re.sub(r"([\\`*_\[\]<>|&#])", r"\\\1", " ".join(str(text).split()))


def _code(text: object) -> str:
    """Text as code within a line."""
    words = " ".join(str(text).split())
    fence = "`" * (1 + max(map(len, re.findall("`+", words)), default=0))
    return f"{fence} {words} {fence}" if "`" in words else f"`{words}`"


def _fenced(text: str, language: str = "json") -> str:
    """Text, no line of which begins with a fence, as a block of code; JSON has every line break of a value escaped."""
    return f"```{language}\n{text}\n```"
