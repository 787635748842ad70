"""Simplifies long HTML, of which `html.parser` would scan some parts repeatedly."""

from __future__ import annotations

import re

SHORT = 10_000
"""Texts up to this length are fast to parse in any case."""

LONGEST_TAG = 2000

MOST_PROSE = 2_000_000
"""Characters of a page that are read as text: more takes seconds, and nobody reads it."""

MOST_TABLE = 20_000_000
"""Characters of a page that are read as a table: some 300,000 rows."""

_COMMENT = re.compile("<!--")
_NO_TAG = re.compile(rf"<(?![A-Za-z/][^<>]{{0,{LONGEST_TAG}}}+>)")
_DECLARATION = re.compile(r"<[!?][^<>]*+>")


def beginning_of(html: str) -> str:
    """The first MOST_PROSE characters of a long page, to the end of a tag; a table that is cut ends
    there. A shorter one is unchanged."""
    if len(html) <= MOST_PROSE:
        return html
    html = html[:MOST_PROSE]
    html = html[: html.rfind(">") + 1 or MOST_PROSE]
    is_in_table = html.rfind("<table") > html.rfind("</table")
    return f"{html}</table>" if is_in_table else html


def quick_to_read(html: str) -> str:
    """Equivalent HTML without comments and declarations, with `&lt;` for each `<` that does not
    begin a tag. Short texts are unchanged."""
    if len(html) <= SHORT:
        return html
    parts: list[str] = []
    at = 0
    while start := _COMMENT.search(html, at):
        parts.append(html[at : start.start()])
        end = html.find("-->", start.end())
        at = len(html) if end < 0 else end + 3
    parts.append(html[at:])
    return _NO_TAG.sub("&lt;", _DECLARATION.sub("", "".join(parts)))
