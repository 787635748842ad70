"""A first frame, and the first keys, before anything of weight is imported.

The frame is written raw and shows the workbench's lines where they will be. Until the workbench
can read the keyboard a thread does: plain characters are shown at the prompt at once, and all
that was typed is handed over. Only the standard library, and little of it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Thread

_ENTER = "\x1b[?1049h\x1b[H\x1b[2J"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_PROMPT = "  [1] "


class FirstFrame:
    """Holds the terminal until `hand_over`; `leave` puts it back as it was."""

    def __init__(self, source: int, sink: int, files: tuple[str, ...]) -> None:
        import termios

        self._source, self._sink = source, sink
        self._mode = termios.tcgetattr(source)
        quiet = termios.tcgetattr(source)
        # Ctrl+S and Ctrl+Q are keys like others, not the line's own brake.
        quiet[0] &= ~(termios.ICRNL | termios.IXON)
        quiet[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
        termios.tcsetattr(source, termios.TCSANOW, quiet)
        size = os.get_terminal_size(sink)
        self._columns, self._lines = size.columns, size.lines
        self._echoes = begins_at_prompt(files)
        self._typed = b""
        self._shown = ""
        self._thread: Thread | None = None
        self._pipe = (-1, -1)
        text = frame(size.columns, size.lines, files)
        os.write(sink, (_ENTER + text).encode())
        self._listen()

    # -- keys --------------------------------------------------------------------------------

    def show(self, text: str) -> None:
        """Write something more, and leave the cursor where it was."""
        os.write(self._sink, f"\x1b7{text}\x1b8".encode())

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal."""
        return self._columns, self._lines

    def ask(self, questions: bytes) -> None:
        """Write questions to the terminal; it answers them among the keys."""
        os.write(self._sink, questions)

    def _listen(self) -> None:
        from threading import Thread

        self._pipe = os.pipe()
        self._thread = Thread(target=self._read, name="first keys", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        import select

        while True:
            ready, _, _ = select.select([self._source, self._pipe[0]], [], [])
            if self._pipe[0] in ready:
                return
            try:
                data = os.read(self._source, 4096)
            except OSError:
                return
            if not data:
                return
            self._typed += data
            if self._echoes:
                self._echo()

    def _echo(self) -> None:
        """Show what is typed so far, as long as that is a line of plain characters."""
        text = plain_line(self._typed)[: max(self._columns - len(_PROMPT) - 30, 0)]
        if text != self._shown:
            at = f"\x1b[{max(self._lines - 1, 1)};1H"
            os.write(self._sink, f"{at}{_PROMPT}{text}\x1b[K".encode())
            self._shown = text

    def hand_over(self) -> bytes:
        """Stop reading; all that has been read."""
        if self._thread is not None:
            os.write(self._pipe[1], b".")
            self._thread.join()
            for end in self._pipe:
                os.close(end)
            self._thread = None
        return self._typed

    @property
    def typed(self) -> bytes:
        """All that has been read so far."""
        return self._typed

    def leave(self) -> None:
        """Put the terminal back, whether the workbench has done so or not."""
        import termios

        if self._thread is not None:
            self.hand_over()
            os.write(self._sink, _LEAVE.encode())
        # Else the workbench had the screen, and has left it itself.
        termios.tcsetattr(self._source, termios.TCSANOW, self._mode)


def first_frame(files: tuple[str, ...]) -> FirstFrame | None:
    """Paint it; None where there is no terminal."""
    source, sink = sys.__stdin__, sys.__stdout__
    if source is None or sink is None or not (source.isatty() and sink.isatty()):
        return None
    return FirstFrame(source.fileno(), sink.fileno(), files)


def begins_at_prompt(files: tuple[str, ...]) -> bool:
    """Whether the keys go to the prompt: a folder is where one works, a file is opened."""
    return all(os.path.isdir(name) for name in files)  # noqa: PTH112  (pathlib is of weight)


def plain_line(typed: bytes) -> str:
    """The printable characters at the beginning of what was typed, less those rubbed out, and
    the terminal's answers left out; what comes after another key is not shown yet."""
    text = typed.decode("utf-8", "ignore")
    shown: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\x1b" and at + 1 < len(text) and text[at + 1] in "[P_":
            at = _end_of_answer(text, at)
            continue
        if text[at] == "\x7f":
            del shown[-1:]
        elif text[at].isprintable():
            shown.append(text[at])
        else:
            break
        at += 1
    return "".join(shown)


def _end_of_answer(text: str, at: int) -> int:
    """Behind an escape sequence."""
    if text[at + 1] in "P_":
        end = text.find("\x1b\\", at)
        return len(text) if end < 0 else end + 2
    end = at + 2
    while end < len(text) and not "@" <= text[end] <= "~":
        end += 1
    return end + 1


def frame(columns: int, lines: int, files: tuple[str, ...]) -> str:
    """The frame as text to write: a title, a status line at the bottom, and the prompt."""
    names = "  ".join(name.rstrip("/").rpartition("/")[2] for name in files)
    title = f" {names or 'codeexec-tui'} "[: max(columns, 1)]
    status = " ◌ starting"[: max(columns, 1)]
    prompt = f"\x1b[{max(lines - 1, 1)};1H{_PROMPT}" if begins_at_prompt(files) else ""
    return f"\x1b[1;1H\x1b[2m{title}\x1b[{lines};1H{status}\x1b[0m{prompt}"
