"""A picture of the screen: PNG, SVG or text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from textual.strip import Strip

from codeexec.documents.recordings.model import RecordingInfo, ScreenFrame
from codeexec.domain.errors import UsageError
from codeexec.tui.recording.cells import CellRows, color_scheme
from codeexec.tui.theme.theme import Theme


def screenshot(strips: Sequence[Strip], theme: Theme, suffix: str) -> bytes:
    """The lines of a screen as the file that a suffix names. UsageError."""
    colors = color_scheme(theme)
    cells = CellRows(colors)
    rows = [cells.row(strip) for strip in strips]
    columns = max((strip.cell_length for strip in strips), default=1)
    info = RecordingInfo(columns, max(len(rows), 1), "Screenshot", 0.0, colors)
    match suffix.lower():
        case ".txt":
            return "".join(f"{row.text.rstrip()}\n" for row in rows).encode("utf-8", "replace")
        case ".svg":
            from codeexec.documents.recordings.svg import SvgWriter  # what draws is loaded on need

            writer = SvgWriter(info)
            writer.write(ScreenFrame(0.0, dict(enumerate(rows))))
            return writer.finish(0.0)
        case ".png":
            from codeexec.tui.recording.drawing import RowDrawer

            drawer, target = RowDrawer(info), io.BytesIO()
            drawer.screen(rows).save(target, "PNG")
            return target.getvalue()
    raise UsageError(
        f"{suffix or 'No suffix'} is no format of screenshots.", "Use .png, .svg or .txt."
    )
