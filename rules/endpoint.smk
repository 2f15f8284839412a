# A model behind a server: what it is asked, what that costs, and the answers that were paid for.


for part in conditions.served(config) if has_server() else []:
    together = conditions.of_part(config, part, "{seed}")

    rule:
        """Ask a server what several conditions of a seed need of it, as far as the cache does not hold it."""
        name:
            f"ask_server_{part}"
        input:
            prompts=[conditions.prompts(condition, config) for condition in together],
            code=code_of("ask_server"),
        output:
            audits=[conditions.audit(condition, config) for condition in together],
            utilities=[] if part == conditions.RELEASED else in_folders(together, "utility.parquet"),
            requests=f"results/requests/{part}/seed{{seed}}.parquet",
        log:
            f"results/logs/ask_server/{part}_seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/ask_server/{part}_seed{{seed}}.tsv"
        resources:
            mem_mb=500,
        params:
            conditions=together,
            table="probes" if part == conditions.RELEASED else "prompts",
            model=lookup("model/name", within=config),
            # Of the section only what decides the answers: a change of the rest asks nothing again.
            server=config["endpoint"]["provider"] or config["endpoint"]["base_url"],
            mode=lookup("endpoint/mode", within=config),
            logprobs=lookup("endpoint/logprobs", within=config),
            temperature=lookup("audit/temperature", within=config),
            max_tokens=lookup("audit/max_tokens", within=config),
        script:
            "../scripts/ask_server.py"

    # What a server is asked, a model on this machine is not.
    workflow.ruleorder(
        f"ask_server_{part}", "audit_released" if part == conditions.RELEASED else f"ask_in_context_{part}"
    )


rule requests_table:
    """Add up what was sent, spared and spent: the table requests."""
    input:
        asked=collect(
            "results/requests/{part}/seed{seed}.parquet", part=conditions.served(config), seed=config["seeds"]
        ),
        code=code_of("requests_table"),
    output:
        table=report(
            "results/tables/requests.csv",
            category="Tables",
            caption="../resources/report/table_requests.rst",
            labels={"table": "requests"},
        ),
        parquet="results/tables/requests.parquet",
    log:
        "results/logs/requests_table.log",
    benchmark:
        "results/benchmarks/requests_table/table.tsv"
    params:
        prompt_price=lookup("endpoint/prompt_price", within=config),
        completion_price=lookup("endpoint/completion_price", within=config),
    script:
        "../scripts/requests_table.py"


rule estimate:
    """Print and write what is to be sent, what it costs and how long it takes, before anything is sent."""
    input:
        probes="results/probes.parquet",
        prompts=[conditions.prompts(c, config) for c in conditions.of_server(config) if c["uptake"] == "in_context"],
        code=code_of("estimate"),
    output:
        table="results/estimate/estimate.csv",
        parquet="results/estimate/estimate.parquet",
    log:
        "results/logs/estimate.log",
    benchmark:
        "results/benchmarks/estimate/table.tsv"
    localrule: True
    params:
        conditions=conditions.of_server(config),
        prompts=[conditions.prompts(condition, config) for condition in conditions.of_server(config)],
        model=lookup("model/name", within=config),
        temperature=lookup("audit/temperature", within=config),
        max_tokens=lookup("audit/max_tokens", within=config),
        # Another one each time: the cache fills, and who asks again wants an answer.
        asked_at=lambda wildcards: time.time(),
    script:
        "../scripts/estimate.py"


rule export_answers:
    """Write the answers of this run as a table, to be published beside its results."""
    input:
        probes="results/probes.parquet",
        prompts=[conditions.prompts(c, config) for c in conditions.of_server(config) if c["uptake"] == "in_context"],
        audits=[conditions.audit(condition, config) for condition in conditions.of_server(config)],
        code=code_of("export_answers"),
    output:
        answers="results/release/answers.parquet",
    log:
        "results/logs/export_answers.log",
    benchmark:
        "results/benchmarks/export_answers/answers.tsv"
    localrule: True
    params:
        conditions=conditions.of_server(config),
        prompts=[conditions.prompts(condition, config) for condition in conditions.of_server(config)],
        model=lookup("model/name", within=config),
        temperature=lookup("audit/temperature", within=config),
        max_tokens=lookup("audit/max_tokens", within=config),
    script:
        "../scripts/export_answers.py"


rule recover_answers:
    """Put the whole answers of a damaged cache, which was set aside, into the cache."""
    input:
        code=code_of("recover_answers"),
    output:
        table="results/recovered_answers.parquet",
    log:
        "results/logs/recover_answers.log",
    benchmark:
        "results/benchmarks/recover_answers/table.tsv"
    localrule: True
    params:
        # Another one each time: there may be another damaged file.
        asked_at=lambda wildcards: time.time(),
    script:
        "../scripts/recover_answers.py"
