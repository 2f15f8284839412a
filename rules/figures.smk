# What a reader sees.


rule draw_figure:
    """Draw one figure of the registry from its tables."""
    input:
        unpack(tables_of_figure),
        code=code_of_figure,
    output:
        spec="results/figures/{figure}.vl.json",
        svg=report(
            "results/figures/{figure}.svg",
            category="Figures",
            caption="../resources/report/figure_{figure}.rst",
            labels={"figure": "{figure}"},
        ),
        png="results/figures/{figure}.png",
        html="results/figures/{figure}.html",
    log:
        "results/logs/draw_figure/{figure}.log",
    benchmark:
        "results/benchmarks/draw_figure/{figure}.tsv"
    params:
        style=lookup("figures/{figure}", within=config),
    script:
        "../scripts/draw_figure.py"


rule figures:
    """Target: all figures of the study."""
    input:
        collect(
            "results/figures/{figure}.svg",
            figure=[name for name in FIGURES if name not in ("depth_study", "overlap_study")],
        ),
