"""HTML and LaTeX as text that reads well: Markdown, and Unicode mathematics.

Markdown is the one form that a pane renders, so HTML becomes Markdown: headings, lists, links,
emphasis, code and tables stay, scripts and styles go.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from codeexec.tui.render.tables import from_html

_BLOCK_NAMES = """
address article aside blockquote body dd details div dl dt figure footer form header li main nav
ol p pre section summary table tbody tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_SILENT = frozenset({"script", "style", "head", "template", "title", "noscript"})
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
_MARKS = {
    "b": "**",
    "strong": "**",
    "i": "*",
    "em": "*",
    "code": "`",
    "kbd": "`",
    "s": "~~",
    "del": "~~",
}
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|])")
_LINK = re.compile(r"(?:https?|mailto):[^\s<>()]*")
_BLANK_LINES = re.compile(r"\n{3,}")
_HEADING = re.compile(r"h[1-6]")
_TABLE = re.compile(r"<table\b.*?</table\s*>", re.DOTALL | re.IGNORECASE)


def html_to_markdown(html: str) -> str:
    """What a reader would see of HTML, as Markdown; empty if that is nothing."""
    parts: list[str] = []
    at = 0
    for found in _TABLE.finditer(html):
        parts += [_prose(html[at : found.start()]), _markdown_table(found[0])]
        at = found.end()
    parts.append(_prose(html[at:]))
    return "\n\n".join(part for part in parts if part)


def _prose(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


def _markdown_table(html: str) -> str:
    page = from_html(html)
    if page is None:
        return ""
    names = ["", *page.names] if page.index else list(page.names)
    lines = [names, ["---"] * len(names)]
    for number, row in enumerate(page.cells):
        lines.append([page.index[number], *row] if page.index else list(row))
    return "\n".join(
        "| " + " | ".join(cell if cell == "---" else _plain(cell) for cell in line) + " |"
        for line in lines
    )


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


class _Reader(HTMLParser):
    """Writes Markdown while the tags go by; bad HTML is read as browsers do, not refused."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._silent = 0
        self._verbatim = 0
        self._lists: list[int | None] = []
        self._links: list[str] = []

    def text(self) -> str:
        lines = "".join(self._out).split("\n")
        return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if self._silent:
            return
        given = dict(attrs)
        if _HEADING.fullmatch(tag):
            self._out.append(f"\n\n{'#' * int(tag[1])} ")
        elif tag == "pre":
            self._verbatim += 1
            self._out.append("\n\n```\n")
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else None)
            self._out.append("\n")
        elif tag == "li":
            self._out.append(f"\n{self._bullet()}")
        elif tag == "blockquote":
            self._out.append("\n\n> ")
        elif tag in _BLOCKS:
            self._out.append("\n\n")
        elif tag == "br":
            self._out.append("\n" if self._verbatim else "  \n")
        elif tag == "hr":
            self._out.append("\n\n---\n\n")
        elif tag == "img":
            self._out.append(f"*[{_plain(given.get('alt') or 'picture')}]*")
        elif tag == "a":
            address = given.get("href") or ""
            self._links.append(address if _LINK.fullmatch(address) else "")
            self._out.append("[" if self._links[-1] else "")
        elif tag in _MARKS and not self._verbatim:
            self._out.append(_MARKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
            return
        if self._silent or tag in _VOID:
            return
        if tag == "pre":
            self._verbatim = max(self._verbatim - 1, 0)
            self._out.append("\n```\n\n")
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self._out.append("\n")
        elif tag == "a":
            address = self._links.pop() if self._links else ""
            self._out.append(f"]({address})" if address else "")
        elif tag in _MARKS and not self._verbatim:
            self._out.append(_MARKS[tag])
        elif (tag in _BLOCKS and tag != "li") or _HEADING.fullmatch(tag):
            self._out.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._verbatim:
            self._out.append(data)
            return
        words = " ".join(data.split())
        if words:
            before = (
                " " if data[0].isspace() and self._out and not self._out[-1].endswith("\n") else ""
            )
            after = " " if data[-1].isspace() else ""
            self._out.append(f"{before}{_plain(words)}{after}")
        elif data and self._out and not self._out[-1].endswith((" ", "\n")):
            self._out.append(" ")

    def _bullet(self) -> str:
        indent = "  " * (len(self._lists) - 1)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1]}. "


def latex_to_text(source: str) -> str:
    """LaTeX as Unicode text, as near as it comes: `\\frac{\\alpha}{2}` is `α/2`.

    The source itself comes back where it cannot be read.
    """
    from pylatexenc.latex2text import LatexNodes2Text  # type: ignore[import-untyped]
    from pylatexenc.latexwalker import LatexWalkerError  # type: ignore[import-untyped]

    stripped = source.strip()
    for fence in ("$$", "$"):
        if (
            len(stripped) > 2 * len(fence)
            and stripped.startswith(fence)
            and stripped.endswith(fence)
        ):
            stripped = stripped[len(fence) : -len(fence)].strip()
            break
    stripped = stripped.replace("\\displaystyle", "")
    try:
        text: str = LatexNodes2Text(math_mode="text", fill_text=False).latex_to_text(stripped)
    except (LatexWalkerError, RecursionError, IndexError, ValueError):
        # pylatexenc leaves by these on sources that are cut short or nested without end.
        return stripped
    return "\n".join(_scripts(line) for line in text.strip().split("\n"))


_SUPER = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SUB = str.maketrans("0123456789+-=()aeijoruvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₒᵣᵤᵥₓ")


def _scripts(text: str) -> str:
    """Raised and lowered digits, where Unicode has them."""
    raised = re.sub(r"\^([0-9ni])", lambda match: match[1].translate(_SUPER), text)
    return re.sub(r"_([0-9aeijoruvx])", lambda match: match[1].translate(_SUB), raised)
