# The study on tables: a minority relabels its own rows, and the firm trains on everybody's.


rule read_own_table:
    """Take a table of the user's own, with its time series if it has one."""
    input:
        table=lambda wildcards: own_table(wildcards)["path"],
        series=lambda wildcards: (own_table(wildcards)["series"] or {}).get("path", []),
        code=code_of("read_own_table"),
    output:
        people="results/minority/people/{dataset}.parquet",
    log:
        "results/logs/read_own_table/{dataset}.log",
    benchmark:
        "results/benchmarks/read_own_table/{dataset}.tsv"
    params:
        entry=own_table,
    script:
        "../scripts/read_own_table.py"


rule act_collectively:
    """Relabel rows by every method, at every size and number of flips; train and audit the firm's model each time."""
    input:
        people=people,
        code=code_of("act_collectively"),
    output:
        runs="results/minority/runs/{dataset}/{learner}/seed{seed}.parquet",
    log:
        "results/logs/act_collectively/{dataset}_{learner}_seed{seed}.log",
    benchmark:
        "results/benchmarks/act_collectively/{dataset}_{learner}_seed{seed}.tsv"
    params:
        methods=lookup("minority/methods", within=config),
        alphas=lookup("minority/alphas", within=config),
        at_alpha=lookup("minority/at_alpha", within=config),
        flips=lookup("minority/flips", within=config),
        audit_share=lookup("minority/audit_share", within=config),
        neighbours=lookup("minority/neighbours", within=config),
        known_rows=lookup("minority/known_rows", within=config),
        known_neighbours=lookup("minority/known_neighbours", within=config),
    script:
        "../scripts/act_collectively.py"


rule mitigate:
    """Do what the firm could do instead, on the same people."""
    input:
        people=people,
        code=code_of("mitigate"),
    output:
        runs="results/minority/mitigated/{dataset}/{learner}/seed{seed}.parquet",
    log:
        "results/logs/mitigate/{dataset}_{learner}_seed{seed}.log",
    benchmark:
        "results/benchmarks/mitigate/{dataset}_{learner}_seed{seed}.tsv"
    params:
        mitigations=lookup("minority/mitigations", within=config),
        audit_share=lookup("minority/audit_share", within=config),
    script:
        "../scripts/mitigate.py"


rule plant_signal:
    """Plant a signal with the label, where the assumptions of the bound hold, and see whether the model follows it."""
    input:
        people=people,
        code=code_of("plant_signal"),
    output:
        runs="results/minority/signal/{dataset}/{learner}/seed{seed}.parquet",
    log:
        "results/logs/plant_signal/{dataset}_{learner}_seed{seed}.log",
    benchmark:
        "results/benchmarks/plant_signal/{dataset}_{learner}_seed{seed}.tsv"
    params:
        feature=lookup("minority/signal/feature", within=config),
        others=lookup("minority/signal/others", within=config),
        alphas=lookup("minority/signal/alphas", within=config),
        audit_share=lookup("minority/audit_share", within=config),
    script:
        "../scripts/plant_signal.py"


rule act_in_the_plane:
    """Act on people with two features, where the idea can be seen."""
    input:
        code=code_of("act_in_the_plane"),
    output:
        toy="results/minority/plane/minority_toy.parquet",
        scoring="results/minority/plane/minority_scoring.parquet",
    log:
        "results/logs/act_in_the_plane.log",
    benchmark:
        "results/benchmarks/act_in_the_plane/plane.tsv"
    script:
        "../scripts/act_in_the_plane.py"


rule minority_datasets:
    """Count people, groups and labels: the table minority_datasets."""
    input:
        people=[conditions.people_of(name, config) for name in conditions.people(config)],
        code=code_of("minority_datasets"),
    output:
        table=report(
            "results/tables/minority_datasets.csv",
            category="Tables",
            caption="../resources/report/table_minority_datasets.rst",
            labels={"table": "minority_datasets"},
        ),
        parquet="results/tables/minority_datasets.parquet",
    log:
        "results/logs/minority_datasets.log",
    benchmark:
        "results/benchmarks/minority_datasets/table.tsv"
    params:
        names=conditions.people(config),
        own=lookup("minority/own_tables", within=config),
    script:
        "../scripts/minority_datasets.py"


for table in conditions.minority_runs(config):

    rule:
        """Sum runs of the minority study up over seeds: the table of that name."""
        name:
            table
        input:
            runs=conditions.minority_runs(config)[table],
            code=code_of("minority_table"),
        output:
            table=report(
                f"results/tables/{table}.csv",
                category="Tables",
                caption=f"../resources/report/table_{table}.rst",
                labels={"table": table},
            ),
            parquet=f"results/tables/{table}.parquet",
        log:
            f"results/logs/{table}.log",
        benchmark:
            f"results/benchmarks/{table}/table.tsv"
        params:
            table=table,
        script:
            "../scripts/minority_table.py"


rule minority:
    """Target: what a minority reaches by relabelling its own rows, on every data set."""
    input:
        "results/tables/minority_datasets.csv",
        collect("results/tables/{table}.csv", table=conditions.minority_runs(config)),
        collect("results/figures/{figure}.svg", figure=conditions.minority_figures(FIGURES, config)),
