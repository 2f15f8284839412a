# What a reader who runs nothing sees: one page.


rule write_report:
    """Write the run as one page that answers in words, with its figures, tables and provenance inside."""
    input:
        **conditions.tables_of_report(REPORTED, config),
        paper_reference=own("resources/paper_reference.csv"),
        assets=[own(f"resources/report/{name}") for name in ("page.html", "page.css", "page.js", "plan.js")],
        code=code_of(
            "write_report",
            *(
                os.path.join(HERE, "scripts", "quorum", "figures", f"{FIGURES[name].module}.py")
                for name in REPORTED_FIGURES
            ),
        ),
    output:
        page="results/report/index.html",
    log:
        "results/logs/write_report.log",
    benchmark:
        "results/benchmarks/write_report/page.tsv"
    params:
        # The figures' own styles are about other files.
        settings={name: value for name, value in config.items() if name != "figures"},
    script:
        "../scripts/write_report.py"


rule report:
    """Target: the report of the run, results/report/index.html."""
    input:
        rules.write_report.output,
