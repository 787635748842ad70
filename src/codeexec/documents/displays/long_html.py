"""Makes long HTML quick to read for `html.parser`, which reads some of it again and again."""

from __future__ import annotations

import re

SHORT = 10_000
"""Characters that are read quickly whatever they are."""

LONGEST_TAG = 2000

_COMMENT = re.compile("<!--")
_NO_TAG = re.compile(rf"<(?![A-Za-z/][^<>]{{0,{LONGEST_TAG}}}+>)")
_DECLARATION = re.compile(r"<[!?][^<>]*+>")


def quick_to_read(html: str) -> str:
    """The same HTML to a reader: comments and declarations are left out, and each `<` that begins
    no tag is written as `&lt;`. Short texts stay as they are."""
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
