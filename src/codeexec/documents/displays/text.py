"""Text of a display: chooses one of its forms and converts it to text.

Plain text is the program's own choice, so it is preferred, unless it only names a class
(`<IPython.core.display.Markdown object>`) or is the source of a chart. Then another form is used:
Markdown source, HTML as text, LaTeX as Unicode, shortened JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator

from codeexec.documents.displays.html import html_to_text
from codeexec.documents.displays.latex import latex_to_text
from codeexec.documents.displays.media import is_media, media_in_html, media_words
from codeexec.domain.content.charts import BOKEH, MERMAID, PDF, chart_label, chart_name, has_chart
from codeexec.domain.content.comms import VIEW
from codeexec.domain.content.mime import FORMULAS, bare, content_of, is_json, is_text
from codeexec.domain.content.picture_head import picture_size
from codeexec.domain.errors import DocumentError
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.text.parsing import load_json

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")

_HEAD = 1 << 20
"""Base64 characters that contain the header of an image; a multiple of four."""

MOST_HTML = 2_000_000
"""Maximum characters of HTML; longer pages are only named."""

MOST_JSON_LINES = 40
"""Maximum lines of JSON."""

_OBJECT = re.compile(r"<[\w.]+(?:\[[\w., ]*\])?(?: object)?(?: at 0x[0-9a-fA-F]+)?>")
_CONSTRUCTOR = re.compile(r"\s*[A-Za-z_][\w.]*\(")
_RICH = (
    "text/markdown",
    "text/x-markdown",
    "text/html",
    "application/xhtml+xml",
    *FORMULAS,
)
_SCRIPTS = ("application/javascript", "text/javascript", "application/x-javascript")
_WIDEST_NOTE = 60

Reading = Generator[MimePart, str | None, str]
"""Generator that yields a part of a display, is sent its text (None if unavailable), and returns
the text of the display."""


def read_display(display: Display, saved: str = "", *, is_drawn: bool = False) -> Reading:
    """The text of a display, on one or several lines; never empty. `saved` is where a file of
    it is; `is_drawn`: a picture of it stands above the text."""
    image = image_of(display)
    if image is not None and (size := image_size(image.mime, (yield image) or "")):
        return f"[image {size} → {saved}]" if saved else f"[image {size}]"
    plain = display.part("text/plain")
    plain_text = (yield plain) if plain is not None else None
    chart = chart_part(display, plain_text)
    if chart is not None and not _is_caption(plain_text or ""):
        return (yield from _read_chart(display, chart, saved, is_drawn))
    if display.part(VIEW) is not None:
        return _widget(plain_text or "", saved)
    if plain_text and not _is_bare_object(plain_text):
        return plain_text
    if media := next((part for part in display.parts if is_media(part.mime)), None):
        try:
            content = content_of(media.mime, (yield media) or "")
        except DocumentError:
            content = b""
        return _note(media_words(media.mime, content), "another program plays it", saved)
    for part in _rich_parts(display):
        text = yield part
        if text is not None and (rendered := _as_text(part.mime, text)):
            return rendered
    if script := next((part for part in display.parts if bare(part.mime) in _SCRIPTS), None):
        source = yield script
        label = f"script, not run: {_one_line(source or '')}"
        return f"[{label} → {saved}]" if saved else f"[{label}]"
    if plain_text:
        return plain_text
    if image is not None:
        return f"[image {bare(image.mime).partition('/')[2]}, damaged]"
    if not display.parts:
        return "[a display without data]"
    if all(bare(part.mime) == "text/html" for part in display.parts):
        return _note("page without text", "a browser shows it", saved)
    kinds = ", ".join(part.mime for part in display.parts)
    return f"[{kinds} → {saved}]" if saved else f"[{kinds}]"


def _read_chart(display: Display, chart: MimePart, saved: str, is_drawn: bool) -> Reading:
    """Its name and title; of a diagram that is not drawn its source."""
    script = next((part for part in display.parts if bare(part.mime) in _SCRIPTS), None)
    text = yield script if script is not None and chart.mime.startswith(BOKEH) else chart
    if chart.mime == MERMAID and not is_drawn and text and text.strip():
        return text.strip("\n")
    label = chart_label(chart.mime, text)
    if is_drawn and not saved:
        return f"[{label}]"
    where = "another program shows it" if chart.mime == PDF else "a browser draws it"
    return _note(label, where, saved)


def image_of(display: Display) -> MimePart | None:
    """The picture form of a display with the best quality; None without one."""
    return next((part for mime in IMAGES if (part := display.part(mime))), None)


def image_size(mime: str, text: str) -> str:
    """Width × height in pixels from the header of an image (base64 or SVG); its type if the size
    is unknown; empty if it is damaged."""
    if mime == "image/svg+xml":
        return "svg" if text else ""
    try:
        size = picture_size(content_of(mime, text[:_HEAD] if len(text) > _HEAD else text))
    except DocumentError:
        return ""
    return f"{size[0]}×{size[1]}" if size else mime.partition("/")[2]


def inline_text(display: Display) -> str | None:
    """The text of a display from its inline parts; None if a part must be fetched."""
    reading = read_display(display)
    try:
        part = next(reading)
        while True:
            if part.text is None:
                return None
            part = reading.send(part.text)
    except StopIteration as end:
        text: str = end.value
        return text


def _rich_parts(display: Display) -> list[MimePart]:
    rich = [part for mime in _RICH if (part := display.part(mime)) is not None]
    others = [part for part in display.parts if part not in rich and part.mime != "text/plain"]
    data = [part for part in others if is_json(part.mime)]
    texts = [part for part in others if is_text(part.mime) and bare(part.mime) not in _SCRIPTS]
    return rich + data + texts


def _is_bare_object(text: str) -> bool:
    """Whether the text is a bare repr of an object, as `object.__repr__` returns it."""
    return _OBJECT.fullmatch(text.strip()) is not None


def _is_caption(text: str) -> bool:
    """Whether it is a line of prose, not the source of an object."""
    is_line = 0 < len(text.strip()) <= _WIDEST_NOTE and "\n" not in text.strip()
    return is_line and not _is_bare_object(text) and not _CONSTRUCTOR.match(text)


def _as_text(mime: str, text: str) -> str:
    """One form as text; may be empty."""
    name = bare(mime)
    if name in ("text/html", "application/xhtml+xml"):
        if media := media_in_html(text):
            return f"[{media}: a browser plays it]"
        if len(text) > MOST_HTML:
            return f"[page of {len(text):,} characters: a browser shows it]"
        return html_to_text(text)
    if name in FORMULAS:
        return latex_to_text(text)
    if is_json(mime):
        return _short_json(text)
    return text.strip("\n")


def _short_json(text: str) -> str:
    try:
        value = load_json(text)
    except ValueError:
        return text
    on_one_line = json.dumps(value, ensure_ascii=False)
    if len(on_one_line) <= _WIDEST_NOTE:
        return on_one_line
    lines = json.dumps(value, ensure_ascii=False, indent=2).split("\n")
    if len(lines) > MOST_JSON_LINES:
        left_out = len(lines) - MOST_JSON_LINES
        lines = [*lines[:MOST_JSON_LINES], f"… {left_out:,} more lines"]
    return "\n".join(lines)


def chart_part(display: Display, plain_text: str | None = None) -> MimePart | None:
    """The form of a display that is a chart: its data, or the page that shows it."""
    for part in display.parts:
        if chart_name(part.mime):
            return part
    page = display.part("text/html")
    return page if page is not None and has_chart(page.text, plain_text) else None


def drawn_part(display: Display) -> MimePart | None:
    """The form of a display that is a picture, or of which one can be drawn."""
    plain = display.part("text/plain")
    formula = next((part for mime in FORMULAS if (part := display.part(mime))), None)
    chart = chart_part(display, plain.text if plain is not None else None)
    return image_of(display) or chart or formula


def _widget(plain_text: str, saved: str) -> str:
    """The text of a widget: its plain text, unless that is only its constructor."""
    is_made = _CONSTRUCTOR.match(plain_text) or _is_bare_object(plain_text)
    if plain_text.strip() and not is_made:
        return plain_text
    name = _one_line(plain_text)
    return _note(f"widget {name}".rstrip(), "Jupyter shows it", saved)


def _note(kind: str, where: str, saved: str) -> str:
    return f"[{kind} → {saved}]" if saved else f"[{kind}: {where}]"


def _one_line(text: str) -> str:
    line = " ".join(text[: 4 * _WIDEST_NOTE].split())
    return line if len(line) <= _WIDEST_NOTE else f"{line[: _WIDEST_NOTE - 1]}…"
