"""Prose within code: comments and strings, with the cursor marked by `|`."""

from __future__ import annotations

import pytest

from codeexec.languages.catalog import by_name
from codeexec.languages.prose import is_prose

PROSE = [
    ("python", "# we print al|"),
    ("python", "x = 1  # al|"),
    ("python", 's = "we print al|'),
    ("python", 's = "we \\" al|"'),
    ("python", "s = 'al|'"),
    ("python", 'def f():\n    """First.\n\n    it\'s al|'),
    ("python", 's = f"{x} al|"'),
    ("python", 's = f"{{al|"'),
    ("cpp", "// al|"),
    ("cpp", "int x; /* one\ntwo al|"),
    ("javascript", "s = `one\ntwo al|"),
    ("bash", 'echo "one\ntwo al|'),
    ("sql", "-- al|"),
    ("html", "<!-- al|"),
    ("markdown", "# al|"),
    ("text", "al|"),
]
CODE = [
    ("python", "pr|"),
    ("python", "s = '#'; al|"),
    ("python", 's = "it\'s"\nal|'),
    ("python", "# don't\nal|"),
    ("python", 's = """a "quoted" word"""\nal|'),
    ("python", 's = f"{al|}"'),
    ("python", "s = 'never closed\nal|"),
    ("rust", "fn f<'a>(x: &'a str) { al|"),
    ("cpp", 'puts("//"); /* one */ al|'),
    ("css", "/* one */ co|"),
]


@pytest.mark.parametrize(("language", "marked"), PROSE)
def test_comments_and_strings_are_prose(language: str, marked: str) -> None:
    assert is_prose(marked.replace("|", ""), marked.index("|"), by_name(language))


@pytest.mark.parametrize(("language", "marked"), CODE)
def test_everything_else_is_code(language: str, marked: str) -> None:
    assert not is_prose(marked.replace("|", ""), marked.index("|"), by_name(language))
