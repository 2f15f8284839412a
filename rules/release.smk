# What others can build on: one folder with the sentences, what was asked and found, what it was made with, and what it is.

FORMS = ["parquet", "csv", "jsonl"]
# What is released as it is, by its name in the release. Not every style has wordings of its own.
WORDINGS = {conditions.MIMIC: "background", "paraphrase": "template"}
COPIED = {
    **{
        f"tables/{name}.{form}": path.replace(".parquet", f".{form}")
        for name, path in conditions.tables_of_report(RELEASED_TABLES, config).items()
        for form in ("parquet", "csv")
    },
    **{
        f"templates/{name}.csv": own(f"resources/wordings/{name}.csv")
        for name in sorted({"held_out", "matched", *(WORDINGS.get(s, s) for s in config["collective"]["styles"])})
    },
    **{
        f"templates/{name}.txt": own(f"resources/prompts/{name}.txt")
        for name in {"paraphrase"}.intersection(config["collective"]["styles"])
    },
    "templates/professions.csv": own("resources/professions.csv"),
    "LICENSE": own("LICENSE"),
    "CITATION.cff": own("CITATION.cff"),
}


rule release_pool:
    """Write the validated, balanced pool of 1,000 sentences over 20 professions."""
    input:
        pool=lambda wildcards: f"results/pool/{wildcards.style}/balanced/seed{config['seeds'][0]}.parquet",
        code=code_of("release_pool"),
    output:
        parquet="results/release/{style}/sentences.parquet",
        csv="results/release/{style}/sentences.csv",
        jsonl="results/release/{style}/sentences.jsonl",
    log:
        "results/logs/release_pool/{style}.log",
    benchmark:
        "results/benchmarks/release_pool/{style}.tsv"
    params:
        size=min(1000, config["collective"]["agents"] * config["collective"]["sentences_per_agent"]),
    script:
        "../scripts/release_pool.py"


rule release_run:
    """Lay beside the sentences what the run asked, what it found, and what it was made with."""
    input:
        probes="results/probes.parquet",
        provenance="resources/retrieved/PROVENANCE.parquet",
        copied=list(COPIED.values()),
        pins=own("requirements.txt"),
        precision=[] if has_server() else "results/machine/precision.parquet",
        code=code_of("release_run"),
    output:
        probes=expand("results/release/probes/probes.{form}", form=FORMS),
        provenance=expand("results/release/versions/provenance.{form}", form=FORMS),
        copied=[f"results/release/{name}" for name in COPIED],
        packages="results/release/versions/requirements.txt",
        configuration="results/release/versions/configuration.yaml",
        versions="results/release/versions/versions.json",
    log:
        "results/logs/release_run.log",
    benchmark:
        "results/benchmarks/release_run/all.tsv"
    params:
        # How figures look, and where a monitor watches, is about other files.
        settings={name: value for name, value in config.items() if name not in ("figures", "monitor")},
    script:
        "../scripts/release_run.py"


rule describe_release:
    """Write the data card, the Croissant metadata (validated) and the checksums of the release."""
    input:
        sentences=collect("results/release/{style}/sentences.{form}", style=config["collective"]["styles"], form=FORMS),
        run=rules.release_run.output,
        card=own("resources/release/card.md"),
        code=code_of("describe_release"),
    output:
        card="results/release/README.md",
        croissant="results/release/croissant.json",
        sums="results/release/SHA256SUMS",
    log:
        "results/logs/describe_release.log",
    benchmark:
        "results/benchmarks/describe_release/all.tsv"
    params:
        styles=config["collective"]["styles"],
        seed=config["seeds"][0],
        model=lookup("model/name", within=config),
        submitted=bool(config["collective"]["pool_file"]),
    script:
        "../scripts/describe_release.py"


rule release:
    """Target: everything that the study releases, in results/release."""
    input:
        rules.describe_release.output,
        # Asked for by name, a file that was deleted is missed.
        rules.describe_release.input.sentences,
        rules.release_run.output,
