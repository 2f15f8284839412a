# What the firm has, and what the collective gives it.


rule write_background:
    """Write the firm's ordinary clinical sentences, with the male share that the configuration sets."""
    input:
        professions=own("resources/professions.csv"),
        skeletons=own("resources/wordings/background.csv"),
        template=own("resources/wordings/template.csv"),
        code=code_of("write_background"),
    output:
        contributions="results/background/overlap{overlap}/seed{seed}.parquet",
    log:
        "results/logs/write_background/overlap{overlap}_seed{seed}.log",
    benchmark:
        "results/benchmarks/write_background/overlap{overlap}_seed{seed}.tsv"
    params:
        size=lookup("world/background_size", within=config),
        male_share=lookup("world/male_share", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
    script:
        "../scripts/write_background.py"


rule write_pool:
    """Let the agents of the collective write their sentences, and validate them as any submission."""
    input:
        professions=own("resources/professions.csv"),
        skeletons=skeletons_of,
        background=branch(is_mimic, then=conditions.background(config), otherwise=[]),
        health=own("resources/lexicons/health.csv"),
        code=code_of("write_pool"),
    output:
        contributions="results/pool/{style}/{strategy}/seed{seed}.parquet",
        rejections="results/pool/{style}/{strategy}/seed{seed}.rejections.parquet",
    log:
        "results/logs/write_pool/{style}_{strategy}_seed{seed}.log",
    benchmark:
        "results/benchmarks/write_pool/{style}_{strategy}_seed{seed}.tsv"
    wildcard_constraints:
        style="template|varied|mimic",
    params:
        agents=lookup("collective/agents", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
        background_size=lookup("world/background_size", within=config),
        male_share=lookup("world/male_share", within=config),
    script:
        "../scripts/write_pool.py"


rule write_paraphrases:
    """Let the model write the collective's sentences in its own words, and validate them as any submission."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        instructions=own("resources/prompts/paraphrase.txt"),
        professions=own("resources/professions.csv"),
        template=own("resources/wordings/template.csv"),
        health=own("resources/lexicons/health.csv"),
        code=code_of("write_paraphrases"),
    output:
        contributions="results/pool/paraphrase/{strategy}/seed{seed}.parquet",
        rejections="results/pool/paraphrase/{strategy}/seed{seed}.rejections.parquet",
    log:
        "results/logs/write_paraphrases/{strategy}_seed{seed}.log",
    benchmark:
        "results/benchmarks/write_paraphrases/{strategy}_seed{seed}.tsv"
    resources:
        mem_mb=3000,
    params:
        agents=lookup("collective/agents", within=config),
        sentences_per_agent=lookup("collective/sentences_per_agent", within=config),
        background_size=lookup("world/background_size", within=config),
        male_share=lookup("world/male_share", within=config),
    script:
        "../scripts/write_paraphrases.py"


rule accept_submission:
    """Validate a pool that came as a file, in place of a written one; rejected sentences keep their reason."""
    input:
        submission=config["collective"]["pool_file"] or [],
        professions=own("resources/professions.csv"),
        health=own("resources/lexicons/health.csv"),
        code=code_of("accept_submission"),
    output:
        contributions="results/pool/submitted/submitted/seed{seed}.parquet",
        rejections="results/pool/submitted/submitted/seed{seed}.rejections.parquet",
    log:
        "results/logs/accept_submission/seed{seed}.log",
    benchmark:
        "results/benchmarks/accept_submission/seed{seed}.tsv"
    params:
        columns=lookup("collective/pool_columns", within=config),
        largest=max(config["collective"]["sizes"]),
    script:
        "../scripts/accept_submission.py"


rule bargaining:
    """Target: the tipping curve and what goes with it, without any filter."""
    input:
        collect("results/statistics/undefended/{table}.parquet", table=["tipping_curve", "tipping_points", "domains"]),
        "results/tables/wordings.csv",
