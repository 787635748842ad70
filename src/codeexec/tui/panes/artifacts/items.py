"""Artifact items: a display in its richest form, or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rich.cells import cell_len

from codeexec.documents.shown_name import shown_name
from codeexec.domain.content.charts import chart_library, chart_title
from codeexec.domain.content.mime import decode_base64, text_of
from codeexec.domain.content.picture_head import picture_size
from codeexec.domain.events import Artifact
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.words import size_words
from codeexec.rendering.svg import svg_size
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.render.registry import Kind, choose, kind_of
from codeexec.tui.widgets.row_list import Pieces

ICONS: Mapping[Kind, str] = MappingProxyType(
    {
        "picture": "▣",
        "table": "▦",
        "html": "▤",
        "markdown": "¶",
        "latex": "∑",
        "json": "◈",
        "text": "≡",
        "file": "□",
    }
)
"""A shape for each kind, so that colour is not needed to tell them apart."""

NOUNS: Mapping[Kind, tuple[str, str]] = MappingProxyType(
    {
        "picture": ("plot", "pictures"),
        "table": ("table", "tables"),
        "html": ("page", "pages"),
        "markdown": ("text", "Markdown"),
        "latex": ("formula", "formulas"),
        "json": ("JSON", "JSON"),
        "text": ("text", "texts"),
        "file": ("file", "other files"),
    }
)
"""What one is called that has no name, and what many are."""

# As PIL says it; a figure of matplotlib tells what it was meant to be, not what its picture is.
_PIXELS = re.compile(r"size=\(?(\d{1,5}) ?[x×,] ?(\d{1,5})")
_SHAPE = re.compile(r"(?<![\d,])([\d,]++) rows? [x×] ([\d,]+) columns?")
_POLARS = re.compile(r"shape: \(([\d_,]+), ([\d_]+)\)")
_EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "png",
        "image/jpeg": "jpg",
        "image/gif": "gif",
        "image/webp": "webp",
        "image/svg+xml": "svg",
        "text/html": "html",
        "text/markdown": "md",
        "text/latex": "tex",
        "text/csv": "csv",
        "text/plain": "txt",
        "application/json": "json",
        "application/x-ndjson": "jsonl",
        "application/pdf": "pdf",
    }
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to look at.

    `key` names it in its session and stays through updates; `content` its present content.
    `variable` is the name of what is shown, where the code says it.
    """

    key: str
    kind: Kind
    name: str
    detail: str
    mime: str
    size: int
    content: str
    execution_id: str = ""
    count: int | None = None
    part: MimePart | None = None
    digest: str = ""
    path: str = ""
    variable: str = ""
    is_elided: bool = False
    is_pinned: bool = False
    is_stored: bool = False

    @property
    def title(self) -> str:
        return f"[{self.count}] {self.name}" if self.count is not None else self.name

    @property
    def file_name(self) -> str:
        """What a file of it would be called."""
        if self.path:
            return self.path.rpartition("/")[2]
        stem = re.sub(r"[^\w.-]+", "-", self.name).strip("-.") or self.kind
        number = f"-{self.count}" if self.count is not None else ""
        bare = self.mime.partition(";")[0]
        extension = _EXTENSIONS.get(bare) or ("json" if bare.endswith("+json") else "bin")
        return f"{stem[:40]}{number}.{extension}"

    def pieces(self, width: int) -> Pieces:
        """The row of a list: icon, number and name, and on the right how large it is."""
        detail = f"stored · {self.detail}" if self.is_stored else self.detail
        if len(detail) + 14 > width:
            detail = "stored" if self.is_stored else ""
        number = f"[{self.count}] " if self.count is not None else ""
        pin = "• " if self.is_pinned else ""
        room = width - 3 - len(pin) - len(number) - len(detail)
        name = fitted(self.name, max(room, 1))
        gap = " " * max(room - cell_len(name), 0)
        return [
            (f"{ICONS[self.kind]} ", "accent"),
            (pin, "warn"),
            (number, "muted"),
            (name, "text"),
            (f"{gap} ", "muted"),
            (detail, "muted"),
        ]


def shape_words(text: str) -> str:
    """`1000×8` out of what a data frame prints of itself, or nothing."""
    match = _SHAPE.search(text) or _POLARS.search(text)
    if match is None:
        return ""
    rows, columns = (part.replace(",", "").replace("_", "") for part in match.groups())
    return f"{rows}×{columns}"


def item_of(display: Display, view: ExecutionView | None, *, rich_only: bool = True) -> Item | None:
    """A display to look at; None for plain text, unless that is wanted as well."""
    bundle = {part.mime: part.text for part in display.parts}
    mime = choose(bundle)
    html = bundle.get("text/html")
    if mime == "text/plain" and html is not None and "<script" in html:
        mime = "text/html"  # a page that a browser can show, such as an interactive plot
    part = display.part(mime) if mime is not None else None
    if part is None or (rich_only and part.mime == "text/plain"):
        return None
    plain = display.part("text/plain")
    text = (plain.text or "") if plain is not None else ""
    kind = kind_of(part.mime, part.text)
    shape = shape_words(part.text or "") or shape_words(text)
    if kind == "html" and part.text is None and shape:
        kind = "table"
    count = display.count if display.count is not None else (view.count if view else None)
    variable = shown_name(view.code) if view is not None else ""
    return Item(
        key=display.key,
        kind=kind,
        name=one_line(_name(view, variable) or _title(part) or NOUNS[kind][0]),
        detail=_detail(kind, part, text, shape) or size_words(part.size),
        mime=part.mime,
        size=part.size,
        content=part.blob or f"{display.key}:{hash(part.text):x}",
        execution_id=view.execution_id if view is not None else "",
        count=count,
        part=part,
        digest=part.blob or "",
        variable=variable,
        is_elided=kind == "table" and bool(shape),
    )


def item_of_file(artifact: Artifact, view: ExecutionView | None) -> Item:
    """A file that the session keeps."""
    return Item(
        key=artifact.id,
        kind=kind_of(artifact.mime),
        name=one_line(artifact.name),
        detail=size_words(artifact.size),
        mime=artifact.mime,
        size=artifact.size,
        content=artifact.digest,
        execution_id=artifact.execution_id,
        count=None if view is None else view.count,
        digest=artifact.digest,
        path=artifact.name,
    )


def item_of_content(name: str, mime: str, data: bytes) -> Item:
    """A file that is not kept by the session, from its content."""
    part = MimePart(mime, len(data), text_of(mime, data))
    return Item(
        key=f"file:{name}",
        kind=kind_of(mime, part.text),
        name=one_line(name),
        detail=_detail("picture", part, "", "") or size_words(len(data)),
        mime=mime,
        size=len(data),
        content=f"file:{name}",
        part=part,
        path=name,
    )


def _name(view: ExecutionView | None, variable: str) -> str:
    if view is not None and view.cell is not None and view.cell.title:
        return view.cell.title
    return variable


def _title(part: MimePart) -> str:
    """The title of a chart that is at hand."""
    is_chart = part.text is not None and chart_library(part.mime) is not None
    return chart_title(part.text or "") if is_chart else ""


def _detail(kind: Kind, part: MimePart, text: str, shape: str) -> str:
    if kind == "table":
        return shape or _counted(part.text or "")
    if kind != "picture":
        return ""
    size = None
    if part.text is not None and part.mime == "image/svg+xml":
        size = svg_size(part.text.encode("utf-8", "replace"))
    elif part.text is not None:
        size = picture_size(decode_base64(part.text) or b"")  # damage is told in the viewer
    if size is None and (match := _PIXELS.search(text)):
        size = (int(match[1]), int(match[2]))
    return f"{size[0]}×{size[1]}" if size else ""


def _counted(html: str) -> str:
    """Rows and columns of a small table, counted by its tags."""
    _, _, body = html.partition("<tbody")
    rows = body.count("<tr")
    return f"{rows}×{body.partition('</tr')[0].count('<td')}" if rows else ""
