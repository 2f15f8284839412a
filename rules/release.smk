# What others can build on.


rule release_pool:
    """Write the validated, balanced pool of 1,000 sentences over 20 professions."""
    input:
        pool=lambda wildcards: f"results/pool/{wildcards.style}/balanced/seed{config['seeds'][0]}.parquet",
        code=code_of("release_pool"),
    output:
        parquet="results/release/{style}/sentences.parquet",
        csv="results/release/{style}/sentences.csv",
    log:
        "results/logs/release_pool/{style}.log",
    benchmark:
        "results/benchmarks/release_pool/{style}.tsv"
    params:
        size=min(1000, config["collective"]["agents"] * config["collective"]["sentences_per_agent"]),
    script:
        "../scripts/release_pool.py"


rule release:
    """Target: the sentences that the study releases."""
    input:
        collect("results/release/{style}/sentences.csv", style=config["collective"]["styles"]),
