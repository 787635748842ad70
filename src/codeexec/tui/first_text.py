"""The first lines of a document for the first frame, where the editor will have them.

Read without what opens documents in earnest: a person sees the text while that is still being
loaded. Whatever cannot be read in this simple way is left to the editor.
"""

from __future__ import annotations

import os
from pathlib import Path

from codeexec.tui.layout import COMPACT_HEIGHT, COMPACT_WIDTH, Layout

_MOST = 8_000_000
"""Bytes of a file that is read for a glance."""

_TAB = 4


def document_text(path: Path, columns: int, lines: int, layout: Layout) -> str:
    """What to write to a terminal of that size; empty where there is nothing to show.

    `layout` is that of the folder. Nothing in the file can act on the terminal.
    """
    compact = columns < COMPACT_WIDTH or lines < COMPACT_HEIGHT
    if layout.swapped and not compact:
        return ""
    try:
        if path.stat().st_size > _MOST:
            return ""
        text = path.read_text("utf-8")
        shown = notebook_text(text) if path.suffix == ".ipynb" else text
    except (OSError, ValueError, TypeError, AttributeError):
        return ""  # the editor says in words what is wrong with it
    files = min(layout.files_width, max(columns - 40, 20) // 2) + 1
    left = files if layout.files and not compact else 0
    top = 2 if compact else 1
    height = lines - top - 1
    rows = height if compact else height * layout.editor_share // 100
    return _written(shown, left, top, rows, columns)


def _written(text: str, left: int, top: int, rows: int, columns: int) -> str:
    digits = max(3, len(str(text.count("\n") + 1)))
    room = max(columns - left - digits - 3, 0)
    parts = []
    # No more than what can be seen is taken apart: a document may be one line of megabytes.
    for number, line in enumerate(text[: rows * max(room, 200)].split("\n")[:rows]):
        at = f"\x1b[{top + number + 1};{left + 1}H"
        parts.append(f"{at}\x1b[2m {number + 1:>{digits}}  \x1b[22m{_plain(line)[:room]}")
    # A wide character at the edge must not go on in the next row.
    return f"\x1b[?7l{''.join(parts)}\x1b[?7h"


def _plain(line: str) -> str:
    """The line without anything that acts on a terminal."""
    line = line.expandtabs(_TAB)
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else "·" for sign in line)


def notebook_text(text: str) -> str:
    """The cells of a notebook as the editor shows them, but for their titles. ValueError,
    TypeError or AttributeError where it is none."""
    import json

    lines: list[str] = []
    for cell in json.loads(text).get("cells", []):
        kind, source = cell.get("cell_type"), cell.get("source", "")
        whole = source if isinstance(source, str) else "".join(source)
        is_code = kind == "code"
        lines.append("# %%" if is_code else f"# %% [{kind}]")
        rows = whole.split("\n") if whole else []
        lines += rows if is_code else [f"# {row}".rstrip() for row in rows]
        lines.append("")
    return "\n".join(lines)


def front_document(files: tuple[Path, ...], kept: tuple[str, ...]) -> Path | None:
    """Which document will be in front: the first that was named, else the last that was open."""
    if files:
        return files[0]
    there = [name for name in kept if os.path.isfile(name)]  # noqa: PTH113  (many at once)
    return Path(there[0]) if there else None
