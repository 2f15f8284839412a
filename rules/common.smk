# Where the artifacts of a condition lie, and which of them a rule needs.


def own(path):
    """A file of this workflow. Where another workflow uses it as a module, it lies elsewhere than the run does."""
    whole = os.path.join(HERE, path)
    return os.path.relpath(whole) if HERE == os.path.abspath(workflow.basedir) else whole


def code_of(rule_name, *by_name):
    """The library modules that the script of a rule runs; `by_name` are files of those that it imports by their name."""
    return [own(path) for path in modules_of(os.path.join(HERE, "scripts", f"{rule_name}.py"), *by_name)]


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


def each(which, inputs):
    """The same for params: of the files under that name of the input, the one of each condition."""

    def of_conditions(wildcards, input):
        wanted = inputs_of_streams(which)(wildcards)
        given = dict(zip(present(inputs_of_streams(which))(wildcards), input[inputs]))
        return [given.get(path, "") for path in wanted]

    return of_conditions


def has_pool(wildcards):
    return wildcards.size != "0"


def is_mimic(wildcards):
    return wildcards.style == conditions.MIMIC


def skeletons_of(wildcards):
    """The wordings of a style; who mimics the background writes in its wordings."""
    return own(f"resources/wordings/{'background' if is_mimic(wildcards) else wildcards.style}.csv")


def is_filtered(wildcards):
    return wildcards.defense != "none"


def parts(path):
    """The path for every part of a long stream."""
    return lambda wildcards: expand(path, rows=wildcards.rows, part=conditions.partitions(wildcards.rows, config))


def shares(wildcards):
    """Whether a filter compares contributions with each other, and has to know of all parts."""
    return wildcards.defense in filters.SHARING


def code_of_figure(name):
    """The library modules that draw one figure; its own is found by name, through the registry."""
    return code_of("draw_figure", os.path.join(HERE, "scripts", "quorum", "figures", f"{FIGURES[name].module}.py"))


def code_of_filters(rule_name):
    """The library modules of a rule that runs the filters, which are found by name, through their registry."""
    return code_of(rule_name, *glob(os.path.join(HERE, "scripts", "quorum", "defenses", "**", "*.py"), recursive=True))


def people(wildcards):
    """The people of a data set: retrieved, or out of a table of the user's own."""
    return conditions.people_of(wildcards.dataset, config)


def own_table(wildcards):
    return next(entry for entry in config["minority"]["own_tables"] if entry["name"] == wildcards.dataset)
