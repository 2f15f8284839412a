"""The conditions of a study: which campaigns, filters and seeds are run, and where their artifacts lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Condition = dict[str, Any]

NOBODY = "none"
FINE_TUNE, IN_CONTEXT, RELEASED = "fine_tune", "in_context", "released"
SUBMITTED = "submitted"
MIMIC = "mimic"
_FOUND = ("prompts", "contexts")
SIDE_STUDIES = ("depth_study", "overlap_study", "learning_curve", "arms_race")
MINORITY = "minority_"
IN_THE_PLANE = ("minority_toy", "minority_scoring")
UNDEFENDED = ("tipping_curve", "tipping_points", "domains")


def styles(config: Mapping[str, Any]) -> list[str]:
    """Styles of the pools: those written, or the one that was submitted as a file."""
    return [SUBMITTED] if config["collective"]["pool_file"] else config["collective"]["styles"]


def strategies(config: Mapping[str, Any]) -> list[str]:
    """Strategies of the pools; a submitted pool has its own."""
    return [SUBMITTED] if config["collective"]["pool_file"] else config["collective"]["strategies"]


def of_study(study: str, config: Mapping[str, Any]) -> list[Condition]:
    """All conditions of a study by its name; raises KeyError for another name."""
    return {
        "undefended": lambda: _undefended(config, config["seeds"]),
        "defended": lambda: _defended(config, config["seeds"]),
        "depth_study": lambda: _depth_study(config),
        "overlap_study": lambda: _overlap_study(config),
        "arms_race": lambda: _arms_race(config),
        "filtered_background": lambda: _filtered_background(config),
        "trained_grid": lambda: _trained_grid(config),
    }[study]()


def grid_campaigns(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(style, strategy) of every campaign that the filters are tried against: the submitted, or the written."""
    if config["collective"]["pool_file"]:
        return [(SUBMITTED, SUBMITTED)]
    return [(style, strategy) for style in config["defense"]["styles"] for strategy in strategies(config)]


def grid_sizes(config: Mapping[str, Any]) -> list[int]:
    """Pool sizes of the grid, ascending: those configured that are not beyond the sweep, and that of the comparison."""
    defense, largest = config["defense"], max(config["collective"]["sizes"])
    return sorted({defense["at_size"], *(size for size in defense["grid_sizes"] if size <= largest)})


def race_campaigns(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The campaigns of the arms race: those of the grid in the first strategy."""
    return [campaign for campaign in grid_campaigns(config) if campaign[1] == strategies(config)[0]]


def race_streams(config: Mapping[str, Any]) -> list[Condition]:
    """The undefended conditions of the arms race with a pool: one stream for each campaign and seed."""
    return [c for c in _arms_race(config) if c["pool_size"] and c["defense"] == NOBODY]


def planned(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The planner's scenarios; what they leave open is as in the study."""
    collective, world = config["collective"], config["world"]
    study = {
        "baseline_share": world["male_share"],
        "background_size": world["background_size"],
        "group_size": collective["agents"],
        "sentences_per_agent": collective["sentences_per_agent"],
    }
    return [
        entry | {key: value for key, value in study.items() if entry[key] is None}
        for entry in config["planner"]["scenarios"]
    ]


def monitored(config: Mapping[str, Any]) -> str:
    """Folder of the monitor's records; a simulated campaign is none of the real one."""
    return "results/monitor_simulated" if config["monitor"]["simulate"] else "results/monitor"


def simulated_pool(config: Mapping[str, Any]) -> str:
    """The pool whose sentences a simulated campaign sends: the study's last style, which is its most varied one."""
    return f"results/pool/{styles(config)[-1]}/{strategies(config)[0]}/seed{config['seeds'][0]}.parquet"


def monitored_firm(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the monitor's firm is made of, beside its files."""
    return {
        "reference_size": config["defense"]["reference_size"],
        "male_share": config["world"]["male_share"],
        "overlap": float(config["world"]["overlap"]),
        "seed": config["seeds"][0],
        "sentences_per_agent": config["collective"]["sentences_per_agent"],
        "rate": config["defense"]["strengths"][config["defense"]["at_strength"]],
    }


def folder(condition: Condition, config: Mapping[str, Any]) -> str:
    """Where the audit of a condition lies, and the model or the prompts behind it."""
    how = f"near{config['in_context']['neighbours']}" if condition["uptake"] == IN_CONTEXT else "last{layers}"
    return (
        "results/uptake/{uptake}/" + how + "/overlap{overlap}/{style}/{strategy}/n{pool_size}/{defense}/seed{seed}"
    ).format(**condition | {"defense": defense_in_paths(condition)})


def defense_in_paths(condition: Condition) -> str:
    """The condition's filter and its strength as a part of a path, such as tfidf-moderate; none without a filter."""
    return NOBODY if condition["defense"] == NOBODY else "{defense}-{strength}".format(**condition)


def source(condition: Condition, which: str) -> str:
    """Path of the condition's background, pool, verdicts or scores (`which`); empty where it has none."""
    if (which == "pool" and condition["pool_size"] == 0) or (which == "verdicts" and condition["defense"] == NOBODY):
        return ""
    stream = "results/defense/overlap{overlap}/{style}/{strategy}/n{pool_size}"
    return {
        "background": "results/background/overlap{overlap}/seed{seed}.parquet",
        "pool": "results/pool/{style}/{strategy}/seed{seed}.parquet",
        "verdicts": f"{stream}/{{defense}}-{{strength}}/seed{{seed}}.parquet",
        "scores": f"{stream}/scores/seed{{seed}}.parquet",
        "reference_scores": f"{stream}/reference_scores/seed{{seed}}.parquet",
    }[which].format(**condition)


def background(config: Mapping[str, Any]) -> str:
    """Path of the main study's background, with its seed open."""
    return f"results/background/overlap{float(config['world']['overlap'])}/seed{{seed}}.parquet"


def main_figures(names: Iterable[str]) -> list[str]:
    """The figures of the bargaining study; those of the studies beside it are drawn when they are asked for."""
    return [name for name in names if name not in SIDE_STUDIES and not name.startswith(MINORITY)]


def minority_figures(names: Iterable[str], config: Mapping[str, Any]) -> list[str]:
    """The figures of the minority study; without people for the signal experiment, that of it is left out."""
    kept = [name for name in names if name.startswith(MINORITY)]
    return [name for name in kept if name != "minority_signal" or config["minority"]["signal"]["dataset"]]


def style_of_figure(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The figure's style, with the pool size that it shows in words of this run."""
    style = dict(config["figures"][name])
    if "main_size" in style and style["main_size"] is None:
        style["main_size"] = config["defense"]["at_size"]
    return style


def tables_of_figure(names: Iterable[str], reference: str) -> dict[str, str]:
    """Path of each table that a figure draws; `reference` is that of the papers' numbers.

    What a figure shows of the undefended study waits for no filter.
    """
    names = list(names)
    undefended = "defenses" not in names
    paths = {}
    for name in names:
        if name == "paper_reference":
            paths[name] = reference
        elif name in IN_THE_PLANE:
            paths[name] = f"results/minority/plane/{name}.parquet"
        elif name in UNDEFENDED and undefended:
            paths[name] = f"results/statistics/undefended/{name}.parquet"
        else:
            paths[name] = f"results/tables/{name}.parquet"
    return paths


def tables_of_report(names: Iterable[str], config: Mapping[str, Any]) -> dict[str, str]:
    """Path of each of the named tables that a run with this configuration has."""
    left_out = set() if config["model"]["backend"] == "endpoint" else {"requests"}
    left_out |= set() if config["minority"]["signal"]["dataset"] else {"minority_signal"}
    elsewhere = {
        "provenance": "resources/retrieved/PROVENANCE.parquet",
        **{name: f"results/minority/plane/{name}.parquet" for name in IN_THE_PLANE},
    }
    return {name: elsewhere.get(name, f"results/tables/{name}.parquet") for name in names if name not in left_out}


def in_context(config: Mapping[str, Any], part: str, seed: int | str) -> list[Condition]:
    """What one seed of the in-context uptake is asked together: its undefended conditions, or the others of its study.

    part: undefended or filtered. seed may be a wildcard.
    """
    undefended, defended = (
        [condition for condition in study(config, [seed]) if condition["uptake"] == IN_CONTEXT]
        for study in (_undefended, _defended)
    )
    return undefended if part == "undefended" else [c for c in defended if c["defense"] != NOBODY]


def served(config: Mapping[str, Any]) -> list[str]:
    """The parts in which a seed asks a model behind a server: as released, and those in context."""
    return [RELEASED, *parts_in_context(config)]


def of_part(config: Mapping[str, Any], part: str, seed: int | str) -> list[Condition]:
    """The conditions of a part (see `served`) of one seed, which may be a wildcard."""
    return [_condition(config, seed, 0, uptake=RELEASED)] if part == RELEASED else in_context(config, part, seed)


def of_server(config: Mapping[str, Any]) -> list[Condition]:
    """The conditions of all parts and seeds that a model behind a server is asked."""
    return [c for part in served(config) for seed in config["seeds"] for c in of_part(config, part, seed)]


def prompts(condition: Condition, config: Mapping[str, Any]) -> str:
    """Path of what a model is asked under the condition, the released model or one in context."""
    return (
        "results/probes.parquet" if condition["uptake"] == RELEASED else f"{folder(condition, config)}/prompts.parquet"
    )


def audit(condition: Condition, config: Mapping[str, Any]) -> str:
    """Path of the audit of the condition."""
    if condition["uptake"] == RELEASED:
        return "results/baseline/seed{seed}/audit.parquet".format(**condition)
    return f"{folder(condition, config)}/audit.parquet"


def parts_in_context(config: Mapping[str, Any]) -> list[str]:
    """The parts of the in-context uptake (see `in_context`) that have any condition."""
    return [part for part in ("undefended", "filtered") if in_context(config, part, 0)]


def _condition(
    config: Mapping[str, Any],
    seed: int | str,
    size: int,
    style: str = NOBODY,
    strategy: str = NOBODY,
    defense: str = NOBODY,
    layers: int | None = None,
    overlap: float | None = None,
    uptake: str = FINE_TUNE,
    strength: str = "",
) -> Condition:
    trained = config["fine_tune"]["layers"] if layers is None else layers
    return {
        "uptake": uptake,
        "layers": trained if uptake == FINE_TUNE else 0,
        "overlap": float(config["world"]["overlap"] if overlap is None else overlap),
        "style": style if size else NOBODY,
        "strategy": strategy if size else NOBODY,
        "pool_size": size,
        "defense": defense,
        "strength": NOBODY if defense == NOBODY else strength or config["defense"]["at_strength"],
        "seed": seed,
    }


def _unique(conditions: Iterable[Condition]) -> list[Condition]:
    return list({tuple(condition.values()): condition for condition in conditions}.values())


def _campaigns(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(style, strategy) for style in styles(config) for strategy in strategies(config)]


def _with_deployed(sizes: Sequence[int]) -> list[int]:
    return [0, *(size for size in sizes if size)]


def _sizes(config: Mapping[str, Any], uptake: str) -> list[int]:
    swept = _with_deployed(config["collective"]["sizes"])
    if uptake == FINE_TUNE:
        return swept
    return config["in_context"]["sizes"] or sorted({0, config["defense"]["at_size"]})


def _undefended(config: Mapping[str, Any], seeds: Sequence[int | str]) -> list[Condition]:
    return _unique(
        _condition(config, seed, size, style, strategy, uptake=uptake)
        for uptake in config["uptakes"]
        for style, strategy in _campaigns(config)
        for size in _sizes(config, uptake)
        for seed in seeds
    )


def _defended(config: Mapping[str, Any], seeds: Sequence[int | str]) -> list[Condition]:
    at_size = config["defense"]["at_size"]
    return _unique(
        condition
        for uptake in config["uptakes"]
        for style, strategy in _campaigns(config)
        for seed in seeds
        for condition in [
            _condition(config, seed, 0, uptake=uptake),
            *(
                _condition(config, seed, at_size, style, strategy, name, uptake=uptake)
                for name in config["defense"]["names"]
            ),
        ]
    )


def _depth_study(config: Mapping[str, Any]) -> list[Condition]:
    study = config["depth_study"]
    return _unique(
        _condition(config, seed, size, style, strategies(config)[0], layers=layers)
        for layers in study["layers"]
        for style in styles(config)
        for size in (0, study["size"])
        for seed in study["seeds"]
    )


def _overlap_study(config: Mapping[str, Any]) -> list[Condition]:
    study, strategy = config["overlap_study"], config["collective"]["strategies"][0]
    return _unique(
        # The written pool, whatever was submitted: the template is what the worlds share.
        _condition(config, seed, size, "template", strategy, overlap=overlap)
        for overlap in study["overlaps"]
        for size in _with_deployed(study["sizes"])
        for seed in study["seeds"]
    )


def _arms_race(config: Mapping[str, Any]) -> list[Condition]:
    names, size = config["defense"]["names"], config["defense"]["at_size"]
    return _unique(
        condition
        for seed in config["seeds"]
        for condition in [
            _condition(config, seed, 0),
            *(
                _condition(config, seed, size, style, strategy, name)
                for style, strategy in race_campaigns(config)
                for name in names
            ),
        ]
    )


def _filtered_background(config: Mapping[str, Any]) -> list[Condition]:
    names = config["defense"]["names"]
    return _unique(_condition(config, seed, 0, defense=name) for name in names for seed in config["seeds"])


def _trained_grid(config: Mapping[str, Any]) -> list[Condition]:
    defense = config["defense"]
    return _unique(
        _condition(config, seed, size, style, strategy, name, strength=strength)
        for style, strategy in race_campaigns(config)
        for size in set(defense["grid_trained_sizes"]) & set(grid_sizes(config))
        for name in defense["names"]
        if name != NOBODY
        for strength in defense["strengths"]
        for seed in config["seeds"]
    )


def tables_between(config: Mapping[str, Any]) -> list[str]:
    """Paths of the tables that lie between the rules of the main studies; asked for by name, one that was deleted is
    missed. Not those of the studies beside them, nor hidden states and adapters, which take the room and may go."""
    of_streams = [
        path
        for study in ("undefended", "defended")
        for condition in of_study(study, config)
        for path in (
            *(source(condition, which) for which in ("background", "pool", "verdicts")),
            *(f"{folder(condition, config)}/{name}.parquet" for name in ("audit", "utility")),
            *(f"{folder(condition, config)}/{name}.parquet" for name in _FOUND if condition["uptake"] == IN_CONTEXT),
        )
    ]
    judged = [source(c, which) for c in race_streams(config) for which in ("pool", "scores", "reference_scores")]
    swept = [
        f"results/defense/overlap{float(config['world']['overlap'])}/{style}/{strategy}/sweep/seed{seed}.parquet"
        for style, strategy in grid_campaigns(config)
        for seed in config["seeds"]
    ]
    honest = [f"results/defense/honest/{name}.parquet" for name in ("scores", "reference_scores")]
    gathered = [
        f"results/statistics/{study}/{name}.parquet"
        for study in ("undefended", "defended")
        for name in ("audits", "utilities", "streams", "filters", "tipping_curve", "tipping_points")
    ]
    released = [f"results/baseline/seed{seed}/audit.parquet" for seed in config["seeds"]]
    balanced = [
        f"results/pool/{style}/balanced/seed{config['seeds'][0]}.parquet" for style in config["collective"]["styles"]
    ]
    runs = [path for paths in minority_runs(config).values() for path in paths]
    plane = [f"results/minority/plane/{name}.parquet" for name in IN_THE_PLANE]
    paths = [
        "results/probes.parquet",
        *released,
        *of_streams,
        *judged,
        *swept,
        *honest,
        *gathered,
        *balanced,
        *runs,
        *plane,
    ]
    return list(dict.fromkeys(filter(None, paths)))


def timing(condition: Condition) -> str:
    """Path of the benchmark file of the training of a fine-tuned condition."""
    name = "last{layers}_overlap{overlap}_{style}_{strategy}_n{pool_size}_{defense}_seed{seed}".format(
        **condition | {"defense": defense_in_paths(condition)}
    )
    return f"results/benchmarks/fine_tune/{name}.tsv"


def background_states(config: Mapping[str, Any], seed: int | str) -> str:
    """Path of the hidden states of the main study's background at the main study's depth."""
    layers, overlap = config["fine_tune"]["layers"], float(config["world"]["overlap"])
    return f"results/encoded/last{layers}/background/overlap{overlap}/seed{seed}.safetensors"


def partitions(rows: int | str, config: Mapping[str, Any]) -> range:
    """Numbers of the parts in which a stream of so many rows lies."""
    return range(-(-int(rows) // config["scale"]["partition_rows"]))


def rows_of_part(wildcards: Any, config: Mapping[str, Any]) -> tuple[int, int]:
    """First row of a part (from 0) and the one after its last, out of wildcards `rows` and `part`."""
    size = config["scale"]["partition_rows"]
    return int(wildcards.part) * size, min(int(wildcards.rows), (int(wildcards.part) + 1) * size)


def scale_runs(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every defense at every length of the streams: defense, rows, partitions, verdicts, benchmarks of its jobs."""
    strength, runs = config["defense"]["at_strength"], []
    for rows in config["scale"]["rows"]:
        parts = partitions(rows, config)
        for defense in [name for name in config["defense"]["names"] if name != NOBODY]:
            jobs = [*_SCALE_JOBS.get(defense, [_SCORING]), "judge_partition/rows{rows}_{defense}-{strength}_part{part}"]
            named = {"rows": rows, "defense": defense, "strength": strength}
            paths = [f"results/benchmarks/{job}.tsv".format(part=part, **named) for job in jobs for part in parts]
            runs.append(
                {
                    "defense": defense,
                    "rows": rows,
                    "partitions": len(parts),
                    "verdicts": [f"results/scale/rows{rows}/{defense}-{strength}/part{part}.parquet" for part in parts],
                    "benchmarks": list(dict.fromkeys(paths)),
                }
            )
    return runs


_SCORING = "score_partition/rows{rows}_{defense}_part{part}"
# A filter that is not listed scores each part by itself.
_SCALE_JOBS = {
    "repetition": ["count_wordings/rows{rows}_part{part}", "merge_wordings/rows{rows}", _SCORING],
    "minhash": ["digest_documents/rows{rows}_part{part}", "link_documents/rows{rows}", _SCORING],
    "composite": ["combine_scores/rows{rows}_part{part}"],
}


def people(config: Mapping[str, Any]) -> list[str]:
    """Names of all people of the minority study, the user's own last."""
    return [*config["minority"]["datasets"], *(entry["name"] for entry in config["minority"]["own_tables"])]


def people_of(name: str, config: Mapping[str, Any]) -> str:
    """Path of the people of that name."""
    retrieved = name in config["minority"]["datasets"]
    return f"{'resources/retrieved' if retrieved else 'results/minority'}/people/{name}.parquet"


def minority_runs(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """Paths of the runs that each table of the minority study sums up."""
    study = config["minority"]
    bayes_too = ["bayes", *study["learners"]]

    def runs(kind: str, names: Sequence[str], learners: Sequence[str]) -> list[str]:
        return [
            f"results/minority/{kind}/{name}/{learner}/seed{seed}.parquet"
            for name in names
            for learner in learners
            for seed in study["seeds"]
        ]

    of_tables = {
        "minority_flips": runs("runs", people(config), study["learners"]),
        "minority_alpha": runs("runs", people(config), study["learners"]),
        "minority_baselines": runs("mitigated", people(config), study["learners"]),
    }
    if study["signal"]["dataset"]:
        of_tables["minority_signal"] = runs("signal", [study["signal"]["dataset"]], bayes_too)
    return of_tables
