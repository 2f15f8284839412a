# What was measured, with its uncertainty.


rule gather:
    """Lay the audits and utility scores of all conditions of a study end to end."""
    input:
        audits=artifact("audit.parquet"),
        utilities=artifact("utility.parquet"),
        code=code_of("gather"),
    output:
        audits="results/statistics/{study}/audits.parquet",
        utilities="results/statistics/{study}/utilities.parquet",
    log:
        "results/logs/gather/{study}.log",
    benchmark:
        "results/benchmarks/gather/{study}.tsv"
    params:
        conditions=lambda wildcards: conditions.of_study(wildcards.study, config),
    script:
        "../scripts/gather.py"


rule describe_streams:
    """Count what each stream of a study holds and what its filter did; only here the source of a sentence is known."""
    input:
        backgrounds=present(inputs_of_streams("background")),
        pools=present(inputs_of_streams("pool")),
        verdicts=present(inputs_of_streams("verdicts")),
        template=own("resources/wordings/template.csv"),
        code=code_of("describe_streams"),
    output:
        streams="results/statistics/{study}/streams.parquet",
        filters="results/statistics/{study}/filters.parquet",
    log:
        "results/logs/describe_streams/{study}.log",
    benchmark:
        "results/benchmarks/describe_streams/{study}.tsv"
    params:
        conditions=lambda wildcards: conditions.of_study(wildcards.study, config),
        background=each("background", "backgrounds"),
        pool=each("pool", "pools"),
        judged=each("verdicts", "verdicts"),
    script:
        "../scripts/describe_streams.py"


rule tipping:
    """Fit the tipping curves of a study."""
    input:
        audits="results/statistics/{study}/audits.parquet",
        streams="results/statistics/{study}/streams.parquet",
        code=code_of("tipping"),
    output:
        curve="results/statistics/{study}/tipping_curve.parquet",
        points="results/statistics/{study}/tipping_points.parquet",
    log:
        "results/logs/tipping/{study}.log",
    benchmark:
        "results/benchmarks/tipping/{study}.tsv"
    params:
        background_size=lookup("world/background_size", within=config),
        male_share=lookup("world/male_share", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/tipping.py"


rule publish_tipping:
    """Join the curves without and with filters: the tables tipping_curve and tipping_points."""
    input:
        curves=collect("results/statistics/{study}/tipping_curve.parquet", study=["undefended", "defended"]),
        points=collect("results/statistics/{study}/tipping_points.parquet", study=["undefended", "defended"]),
        code=code_of("publish_tipping"),
    output:
        curve=report(
            "results/tables/tipping_curve.csv",
            category="Tables",
            caption="../resources/report/table_tipping_curve.rst",
            labels={"table": "tipping_curve"},
        ),
        curve_parquet="results/tables/tipping_curve.parquet",
        points=report(
            "results/tables/tipping_points.csv",
            category="Tables",
            caption="../resources/report/table_tipping_points.rst",
            labels={"table": "tipping_points"},
        ),
        points_parquet="results/tables/tipping_points.parquet",
    log:
        "results/logs/publish_tipping.log",
    benchmark:
        "results/benchmarks/publish_tipping/table.tsv"
    script:
        "../scripts/publish_tipping.py"


rule domains:
    """Compare each clinical domain before and after the campaign."""
    input:
        audits="results/statistics/undefended/audits.parquet",
        code=code_of("domains"),
    output:
        table=report(
            "results/tables/domains.csv",
            category="Tables",
            caption="../resources/report/table_domains.rst",
            labels={"table": "domains"},
        ),
        parquet="results/tables/domains.parquet",
        undefended="results/statistics/undefended/domains.parquet",
    log:
        "results/logs/domains.log",
    benchmark:
        "results/benchmarks/domains/table.tsv"
    params:
        confidence=lookup("statistics/confidence", within=config),
    script:
        "../scripts/domains.py"


rule wordings:
    """Split the shares by wording: the table wordings."""
    input:
        audits="results/statistics/undefended/audits.parquet",
        code=code_of("wordings"),
    output:
        table=report(
            "results/tables/wordings.csv",
            category="Tables",
            caption="../resources/report/table_wordings.rst",
            labels={"table": "wordings"},
        ),
        parquet="results/tables/wordings.parquet",
    log:
        "results/logs/wordings.log",
    benchmark:
        "results/benchmarks/wordings/table.tsv"
    script:
        "../scripts/wordings.py"


rule utility:
    """Compare utility before and after: the table utility."""
    input:
        utilities=collect("results/statistics/{study}/utilities.parquet", study=["undefended", "defended"]),
        filters="results/statistics/defended/filters.parquet",
        code=code_of("utility"),
    output:
        table=report(
            "results/tables/utility.csv",
            category="Tables",
            caption="../resources/report/table_utility.rst",
            labels={"table": "utility"},
        ),
        parquet="results/tables/utility.parquet",
    log:
        "results/logs/utility.log",
    benchmark:
        "results/benchmarks/utility/table.tsv"
    params:
        conditions=[c for study in ("undefended", "defended") for c in conditions.of_study(study, config)],
    script:
        "../scripts/utility.py"


rule defense_effects:
    """Set what each filter stops beside what it costs: the table defenses."""
    input:
        audits="results/statistics/defended/audits.parquet",
        filters="results/statistics/defended/filters.parquet",
        utility="results/tables/utility.parquet",
        code=code_of("defense_effects"),
    output:
        table=report(
            "results/tables/defenses.csv",
            category="Tables",
            caption="../resources/report/table_defenses.rst",
            labels={"table": "defenses"},
        ),
        parquet="results/tables/defenses.parquet",
    log:
        "results/logs/defense_effects.log",
    benchmark:
        "results/benchmarks/defense_effects/table.tsv"
    params:
        at_size=lookup("defense/at_size", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/defense_effects.py"


rule filter_curves:
    """Read the curves of every filter, and how its scores lie: the tables filter_curves and filter_scores."""
    input:
        backgrounds=present(lambda wildcards: of_race("background")),
        pools=of_race("pool"),
        scores=of_race("scores"),
        reference_scores=of_race("reference_scores"),
        code=code_of("filter_curves"),
    output:
        curves=report(
            "results/tables/filter_curves.csv",
            category="Tables",
            caption="../resources/report/table_filter_curves.rst",
            labels={"table": "filter_curves"},
        ),
        curves_parquet="results/tables/filter_curves.parquet",
        scores=report(
            "results/tables/filter_scores.csv",
            category="Tables",
            caption="../resources/report/table_filter_scores.rst",
            labels={"table": "filter_scores"},
        ),
        scores_parquet="results/tables/filter_scores.parquet",
    log:
        "results/logs/filter_curves.log",
    benchmark:
        "results/benchmarks/filter_curves/table.tsv"
    params:
        conditions=conditions.race_streams(config),
        background=of_race("background"),
        strengths=lookup("defense/strengths", within=config),
    script:
        "../scripts/filter_curves.py"


rule defense_grid:
    """Sum up which campaign gets through which filter: the table defense_grid."""
    input:
        cells=[
            f"results/defense/overlap{float(config['world']['overlap'])}/{style}/{strategy}/sweep/seed{seed}.parquet"
            for style, strategy in conditions.grid_campaigns(config)
            for seed in config["seeds"]
        ],
        audits=("results/statistics/trained_grid/audits.parquet" if conditions.of_study("trained_grid", config) else []),
        code=code_of("defense_grid"),
    output:
        table=report(
            "results/tables/defense_grid.csv",
            category="Tables",
            caption="../resources/report/table_defense_grid.rst",
            labels={"table": "defense_grid"},
        ),
        parquet="results/tables/defense_grid.parquet",
    log:
        "results/logs/defense_grid.log",
    benchmark:
        "results/benchmarks/defense_grid/table.tsv"
    params:
        strengths=lookup("defense/strengths", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/defense_grid.py"


rule honest_costs:
    """Count what filters do to honest text, and to whom: the table honest_costs."""
    input:
        scores="results/defense/honest/scores.parquet",
        reference_scores="results/defense/honest/reference_scores.parquet",
        code=code_of("honest_costs"),
    output:
        table=report(
            "results/tables/honest_costs.csv",
            category="Tables",
            caption="../resources/report/table_honest_costs.rst",
            labels={"table": "honest_costs"},
        ),
        parquet="results/tables/honest_costs.parquet",
    log:
        "results/logs/honest_costs.log",
    benchmark:
        "results/benchmarks/honest_costs/table.tsv"
    params:
        names=lookup("defense/names", within=config),
        strengths=lookup("defense/strengths", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/honest_costs.py"


rule paper_comparison:
    """Set the papers' numbers beside this run's."""
    input:
        reference=own("resources/paper_reference.csv"),
        baseline_bias="results/tables/baseline_bias.parquet",
        tipping_curve="results/tables/tipping_curve.parquet",
        tipping_points="results/tables/tipping_points.parquet",
        defenses="results/tables/defenses.parquet",
        domains="results/tables/domains.parquet",
        utility="results/tables/utility.parquet",
        minority_alpha="results/tables/minority_alpha.parquet",
        code=code_of("paper_comparison"),
    output:
        table=report(
            "results/tables/paper_comparison.csv",
            category="Tables",
            caption="../resources/report/table_paper_comparison.rst",
            labels={"table": "paper_comparison"},
        ),
        parquet="results/tables/paper_comparison.parquet",
    log:
        "results/logs/paper_comparison.log",
    benchmark:
        "results/benchmarks/paper_comparison/table.tsv"
    params:
        model=lookup("model/name", within=config),
    script:
        "../scripts/paper_comparison.py"


rule depth_table:
    """Compare depths of adaptation: the table depth_study."""
    input:
        audits="results/statistics/depth_study/audits.parquet",
        timings=lambda wildcards: [conditions.timing(c) for c in conditions.of_study("depth_study", config)],
        code=code_of("depth_table"),
    output:
        table=report(
            "results/tables/depth_study.csv",
            category="Tables",
            caption="../resources/report/table_depth_study.rst",
            labels={"table": "depth_study"},
        ),
        parquet="results/tables/depth_study.parquet",
    log:
        "results/logs/depth_table.log",
    benchmark:
        "results/benchmarks/depth_table/table.tsv"
    params:
        conditions=lambda wildcards: conditions.of_study("depth_study", config),
        background_size=lookup("world/background_size", within=config),
        epochs=lookup("fine_tune/epochs", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/depth_table.py"


rule overlap_table:
    """Compare worlds by the share of background in the template: the table overlap_study."""
    input:
        audits="results/statistics/overlap_study/audits.parquet",
        streams="results/statistics/overlap_study/streams.parquet",
        code=code_of("overlap_table"),
    output:
        table=report(
            "results/tables/overlap_study.csv",
            category="Tables",
            caption="../resources/report/table_overlap_study.rst",
            labels={"table": "overlap_study"},
        ),
        parquet="results/tables/overlap_study.parquet",
    log:
        "results/logs/overlap_table.log",
    benchmark:
        "results/benchmarks/overlap_table/table.tsv"
    params:
        background_size=lookup("world/background_size", within=config),
        male_share=lookup("world/male_share", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/overlap_table.py"


rule learning_table:
    """Join the learning curves of all seeds: the table learning_curve."""
    input:
        traces=collect(
            "results/statistics/learning_curve/seed{seed}.parquet", seed=lookup("learning_curve/seeds", within=config)
        ),
        code=code_of("learning_table"),
    output:
        table=report(
            "results/tables/learning_curve.csv",
            category="Tables",
            caption="../resources/report/table_learning_curve.rst",
            labels={"table": "learning_curve"},
        ),
        parquet="results/tables/learning_curve.parquet",
    log:
        "results/logs/learning_table.log",
    benchmark:
        "results/benchmarks/learning_table/table.tsv"
    params:
        male_share=lookup("world/male_share", within=config),
    script:
        "../scripts/learning_table.py"


rule race_table:
    """Set every style against every filter: the table arms_race."""
    input:
        audits="results/statistics/arms_race/audits.parquet",
        utilities="results/statistics/arms_race/utilities.parquet",
        filters="results/statistics/arms_race/filters.parquet",
        streams="results/statistics/arms_race/streams.parquet",
        pools=of_race("pool"),
        code=code_of("race_table"),
    output:
        table=report(
            "results/tables/arms_race.csv",
            category="Tables",
            caption="../resources/report/table_arms_race.rst",
            labels={"table": "arms_race"},
        ),
        parquet="results/tables/arms_race.parquet",
    log:
        "results/logs/race_table.log",
    benchmark:
        "results/benchmarks/race_table/table.tsv"
    params:
        conditions=conditions.race_streams(config),
        at_size=lookup("defense/at_size", within=config),
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/race_table.py"


rule honest_table:
    """Compare models as deployed behind each filter, without a campaign: the table honest_uptake."""
    input:
        audits="results/statistics/filtered_background/audits.parquet",
        streams="results/statistics/filtered_background/streams.parquet",
        code=code_of("honest_table"),
    output:
        table=report(
            "results/tables/honest_uptake.csv",
            category="Tables",
            caption="../resources/report/table_honest_uptake.rst",
            labels={"table": "honest_uptake"},
        ),
        parquet="results/tables/honest_uptake.parquet",
    log:
        "results/logs/honest_table.log",
    benchmark:
        "results/benchmarks/honest_table/table.tsv"
    params:
        confidence=lookup("statistics/confidence", within=config),
        resamples=lookup("statistics/resamples", within=config),
    script:
        "../scripts/honest_table.py"


rule plan_campaign:
    """Say how many people and sentences each planned campaign needs: the table plan."""
    input:
        points="results/tables/tipping_points.parquet",
        curve="results/tables/tipping_curve.parquet",
        grid="results/tables/defense_grid.parquet",
        code=code_of("plan_campaign"),
    output:
        table=report(
            "results/tables/plan.csv",
            category="Tables",
            caption="../resources/report/table_plan.rst",
            labels={"table": "plan"},
        ),
        parquet="results/tables/plan.parquet",
    log:
        "results/logs/plan_campaign.log",
    benchmark:
        "results/benchmarks/plan_campaign/table.tsv"
    params:
        scenarios=conditions.planned(config),
        strength=lookup("defense/at_strength", within=config),
        confidence=lookup("statistics/confidence", within=config),
    script:
        "../scripts/plan_campaign.py"


rule costs:
    """Add up time and memory of every rule of this run: the table costs."""
    input:
        after=[
            rules.baseline.input,
            rules.bargaining.input,
            rules.defenses.input,
            rules.minority.input,
        ],
        code=code_of("costs"),
    output:
        table=report(
            "results/tables/costs.csv",
            category="Tables",
            caption="../resources/report/table_costs.rst",
            labels={"table": "costs"},
        ),
        parquet="results/tables/costs.parquet",
    log:
        "results/logs/costs.log",
    benchmark:
        "results/benchmarks/costs/table.tsv"
    params:
        folder=subpath(output.table, ancestor=2),
    script:
        "../scripts/costs.py"


rule plan:
    """Target: how many people a campaign needs, and whether a filter lets it be enough."""
    input:
        "results/tables/plan.csv",


rule depth_study:
    """Target: how deep the adaptation must go, and what it costs."""
    input:
        "results/tables/depth_study.csv",
        "results/figures/depth_study.svg",


rule overlap_study:
    """Target: when a template is a signal, and when the paper's tipping point appears."""
    input:
        "results/tables/overlap_study.csv",
        "results/figures/overlap_study.svg",


rule learning_curve:
    """Target: how long the firm must train before the model says what the data say."""
    input:
        "results/tables/learning_curve.csv",
        "results/figures/learning_curve.svg",


rule arms_race:
    """Target: how good must the writing be, and what does a filter cost when nobody campaigns?"""
    input:
        "results/tables/arms_race.csv",
        "results/tables/honest_uptake.csv",
        "results/figures/arms_race.svg",
