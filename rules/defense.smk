# What the firm lets through.


rule score_contributions:
    """Score every contribution of a stream by every filter, blind to who wrote it."""
    input:
        background="results/background/overlap{overlap}/seed{seed}.parquet",
        pool=branch(has_pool, then="results/pool/{style}/{strategy}/seed{seed}.parquet", otherwise=[]),
        professions=own("resources/professions.csv"),
        skeletons=own("resources/wordings/background.csv"),
        template=own("resources/wordings/template.csv"),
        keywords=own("resources/lexicons/keywords.csv"),
        code=code_of_filters("score_contributions"),
    output:
        scores="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/scores/seed{seed}.parquet",
        reference_scores="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/reference_scores/seed{seed}.parquet",
    log:
        "results/logs/score_contributions/overlap{overlap}_{style}_{strategy}_n{size}_seed{seed}.log",
    benchmark:
        "results/benchmarks/score_contributions/overlap{overlap}_{style}_{strategy}_n{size}_seed{seed}.tsv"
    params:
        reference_size=lookup("defense/reference_size", within=config),
        male_share=lookup("world/male_share", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
    script:
        "../scripts/score_contributions.py"


rule judge_contributions:
    """Turn scores into verdicts: the threshold of a strength follows from the clean reference."""
    input:
        scores="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/scores/seed{seed}.parquet",
        reference_scores="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/reference_scores/seed{seed}.parquet",
        code=code_of("judge_contributions"),
    output:
        verdicts="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/{defense}-{strength}/seed{seed}.parquet",
    log:
        "results/logs/judge_contributions/overlap{overlap}_{style}_{strategy}_n{size}_{defense}-{strength}_seed{seed}.log",
    benchmark:
        "results/benchmarks/judge_contributions/overlap{overlap}_{style}_{strategy}_n{size}_{defense}-{strength}_seed{seed}.tsv"
    wildcard_constraints:
        defense="[a-z][a-z0-9_]*",
        strength="weak|moderate|strong",
    params:
        false_positive_rate=lookup("defense/strengths/{strength}", within=config),
    script:
        "../scripts/judge_contributions.py"


rule sweep_filters:
    """Try every filter at every strength against a campaign of every size; no model is trained."""
    input:
        background="results/background/overlap{overlap}/seed{seed}.parquet",
        pool="results/pool/{style}/{strategy}/seed{seed}.parquet",
        professions=own("resources/professions.csv"),
        skeletons=own("resources/wordings/background.csv"),
        template=own("resources/wordings/template.csv"),
        keywords=own("resources/lexicons/keywords.csv"),
        code=code_of_filters("sweep_filters"),
    output:
        cells="results/defense/overlap{overlap}/{style}/{strategy}/sweep/seed{seed}.parquet",
    log:
        "results/logs/sweep_filters/overlap{overlap}_{style}_{strategy}_seed{seed}.log",
    benchmark:
        "results/benchmarks/sweep_filters/overlap{overlap}_{style}_{strategy}_seed{seed}.tsv"
    params:
        sizes=conditions.grid_sizes(config),
        names=lookup("defense/names", within=config),
        strengths=lookup("defense/strengths", within=config),
        reference_size=lookup("defense/reference_size", within=config),
        male_share=lookup("world/male_share", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
    script:
        "../scripts/sweep_filters.py"


rule score_honest_text:
    """Score sentences that honest people wrote, against the study's clean text and text of their own kind."""
    input:
        texts="resources/retrieved/texts.parquet",
        questions="resources/retrieved/questions.parquet",
        notes="resources/retrieved/notes.parquet",
        background=expand(conditions.background(config), seed=config["seeds"][0]),
        professions=own("resources/professions.csv"),
        skeletons=own("resources/wordings/background.csv"),
        template=own("resources/wordings/template.csv"),
        keywords=own("resources/lexicons/keywords.csv"),
        code=code_of_filters("score_honest_text"),
    output:
        scores="results/defense/honest/scores.parquet",
        reference_scores="results/defense/honest/reference_scores.parquet",
    log:
        "results/logs/score_honest_text.log",
    benchmark:
        "results/benchmarks/score_honest_text/honest.tsv"
    resources:
        mem_mb=3000,
    params:
        seed=config["seeds"][0],
        overlap=lookup("world/overlap", within=config),
        reference_size=lookup("defense/reference_size", within=config),
        male_share=lookup("world/male_share", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
    script:
        "../scripts/score_honest_text.py"


rule defenses:
    """Target: what each filter stops, and what it costs."""
    input:
        collect(
            "results/tables/{table}.csv",
            table=["defenses", "utility", "tipping_curve", "tipping_points", "domains", "defense_grid"],
        ),
        collect("results/tables/{table}.csv", table=["filter_curves", "filter_scores", "honest_costs"]),
