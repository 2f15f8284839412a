# What the filters take on streams that no machine needs to hold at once: parts are read, told of, judged one by one.


rule write_stream:
    """Write one part of a long stream: real abstracts' sentences, chains and near copies of them, and templates."""
    input:
        texts="resources/retrieved/texts.parquet",
        skeletons=own("resources/wordings/background.csv"),
        campaign=[own("resources/wordings/template.csv"), own("resources/wordings/varied.csv")],
        professions=own("resources/professions.csv"),
        code=code_of("write_stream"),
    output:
        contributions="results/scale/rows{rows}/stream/part{part}.parquet",
    log:
        "results/logs/write_stream/rows{rows}_part{part}.log",
    benchmark:
        "results/benchmarks/write_stream/rows{rows}_part{part}.tsv"
    params:
        rows=lambda wildcards: int(wildcards.rows),
        first=lambda wildcards: conditions.rows_of_part(wildcards, config)[0],
        last=lambda wildcards: conditions.rows_of_part(wildcards, config)[1],
        seed=1,
        clean=False,
    script:
        "../scripts/write_stream.py"


rule write_reference:
    """Write the clean reference of the long streams, of the same kinds of sentences without a campaign."""
    input:
        texts="resources/retrieved/texts.parquet",
        skeletons=own("resources/wordings/background.csv"),
        campaign=[own("resources/wordings/template.csv"), own("resources/wordings/varied.csv")],
        professions=own("resources/professions.csv"),
        code=code_of("write_stream"),
    output:
        contributions="results/scale/reference.parquet",
    log:
        "results/logs/write_reference.log",
    benchmark:
        "results/benchmarks/write_reference/reference.tsv"
    params:
        rows=lookup("defense/reference_size", within=config),
        first=0,
        last=lookup("defense/reference_size", within=config),
        seed=2,
        clean=True,
    script:
        "../scripts/write_stream.py"


rule count_wordings:
    """Count the wordings of one part, which is what it has to tell the others for `repetition`."""
    input:
        contributions="results/scale/rows{rows}/stream/part{part}.parquet",
        code=code_of("count_wordings"),
    output:
        counted="results/scale/rows{rows}/counted/part{part}.parquet",
    log:
        "results/logs/count_wordings/rows{rows}_part{part}.log",
    benchmark:
        "results/benchmarks/count_wordings/rows{rows}_part{part}.tsv"
    script:
        "../scripts/count_wordings.py"


rule merge_wordings:
    """Add up the wordings of all parts."""
    input:
        counted=parts("results/scale/rows{rows}/counted/part{part}.parquet"),
        reference="results/scale/reference.parquet",
        code=code_of("merge_wordings"),
    output:
        shared="results/scale/rows{rows}/shared/repetition.parquet",
    log:
        "results/logs/merge_wordings/rows{rows}.log",
    benchmark:
        "results/benchmarks/merge_wordings/rows{rows}.tsv"
    resources:
        mem_mb=2000,
    script:
        "../scripts/merge_wordings.py"


rule digest_documents:
    """Digest the documents of one part, which is what it has to tell the others for `minhash`."""
    input:
        contributions="results/scale/rows{rows}/stream/part{part}.parquet",
        code=code_of("digest_documents"),
    output:
        documents="results/scale/rows{rows}/documents/part{part}.parquet",
        shingles="results/scale/rows{rows}/shingles/part{part}.parquet",
    log:
        "results/logs/digest_documents/rows{rows}_part{part}.log",
    benchmark:
        "results/benchmarks/digest_documents/rows{rows}_part{part}.tsv"
    params:
        first=lambda wildcards: conditions.rows_of_part(wildcards, config)[0],
    script:
        "../scripts/digest_documents.py"


rule link_documents:
    """Find near duplicates over all parts."""
    input:
        documents=parts("results/scale/rows{rows}/documents/part{part}.parquet"),
        shingles=parts("results/scale/rows{rows}/shingles/part{part}.parquet"),
        reference="results/scale/reference.parquet",
        code=code_of("link_documents"),
    output:
        shared="results/scale/rows{rows}/shared/minhash.parquet",
    log:
        "results/logs/link_documents/rows{rows}.log",
    benchmark:
        "results/benchmarks/link_documents/rows{rows}.tsv"
    resources:
        mem_mb=2000,
    params:
        seed=1,
    script:
        "../scripts/link_documents.py"


rule score_partition:
    """Score one part by one filter; what the filter knows of other parts is in one table, if it needs any."""
    input:
        contributions="results/scale/rows{rows}/stream/part{part}.parquet",
        reference="results/scale/reference.parquet",
        keywords=own("resources/lexicons/keywords.csv"),
        shared=branch(
            shares,
            then="results/scale/rows{rows}/shared/{defense}.parquet",
            otherwise=[],
        ),
        code=code_of_filters("score_partition"),
    output:
        scores="results/scale/rows{rows}/{defense}/scores/part{part}.parquet",
        reference_scores="results/scale/rows{rows}/{defense}/reference_scores/part{part}.parquet",
    log:
        "results/logs/score_partition/rows{rows}_{defense}_part{part}.log",
    benchmark:
        "results/benchmarks/score_partition/rows{rows}_{defense}_part{part}.tsv"
    wildcard_constraints:
        defense="|".join(filters.FILTERS),
    params:
        first=lambda wildcards: conditions.rows_of_part(wildcards, config)[0],
    script:
        "../scripts/score_partition.py"


rule combine_scores:
    """Combine what all filters found in one part: the composite."""
    input:
        scores=collect(
            "results/scale/rows{{rows}}/{defense}/scores/part{{part}}.parquet",
            defense=list(filters.STUDIED),
        ),
        reference_scores=collect(
            "results/scale/rows{{rows}}/{defense}/reference_scores/part{{part}}.parquet",
            defense=list(filters.STUDIED),
        ),
        code=code_of("combine_scores"),
    output:
        scores="results/scale/rows{rows}/composite/scores/part{part}.parquet",
        reference_scores="results/scale/rows{rows}/composite/reference_scores/part{part}.parquet",
    log:
        "results/logs/combine_scores/rows{rows}_part{part}.log",
    benchmark:
        "results/benchmarks/combine_scores/rows{rows}_part{part}.tsv"
    script:
        "../scripts/combine_scores.py"


rule judge_partition:
    """Turn the scores of one part into verdicts."""
    input:
        scores="results/scale/rows{rows}/{defense}/scores/part{part}.parquet",
        reference_scores="results/scale/rows{rows}/{defense}/reference_scores/part{part}.parquet",
        code=code_of("judge_contributions"),
    output:
        verdicts="results/scale/rows{rows}/{defense}-{strength}/part{part}.parquet",
    log:
        "results/logs/judge_partition/rows{rows}_{defense}-{strength}_part{part}.log",
    benchmark:
        "results/benchmarks/judge_partition/rows{rows}_{defense}-{strength}_part{part}.tsv"
    wildcard_constraints:
        defense="[a-z][a-z0-9_]*",
        strength="weak|moderate|strong",
    params:
        false_positive_rate=lookup("defense/strengths/{strength}", within=config),
    script:
        "../scripts/judge_contributions.py"


rule scale_table:
    """Add up time and memory of every filter at every length: the table scale."""
    input:
        verdicts=[path for run in conditions.scale_runs(config) for path in run["verdicts"]],
        code=code_of("scale_table"),
    output:
        table="results/tables/scale.csv",
        parquet="results/tables/scale.parquet",
    log:
        "results/logs/scale_table.log",
    benchmark:
        "results/benchmarks/scale_table/table.tsv"
    params:
        runs=conditions.scale_runs(config),
    script:
        "../scripts/scale_table.py"


rule scale:
    """Target: what the filters take on streams of up to a million contributions."""
    input:
        "results/tables/scale.csv",
