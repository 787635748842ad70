"""Choose the richest form of a display that this screen can show."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from codeexec.tui.graphics.svg import can_draw_svg

Kind = Literal["picture", "table", "html", "markdown", "latex", "json", "text", "file"]
"""What a form is shown by."""

_KINDS: Mapping[str, Kind] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/latex": "latex",
    "application/x-latex": "latex",
    "application/json": "json",
    "text/csv": "table",
    "text/tab-separated-values": "table",
    "image/png": "picture",
    "image/jpeg": "picture",
    "image/gif": "picture",
    "image/webp": "picture",
    "image/bmp": "picture",
    "image/tiff": "picture",
    "image/svg+xml": "picture",
}
_ORDER = (
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "image/svg+xml",
    "image/bmp",
    "image/tiff",
    "text/markdown",
    "text/latex",
    "text/csv",
    "text/html",
    "application/json",
    "text/plain",
)
_PREFORMATTED = re.compile(r"\s*<pre\b[^>]*>.*</pre>\s*", re.DOTALL | re.IGNORECASE)

_HAS_CELLS = re.compile(r"<t[dh]\b[^<>]*>\s*[^<>\s]", re.IGNORECASE)
"""A cell of a table with something in it."""


def kind_of(mime: str, text: str | None = None) -> Kind:
    """How a form is shown; of HTML the text tells whether it is a table."""
    bare = mime.partition(";")[0].strip().lower()
    kind = _KINDS.get(bare)
    if kind == "picture" and bare == "image/svg+xml" and not can_draw_svg():
        return "text"
    if kind == "html" and text is not None and "<table" in text.lower():
        return "table"
    if kind is not None:
        return kind
    if bare.endswith("+json"):
        return "json"
    return "text" if bare.startswith("text/") else "file"


def choose(bundle: Mapping[str, str | None], *, pictures: bool = True) -> str | None:
    """The MIME type to show of a display's forms, or None if there is none at all.

    The values are the forms as text, or None where only a digest is at hand. HTML that shows
    nothing without a browser (scripts, styles) is passed over, and so is HTML that only repeats
    the plain text in a `<pre>`. Unknown types come after plain text.
    """
    usable: dict[str, Callable[[], bool]] = {
        "image": lambda: pictures,
        "text/html": lambda: _html_says_more(bundle),
    }

    def can_show(mime: str) -> bool:
        test = usable.get(mime) or usable.get(mime.partition("/")[0])
        return test is None or test()

    for mime in _ORDER:
        if mime in bundle and can_show(mime):
            return mime
    others = sorted(bundle, key=lambda mime: (kind_of(mime) == "file", mime))
    return others[0] if others else None


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
