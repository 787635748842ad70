"""A first frame, written raw before anything of weight is imported.

It shows the workbench's lines where they will be, so that the real one fills them in. What is
typed meanwhile stays in the terminal's buffer, unseen, and is read by the workbench.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
_LEAVE = "\x1b[?25h\x1b[?1049l"


def first_paint(files: tuple[str, ...]) -> Callable[[], None]:
    """Paint it, with echo off; what is returned puts the terminal back, and may be called when
    the workbench has done so already."""
    source, sink = sys.__stdin__, sys.__stdout__
    if source is None or sink is None or not (source.isatty() and sink.isatty()):
        return _nothing
    import termios

    descriptor = source.fileno()
    mode = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    size = os.get_terminal_size(sink.fileno())
    os.write(sink.fileno(), (_ENTER + frame(size.columns, size.lines, files)).encode())

    def undo() -> None:
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
        os.write(sink.fileno(), _LEAVE.encode())

    return undo


def _nothing() -> None:
    pass


def frame(columns: int, lines: int, files: tuple[str, ...]) -> str:
    """The frame as text to write: a title, and a status line at the bottom."""
    names = "  ".join(os.path.basename(name.rstrip("/")) for name in files)  # noqa: PTH119
    title = f" {names or 'codeexec-tui'} "[: max(columns, 1)]
    status = " ◌ starting"[: max(columns, 1)]
    return f"\x1b[1;1H\x1b[2m{title}\x1b[0m\x1b[{lines};1H\x1b[2m{status}\x1b[0m"
