"""Separator lines of `# %%` scripts, and the lines of cells as code: comments, escapes.

A separator is a comment marker, `%%` and then a space or the end of the line (so `# %%time`
is no separator): `# %% title [markdown] key="value"`. More percent signs mark a sub-cell,
which is an ordinary cell; `#%% md` is a Markdown cell of PyCharm. https://jupytext.readthedocs.io/en/latest/formats-scripts.html
In scripts the marks of older tools, `# In[3]:` (nbconvert) and `# <codecell>`, begin cells too, as
in jupytext and VS Code; in the text of a notebook they are ordinary lines of a cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from codeexec.documents.model import CellKind

if TYPE_CHECKING:
    from codeexec.documents.cell_language import CellForm

_KINDS = {
    "[markdown]": CellKind.MARKDOWN,
    "[raw]": CellKind.RAW,
    "[md]": CellKind.MARKDOWN,
}
"""In the order in which jupytext looks for them."""
_ATTRIBUTE = re.compile(r"[={]|(?:^|\s)\.")


@dataclass(frozen=True, slots=True)
class Separator:
    """A parsed separator line: kind, title, and attributes as written.
    `is_mark`: the mark of an older tool, without percent signs. `is_fence`: `attributes` are the
    words after a fence of Markdown."""

    kind: CellKind = CellKind.CODE
    title: str = ""
    attributes: str = ""
    is_mark: bool = False
    is_fence: bool = False

    def render(self, marker: str) -> str:
        """The line, without a newline."""
        kind = "" if self.kind is CellKind.CODE else f"[{self.kind}]"
        return " ".join(part for part in (marker, "%%", self.title, kind, self.attributes) if part)


@lru_cache(maxsize=64)
def _pattern(marker: str) -> re.Pattern[str]:
    # Percent signs alone (`# %%%`) need a space after them, as in jupytext.
    return re.compile(rf"^\s*{re.escape(marker)}\s*%%(?:%*\s(?P<rest>.*)|\s*)$")


def parse_separator(line: str, marker: str) -> Separator | None:
    """Parse `line` as a separator; None for an ordinary line."""
    if "%%" not in line:
        return None
    match = _pattern(marker).match(line)
    if match is None:
        return None
    title, kind = (match["rest"] or "").strip(), CellKind.CODE
    title, attributes = _split_title(title) if _ATTRIBUTE.search(title) else (title, "")
    if "[" in title and (mark := next((mark for mark in _KINDS if mark in title), "")):
        kind = _KINDS[mark]
        title = title.replace(mark, "")
    title = title.strip().lstrip("%").strip()
    if title == "md" and not attributes and f"{marker}%%" in line:
        return Separator(CellKind.MARKDOWN)  # `#%% md`, as PyCharm writes it
    return Separator(kind, title, attributes)


def _split_title(text: str) -> tuple[str, str]:
    """The title of a separator and the attributes after it: JSON, or all from the word before
    the first equal sign. Words that begin with a dot at the end are attributes as well."""
    brace, equal = text.find("{"), text.find("=")
    if brace >= 0 and not 0 <= equal < brace:
        return text[:brace].strip(), text[brace:]
    words = (text[:equal].rstrip(" ") if equal >= 0 else text).split(" ")
    if equal >= 0:
        words.pop()
    while words and (not words[-1].strip() or words[-1].startswith(".")):
        words.pop()
    title = " ".join(words)
    return title, text[len(title) :].strip()


@lru_cache(maxsize=64)
def _mark_pattern(marker: str) -> re.Pattern[str]:
    return re.compile(rf"\s*{re.escape(marker)}\s*(?:<codecell>|In\[[0-9 ]*\]:?)\s*")


def parse_any(line: str, marker: str) -> Separator | None:
    """Parse `line` as a separator or as a mark of an older tool."""
    if "%%" in line:
        return parse_separator(line, marker)
    return Separator(is_mark=True) if _mark_pattern(marker).fullmatch(line) else None


@lru_cache(maxsize=64)
def _escapable(marker: str) -> re.Pattern[str]:
    return re.compile(rf"([ \t]*{re.escape(marker)}[ \t]*)(\\*)(%%.*)", re.DOTALL)


def escape(line: str, marker: str) -> str:
    """A source line in the text of a notebook: a line that would read as a separator gets a
    backslash before its percent signs, in addition to those it has."""
    match = _escapable(marker).fullmatch(line) if "%%" in line else None
    if match is None or parse_separator(match[1] + match[3], marker) is None:
        return line
    return f"{match[1]}\\{match[2]}{match[3]}"


def unescape(line: str, marker: str) -> str:
    """The opposite of `escape`."""
    match = _escapable(marker).fullmatch(line) if "\\%%" in line else None
    if match is None or parse_separator(match[1] + match[3], marker) is None:
        return line
    return f"{match[1]}{match[2][1:]}{match[3]}"


def comment(text: str, marker: str) -> str:
    """`text` with the marker before each line, as for Markdown cells in a script."""
    return "\n".join(f"{marker} {line}" if line else marker for line in text.split("\n"))


def uncomment(text: str, marker: str) -> str:
    """The opposite of `comment`; lines without the marker are unchanged."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(f"{marker} "):
            lines[number] = line[len(marker) + 1 :]
        elif line.startswith(marker):
            lines[number] = line[len(marker) :]
    return "\n".join(lines)


def is_commented(text: str, marker: str) -> bool:
    """Whether each line that is not blank begins with the marker."""
    return all(line.startswith(marker) for line in text.split("\n") if line.strip())


def code_of(text: str, form: CellForm, marker: str) -> str:
    """The lines of a cell of this form as code to run. A body that is not commented as a whole is
    code as it is."""
    if form.is_commented and is_commented(text, marker):
        text = uncomment(text, marker)
    return f"{form.magic}\n{text}" if form.magic and text.strip() else text
