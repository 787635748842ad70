"""View of long text and Markdown: laid out in a thread, painted where visible."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from typing import ClassVar

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.theme import Theme
from textual import events, work
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.highlight import SYNTAX_MEANINGS

_WEB = ("http://", "https://", "mailto:")
_PLAIN_LINE = re.compile(r"[\x20-\x7e]*")


class TextView(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows text as it stands, or Markdown; lines are wrapped at the view's width."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text--heading",
        "text--link",
        "text--code",
        "text--muted",
        "text--bullet",
    }

    DEFAULT_CSS = """
    TextView {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .text--heading { color: $text-accent; text-style: bold; }
        & > .text--link { color: $link-color; text-style: underline; }
        & > .text--code { color: $text-success; }
        & > .text--muted { color: $text-muted; }
        & > .text--bullet { color: $text-accent; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("text")]

    class LaidOut(Message):
        """What was last shown is there to be seen."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._text = ""
        self._is_markdown = False
        self._lines: list[Strip] = []
        self._width = 0

    def show(self, text: str, *, markdown: bool = False) -> None:
        """Show another text from its beginning."""
        self._text, self._is_markdown = text, markdown
        self.scroll_to(0, 0, animate=False)
        self._width = 0
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self._is_markdown:
            self._width = 0
            self._lay_out()

    @work(group="lay-out", exclusive=True)
    async def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width < 1 or width == self._width:
            return
        if self._is_markdown:
            lines = await asyncio.to_thread(markdown_lines, self._text, width, self._inks())
        else:
            lines = await asyncio.to_thread(plain_lines, self._text, width)
        self._lines, self._width = lines, width
        self.virtual_size = Size(width, len(lines))
        self.refresh()
        self.post_message(self.LaidOut())

    def _inks(self) -> dict[str, Style]:
        """The styles of Markdown and of code in it."""
        inks = {
            name: self.get_component_rich_style(f"text--{name}", partial=True)
            for name in ("heading", "link", "code", "muted", "bullet")
        }
        variables = self.app.theme_variables
        for name in SYNTAX_MEANINGS:
            inks[name] = Style(color=variables.get(name.replace(".", "-")) or None)
        return inks

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        width = self.size.width
        if at >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[at].apply_style(self.rich_style)
        return line.adjust_cell_length(width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Open a link; what a program has put out leads to the web alone."""
        link = event.style.link
        if link is not None and link.startswith(_WEB):
            event.stop()
            self.app.open_url(link)


def plain_lines(text: str, width: int) -> list[Strip]:
    """Text wrapped between characters, as it was written otherwise."""
    strips: list[Strip] = []
    for line in printable(text, lines=True).expandtabs(4).split("\n"):
        if _PLAIN_LINE.fullmatch(line):
            for start in range(0, len(line) or 1, width):
                part = line[start : start + width]
                strips.append(Strip([Segment(part)], len(part)))
        else:
            wide = Strip([Segment(line)])
            strips += [
                wide.crop(start, start + width) for start in range(0, wide.cell_length or 1, width)
            ]
    return strips


def markdown_lines(text: str, width: int, inks: Mapping[str, Style]) -> list[Strip]:
    """Markdown as it reads; links lead to the web or nowhere. `inks` has the styles of `heading`,
    `link`, `code`, `muted` and `bullet`, and of code by `SYNTAX_MEANINGS`. The first call imports
    what renders: 50 ms, so make it in a thread."""
    from codeexec.tui.output.markdown_page import MarkdownPage  # not for other text

    heading, code, muted = inks["heading"], inks["code"], inks["muted"]
    styles = {
        **{f"markdown.h{level}": heading for level in range(1, 7)},
        "markdown.h1.border": muted,
        "markdown.code": code,
        "markdown.code_block": code,
        "markdown.link": inks["link"],
        "markdown.link_url": inks["link"],
        "markdown.item.bullet": inks["bullet"],
        "markdown.item.number": inks["bullet"],
        "markdown.block_quote": muted,
        "markdown.hr": muted,
        "markdown.table.border": muted,
        "markdown.table.header": heading,
        **{name: style for name, style in inks.items() if name in SYNTAX_MEANINGS},
    }
    console = Console(
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        theme=Theme(styles),
        legacy_windows=False,
    )
    page = MarkdownPage(printable(text, lines=True), hyperlinks=True)
    return [
        Strip([_led_to_the_web(segment) for segment in line])
        for line in console.render_lines(page, pad=False)
    ]


def _led_to_the_web(segment: Segment) -> Segment:
    style = segment.style
    if style is None or style.link is None or style.link.startswith(_WEB):
        return segment
    return Segment(segment.text, style.update_link(None))
