"""Markdown as rich draws it, with plain headings. Importing it takes 1 MB: only for a page."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown


class _LeftHeading(Heading):
    """A heading in a line of its own, without a box."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class MarkdownPage(Markdown):
    elements = {**Markdown.elements, "heading_open": _LeftHeading}  # noqa: RUF012 -- as rich has it
