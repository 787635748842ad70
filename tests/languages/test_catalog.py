"""The catalog: every entry is whole, and a language is found the ways people name it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pygments.lexers import get_lexer_by_name

from codeexec.domain.errors import NotFound, UsageError
from codeexec.languages import catalog
from codeexec.languages.catalog import (
    by_file,
    by_name,
    by_shebang,
    languages,
    parse_catalog,
    read_tables,
    text,
)


@pytest.mark.parametrize("name", list(languages()))
def test_entries_are_whole(name: str) -> None:
    language = languages()[name]
    assert language.title
    assert language.extensions
    assert language.comment
    assert language.indent.strip() == ""
    assert all(len(pair) == 2 for pair in language.pairs)
    assert all(extension.startswith(".") for extension in language.extensions)
    assert not language.build or "{output}" in language.build
    assert not language.block or len(language.block) == 2
    assert get_lexer_by_name(language.lexer) is not None


def test_no_two_languages_share_an_extension() -> None:
    seen: dict[str, str] = {}
    for language in languages().values():
        for extension in language.extensions:
            assert extension not in seen, (extension, language.name, seen.get(extension))
            seen[extension] = language.name


@pytest.mark.parametrize(
    ("file", "first", "expected"),
    [
        ("a/b/x.py", "", "python"),
        ("X.PY", "", "python"),
        ("notes.ipynb", "", "python"),
        ("x.cpp", "", "cpp"),
        ("x.h", "", "c"),
        ("Makefile", "", "makefile"),
        ("x.R", "", "r"),
        ("tool", "#!/usr/bin/env python3", "python"),
        ("tool", "#! /bin/sh -e", "bash"),
        ("tool", "#!/usr/bin/env -S FOO=1 ruby -w", "ruby"),
        ("tool", "#!/opt/pypy3.11", "python"),
        ("tool", "#!/usr/bin/env", None),
        ("tool", "hello", None),
        ("archive.zip", "", None),
        (".py", "", None),
    ],
)
def test_by_file(file: str, first: str, expected: str | None) -> None:
    found = by_file(file, first)
    assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("python", "python"), ("C++", "cpp"), ("sh", "bash"), (" R ", "r"), ("Shell", "bash")],
)
def test_by_name(said: str, expected: str) -> None:
    assert by_name(said).name == expected


def test_unknown_names_say_which_are_known() -> None:
    with pytest.raises(NotFound) as caught:
        by_name("klingon")
    assert "python" in caught.value.next_step
    assert by_shebang("#!/bin/klingon") is None


def test_what_a_language_can_do() -> None:
    assert by_name("go").tab_width == 4
    assert by_name("ruby").tab_width == 2
    assert by_name("python").runs
    assert not text().runs


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(UsageError, match="comented"):
        parse_catalog('[x]\ntitle = "X"\ncomented = "#"\n')


def test_the_catalog_is_read_as_tomllib_reads_it() -> None:
    toml = Path(catalog.__file__).with_name("catalog.toml").read_text("utf-8")
    assert read_tables(toml) == _frozen(tomllib.loads(toml))


def test_strings_and_lists_of_toml() -> None:
    toml = r"""
a = "b\t\"c"  # of escapes
d = ['\e', '''f
'g''',
  "h"]

[i.j]
"l+" = "[m]"
n = []
"""
    assert read_tables(toml) == _frozen(tomllib.loads(toml))


def _frozen(value: object) -> object:
    """Lists as tuples, also in tables."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value
