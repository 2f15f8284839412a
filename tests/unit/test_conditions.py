"""Which conditions a study has, and where their artifacts lie."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorum import conditions, settings

DEFAULTS = settings.defaults(settings.read(Path(__file__).parents[2] / "config" / "schema.yaml"))
FILTERS = ["none", "keyword", "repetition", "tfidf", "minhash", "composite"]


def config(**sections: object) -> dict:
    """The default configuration with some keys of its sections changed."""
    changed = deepcopy(DEFAULTS)
    for name, value in sections.items():
        if isinstance(value, dict):
            changed[name].update(value)
        else:
            changed[name] = value
    return changed


SMALL = config(
    seeds=[1, 7],
    collective={"sizes": [0, 10, 20], "styles": ["varied"], "strategies": ["parity", "counter"]},
    defense={"at_size": 20, "names": ["none", "tfidf"]},
)


def keys(study: str, configuration: dict = SMALL, uptake: str = "fine_tune") -> list[tuple]:
    names = ("style", "strategy", "pool_size", "defense", "seed")
    found = conditions.of_study(study, configuration)
    return [tuple(c[name] for name in names) for c in found if c["uptake"] == uptake]


# ---- the studies -----------------------------------------------------------------------------------------------------


def test_undefended_by_hand():
    assert sorted(keys("undefended")) == sorted(
        [("none", "none", 0, "none", seed) for seed in (1, 7)]
        + [("varied", s, n, "none", seed) for s in ("parity", "counter") for n in (10, 20) for seed in (1, 7)]
    )


def test_defended_by_hand():
    assert sorted(keys("defended")) == sorted(
        [("none", "none", 0, "none", seed) for seed in (1, 7)]
        + [("varied", s, 20, d, seed) for s in ("parity", "counter") for d in ("none", "tfidf") for seed in (1, 7)]
    )


def test_depth_study_by_hand():
    found = conditions.of_study("depth_study", SMALL | {"depth_study": {"layers": [2, 30], "size": 9, "seeds": [4]}})
    campaigns = [("none", "none", 0), ("varied", "parity", 9)]
    assert sorted((c["layers"], c["style"], c["strategy"], c["pool_size"], c["seed"]) for c in found) == sorted(
        (layers, *campaign, 4) for layers in (2, 30) for campaign in campaigns
    )


def test_overlap_study_by_hand():
    study = {"overlaps": [0, 0.25], "sizes": [5], "seeds": [4]}
    found = conditions.of_study("overlap_study", SMALL | {"overlap_study": study})
    assert sorted((c["overlap"], c["style"], c["strategy"], c["pool_size"]) for c in found) == [
        (0.0, "none", "none", 0),
        (0.0, "template", "parity", 5),
        (0.25, "none", "none", 0),
        (0.25, "template", "parity", 5),
    ]


def test_both_uptakes_have_the_same_campaigns_at_their_own_sizes():
    chosen = config(**{**SMALL, "in_context": {"sizes": [0, 20]}})
    assert sorted(keys("undefended", chosen, "in_context")) == sorted(
        key for key in keys("undefended", chosen) if key[2] in (0, 20)
    )
    assert keys("defended", chosen, "in_context") == keys("defended", chosen)
    for study in ("undefended", "defended"):
        assert {c["layers"] for c in conditions.of_study(study, chosen) if c["uptake"] == "in_context"} == {0}
    for study in ("depth_study", "overlap_study"):
        assert {c["uptake"] for c in conditions.of_study(study, chosen)} == {"fine_tune"}


def test_one_uptake_alone():
    for uptake in ("fine_tune", "in_context"):
        chosen = config(uptakes=[uptake])
        assert {c["uptake"] for c in conditions.of_study("defended", chosen)} == {uptake}
    assert conditions.parts_in_context(config(uptakes=["fine_tune"])) == []


@pytest.mark.parametrize(
    ("sizes", "swept", "at_size", "found"),
    [
        (None, [0, 250, 500, 1000, 2000], 1000, [0, 1000]),
        (None, [0, 10, 20], 20, [0, 20]),
        (None, [0, 60], 60, [0, 60]),
        ([0, 500, 1000], [0, 250, 500, 1000, 2000], 1000, [0, 500, 1000]),
    ],
)
def test_sizes_in_context(sizes, swept, at_size, found):
    chosen = config(
        uptakes=["in_context"],
        collective={"sizes": swept},
        defense={"at_size": at_size},
        in_context={"sizes": sizes},
    )
    assert sorted({key[2] for key in keys("undefended", chosen, "in_context")}) == found


def test_a_seed_in_context_is_asked_in_two_parts_that_share_nothing():
    for names, parts in ((FILTERS, ["undefended", "filtered"]), (["none"], ["undefended"])):
        chosen = config(seeds=[3], defense={"names": names})
        assert conditions.parts_in_context(chosen) == parts
        together = [c for part in parts for c in conditions.in_context(chosen, part, 3)]
        both = [*conditions.of_study("undefended", chosen), *conditions.of_study("defended", chosen)]
        folders = [conditions.folder(c, chosen) for c in together]
        assert len(folders) == len(set(folders))
        assert set(folders) == {conditions.folder(c, chosen) for c in both if c["uptake"] == "in_context"}
    (first, *_) = conditions.in_context(DEFAULTS, "filtered", "{seed}")
    assert conditions.folder(first, DEFAULTS).endswith("/keyword-moderate/seed{seed}")


def test_arms_race_by_hand():
    race = config(
        seeds=[1, 7],
        collective={"sizes": [0, 10, 20], "styles": ["varied"], "strategies": ["parity", "counter"]},
        defense={"at_size": 20, "names": ["none", "tfidf"], "styles": ["template", "mimic"]},
    )
    campaigns = [
        (s, "parity", 20, d, seed) for s in ("template", "mimic") for d in ("none", "tfidf") for seed in (1, 7)
    ]
    assert sorted(keys("arms_race", race)) == sorted([("none", "none", 0, "none", seed) for seed in (1, 7)] + campaigns)
    assert [(c["style"], c["seed"]) for c in conditions.race_streams(race)] == [
        ("template", 1),
        ("mimic", 1),
        ("template", 7),
        ("mimic", 7),
    ]
    assert {c["defense"] for c in conditions.race_streams(race)} == {"none"}
    assert conditions.grid_campaigns(race) == [
        (style, strategy) for style in ("template", "mimic") for strategy in ("parity", "counter")
    ]


def test_filtered_background_by_hand():
    found = conditions.of_study("filtered_background", SMALL)
    assert sorted((c["pool_size"], c["defense"], c["strength"], c["seed"]) for c in found) == [
        (0, "none", "none", 1),
        (0, "none", "none", 7),
        (0, "tfidf", "moderate", 1),
        (0, "tfidf", "moderate", 7),
    ]
    filtered = next(c for c in found if c["defense"] == "tfidf")
    assert conditions.source(filtered, "pool") == ""
    assert conditions.source(filtered, "verdicts").endswith("/none/none/n0/tfidf-moderate/seed1.parquet")
    # The model as deployed is the one of the main study.
    assert {conditions.folder(c, SMALL) for c in found} & {
        conditions.folder(c, SMALL) for c in conditions.of_study("defended", SMALL)
    }


def test_a_grid_is_trained_at_every_strength_of_the_sizes_asked_for():
    assert conditions.of_study("trained_grid", SMALL) == []
    asked = config(
        seeds=[4],
        collective={"sizes": [0, 10, 20]},
        defense={
            "at_size": 20,
            "names": ["none", "tfidf"],
            "styles": ["mimic"],
            "grid_sizes": [5, 15, 30],
            "grid_trained_sizes": [15, 30],
        },
    )
    found = conditions.of_study("trained_grid", asked)
    assert sorted((c["style"], c["pool_size"], c["defense"], c["strength"], c["seed"]) for c in found) == [
        ("mimic", 15, "tfidf", strength, 4) for strength in ("moderate", "strong", "weak")
    ]


def test_sizes_of_the_grid_hold_that_of_the_comparison_and_none_beyond_the_sweep():
    small = config(collective={"sizes": [0, 40]}, defense={"at_size": 40, "grid_sizes": [10, 30, 100]})
    assert conditions.grid_sizes(small) == [10, 30, 40]
    assert conditions.grid_sizes(DEFAULTS) == [10, 30, 100, 300, 1000, 2000]


def test_an_unknown_study_is_named():
    with pytest.raises(KeyError, match="other_study"):
        conditions.of_study("other_study", SMALL)


@given(
    sizes=st.lists(st.integers(1, 5_000), min_size=1, max_size=5, unique=True).map(lambda s: [0, *sorted(s)]),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True),
    styles=st.lists(st.sampled_from(["template", "varied"]), min_size=1, unique=True),
    strategies=st.lists(st.sampled_from(["balanced", "counter", "parity"]), min_size=1, unique=True),
    names=st.lists(st.sampled_from(FILTERS[1:]), unique=True).map(lambda names: ["none", *names]),
)
def test_every_condition_once_and_every_model_in_a_folder_of_its_own(sizes, seeds, styles, strategies, names):
    collective = {"sizes": sizes, "styles": styles, "strategies": strategies}
    chosen = config(seeds=seeds, collective=collective, defense={"at_size": sizes[-1], "names": names})
    campaigns = len(styles) * len(strategies)
    undefended, defended = (conditions.of_study(study, chosen) for study in ("undefended", "defended"))
    swept = len(sizes)  # above 0: fine-tuned at every one, in context at the one where filters are compared
    assert len(undefended) == len(seeds) * (2 + campaigns * swept)
    assert len(defended) == 2 * len(seeds) * (1 + campaigns * len(names))
    for study in (undefended, defended):
        assert len({conditions.folder(c, chosen) for c in study}) == len(study)
        assert {tuple(c) for c in study} == {tuple(undefended[0])}
    # What both studies need is one model: as deployed, and without a filter at the size of the comparison.
    shared = {conditions.folder(c, chosen) for c in undefended} & {conditions.folder(c, chosen) for c in defended}
    assert len(shared) == 2 * len(seeds) * (1 + campaigns)


def test_size_0_belongs_to_a_sweep_that_does_not_name_it():
    assert {key[2] for key in keys("undefended", config(collective={"sizes": [10]}))} == {0, 10}


def test_the_default_overlap_may_be_a_whole_number():
    """0 and 0.0 are the same world, and must be the same path."""
    for overlap in (0, 0.0):
        (first, *_) = conditions.of_study("undefended", config(world={"overlap": overlap}))
        assert "/overlap0.0/" in conditions.folder(first, DEFAULTS)


# ---- a submitted pool ------------------------------------------------------------------------------------------------

SUBMITTED = config(collective={"pool_file": "pool.csv", "styles": ["template", "varied"]})


def test_a_submitted_pool_is_the_only_campaign():
    for study in ("undefended", "defended", "depth_study"):
        campaigns = {key[:2] for key in keys(study, SUBMITTED)}
        assert campaigns == {("none", "none"), ("submitted", "submitted")}


def test_filters_are_tried_against_a_submitted_pool_alone():
    assert conditions.grid_campaigns(SUBMITTED) == conditions.race_campaigns(SUBMITTED) == [("submitted", "submitted")]
    assert {key[:2] for key in keys("arms_race", SUBMITTED)} == {("none", "none"), ("submitted", "submitted")}


def test_worlds_are_compared_with_the_written_template_whatever_was_submitted():
    """Nothing can write a pool of strategy "submitted" in the template."""
    assert {key[:2] for key in keys("overlap_study", SUBMITTED)} == {("none", "none"), ("template", "parity")}


# ---- paths -----------------------------------------------------------------------------------------------------------

FOLDER = re.compile(
    r"results/uptake/(?P<uptake>[^/]+)/(last(?P<layers>\d+)|near3)/overlap(?P<overlap>\d\.\d+)/(?P<style>[^/]+)/"
    r"(?P<strategy>[^/]+)/n(?P<pool_size>\d+)/(?P<defense>[^/-]+)(-(?P<strength>[^/]+))?/seed(?P<seed>\d+)"
)


@pytest.mark.parametrize("study", ["undefended", "defended", "depth_study", "overlap_study", "arms_race"])
def test_a_folder_says_its_whole_condition(study):
    for condition in conditions.of_study(study, DEFAULTS):
        told = FOLDER.fullmatch(conditions.folder(condition, DEFAULTS)).groupdict()
        absent = {"layers": "0", "strength": "none"}
        assert {key: value or absent[key] for key, value in told.items()} == {k: str(v) for k, v in condition.items()}


@pytest.mark.parametrize(("size", "defense"), list(product((0, 20), ("none", "tfidf"))))
def test_sources_of_a_condition(size, defense):
    condition = {
        "overlap": 0.1,
        "style": "varied",
        "strategy": "parity",
        "pool_size": size,
        "defense": defense,
        "strength": "none" if defense == "none" else "weak",
        "seed": 3,
    }
    background, pool, verdicts = (conditions.source(condition, w) for w in ("background", "pool", "verdicts"))
    assert background == "results/background/overlap0.1/seed3.parquet"
    assert pool == ("results/pool/varied/parity/seed3.parquet" if size else "")
    stream = f"results/defense/overlap0.1/varied/parity/n{size}"
    assert verdicts == ("" if defense == "none" else f"{stream}/tfidf-weak/seed3.parquet")
    assert conditions.source(condition, "scores") == f"{stream}/scores/seed3.parquet"
    assert conditions.source(condition, "reference_scores") == f"{stream}/reference_scores/seed3.parquet"


def test_a_filter_has_the_strength_of_the_configuration():
    chosen = conditions.of_study("defended", config(defense={"at_strength": "strong"}))
    assert {(c["defense"] == "none", c["strength"]) for c in chosen} == {(True, "none"), (False, "strong")}


def test_conditions_that_share_a_source_are_few():
    """One background per seed and one pool per seed and style, for all sizes and filters."""
    study = conditions.of_study("defended", config(seeds=[1, 2, 3, 4]))
    assert len({conditions.source(c, "background") for c in study}) == 4
    assert len({conditions.source(c, "pool") for c in study} - {""}) == 4 * 2
    assert len({conditions.source(c, "verdicts") for c in study} - {""}) == 4 * 2 * 5
    filtered = [c for c in study if c["defense"] != "none"]
    assert len({conditions.source(c, "scores") for c in filtered}) == 4 * 2


def test_timings_are_told_apart_as_folders_are():
    for study in ("undefended", "defended", "depth_study", "overlap_study", "arms_race", "filtered_background"):
        found = conditions.of_study(study, DEFAULTS)
        found = [condition for condition in found if condition["uptake"] == "fine_tune"]
        assert len({conditions.timing(c) for c in found}) == len(found)


def test_the_background_that_is_mimicked_is_that_of_the_main_study():
    assert conditions.background(config(world={"overlap": 1})) == "results/background/overlap1.0/seed{seed}.parquet"


def test_background_states_are_those_of_the_main_study():
    path = conditions.background_states(config(fine_tune={"layers": 3}, world={"overlap": 1}), "4")
    assert path == "results/encoded/last3/background/overlap1.0/seed4.safetensors"


# ---- long streams ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "size"), [(1, 5), (5, 5), (11, 5), (12, 3)])
def test_parts_of_a_stream_hold_every_row_once(rows, size):
    chosen = config(scale={"partition_rows": size})
    found = [
        conditions.rows_of_part(SimpleNamespace(rows=str(rows), part=str(part)), chosen)
        for part in conditions.partitions(rows, chosen)
    ]
    assert [row for first, last in found for row in range(first, last)] == list(range(rows))
    assert all(0 < last - first <= size for first, last in found)


def test_what_a_filter_takes_is_that_of_all_its_jobs():
    chosen = config(scale={"rows": [3, 7], "partition_rows": 4}, defense={"names": ["none", "keyword", "minhash"]})
    runs = {(run["defense"], run["rows"]): run for run in conditions.scale_runs(chosen)}
    assert [(*key, run["partitions"]) for key, run in runs.items()] == [
        ("keyword", 3, 1), ("minhash", 3, 1), ("keyword", 7, 2), ("minhash", 7, 2),
    ]  # fmt: skip
    assert runs["minhash", 7]["verdicts"] == [
        f"results/scale/rows7/minhash-moderate/part{part}.parquet" for part in (0, 1)
    ]
    assert [path.removeprefix("results/benchmarks/") for path in runs["minhash", 7]["benchmarks"]] == [
        "digest_documents/rows7_part0.tsv",
        "digest_documents/rows7_part1.tsv",
        "link_documents/rows7.tsv",
        "score_partition/rows7_minhash_part0.tsv",
        "score_partition/rows7_minhash_part1.tsv",
        "judge_partition/rows7_minhash-moderate_part0.tsv",
        "judge_partition/rows7_minhash-moderate_part1.tsv",
    ]


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_a_figure_without_filters_reads_the_undefended_study():
    assert conditions.tables_of_figure(
        ["tipping_curve", "baseline_bias", "paper_reference"], "there/reference.csv"
    ) == {
        "tipping_curve": "results/statistics/undefended/tipping_curve.parquet",
        "baseline_bias": "results/tables/baseline_bias.parquet",
        "paper_reference": "there/reference.csv",
    }


def test_a_figure_with_filters_reads_the_published_tables():
    paths = conditions.tables_of_figure(["defenses", "tipping_curve"], "")
    assert paths["tipping_curve"] == "results/tables/tipping_curve.parquet"


def test_figures_of_the_studies_beside_the_main_one_wait_to_be_asked_for():
    names = ["domains", "depth_study", "overlap_study", "learning_curve", "arms_race", "utility", "defense_grid"]
    assert conditions.main_figures(names) == ["domains", "utility", "defense_grid"]


def test_a_figure_shows_the_size_at_which_filters_are_compared_unless_it_is_told_another():
    chosen = config(defense={"at_size": 500})
    assert conditions.style_of_figure("domains", chosen)["main_size"] == 500
    chosen["figures"]["domains"]["main_size"] = 250
    assert conditions.style_of_figure("domains", chosen)["main_size"] == 250
    # The curve shows every size and has no such key.
    assert conditions.style_of_figure("tipping_curve", chosen) == chosen["figures"]["tipping_curve"]
    assert DEFAULTS["figures"]["domains"]["main_size"] is None


# ---- the minority study ----------------------------------------------------------------------------------------------


def test_runs_of_the_minority_study_by_hand():
    own = {"name": "mine", "path": "mine.csv"}
    small = config(minority={"seeds": [1, 2], "datasets": ["rhc"], "own_tables": [own], "learners": ["boosted_trees"]})
    small["minority"]["signal"] = {"dataset": "rhc"}
    runs = conditions.minority_runs(small)
    assert conditions.people(small) == ["rhc", "mine"]
    assert runs["minority_flips"] == runs["minority_alpha"]
    assert runs["minority_flips"] == [
        f"results/minority/runs/{name}/boosted_trees/seed{seed}.parquet" for name in ("rhc", "mine") for seed in (1, 2)
    ]
    assert len(runs["minority_baselines"]) == 4
    assert runs["minority_signal"] == [
        f"results/minority/signal/rhc/{learner}/seed{seed}.parquet"
        for learner in ("bayes", "boosted_trees")
        for seed in (1, 2)
    ]


def test_people_are_retrieved_or_the_users_own():
    small = config(minority={"datasets": ["rhc"]})
    assert conditions.people_of("rhc", small) == "resources/retrieved/people/rhc.parquet"
    assert conditions.people_of("mine", small) == "results/minority/people/mine.parquet"


def test_without_people_for_the_signal_it_is_left_out():
    names = ["pipeline", "minority_flips", "minority_signal", "depth_study"]
    assert conditions.minority_figures(names, DEFAULTS) == ["minority_flips", "minority_signal"]
    without = config(minority={"signal": {"dataset": ""}})
    assert conditions.minority_figures(names, without) == ["minority_flips"]
    assert "minority_signal" not in conditions.minority_runs(without)
    assert conditions.main_figures(names) == ["pipeline"]


def test_examples_in_the_plane_are_no_tables_of_a_run():
    paths = conditions.tables_of_figure(["minority_toy", "minority_flips"], "")
    assert paths == {
        "minority_toy": "results/minority/plane/minority_toy.parquet",
        "minority_flips": "results/tables/minority_flips.parquet",
    }


def test_a_server_is_asked_the_released_model_and_all_that_is_in_context():
    small = SMALL | {"uptakes": ["in_context"]}
    assert conditions.served(small) == ["released", "undefended", "filtered"]
    asked = conditions.of_server(small)
    released = [c for c in asked if c["uptake"] == "released"]
    assert [(c["seed"], c["pool_size"], c["layers"], c["defense"]) for c in released] == [
        (1, 0, 0, "none"),
        (7, 0, 0, "none"),
    ]
    rest = [c for c in asked if c["uptake"] != "released"]
    studies = [c for study in ("undefended", "defended") for c in conditions.of_study(study, small)]
    paths = {conditions.audit(c, small) for c in rest}
    assert len(rest) == len(paths) and paths == {f"{conditions.folder(c, small)}/audit.parquet" for c in studies}
    assert conditions.served(SMALL | {"uptakes": ["fine_tune"]}) == ["released"]


def test_what_a_server_is_asked_lies_beside_what_it_answered():
    released, *rest = conditions.of_server(SMALL)
    assert conditions.prompts(released, SMALL) == "results/probes.parquet"
    assert conditions.audit(released, SMALL) == "results/baseline/seed1/audit.parquet"
    last = rest[-1]
    assert conditions.prompts(last, SMALL) == f"{conditions.folder(last, SMALL)}/prompts.parquet"
    assert conditions.audit(last, SMALL) == f"{conditions.folder(last, SMALL)}/audit.parquet"


def test_a_planned_campaign_is_as_the_study_where_it_leaves_something_open():
    open_keys = ("baseline_share", "baseline_completions", "background_size", "sentences_per_agent")
    entry = {"name": "a", "group_size": 7, **dict.fromkeys(open_keys)}
    known = {"baseline_share": 0.79, "background_size": 1700, "sentences_per_agent": 10}
    assert conditions.planned(config(planner={"scenarios": [entry]})) == [entry | known]
