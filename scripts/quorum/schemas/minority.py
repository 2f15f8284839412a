"""Rows of people, and classifiers before and after some of them relabelled theirs."""

from __future__ import annotations

from quorum.schemas.columns import columns

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

TABLES = {
    "population": columns(
        "person | string | | whose row it is; a person's rows are never split between training and audit",
        "label | int | | 1 is the good label, 0 the other",
        "group | int | | 1 is the minority, 0 the majority",
    ),
    "minority_runs": columns(
        *_MINORITY,
        *_ACTION,
        "alpha | float | share | share of the minority (in the training rows) that joins the collective",
        "flips | int | rows | asked number of relabelled rows M",
        "flipped | int | rows | relabelled rows; fewer than asked where the collective has fewer negative labels",
        "seed | int | | the independent run",
        *_FAIRNESS,
    ),
    "minority_baseline_runs": columns(
        *_MINORITY,
        "mitigation | string | | what the firm does; none is the learner as it is",
        "seed | int | | the independent run",
        *_FAIRNESS,
    ),
    "minority_signal_runs": columns(
        *_MINORITY,
        *_SIGNAL,
        "seed | int | | the independent run",
        "success | float | share | share of held-out rows that get the collective's label once the signal is planted",
        "xi | float | share | share of the other rows that carry the signal anyway (uniqueness)",
        "delta | float | share | largest gap on the signal set between the likeliest label and that of the collective",
        "bound | float | share | lower bound on success, Hardt et al. 2023, at epsilon = 0",
    ),
    "minority_toy": columns(
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
    "minority_scoring": columns(
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
    "minority_datasets": columns(
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
    "minority_alpha": columns(
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
    "minority_flips": columns(
        *_MINORITY,
        *_ACTION,
        "alpha | float | share | share of the minority (in the training rows) that joins the collective",
        "flips | int | rows | relabelled rows M",
        *_OVER_RUNS,
    ),
    "minority_baselines": columns(
        *_MINORITY,
        "mitigation | string | | what the firm does: none, fairlearn's two, reweighing, massaging or a half of it",
        *_OVER_RUNS,
    ),
    "minority_signal": columns(
        *_MINORITY,
        *_SIGNAL,
        "xi | float | share | mean over runs of the signal's mass in the other rows",
        "delta | float | share | mean over runs of the largest gap on the signal set",
        "success_mean | float | share | mean over runs of the success on held-out rows",
        "success_sd | float? | share | SD over runs",
        "bound | float | share | mean over runs of the lower bound, Hardt et al. 2023, at epsilon = 0",
        "n_runs | int | runs | independent runs",
    ),
}
