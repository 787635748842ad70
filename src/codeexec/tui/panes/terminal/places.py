"""Places in the output of a terminal that a click opens: web addresses, and files with a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from codeexec.domain.terminals import TerminalRow
from codeexec.domain.text.printable import is_web_address
from codeexec.tui.output.cell_pictures import placed_parts
from codeexec.tui.panes.terminal.cells import cell_at, index_at

_PYTHON = re.compile(r'File "(?P<path>[^"\n]{1,1000})", line (?P<line>\d{1,7})')
_PLAIN = re.compile(
    r"(?P<path>(?:[A-Za-z]:)?[\w.~/@+,=%-]{1,1000}):(?P<line>\d{1,7})(?::(?P<column>\d{1,6}))?"
)
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]{1,2000}")
_TRAILING = ".,;:!?)]}"


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file as the program has named it, a line and a column, both from 1; 0: not named."""

    path: str
    line: int
    column: int = 0


def is_of_web(address: str) -> bool:
    """Whether a hyperlink of a program may be followed: to the web alone."""
    return address.startswith(("http://", "https://")) and is_web_address(address)


def link_at(row: TerminalRow, column: int) -> str:
    """The web address under a cell: of a hyperlink, or as it is written; else empty."""
    style = cell_at(row, column).style
    if style is not None and is_of_web(style.link):
        return style.link
    index = index_at(row, column)
    for match in _ADDRESS.finditer(row.text):
        if match.start() <= index < match.end():
            return match[0].rstrip(_TRAILING)
    return ""


def picture_at(row: TerminalRow, column: int) -> str:
    """The artifact of the picture under a cell; else empty."""
    for placed in placed_parts(row):
        if placed.start <= column < placed.end:
            return placed.part.artifact_id
    return ""


def file_at(row: TerminalRow, column: int) -> FilePlace | None:
    """The file and line under a cell, as compilers, grep and Python name them."""
    style = cell_at(row, column).style
    if style is not None and style.link.startswith("file://"):
        return FilePlace(unquote(urlsplit(style.link).path), 1)
    text, index = row.text, index_at(row, column)
    for pattern in (_PYTHON, _PLAIN):
        for match in pattern.finditer(text):
            path = match["path"]
            if match.start() <= index < match.end() and not path.isdigit():
                place = match.groupdict()
                return FilePlace(path, int(match["line"]), int(place.get("column") or 0))
    return None
