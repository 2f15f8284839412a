# Where the artifacts of a condition lie, and which of them a rule needs.


def code_of(rule_name, *by_name):
    """The library modules that the script of a rule runs; `by_name` are files of those that it imports by their name."""
    return [os.path.relpath(path) for path in modules_of(f"{workflow.basedir}/scripts/{rule_name}.py", *by_name)]


def modules_of_filters():
    """The filters, which are found by their names."""
    return collect("scripts/quorum/defenses/{module}.py", module=glob_wildcards("scripts/quorum/defenses/{m}.py").m)


def model_folder():
    return config["model"]["path"] or "resources/retrieved/model"


def has_server():
    """Whether the model is behind a server."""
    return config["model"]["backend"] == "endpoint"


def seeds(path):
    """The path for every seed of the study."""
    return expand(path, seed=config["seeds"], allow_missing=True)


def artifact(name):
    """A function from wildcards with a `study` to the artifact of that name under each of the study's conditions."""
    return lambda wildcards: in_folders(conditions.of_study(wildcards.study, config), name)


def in_folders(chosen, name):
    """The artifact of that name under each of the conditions."""
    return [f"{conditions.folder(condition, config)}/{name}" for condition in chosen]


def of_race(which):
    """Backgrounds, pools or scores of the streams of the arms race, one path each."""
    return [conditions.source(c, which) for c in conditions.race_streams(config)]


def inputs_of_streams(which):
    """Backgrounds, pools or verdicts of the conditions of a study, one path each, empty where there is none."""
    return lambda wildcards: [conditions.source(c, which) for c in conditions.of_study(wildcards.study, config)]


def present(paths_of):
    """The same without the empty ones and repetitions, as an input wants them."""
    return lambda wildcards: sorted(set(filter(None, paths_of(wildcards))))


def has_pool(wildcards):
    return wildcards.size != "0"


def is_mimic(wildcards):
    return wildcards.style == conditions.MIMIC


def skeletons_of(wildcards):
    """The wordings of a style; who mimics the background writes in its wordings."""
    return f"resources/wordings/{'background' if is_mimic(wildcards) else wildcards.style}.csv"


def is_filtered(wildcards):
    return wildcards.defense != "none"


def parts(path):
    """The path for every part of a long stream."""
    return lambda wildcards: expand(path, rows=wildcards.rows, part=conditions.partitions(wildcards.rows, config))


def shares(wildcards):
    """Whether a filter compares contributions with each other, and has to know of all parts."""
    return wildcards.defense in ("repetition", "minhash")


def code_of_figure(name):
    """The library modules that draw one figure; its own is found by name, through the registry."""
    return code_of("draw_figure", f"{workflow.basedir}/scripts/quorum/figures/{FIGURES[name].module}.py")


def people(wildcards):
    """The people of a data set: retrieved, or out of a table of the user's own."""
    return conditions.people_of(wildcards.dataset, config)


def own_table(wildcards):
    return next(entry for entry in config["minority"]["own_tables"] if entry["name"] == wildcards.dataset)
