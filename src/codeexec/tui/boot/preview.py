"""What the first frame shows of the workbench, where that will have it: panes, text, rows.

A document is read without what opens it in earnest: a person sees the text while that is still
being loaded. Whatever cannot be read in this simple way is left to the editor.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.domain.text.parsing import load_json
from codeexec.domain.text.printable import MARK, printable
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate
from codeexec.tui.boot.first_frame import fit
from codeexec.tui.layout import Box, number_columns

_MOST = 8_000_000
"""Bytes of a file that is read for a glance."""

_TAB = 4


def document_text(path: Path, box: Box) -> str:
    """What to write to a terminal for the text to stand there; empty where nothing can be shown.

    Nothing in the file can act on the terminal.
    """
    try:
        data, _ = read(locate(path), _MOST + 1)
        if len(data) > _MOST:
            return ""
        text = data.decode().replace("\r\n", "\n").replace("\r", "\n")
        source = notebook_text(text) if path.suffix == ".ipynb" else text
    except (CodeexecError, OSError, ValueError, TypeError, AttributeError):
        return ""  # the editor says in words what is wrong with it
    digits = number_columns(source.count("\n") + 1)
    room = max(box.width - digits - 3, 0)
    parts = []
    # No more than what can be seen is taken apart: a document may be one line of megabytes.
    for row, line in enumerate(source[: box.height * max(room, 200)].split("\n")[: box.height]):
        number = f"\x1b[2m {row + 1:>{digits}}  \x1b[22m"
        parts.append(f"{_at(box.left, box.top + row)}{number}{fit(_plain(line), room)[0]}")
    return _kept_in(parts)


def panes_text(boxes: Mapping[str, Box], titles: Mapping[str, str], bar: str = "") -> str:
    """The titles of the panes and the lines between them, as the workbench will have them; a
    `bar` of tabs is above all."""
    parts = [f"{_at(0, 0)}\x1b[K{bar}"]
    for pane, box in boxes.items():
        title = fit(_plain(titles.get(pane, "")), box.width - 1)[0]
        parts.append(f"{_at(box.left, box.top - 1)} {title}")
    edges = {box.left - 1 for box in boxes.values() if box.left}
    height = max((box.top + box.height for box in boxes.values()), default=0)
    parts += [f"{_at(edge, row)}│" for edge in sorted(edges) for row in range(height)]
    return f"\x1b[2m{_kept_in(parts)}\x1b[22m"


def rows_text(rows: Sequence[str], box: Box) -> str:
    """Rows of text in a box, from its top; those that do not fit are left out."""
    parts = []
    for number, row in enumerate(rows[: max(box.height, 0)]):
        text, cells = fit(_plain(row), box.width)
        parts.append(f"{_at(box.left, box.top + number)}{text}{' ' * (box.width - cells)}")
    return _kept_in(parts)


def _at(left: int, top: int) -> str:
    return f"\x1b[{top + 1};{left + 1}H"


def _kept_in(parts: Iterable[str]) -> str:
    # A wide character at the edge must not go on in the next row.
    return f"\x1b[?7l{''.join(parts)}\x1b[?7h"


def _plain(line: str) -> str:
    """The line without anything that acts on a terminal, or whose width is not known here."""
    text = printable(line.expandtabs(_TAB))
    return text if text.isprintable() else "".join(s if s.isprintable() else MARK for s in text)


def notebook_text(text: str) -> str:
    """The cells of a notebook as the editor shows them, but for their titles. ValueError,
    TypeError or AttributeError where it is none."""
    lines: list[str] = []
    for cell in load_json(text).get("cells", []):
        kind, source = cell.get("cell_type"), cell.get("source", "")
        whole = source if isinstance(source, str) else "".join(source)
        is_code = kind == "code"
        lines.append("# %%" if is_code else f"# %% [{kind}]")
        rows = whole.split("\n") if whole else []
        lines += rows if is_code else [f"# {row}".rstrip() for row in rows]
        lines.append("")
    return "\n".join(lines)


def front_document(files: tuple[Path, ...], open_names: tuple[str, ...]) -> Path | None:
    """Which document will be in front: the first that was named, else the last that was open."""
    if files:
        return files[0]
    existing = [name for name in open_names if os.path.isfile(name)]  # noqa: PTH113  (many at once)
    return Path(existing[0]) if existing else None
