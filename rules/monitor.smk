# A campaign while it goes on.


rule monitor:
    """Follow a campaign as its files arrive: what the firm accepts, what that does, and what it still takes."""
    input:
        background=expand(conditions.background(config), seed=config["seeds"][0]),
        pool=branch(config["monitor"]["simulate"], then=conditions.simulated_pool(config), otherwise=[]),
        professions=own("resources/professions.csv"),
        skeletons=own("resources/wordings/background.csv"),
        template=own("resources/wordings/template.csv"),
        keywords=own("resources/lexicons/keywords.csv"),
        health=own("resources/lexicons/health.csv"),
        code=code_of_filters("monitor"),
    output:
        page=f"{conditions.monitored(config)}/index.html",
        table=f"{conditions.monitored(config)}/standings.csv",
        parquet=f"{conditions.monitored(config)}/standings.parquet",
    log:
        "results/logs/monitor.log",
    benchmark:
        "results/benchmarks/monitor/page.tsv"
    localrule: True
    params:
        folder=branch(
            config["monitor"]["simulate"],
            then=f"{conditions.monitored(config)}/arrivals",
            otherwise=lookup("monitor/folder", within=config),
        ),
        watch=lookup("monitor", within=config),
        firm=conditions.monitored_firm(config),
        confidence=lookup("statistics/confidence", within=config),
        # Read if a run has left them; the monitor trains nothing.
        points="results/tables/tipping_points.parquet",
        curve="results/tables/tipping_curve.parquet",
        # Another one each time: there may be another file.
        asked_at=lambda wildcards: time.time(),
    script:
        "../scripts/monitor.py"
