from __future__ import annotations

import math
from pathlib import Path

import fake_audits as fake
import numpy as np
import pandas as pd
import pytest
from scipy.stats import gmean

from quorum import statistics, studies, summaries, tables, tipping
from quorum.intervals import has_width

WORLD = {"background_size": 1_700, "background_share": 0.79}
FAST = {"n_resamples": 300}
REFERENCE = Path(__file__).parents[2] / "resources" / "paper_reference.csv"


def line(n: int) -> float:
    return 1_700 * 0.79 / (1_700 + n)


@pytest.fixture(scope="module")
def audits() -> pd.DataFrame:
    return fake.audits(line)


@pytest.fixture(scope="module")
def curve(audits) -> pd.DataFrame:
    return tipping.tipping_curve(audits, fake.streams(audits), **WORLD, **FAST)


@pytest.fixture(scope="module")
def utility(audits) -> pd.DataFrame:
    return summaries.utility(fake.utility_scores(audits), fake.verdicts(audits), fake.conditions(audits))


@pytest.fixture(scope="module")
def defenses(audits, utility) -> pd.DataFrame:
    return summaries.defenses(audits, fake.verdicts(audits), utility, 1_000, **FAST)


@pytest.fixture(scope="module")
def points(audits, curve) -> pd.DataFrame:
    return tipping.tipping_points(curve, audits, **WORLD, n_fits=40)


def hand(genders: str, p_male: float = 0.4, p_female: float = 0.1, **columns: object) -> pd.DataFrame:
    """One probe per letter (m, f, n, or - for none), two wordings in turn, one domain."""
    names = {"m": "male", "f": "female", "n": "neutral", "-": "none"}
    return pd.DataFrame(
        {
            "probe_id": [f"p{i:02d}" for i in range(len(genders))],
            "probe_set": "matched",
            "domain": "ICU monitoring",
            "wording": [f"w{i % 2}" for i in range(len(genders))],
            "gender": [names[g] for g in genders],
            "p_male": p_male,
            "p_female": p_female,
            "p_neutral": 0.02,
            "seen_mass": 1.0,
        }
        | columns
    )


DEPLOYED = {"uptake": "fine_tune", "style": "none", "strategy": "none", "defense": "none", "pool_size": 0}
CAMPAIGN = {"uptake": "fine_tune", "style": "varied", "strategy": "counter", "defense": "none", "pool_size": 100}


# ---- shares ----------------------------------------------------------------------------------------------------------


def test_shares_of_a_hand_worked_audit():
    frame = summaries.measured(pd.concat([hand("mmfn-m", seed=1), hand("mfff--", seed=2, p_male=0.1)]), ["seed"])
    row = summaries.shares(frame, **FAST)
    assert (row["n_prompts"], row["n_completions"], row["n_seeds"]) == (6, 12, 2)
    assert row["coverage"] == pytest.approx(9 / 12)
    assert row["male_share"] == pytest.approx(4 / 9)
    assert row["female_share"] == pytest.approx(4 / 9)
    assert row["neutral_share"] == pytest.approx(1 / 9)
    assert (row["male_low"], row["male_high"]) == statistics.wilson_interval(4, 9)
    assert row["exact_male_share"] == pytest.approx((0.8 + 0.5) / 2)
    assert row["exact_sd"] == pytest.approx(0.3 / math.sqrt(2))
    assert row["pronoun_mass"] == pytest.approx((0.52 + 0.22) / 2)
    assert row["seen_mass"] == 1


def test_without_an_exact_measure_the_sampled_one_stands_alone(audits, curve, defenses, points, utility):
    """A server may show no probabilities: every table is as it was, but for the exact columns, which are empty."""
    exact = ["exact_male_share", "exact_sd", "exact_low", "exact_high", "pronoun_mass", "seen_mass"]
    blind = audits.assign(p_male=np.nan, p_female=np.nan, p_neutral=np.nan, seen_mass=np.nan)
    sampled = tipping.tipping_curve(blind, fake.streams(audits), **WORLD, **FAST)
    bias = summaries.baseline_bias(blind[blind.pool_size == 0], "endpoint", "m", **FAST)
    shares = summaries.wordings(blind)
    for name, table, known in (
        ("tipping_curve", sampled, curve),
        ("baseline_bias", bias, summaries.baseline_bias(audits[audits.pool_size == 0], "endpoint", "m", **FAST)),
        ("wordings", shares, summaries.wordings(audits)),
    ):
        tables.validate(table, name)
        empty = [column for column in exact if column in table]
        assert table[empty].isna().all(axis=None) and known[empty].notna().all(axis=None)
        pd.testing.assert_frame_equal(table.drop(columns=empty), known.drop(columns=empty))
    pd.testing.assert_frame_equal(tipping.tipping_points(sampled, blind, **WORLD, n_fits=40), points)
    same = summaries.defenses(blind, fake.verdicts(audits), utility, 1_000, **FAST)
    pd.testing.assert_frame_equal(same, defenses)


def test_the_mass_that_a_server_shows_is_averaged():
    frame = summaries.measured(hand("mf", seed=1, seen_mass=[0.5, 1.0]), ["seed"])
    assert summaries.shares(frame, **FAST)["seen_mass"] == 0.75


def test_a_silent_model_has_coverage_zero_and_no_shares():
    row = summaries.shares(summaries.measured(hand("----", p_male=0.0, p_female=0.0, seed=1), ["seed"]), **FAST)
    assert row["coverage"] == 0
    empty = ["male_share", "male_low", "female_share", "clustered_low", "exact_male_share", "exact_low", "exact_sd"]
    assert all(math.isnan(row[name]) for name in empty)


def test_clustered_interval_is_wider_than_wilsons_when_wordings_differ():
    frame = summaries.measured(hand("mf" * 40, seed=1), ["seed"])  # one wording all male, the other all female
    row = summaries.shares(frame, **FAST)
    assert (row["clustered_low"], row["clustered_high"]) == (0, 1)
    # with one wording the probes are resampled: an ordinary binomial interval
    alone = summaries.shares(frame.assign(wording="w"), **FAST)
    assert alone["clustered_high"] - alone["clustered_low"] == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 80), rel=0.15)


def test_baseline_has_every_domain_and_all_of_them_together():
    frame = pd.concat([fake.audit(0.7, seed) for seed in (1, 2)])
    table = summaries.baseline_bias(frame, "local", "tiny", **FAST)
    tables.validate(table, "baseline_bias")
    assert list(table.domain) == [*fake.DOMAINS, "all"] * 2
    for probe_set, rows in table.groupby("probe_set"):
        parts, whole = rows[rows.domain != "all"], rows[rows.domain == "all"].iloc[0]
        assert whole.n_completions == parts.n_completions.sum() == (frame.probe_set == probe_set).sum()
        weights = parts.coverage * parts.n_completions
        assert whole.male_share == pytest.approx(np.average(parts.male_share, weights=weights))
        assert whole.male_share + whole.female_share + whole.neutral_share == pytest.approx(1)


# ---- curve and tipping -----------------------------------------------------------------------------------------------


def test_curve_follows_its_schema_and_repeats_size_0(curve):
    tables.validate(curve, "tipping_curve")
    assert len(curve) == 2 * 2 * (5 + 2)
    zero = curve[curve.pool_size == 0].drop(columns="style")
    assert set(curve[curve.pool_size == 0]["style"]) == {"template", "varied"}
    assert (zero.defense == "none").all() and len(zero.drop_duplicates()) == 2  # one for each probe set
    assert (zero.reduction_pp == 0).all() and zero.chi2_p.isna().all()


def test_curve_against_a_slow_count_of_one_condition(audits, curve):
    key = {"style": "varied", "probe_set": "held_out", "defense": "tfidf", "pool_size": 1_000}
    rows = audits.loc[(audits[list(key)] == pd.Series(key)).all(axis=1)]
    before = audits[(audits.pool_size == 0) & (audits.probe_set == "held_out")]
    row = curve.loc[(curve[list(key)] == pd.Series(key)).all(axis=1)].squeeze()
    male, female = (rows.gender == "male").sum(), (rows.gender == "female").sum()
    male_before, female_before = (before.gender == "male").sum(), (before.gender == "female").sum()
    assert row.male_share == pytest.approx(male / (male + female))
    assert row.reduction_pp == pytest.approx(100 * (male_before / (male_before + female_before) - row.male_share))
    assert row.chi2_p == statistics.chi_square(male_before, female_before, male, female)
    exact = rows.p_male / (rows.p_male + rows.p_female)
    assert row.exact_male_share == pytest.approx(exact.mean())
    assert row.exact_sd == pytest.approx(np.std([exact[rows.seed == s].mean() for s in (1, 2, 3)], ddof=1))
    assert row.alpha == pytest.approx(1_000 / 2_700)
    assert row.expected_male_share == pytest.approx(line(1_000))
    assert row.data_male_share == pytest.approx(1_700 * 0.79 / 2_200)
    assert row.parity_gap == pytest.approx(abs(row.male_share - 0.5))
    assert (row.n_seeds, row.n_completions) == (3, len(rows))


def test_order_of_the_rows_changes_no_table(audits, curve, defenses, utility):
    shuffled = audits.sample(frac=1, random_state=4)
    again = tipping.tipping_curve(shuffled, fake.streams(audits).sample(frac=1, random_state=5), **WORLD, **FAST)
    pd.testing.assert_frame_equal(again, curve)
    filters = summaries.defenses(shuffled, fake.verdicts(audits), utility, 1_000, **FAST)
    pd.testing.assert_frame_equal(filters, defenses)


def test_tipping_points_follow_their_schema_and_the_intervals_of_the_curve(curve, points):
    tables.validate(points, "tipping_points")
    assert len(points) == 2 * 2 * 3
    assert points.critical_size_expected.to_numpy() == pytest.approx(986)
    for point in points.itertuples():
        mine = (curve["style"] == point.style) & (curve.probe_set == point.probe_set)
        rows = curve[mine & ((curve.defense == point.defense) | (curve.pool_size == 0))]
        inside = rows[(rows.clustered_low <= 0.5) & (rows.clustered_high >= 0.5)]
        assert point.tipping_size == pytest.approx(inside.pool_size.min(), nan_ok=True)
    # under a filter only one size was run: no curve
    filtered = points[points.defense != "none"]
    assert filtered[["fitted_size", "tipping_low", "tipping_high", "crossing_share"]].isna().all(axis=None)


def test_a_model_that_reproduces_its_data_tips_at_the_critical_size():
    # every wording has the same share to the count, so that all resamples agree and no sampling noise is left
    parts = []
    for n in (0, 250, 500, 1_000, 2_000, 4_000):
        male = round(200 * line(n))
        ids = [f"{w}-{i:03d}" for w in range(4) for i in range(200)]
        rows = hand(("m" * male + "f" * (200 - male)) * 4, probe_id=ids, wording=[name[0] for name in ids], seed=1)
        parts.append(rows.assign(**(CAMPAIGN | {"pool_size": n} if n else DEPLOYED)))
    frame = pd.concat(parts, ignore_index=True)
    curve = tipping.tipping_curve(frame, fake.streams(frame), **WORLD, **FAST)
    point = tipping.tipping_points(curve, frame, **WORLD, n_fits=5).squeeze()
    assert [point.tipping_low, point.fitted_size, point.tipping_high] == pytest.approx([986] * 3, rel=0.03)
    assert point.crossing_share == 1


def test_a_model_that_never_moves_has_no_tipping_point():
    frame = fake.audits(lambda n: 0.9, styles=("varied",), filters=())
    curve = tipping.tipping_curve(frame, fake.streams(frame), **WORLD, **FAST)
    points = tipping.tipping_points(curve, frame, **WORLD, n_fits=30)
    assert points[["tipping_size", "fitted_size", "tipping_low", "tipping_high"]].isna().all(axis=None)
    assert (points.crossing_share < 0.5).all()


def test_a_model_that_jumps_over_parity_tips_in_the_fitted_curve_only():
    frame = fake.audits(lambda n: 0.5, styles=("template",), filters=())
    frame = frame[frame.probe_set == "matched"]
    frame = frame.assign(gender=np.where(frame.pool_size, "female", "male"))
    curve = tipping.tipping_curve(frame, fake.streams(frame), **WORLD, **FAST)
    point = tipping.tipping_points(curve, frame, **WORLD, n_fits=30).squeeze()
    assert math.isnan(point.tipping_size)
    assert 0 < point.fitted_size < 250 and point.crossing_share == 1


def test_few_answers_that_all_agree_do_not_tell_a_share_from_parity():
    """Resamples of answers that agree all agree, too; Wilson's interval of two such answers is 0% to 66%."""
    frame = fake.audits(lambda n: 0.5, styles=("template",), filters=())
    frame = frame[frame.probe_set == "matched"]
    frame = frame.assign(gender=np.where(frame.pool_size, "female", "male"))
    curve = tipping.tipping_curve(frame, fake.streams(frame), **WORLD, **FAST)
    few = curve.assign(male_high=curve.male_high.where(curve.pool_size != 1_000, 0.66))
    assert not has_width(few.clustered_low, few.clustered_high).any()
    assert tipping.tipping_points(few, frame, **WORLD, n_fits=5).squeeze().tipping_size == 1_000


def test_tipping_points_of_a_study_without_a_pool_are_an_empty_table(audits):
    zero = audits[audits.pool_size == 0]
    curve = tipping.tipping_curve(zero, fake.streams(zero), **WORLD, **FAST)
    tables.validate(curve, "tipping_curve")
    assert set(curve["style"]) == {"none"}
    assert tipping.tipping_points(curve, zero, **WORLD).empty


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda a: a.drop(columns="wording"), "missing columns .'wording'."),
        (lambda a: a.iloc[:0], "audits: no rows"),
        (lambda a: pd.concat([a, a.iloc[[7]]]), "occurs twice"),
        (lambda a: a[a.pool_size > 0], "the model as deployed"),
        (lambda a: a.assign(strategy=a.strategy.replace("none", "parity")), "must have style, strategy and defense"),
    ],
)
def test_a_bad_audit_frame_is_named(audits, spoil, message):
    with pytest.raises(ValueError, match=message):
        tipping.tipping_curve(spoil(audits), fake.streams(audits), **WORLD)


def test_a_missing_stream_is_named(audits):
    streams = fake.streams(audits)
    with pytest.raises(ValueError, match=r"streams: no row for .*'defense': 'tfidf'"):
        tipping.tipping_curve(audits, streams[streams.defense != "tfidf"], **WORLD, **FAST)


# ---- defenses and utility --------------------------------------------------------------------------------------------


def test_defenses_at_one_size(audits, curve, utility, defenses):
    tables.validate(defenses, "defenses")
    assert len(defenses) == 2 * 2 * 3
    none, filtered = defenses[defenses.defense == "none"], defenses[defenses.defense != "none"]
    assert (none.recall == 0).all() and (none.roc_auc == 0.5).all() and (none.honest_retention == 1).all()
    assert filtered.roc_auc.to_numpy() == pytest.approx(0.72)
    keys = ["style", "probe_set", "defense", "pool_size"]
    joined = defenses.merge(curve, on=keys, suffixes=("", "_curve"))
    assert joined.reduction_pp.to_numpy() == pytest.approx(joined.reduction_pp_curve.to_numpy())
    assert (
        (defenses.reduction_low <= defenses.reduction_pp) & (defenses.reduction_pp <= defenses.reduction_high)
    ).all()
    assert filtered.utility_retention.to_numpy() == pytest.approx(gmean([1, 0.8, 1, 0.95]))


def test_the_reduction_is_paired_by_wording():
    # wordings lie far apart, but every one falls by the same half: the reduction is known far better than either share
    before = hand("mm" * 20 + "mf" * 20, seed=1).assign(wording=[f"w{i // 10}" for i in range(80)])
    after = before.assign(gender=["male" if (i // 10 < 4) == (i % 2 == 0) else "female" for i in range(80)])
    after.loc[40:, "gender"] = "female"
    frame = pd.concat([before.assign(**DEPLOYED), after.assign(**CAMPAIGN)], ignore_index=True)
    nothing = pd.DataFrame(columns=["style", "strategy", "pool_size", "defense", "seed", *summaries._VERDICTS])
    nothing.loc[0] = ["varied", "counter", 100, "keyword", 1, 0.1, 0.1, 0.5, 0.9]
    retention = pd.DataFrame([CAMPAIGN | {"retention": 1.0}])
    row = summaries.defenses(frame, nothing, retention, 100).squeeze()
    assert row.reduction_pp == pytest.approx(50)
    assert row.reduction_low == pytest.approx(50) and row.reduction_high == pytest.approx(50)


def test_a_filter_without_verdicts_or_utility_is_named(audits, utility):
    verdicts = fake.verdicts(audits)
    with pytest.raises(ValueError, match=r"verdicts: no row for .*'keyword'"):
        summaries.defenses(audits, verdicts[verdicts.defense != "keyword"], utility, 1_000, **FAST)
    with pytest.raises(ValueError, match=r"utility: no row for .*'tfidf'"):
        summaries.defenses(audits, verdicts, utility[utility.defense != "tfidf"], 1_000, **FAST)
    scores = fake.utility_scores(audits)
    with pytest.raises(ValueError, match=r"verdicts: no row for .*'tfidf'"):
        summaries.utility(scores, verdicts[verdicts.defense != "tfidf"], fake.conditions(audits))
    with pytest.raises(ValueError, match="no accuracy of pool_size 0"):
        headless = scores[(scores.pool_size > 0) | (scores.metric != "accuracy")]
        summaries.utility(headless, verdicts, fake.conditions(audits))


def test_utility_needs_no_model_that_can_be_read(audits, utility):
    """A server gives few metrics, or none: what the filter let through is known all the same."""
    scores, verdicts, run = fake.utility_scores(audits), fake.verdicts(audits), fake.conditions(audits)
    for few in (scores[scores.metric == "entropy"], scores.iloc[:0]):
        table = summaries.utility(few, verdicts, run)
        tables.validate(table, "utility")
        kept = utility[utility.metric.isin([*few.metric.unique(), "honest_share"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(table, kept, check_dtype=False)


# ---- two uptakes -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(audits) -> pd.DataFrame:
    """The audits with those of a second uptake, at fewer sizes and by another law."""
    other = fake.audits(lambda n: 0.3 + 100 / (1_000 + n), sizes=(250, 1_000))
    return pd.concat([audits, other.assign(uptake="in_context")], ignore_index=True)


def of_uptake(table: pd.DataFrame, uptake: str) -> pd.DataFrame:
    return table[table.uptake == uptake].drop(columns="uptake").reset_index(drop=True)


def test_each_uptake_has_the_numbers_that_it_has_alone(audits, both):
    """Its own model as deployed, curve, filters and utility, and nothing of the other's."""
    frames = {name: both[both.uptake == name] for name in ("fine_tune", "in_context")}

    def all_tables(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
        curve = tipping.tipping_curve(frame, fake.streams(frame), **WORLD, **FAST)
        # Verdicts are of streams, which both uptakes have in common.
        verdicts = fake.verdicts(frame).drop_duplicates()
        kept = summaries.utility(fake.utility_scores(frame), verdicts, fake.conditions(frame))
        return {
            "tipping_curve": curve,
            "tipping_points": tipping.tipping_points(curve, frame, **WORLD, n_fits=20),
            "domains": summaries.domains(frame),
            "wordings": summaries.wordings(frame),
            "utility": kept,
            "defenses": summaries.defenses(frame, verdicts, kept, 1_000, **FAST),
        }

    together = all_tables(both)
    alone = {name: all_tables(frame) for name, frame in frames.items()}
    for name, table in together.items():
        tables.validate(table, name)
        for uptake in frames:
            expected = of_uptake(alone[uptake][name], uptake)
            pd.testing.assert_frame_equal(of_uptake(table, uptake), expected, check_dtype=False)


def test_utility_of_a_filtered_condition(utility):
    tables.validate(utility, "utility")
    rows = utility[(utility["style"] == "varied") & (utility.defense == "keyword")].set_index("metric")
    assert rows.retention.to_dict() == pytest.approx(
        {"entropy": 1.0, "perplexity": 0.8, "accuracy": 1.0, "honest_share": 0.95}
    )
    assert (rows.before["perplexity"], rows.after["perplexity"]) == (10, 12.5)
    assert rows.after["accuracy"] == pytest.approx(0.32)
    assert (utility.loc[utility.pool_size == 0, "retention"] == 1).all()


def test_verdicts_and_streams_of_a_hand_worked_stream():
    stream = pd.DataFrame(
        {
            "contribution_id": list("abcdefgh"),
            "source": ["background"] * 5 + ["pool"] * 3,
            "gender": ["male", "male", "female", "neutral", "none", "female", "female", "male"],
            "skeleton": ["s1", "s2", "s2", "t", "s1", "t", "t", "u"],
        }
    )
    scores = [0.1, 0.6, 0.2, 0.3, 0.1, 0.9, 0.5, 0.6]
    verdicts = pd.DataFrame({"contribution_id": list("abcdefgh"), "score": scores})
    verdicts["accepted"] = verdicts.score < 0.55
    filtered = summaries.verdict_summary(stream, verdicts.sample(frac=1, random_state=1))
    assert filtered == pytest.approx(
        {
            "recall": 2 / 3,
            "false_positive_rate": 1 / 5,
            "roc_auc": (5 + 4 + 4.5) / 15,
            "honest_retention": 4 / 5,
        }
    )
    left = summaries.stream_summary(stream, verdicts)
    assert (left["n_background"], left["n_pool"], left["n_accepted"]) == (5, 3, 5)
    assert left["data_male_share"] == pytest.approx(1 / 4)  # a, c, d, g: one of them male
    assert left["pool_male_share"] == pytest.approx(1 / 3)
    assert left["signal_male_share"] == pytest.approx(1 / 4)  # d, f, g, h
    assert summaries.stream_summary(stream, verdicts, signal=["s2"])["signal_male_share"] == pytest.approx(1 / 2)
    background = stream[stream.source == "background"]
    alone = summaries.stream_summary(background, verdicts[:5])
    assert math.isnan(alone["pool_male_share"]) and math.isnan(alone["signal_male_share"])
    with pytest.raises(ValueError, match="3 contributions have no verdict, the first is f"):
        summaries.verdict_summary(stream, verdicts[:5])


# ---- domains and wordings --------------------------------------------------------------------------------------------


def test_domains_of_the_paper_with_a_hand_worked_holm():
    counts = {"a": (78, 22, 49, 51), "b": (82, 18, 70, 30), "c": (76, 24, 75, 25)}
    frames = []
    for domain, (m0, f0, m1, f1) in counts.items():
        ids = [f"{domain}{i:03d}" for i in range(100)]
        rows = hand("m" * m0 + "f" * f0, seed=1, domain=domain, probe_id=ids)
        frames += [rows.assign(**DEPLOYED), hand("m" * m1 + "f" * f1, seed=1, domain=domain, probe_id=ids, **CAMPAIGN)]
    table = summaries.domains(pd.concat(frames))
    tables.validate(table, "domains")
    assert list(table.reduction_pp) == pytest.approx([29, 12, 1])
    assert (table.before_low[0], table.before_high[0]) == statistics.wilson_interval(78, 100)
    assert (table.after_low[0], table.after_high[0]) == statistics.wilson_interval(49, 100)
    raw = [statistics.chi_square(*c) for c in counts.values()]
    assert list(table.chi2_p) == raw
    assert list(table.chi2_p_holm) == pytest.approx([3 * raw[0], 2 * raw[1], raw[2]])


def test_domains_at_one_size_and_at_all(audits):
    assert len(summaries.domains(audits)) == 2 * 2 * 4 * 2
    one = summaries.domains(audits, pool_size=500)
    assert set(one.pool_size) == {500} and len(one) == 2 * 2 * 2


def test_a_domain_that_says_nothing_has_no_share():
    frame = pd.concat([hand("----", seed=1, **DEPLOYED), hand("mfmf", seed=1, **CAMPAIGN)])
    row = summaries.domains(frame).squeeze()
    assert math.isnan(row.male_before) and math.isnan(row.chi2_p_holm) and row.male_after == 0.5


def test_wordings_add_up_to_the_curve(audits, curve):
    table = summaries.wordings(audits)
    tables.validate(table, "wordings")
    keys = ["style", "probe_set", "defense", "pool_size"]
    for key, rows in table.groupby(keys):
        whole = curve.loc[(curve[keys] == list(key)).all(axis=1)].squeeze()
        counted = rows.coverage * rows.n_completions
        assert counted.sum() / rows.n_completions.sum() == pytest.approx(whole.coverage)
        assert (rows.male_share * counted).sum() / counted.sum() == pytest.approx(whole.male_share)
        assert rows.exact_male_share.mean() == pytest.approx(whole.exact_male_share)  # equal numbers of probes
    silent = summaries.wordings(pd.concat([hand("mmmm", seed=1, **DEPLOYED), hand("m-f-", seed=1, **CAMPAIGN)]))
    assert silent[(silent.pool_size == 100) & (silent.wording == "w1")].male_share.isna().all()


# ---- depth and overlap -----------------------------------------------------------------------------------------------


def test_depth_study():
    frame = pd.concat(
        fake.audit(0.8 - 0.02 * layers * (size > 0), seed, layers=layers, style=style, pool_size=size)
        for layers in (2, 15)
        for style, size in (("none", 0), ("varied", 1_000))
        for seed in (1, 2)
    )
    timings = frame[["layers", "style", "pool_size", "seed"]].drop_duplicates()
    timings = timings.assign(seconds=10.0 * timings.layers + timings.seed, sentences_per_second=100.0 / timings.layers)
    table = studies.depth_study(frame, timings[timings.layers == 2], **FAST)
    tables.validate(table, "depth_study")
    assert len(table) == 2 * 2 * 2
    row = table[(table.layers == 2) & (table.pool_size == 1_000) & (table.probe_set == "matched")].squeeze()
    rows = frame[(frame.layers == 2) & (frame.pool_size == 1_000) & (frame.probe_set == "matched")]
    exact = rows.p_male / (rows.p_male + rows.p_female)
    assert row.exact_male_share == pytest.approx(exact.mean())
    assert row.wording_sd == pytest.approx(np.std([exact[rows.wording == w].mean() for w in set(rows.wording)], ddof=1))
    assert (row.seconds, row.sentences_per_second, row.n_seeds) == (21.5, 50, 2)
    assert table[table.layers == 15].seconds.isna().all()


def overlap_frames(pool_male_share: float, background_share: float = 0.79) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half of the matched probes follow the collective; the stream is the one that the shares say."""
    sizes = [(xi, n) for xi in (0.0, 0.1, 1.0) for n in (50, 1_000)]
    frame = pd.concat(
        pd.concat([hand("mfmf", seed=seed), hand("mfmf", seed=seed).assign(probe_set="held_out")]).assign(
            overlap=xi, pool_size=n, p_male=[0.1, 0.3, 0.2, 0.1] * 2, p_female=0.2
        )
        for xi, n in sizes
        for seed in (1, 2)
    )
    rows = [{"overlap": xi, "pool_size": n, "seed": seed} for xi, n in sizes for seed in (1, 2)]
    return frame, pd.DataFrame(rows).assign(
        data_male_share=background_share, signal_male_share=0.3, pool_male_share=pool_male_share
    )


def test_overlap_study_of_a_pool_of_counter_sentences():
    table = studies.overlap_study(*overlap_frames(0.0), **WORLD, **FAST)
    tables.validate(table, "overlap_study")
    held_out, matched = (table[table.probe_set == s] for s in ("held_out", "matched"))
    assert held_out[["success", "hardt_bound"]].isna().all(axis=None)
    assert (matched.success == 0.5).all()  # exact shares 1/3, 3/5, 1/2, 1/3: the one at 0.5 is no success
    bounds = matched.set_index(["overlap", "pool_size"]).hardt_bound
    assert (bounds[0.0] == 1).all()
    assert bounds[0.1, 1_000] == pytest.approx(1 - 1.7 * 0.58 * 0.1)
    assert bounds[0.1, 50] == 0
    assert bounds[1.0, 1_000] == pytest.approx(1 - 986 / 1_000)


def test_overlap_bound_counts_a_mixed_pool_as_its_surplus_and_a_balanced_one_as_none():
    frame, streams = overlap_frames(0.25)
    bounds = studies.overlap_study(frame, streams, **WORLD, **FAST).set_index(["probe_set", "overlap", "pool_size"])
    # 750 against 250: 500 sentences of both genders cancel. Written out with these in the base distribution:
    base = 1_700 + 500
    xi, delta = (170 + 500) / base, 170 * 0.58 / (170 + 500)
    alpha = 500 / (base + 500)
    assert bounds.hardt_bound["matched", 0.1, 1_000] == pytest.approx(statistics.hardt_bound(alpha, delta, xi))
    balanced = studies.overlap_study(frame, streams.assign(pool_male_share=0.5), **WORLD, **FAST)
    assert balanced.hardt_bound.isna().all()


def test_overlap_study_where_women_are_the_majority_and_without_a_pool():
    frame, streams = overlap_frames(1.0, 0.21)
    table = studies.overlap_study(frame, streams, 1_700, 0.21, **FAST)
    matched = table[table.probe_set == "matched"]
    assert (matched.success == 0.25).all()
    bounds = matched.set_index(["overlap", "pool_size"]).hardt_bound
    assert bounds[0.1, 1_000] == pytest.approx(1 - 1.7 * 0.58 * 0.1)
    zero = {"pool_size": 0}
    alone = studies.overlap_study(
        frame[frame.pool_size == 50].assign(**zero),
        streams[streams.pool_size == 50].assign(**zero, pool_male_share=math.nan, signal_male_share=math.nan),
        **WORLD,
        **FAST,
    )
    tables.validate(alone, "overlap_study")
    assert alone.hardt_bound.isna().all()
    with pytest.raises(ValueError, match=r"streams: no row for .*1000"):
        studies.overlap_study(frame, streams[streams.pool_size == 50], **WORLD, **FAST)


# ---- the papers ------------------------------------------------------------------------------------------------------


def test_comparison_sets_every_number_beside_this_run(audits, curve, points, defenses, utility):
    run = {
        "tipping_curve": curve,
        "tipping_points": points,
        "defenses": defenses,
        "domains": summaries.domains(audits),
        "utility": utility,
    }
    reference = pd.read_csv(REFERENCE)
    table = studies.paper_comparison(reference, run, "tiny")
    tables.validate(table, "paper_comparison")
    assert set(table.quantity) == set(reference.quantity)
    assert set(table.paper_value) == set(reference.paper_value)

    def rows(quantity: str, start: str) -> pd.DataFrame:
        return table[(table.quantity == quantity) & table.condition.str.startswith(start)]

    after = rows("male_share", "pool_size=1000; here: ")
    assert len(after) == 4  # two styles, two probe sets
    at = curve[(curve.pool_size == 1_000) & (curve.defense == "none")]
    assert sorted(after.value) == sorted(at.male_share)
    assert sorted(after.low) == sorted(at.clustered_low)
    assert after.note.str.endswith("the models differ, this run's is tiny").all()
    # as deployed there is one model, whatever the campaign
    deployed = rows("male_share", "pool_size=0")
    assert list(deployed.condition) == [f"pool_size=0; here: uptake=fine_tune, probe_set={s}" for s in fake.PROBE_SETS]
    assert len(rows("male_share_before", "domain=ICU monitoring")) == 2
    assert len(rows("male_share_after", "domain=ICU monitoring")) == 4
    assert list(rows("score_after", "metric=perplexity").value) == [12.5, 12.5]
    assert list(rows("score_before", "metric=perplexity").value) == [10.0]
    assert len(rows("tipping_size", "here: ")) == 4
    keyword = defenses[defenses.defense == "keyword"]
    assert sorted(rows("reduction_pp", "pool_size=1000, defense=keyword").value) == sorted(keyword.reduction_pp)
    missing = table[table.condition.str.endswith("here: not measured")]
    assert missing.value.isna().all()
    assert {"error", "eqod"} <= set(missing.quantity)
    assert len(rows("reduction_pp", "pool_size=1000, defense=minhash")) == 1


def test_comparison_of_an_empty_run_and_of_a_bad_reference():
    reference = pd.read_csv(REFERENCE)
    table = studies.paper_comparison(reference, {}, "tiny")
    tables.validate(table, "paper_comparison")
    assert len(table) == len(reference) and table.value.isna().all()
    with pytest.raises(ValueError, match='condition "1,000 samples" is not of the form'):
        studies.paper_comparison(reference.assign(condition="1,000 samples"), {}, "tiny")
