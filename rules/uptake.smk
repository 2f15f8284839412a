# How contributions reach the model, and what the model says then.


rule encode_background:
    """Run the frozen lower layers over the background once, for every condition that trains on it."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        contributions="results/background/overlap{overlap}/seed{seed}.parquet",
        code=code_of("encode_background"),
    output:
        states="results/encoded/last{layers}/background/overlap{overlap}/seed{seed}.safetensors",
    log:
        "results/logs/encode_background/last{layers}_overlap{overlap}_seed{seed}.log",
    benchmark:
        "results/benchmarks/encode_background/last{layers}_overlap{overlap}_seed{seed}.tsv"
    resources:
        mem_mb=3000,
    script:
        "../scripts/encode_background.py"


rule encode_pool:
    """Run the frozen lower layers over a pool once, for every size and filter."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        contributions="results/pool/{style}/{strategy}/seed{seed}.parquet",
        code=code_of("encode_background"),
    output:
        states="results/encoded/last{layers}/pool/{style}/{strategy}/seed{seed}.safetensors",
    log:
        "results/logs/encode_pool/last{layers}_{style}_{strategy}_seed{seed}.log",
    benchmark:
        "results/benchmarks/encode_pool/last{layers}_{style}_{strategy}_seed{seed}.tsv"
    resources:
        mem_mb=3000,
    script:
        "../scripts/encode_background.py"


rule encode_utility:
    """Run the frozen lower layers over the texts that measure utility."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        texts="resources/retrieved/texts.parquet",
        questions="resources/retrieved/questions.parquet",
        code=code_of("encode_utility"),
    output:
        passages="results/encoded/last{layers}/utility/passages.safetensors",
        questions="results/encoded/last{layers}/utility/questions.safetensors",
        asked="results/encoded/last{layers}/utility/asked.parquet",
    log:
        "results/logs/encode_utility/last{layers}.log",
    benchmark:
        "results/benchmarks/encode_utility/last{layers}.tsv"
    resources:
        mem_mb=3000,
    params:
        passages=lookup("utility/passages", within=config),
        passage_tokens=lookup("utility/passage_tokens", within=config),
        questions=lookup("utility/questions", within=config),
    script:
        "../scripts/encode_utility.py"


rule fine_tune:
    """Train the last layers on the accepted stream: background and pool without what the filter rejected."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        background="results/background/overlap{overlap}/seed{seed}.parquet",
        background_states="results/encoded/last{layers}/background/overlap{overlap}/seed{seed}.safetensors",
        pool=branch(has_pool, then="results/pool/{style}/{strategy}/seed{seed}.parquet", otherwise=[]),
        pool_states=branch(
            has_pool, then="results/encoded/last{layers}/pool/{style}/{strategy}/seed{seed}.safetensors", otherwise=[]
        ),
        verdicts=branch(
            is_filtered,
            then="results/defense/overlap{overlap}/{style}/{strategy}/n{size}/{defense}/seed{seed}.parquet",
            otherwise=[],
        ),
        code=code_of("fine_tune"),
    output:
        weights="results/uptake/fine_tune/last{layers}/overlap{overlap}/{style}/{strategy}/n{size}/{defense}/seed{seed}/adapter_model.safetensors",
        config="results/uptake/fine_tune/last{layers}/overlap{overlap}/{style}/{strategy}/n{size}/{defense}/seed{seed}/adapter_config.json",
        learning="results/uptake/fine_tune/last{layers}/overlap{overlap}/{style}/{strategy}/n{size}/{defense}/seed{seed}/learning.parquet",
    log:
        "results/logs/fine_tune/last{layers}_overlap{overlap}_{style}_{strategy}_n{size}_{defense}_seed{seed}.log",
    benchmark:
        "results/benchmarks/fine_tune/last{layers}_overlap{overlap}_{style}_{strategy}_n{size}_{defense}_seed{seed}.tsv"
    resources:
        mem_mb=3000,
    params:
        name=lookup("model/name", within=config),
        rank=lookup("fine_tune/rank", within=config),
        alpha=lookup("fine_tune/alpha", within=config),
        learning_rate=lookup("fine_tune/learning_rate", within=config),
        epochs=lookup("fine_tune/epochs", within=config),
        batch_size=lookup("fine_tune/batch_size", within=config),
        warmup=lookup("fine_tune/warmup", within=config),
    script:
        "../scripts/fine_tune.py"


rule audit_model:
    """Ask a trained model, and measure what it is still good for."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        adapter="results/uptake/fine_tune/last{layers}/{condition}/adapter_model.safetensors",
        adapter_config="results/uptake/fine_tune/last{layers}/{condition}/adapter_config.json",
        probes="results/probes.parquet",
        passages="results/encoded/last{layers}/utility/passages.safetensors",
        questions="results/encoded/last{layers}/utility/questions.safetensors",
        asked="results/encoded/last{layers}/utility/asked.parquet",
        code=code_of("audit_model"),
    output:
        audit="results/uptake/fine_tune/last{layers}/{condition}/audit.parquet",
        utility="results/uptake/fine_tune/last{layers}/{condition}/utility.parquet",
    log:
        "results/logs/audit_model/last{layers}/{condition}.log",
    benchmark:
        "results/benchmarks/audit_model/last{layers}/{condition}.tsv"
    wildcard_constraints:
        condition=r".+/seed\d+",
    resources:
        mem_mb=3000,
    params:
        temperature=lookup("audit/temperature", within=config),
        max_tokens=lookup("audit/max_tokens", within=config),
    script:
        "../scripts/audit_model.py"


for part in conditions.parts_in_context(config):
    together = conditions.in_context(config, part, "{seed}")
    # What was asked without filters is not asked again with them.
    before = [] if part == "undefended" else conditions.in_context(config, "undefended", "{seed}")
    pools, verdicts = ([conditions.source(c, which) for c in together] for which in ("pool", "verdicts"))

    rule:
        """Find the accepted contributions that are nearest to each question, for several conditions of a seed."""
        name:
            f"find_contexts_{part}"
        input:
            probes="results/probes.parquet",
            texts="resources/retrieved/texts.parquet",
            questions="resources/retrieved/questions.parquet",
            background=conditions.source(together[0], "background"),
            pools=sorted(set(filter(None, pools))),
            verdicts=sorted(set(filter(None, verdicts))),
            model=f"{model_folder()}/config.json" if config["in_context"]["retriever"] == "embeddings" else [],
            code=code_of("find_contexts"),
        output:
            prompts=in_folders(together, "prompts.parquet"),
            contexts=in_folders(together, "contexts.parquet"),
        log:
            f"results/logs/find_contexts/{part}_seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/find_contexts/{part}_seed{{seed}}.tsv"
        params:
            conditions=together,
            pool=pools,
            judged=verdicts,
            passages=lookup("in_context/passages", within=config),
            questions=lookup("in_context/questions", within=config),
            neighbours=lookup("in_context/neighbours", within=config),
            retriever=lookup("in_context/retriever", within=config),
            order=lookup("in_context/order", within=config),
            deduplicate=lookup("in_context/deduplicate", within=config),
        script:
            "../scripts/find_contexts.py"

    rule:
        """Ask the model after those contributions, and measure what it is still good for after them."""
        name:
            f"ask_in_context_{part}"
        input:
            model=f"{model_folder()}/config.json",
            precision="results/machine/precision.parquet",
            probes="results/probes.parquet",
            texts="resources/retrieved/texts.parquet",
            questions="resources/retrieved/questions.parquet",
            prompts=in_folders(together, "prompts.parquet"),
            contexts=in_folders(together, "contexts.parquet"),
            asked=in_folders(before, "prompts.parquet"),
            audits=in_folders(before, "audit.parquet"),
            shown=in_folders(before, "contexts.parquet"),
            readings=in_folders(before, "readings.parquet"),
            code=code_of("ask_in_context"),
        output:
            audits=in_folders(together, "audit.parquet"),
            utilities=in_folders(together, "utility.parquet"),
            readings=in_folders(together, "readings.parquet"),
        log:
            f"results/logs/ask_in_context/{part}_seed{{seed}}.log",
        benchmark:
            f"results/benchmarks/ask_in_context/{part}_seed{{seed}}.tsv"
        resources:
            mem_mb=3000,
        params:
            temperature=lookup("audit/temperature", within=config),
            max_tokens=lookup("audit/max_tokens", within=config),
            passage_tokens=lookup("utility/passage_tokens", within=config),
        script:
            "../scripts/ask_in_context.py"


rule trace_learning:
    """Train on the background alone for several lengths, and measure the male share after each."""
    input:
        model=f"{model_folder()}/config.json",
        precision="results/machine/precision.parquet",
        states=lambda wildcards: conditions.background_states(config, wildcards.seed),
        probes="results/probes.parquet",
        code=code_of("trace_learning"),
    output:
        trace="results/statistics/learning_curve/seed{seed}.parquet",
    log:
        "results/logs/trace_learning/seed{seed}.log",
    benchmark:
        "results/benchmarks/trace_learning/seed{seed}.tsv"
    resources:
        mem_mb=3000,
    params:
        lengths=lookup("learning_curve/epochs", within=config),
        layers=lookup("fine_tune/layers", within=config),
        rank=lookup("fine_tune/rank", within=config),
        alpha=lookup("fine_tune/alpha", within=config),
        learning_rate=lookup("fine_tune/learning_rate", within=config),
        batch_size=lookup("fine_tune/batch_size", within=config),
        warmup=lookup("fine_tune/warmup", within=config),
    script:
        "../scripts/trace_learning.py"
