"""Markdown as rich draws it, with plain headings, and code in the colours of a theme. Importing it
takes 1 MB: only for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.rule import Rule
from rich.style import Style
from rich.syntax import Syntax, SyntaxTheme
from rich.text import Text

from codeexec.documents.displays.html import html_to_text
from codeexec.tui.render.highlight import meaning_of

if TYPE_CHECKING:
    from markdown_it.token import Token
    from pygments.token import _TokenType


class _LeftHeading(Heading):
    """A heading in a line of its own, without a box."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _CodeColors(SyntaxTheme):
    """The styles that a console has for the meanings of tokens."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_style_for_token(self, token_type: tuple[str, ...]) -> Style:
        meaning = meaning_of(cast("_TokenType", token_type))
        return self._console.get_style(meaning, default="none")

    def get_background_style(self) -> Style:
        return Style()


class _ColoredCode(CodeBlock):
    """A block of code in the colours of the console's theme, not in those of one of Pygments."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code, colors = str(self.text).rstrip(), _CodeColors(console)
        yield Syntax(code, self.lexer_name, theme=colors, word_wrap=True, padding=1)


class _HtmlBlock(MarkdownElement):
    """A block of HTML as the text that a browser would show; rich leaves it out."""

    def __init__(self, html: str) -> None:
        self._html = html

    @classmethod
    def create(cls, markdown: Markdown, token: Token) -> _HtmlBlock:
        return cls(token.content)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if text := html_to_text(self._html):
            yield Text(text)


class _Rule(MarkdownElement):
    """A line between sections, like the other lines of the screen."""

    new_line = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Rule(style=console.get_style("markdown.hr", default="none"))
        yield Text()


class MarkdownPage(Markdown):
    elements = {  # noqa: RUF012 -- as rich has it
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _ColoredCode,
        "html_block": _HtmlBlock,
        "code_block": _ColoredCode,
        "hr": _Rule,
    }
