# What a reader sees: one rule for every figure of the registry.


for figure in FIGURES:

    rule:
        """Draw the figure of that name from its tables, in four formats."""
        name:
            f"draw_{figure}"
        input:
            **conditions.tables_of_figure(FIGURES[figure].tables, own("resources/paper_reference.csv")),
            code=code_of_figure(figure),
        output:
            spec=f"results/figures/{figure}.vl.json",
            svg=report(
                f"results/figures/{figure}.svg",
                category="Figures",
                caption=f"../resources/report/figure_{figure}.rst",
                labels={"figure": figure},
            ),
            png=f"results/figures/{figure}.png",
            html=f"results/figures/{figure}.html",
        log:
            f"results/logs/draw_figure/{figure}.log",
        benchmark:
            f"results/benchmarks/draw_figure/{figure}.tsv"
        params:
            name=figure,
            style=conditions.style_of_figure(figure, config),
        script:
            "../scripts/draw_figure.py"


rule figures:
    """Target: all figures of the study."""
    input:
        collect(
            "results/figures/{figure}.svg",
            figure=conditions.main_figures(FIGURES),
        ),
