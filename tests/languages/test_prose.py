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
    ("python", "s = f\"{names['al|"),
    ("python", 's = f"{value:al|'),
    ("python", 's = f"{value:>{width}al|'),
    ("python", 's = f"{a[1:2]} al|'),
    ("python", 's = F"""{a}\n al|'),
    ("python", 's = rb"al|'),
    ("python", "%%markdown\nwe print al|"),
    ("python", "\n# a note\n%%bash -e\necho al|"),
    ("python", "%%writefile notes.txt\nal|"),
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
    ("python", 's = f"{{{al|'),
    ("python", 's = f"{value:>{al|'),
    ("python", 's = f"{a[1:al|'),
    ("python", "s = f\"{names['a']} {al|"),
    ("python", "%%time\nal|"),
    ("python", "x = 1\n%%bash\nal|"),
    ("python", "%%ba|"),
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
