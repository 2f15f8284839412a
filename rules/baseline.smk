# What the model says before anybody bargains.


rule write_probes:
    """Write the prompts that end before a pronoun, in two sets: held out and matched."""
    input:
        professions=own("resources/professions.csv"),
        held_out=own("resources/wordings/held_out.csv"),
        matched=own("resources/wordings/matched.csv"),
        code=code_of("write_probes"),
    output:
        probes="results/probes.parquet",
    log:
        "results/logs/write_probes.log",
    benchmark:
        "results/benchmarks/write_probes/probes.tsv"
    params:
        held_out=lookup("probes/held_out", within=config),
        matched=lookup("probes/matched", within=config),
    script:
        "../scripts/write_probes.py"


rule audit_released:
    """Ask the model as it was released."""
    input:
        model=f"{model_folder()}/config.json",
        probes="results/probes.parquet",
        precision="results/machine/precision.parquet",
        code=code_of("audit_released"),
    output:
        audit="results/baseline/seed{seed}/audit.parquet",
    log:
        "results/logs/audit_released/seed{seed}.log",
    benchmark:
        "results/benchmarks/audit_released/seed{seed}.tsv"
    resources:
        mem_mb=3000,
    params:
        temperature=lookup("audit/temperature", within=config),
        max_tokens=lookup("audit/max_tokens", within=config),
    script:
        "../scripts/audit_released.py"


rule baseline_bias:
    """Count genders by domain: the table baseline_bias."""
    input:
        audits=seeds("results/baseline/seed{seed}/audit.parquet"),
        code=code_of("baseline_bias"),
    output:
        table=report(
            "results/tables/baseline_bias.csv",
            category="Tables",
            caption="../resources/report/table_baseline_bias.rst",
            labels={"table": "baseline_bias"},
        ),
        parquet="results/tables/baseline_bias.parquet",
    log:
        "results/logs/baseline_bias.log",
    benchmark:
        "results/benchmarks/baseline_bias/table.tsv"
    params:
        seeds=lookup("seeds", within=config),
        backend=lookup("model/backend", within=config),
        model=lookup("model/name", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/baseline_bias.py"


rule baseline:
    """Target: the bias of the model as released."""
    input:
        "results/tables/baseline_bias.csv",
        "resources/retrieved/PROVENANCE.parquet",
