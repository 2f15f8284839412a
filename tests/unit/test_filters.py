"""Which filters there are: those of the study, and files beside them."""

from __future__ import annotations

import pytest

from quorum import filters


def test_without_files_there_are_those_of_the_study(tmp_path):
    assert filters.own(tmp_path) == {}
    assert filters.own() == {}, "no filter of one's own belongs into the repository"
    assert filters.DEFENSES == ("none", "keyword", "repetition", "tfidf", "minhash", "composite")


def test_each_file_is_a_filter_and_helpers_are_none(tmp_path):
    for name in ("b2.py", "a_filter.py", "_helper.py", "__init__.py", "notes.md"):
        (tmp_path / name).touch()
    assert filters.own(tmp_path) == {"a_filter": "quorum.defenses.own.a_filter", "b2": "quorum.defenses.own.b2"}


@pytest.mark.parametrize("name", ["tfidf", "none", "composite", "Upper", "2b", "with-dash", "with space", "é"])
def test_a_name_that_breaks_a_path_or_is_taken_is_told(tmp_path, name):
    (tmp_path / f"{name}.py").touch()
    with pytest.raises(ValueError, match=f"{name}.py: a filter's name has small letters"):
        filters.own(tmp_path)
