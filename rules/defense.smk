# What the firm lets through.


rule filter_contributions:
    """Judge every contribution of a stream by one filter, blind to who wrote it."""
    input:
        background="results/background/overlap{overlap}/seed{seed}.parquet",
        pool="results/pool/{style}/{strategy}/seed{seed}.parquet",
        professions="resources/professions.csv",
        skeletons="resources/wordings/background.csv",
        template="resources/wordings/template.csv",
        keywords="resources/lexicons/keywords.csv",
        filters=collect(
            "scripts/quorum/defenses/{module}.py", module=glob_wildcards("scripts/quorum/defenses/{m}.py").m
        ),
        code=code_of("filter_contributions"),
    output:
        verdicts="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/{defense}/seed{seed}.parquet",
    log:
        "results/logs/filter_contributions/overlap{overlap}_{style}_{strategy}_n{size}_{defense}_seed{seed}.log",
    benchmark:
        "results/benchmarks/filter_contributions/overlap{overlap}_{style}_{strategy}_n{size}_{defense}_seed{seed}.tsv"
    params:
        false_positive_rate=lookup("defense/false_positive_rate", within=config),
        reference_size=lookup("defense/reference_size", within=config),
        male_share=lookup("world/male_share", within=config),
    script:
        "../scripts/filter_contributions.py"


rule defenses:
    """Target: what each filter stops, and what it costs."""
    input:
        collect(
            "results/tables/{table}.csv",
            table=["defenses", "utility", "tipping_curve", "tipping_points", "domains"],
        ),
