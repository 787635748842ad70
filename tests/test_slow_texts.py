"""Texts from outside that make patterns go back again and again: each is read in its length's time.

Each of these took from 2 s to hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from codeexec.documents.displays.html import html_to_markdown, text_beside_table
from codeexec.documents.displays.latex import _PRODUCT
from codeexec.documents.displays.table_values import is_number
from codeexec.documents.displays.tables import from_csv, from_html
from codeexec.documents.export.markdown import fenced
from codeexec.documents.export.sanitize import sanitized
from codeexec.documents.percent.convert import _is_magic
from codeexec.domain.errors import ProtocolError
from codeexec.languages.catalog import by_shebang
from codeexec.rendering.svg import is_svg, without_references
from codeexec.server.http import head
from codeexec.tui.panes.artifacts.items import shape_words
from codeexec.tui.render.traceback import _end_of_code, _end_of_source
from codeexec.tui.render.traceback_paint import _HEADING, _NUMBERED

SECONDS = 2.0
N = 100_000


def parse_head(value: str) -> None:
    with pytest.raises(ProtocolError):
        head.parse(b"GET / HTTP/1.1\r\nHost: x\r\na:" + value.encode() + b"\0\r\n\r\n")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (parse_head, "\t" * 16_000),
        (parse_head, "\r\na:" * 1_000_000),
        (by_shebang, "#!/usr/bin/" + "1" * N + "x"),
        (by_shebang, "#!/usr/bin/" + "-." * N + "x"),
        (html_to_markdown, "<table" * N),
        (html_to_markdown, "<table>" * N),
        (html_to_markdown, "<table></table" * (N // 2)),
        (html_to_markdown, "<!--a>" * N),
        (html_to_markdown, "<ul><li>" * (N // 8)),
        (html_to_markdown, "<![CDATA[x>" * (N // 4)),
        (sanitized, "<!--" * N),
        (sanitized, "<![CDATA[x" * (N // 4)),
        (text_beside_table, "0," * N),
        (text_beside_table, "<table><caption></table>" + "<caption" * N),
        (_PRODUCT.fullmatch, "\\aaaa" * N + "!"),
        (is_number, "1" * N + "x"),
        (from_html, "<table" * N),
        (from_html, "<table>" + "0," * N),
        (from_csv, '\n"' * N),
        (from_csv, ',"a\n' * 4000),
        (shape_words, "0," * N),
        (shape_words, "1" * N + " rows"),
        (is_svg, " " * N),
        (is_svg, "<!-- -->" * N),
        (without_references, "<!ENTITY " * N),
        (lambda line: _is_magic(line, "#", True), " " * N),
        (lambda line: _is_magic(line, "#", True), "# " * N),
        (lambda line: _is_magic(line, "#", True), "#" + " " * N),
        (lambda row: _end_of_code([row], 0), " " * N),
        (lambda row: _end_of_source([row], 0), " " * N),
        (_NUMBERED.fullmatch, " " * N),
        (lambda text: fenced(text, ""), "\n" * N),
        (_HEADING.fullmatch, ", in " * N + "\n"),
    ],
)
def test_a_text_is_read_in_the_time_of_its_length(read: Callable[[Any], object], text: str) -> None:
    given = text.encode() if read is is_svg else text
    started = time.process_time()
    read(given)
    assert time.process_time() - started < SECONDS
