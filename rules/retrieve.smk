# What comes from outside: pinned, checked by hash, recorded.


rule retrieve_model:
    """Fetch the language model and write it as safetensors."""
    input:
        pins=own("resources/retrieval.yaml"),
        # The hash decides what is fetched, so that a change of code need not fetch it again.
        code=ancient(code_of("retrieve_model")),
    output:
        weights="resources/retrieved/model/model.safetensors",
        config="resources/retrieved/model/config.json",
        tokenizer="resources/retrieved/model/tokenizer.json",
        tokenizer_config="resources/retrieved/model/tokenizer_config.json",
        provenance="resources/retrieved/provenance/model.parquet",
    log:
        "results/logs/retrieve_model.log",
    benchmark:
        "results/benchmarks/retrieve_model/model.tsv"
    resources:
        mem_mb=4000,
    script:
        "../scripts/retrieve_model.py"


rule retrieve_texts:
    """Fetch the medical texts and questions that measure utility, and the notes that honest people wrote."""
    input:
        pins=own("resources/retrieval.yaml"),
        # The hash decides what is fetched, so that a change of code need not fetch it again.
        code=ancient(code_of("retrieve_texts")),
    output:
        texts="resources/retrieved/texts.parquet",
        questions="resources/retrieved/questions.parquet",
        notes="resources/retrieved/notes.parquet",
        provenance="resources/retrieved/provenance/texts.parquet",
    log:
        "results/logs/retrieve_texts.log",
    benchmark:
        "results/benchmarks/retrieve_texts/texts.tsv"
    script:
        "../scripts/retrieve_texts.py"


rule retrieve_cohort:
    """Fetch one known data set and write its people, without what identifies them."""
    input:
        pins=own("resources/retrieval.yaml"),
        # The hash decides what is fetched, so that a change of code need not fetch it again.
        code=ancient(code_of("retrieve_cohort")),
    output:
        people="resources/retrieved/people/{dataset}.parquet",
        provenance="resources/retrieved/provenance/people_{dataset}.parquet",
    log:
        "results/logs/retrieve_cohort/{dataset}.log",
    benchmark:
        "results/benchmarks/retrieve_cohort/{dataset}.tsv"
    params:
        dataset="{dataset}",
    script:
        "../scripts/retrieve_cohort.py"


rule record_provenance:
    """List everything retrieved: name, version, hash, licence, source."""
    input:
        provenance=collect(
            "resources/retrieved/provenance/{what}.parquet",
            what=[
                *([] if has_server() else ["model"]),
                "texts",
                *(f"people_{name}" for name in config["minority"]["datasets"]),
            ],
        ),
        code=code_of("record_provenance"),
    output:
        table="resources/retrieved/PROVENANCE.parquet",
    log:
        "results/logs/record_provenance.log",
    benchmark:
        "results/benchmarks/record_provenance/all.tsv"
    script:
        "../scripts/record_provenance.py"


rule measure_precision:
    """Measure which precision this machine multiplies faster, and choose it unless the configuration does."""
    input:
        code=code_of("measure_precision"),
    output:
        table="results/machine/precision.parquet",
    log:
        "results/logs/measure_precision.log",
    benchmark:
        "results/benchmarks/measure_precision/machine.tsv"
    params:
        dtype=lookup("fine_tune/dtype", within=config),
    script:
        "../scripts/measure_precision.py"


rule retrieve:
    """Target: everything that comes from outside, so that a run after it needs no network."""
    input:
        rules.retrieve_model.output,
        rules.retrieve_texts.output,
        rules.record_provenance.output,
