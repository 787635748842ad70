"""Choose the richest form of a display that this screen can show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from codeexec.domain.content.charts import has_chart

Kind = Literal["picture", "table", "html", "markdown", "latex", "json", "text", "file"]
"""What a form is shown by."""

_TABLE: tuple[tuple[str, Kind], ...] = (
    ("image/png", "picture"),
    ("image/jpeg", "picture"),
    ("image/webp", "picture"),
    ("image/gif", "picture"),
    ("image/svg+xml", "picture"),
    ("image/bmp", "picture"),
    ("image/tiff", "picture"),
    ("application/pdf", "picture"),
    ("text/vnd.mermaid", "picture"),
    ("application/vnd.plotly.v1+json", "picture"),
    ("application/vnd.vegalite.*", "picture"),
    ("application/vnd.vega.*", "picture"),
    ("text/html", "picture"),
    ("text/markdown", "markdown"),
    ("text/x-markdown", "markdown"),
    ("text/latex", "latex"),
    ("application/x-latex", "latex"),
    ("text/csv", "table"),
    ("text/tab-separated-values", "table"),
    ("application/x-ndjson", "table"),
    ("text/html", "html"),
    ("application/xhtml+xml", "html"),
    ("application/json", "json"),
    ("text/plain", "text"),
)
"""What can be shown, richest first; `*` stands for any end. HTML that is the page of a chart is a
picture, other HTML comes later."""

_PREFORMATTED = re.compile(r"\s*<pre\b[^>]*>.*</pre>\s*", re.DOTALL | re.IGNORECASE)

_HAS_CELLS = re.compile(r"<t[dh]\b[^<>]*>\s*[^<>\s]", re.IGNORECASE)
"""A cell of a table with something in it."""


def kind_of(mime: str, text: str | None = None) -> Kind:
    """How a form is shown; of HTML the text tells whether it is a chart or a table."""
    bare = mime.partition(";")[0].strip().lower()
    kind = next((kind for pattern, kind in reversed(_TABLE) if _matches(pattern, bare)), None)
    if kind == "html" and text is not None:
        if has_chart(text):
            return "picture"
        return "table" if "<table" in text.lower() else kind
    if kind is not None:
        return kind
    if bare.endswith("+json"):
        return "json"
    return "text" if bare.startswith("text/") else "file"


def choose(bundle: Mapping[str, str | None], *, pictures: bool = True) -> str | None:
    """The MIME type to show of a display's forms, or None if there is none at all.

    The values are the forms as text, or None where only a digest is at hand. HTML that shows
    nothing without a browser (scripts, styles) is passed over, and so is HTML that only repeats
    the plain text in a `<pre>`; HTML that is a chart of a library counts as one. Unknown types come
    after plain text.
    """

    def can_show(mime: str, kind: Kind) -> bool:
        if kind == "picture" and not pictures:
            return False
        if mime != "text/html":
            return True
        if kind == "picture":
            return has_chart(bundle[mime], bundle.get("text/plain"))
        return _html_says_more(bundle)

    for pattern, kind in _TABLE:
        for mime in bundle:
            if _matches(pattern, mime) and can_show(mime, kind):
                return mime
    others = sorted(bundle, key=lambda mime: (kind_of(mime) == "file", mime))
    return others[0] if others else None


def _matches(pattern: str, mime: str) -> bool:
    return mime.startswith(pattern[:-1]) if pattern.endswith("*") else mime == pattern


def _html_says_more(bundle: Mapping[str, str | None]) -> bool:
    html = bundle["text/html"]
    if html is None:
        return True
    if "text/plain" in bundle and _PREFORMATTED.fullmatch(html):
        return False
    if "<script" not in html.lower() and _HAS_CELLS.search(html):
        return True  # a frame of pandas, say, which would take 6 ms to be read for that
    from codeexec.documents.displays.html import html_to_markdown  # not at the start

    return bool(html_to_markdown(html).strip())
