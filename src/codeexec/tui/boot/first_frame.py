"""The first frame and the first keys, before heavy modules are imported.

The frame is written raw and shows the workbench's lines where they will be. Until the workbench
can read the keyboard a thread does: plain characters are shown at the prompt at once, and all
that was typed, less the lines that were run meanwhile, is handed over. Only the standard library,
and little of it.
"""

from __future__ import annotations

import os
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

from codeexec.domain.text.printable import printable
from codeexec.tui.turns import begin_short_turns, end_short_turns

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Thread

_ENTER = "\x1b[?1049h\x1b[H\x1b[2J"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_MODES_OFF = (
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # the mouse
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u\x1b[?7h"
)
_STARTING = " ◌ starting"
_PATIENCE = 0.1
"""Seconds after an Escape: what comes later is another key."""


class FirstFrame:
    """Owner of the terminal from `begin` until `hand_over`; `leave` restores it."""

    def __init__(self, source: int, sink: int, files: tuple[str, ...]) -> None:
        import termios
        from threading import Lock

        size = os.get_terminal_size(sink)
        self._columns, self._lines = size.columns, size.lines
        self._text = frame(size.columns, size.lines, files)
        self._source, self._sink = source, sink
        self._mode = termios.tcgetattr(source)
        self._has_screen = False
        self._typed = b""
        self._shown = 0
        self._prompt: tuple[int, int, int] | None = None
        self._number = 1
        self._tell: Callable[[], None] | None = None
        self._lock = Lock()
        self._thread: Thread | None = None
        self._pipe = (-1, -1)

    def begin(self) -> None:
        """Take the terminal, paint, and read the keys; whatever comes of that, `leave` is due."""
        import termios

        quiet = termios.tcgetattr(self._source)
        # Ctrl+S and Ctrl+Q are keys like others, not the line's own brake.
        quiet[0] &= ~(termios.ICRNL | termios.IXON)
        quiet[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
        termios.tcsetattr(self._source, termios.TCSANOW, quiet)
        self._typed = self._typed_before()
        self._has_screen = True
        os.write(self._sink, (_ENTER + self._text).encode())
        self._listen()

    # -- what is on screen -------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal."""
        return self._columns, self._lines

    def show(self, text: str) -> None:
        """Write something more, and leave the cursor where it was."""
        os.write(self._sink, f"\x1b7{text}\x1b8".encode())

    def show_starting(self, step: int) -> None:
        """Say that the start goes on; `step` counts up."""
        label = f"{_STARTING} {'·' * (step % 4):<3}"[: self._columns]
        self.show(f"\x1b[{self._lines};1H\x1b[2m{label}\x1b[22m")

    def ask(self, questions: bytes) -> None:
        """Write questions to the terminal; it answers them among the keys."""
        os.write(self._sink, questions)

    def begin_prompt(self, column: int, row: int, width: int) -> None:
        """Have the prompt there (cells, counted from 0), and what is typed in it."""
        with self._lock:
            self._prompt = (column, row, width)
            self._echo()

    def number_prompt(self, number: int) -> None:
        """What is typed next is run under this number."""
        with self._lock:
            self._number = number
            self._echo()

    def _echo(self) -> None:
        """Show what is typed so far, as long as that is a line of plain characters."""
        if self._prompt is None:
            return
        column, row, width = self._prompt
        prompt = f"  [{self._number}] "
        # What does not fit is not shown yet.
        text, cells = fit(prompt + plain_line(self._typed), width - 1)
        blank = self._shown - cells
        rub_out = f"{' ' * blank}\x1b[{blank}D" if blank > 0 else ""
        os.write(self._sink, f"\x1b[{row + 1};{column + 1}H{text}{rub_out}".encode())
        self._shown = cells

    # -- keys --------------------------------------------------------------------------------

    def _typed_before(self) -> bytes:
        """What was typed while the terminal was still the shell's, whose Enter is another one."""
        import select

        typed = b""
        while select.select([self._source], [], [], 0)[0]:
            data = os.read(self._source, 4096)
            if not data:
                break
            typed += data
        return typed.replace(b"\n", b"\r")

    def _listen(self) -> None:
        from threading import Thread

        self._pipe = os.pipe()
        begin_short_turns()
        thread = Thread(target=self._read, name="first keys", daemon=True)
        thread.start()
        self._thread = thread

    def _read(self) -> None:
        import select

        read_at = monotonic()
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
            with self._lock:
                self._typed = joined(self._typed, data, monotonic() - read_at)
                self._echo()
                tell = self._tell
            read_at = monotonic()
            if tell is not None:
                tell()

    def on_keys(self, tell: Callable[[], None] | None) -> None:
        """Call this, in another thread, whenever something was typed."""
        with self._lock:
            self._tell = tell

    @property
    def typed(self) -> bytes:
        """All that has been read so far, and was not taken."""
        return self._typed

    @property
    def line(self) -> str | None:
        """The first line that was typed, up to its Enter; None while there is no such line."""
        return first_line(self._typed)[0]

    def take_line(self) -> None:
        """That line is not to be handed over."""
        with self._lock:
            self._typed = first_line(self._typed)[1]
            self._echo()

    def put_back(self, line: str) -> None:
        """It is, after all."""
        with self._lock:
            self._typed = line.encode() + b"\r" + self._typed
            self._echo()

    def hand_over(self) -> bytes:
        """Stop reading; all that has been read."""
        if self._thread is not None:
            os.write(self._pipe[1], b".")
            self._thread.join()
            end_short_turns()
            for end in self._pipe:
                os.close(end)
            self._thread = None
            self._prompt = None  # what is shown there stays until the workbench shows it
        typed, self._typed = self._typed, b""
        return typed

    def give_up_screen(self) -> list[Any]:
        """Leave the screen to the workbench; the terminal's mode before the start, as termios."""
        self._has_screen = False
        return self._mode

    def leave(self) -> None:
        """Put the terminal back, whether the workbench has done so or not."""
        import termios

        self.hand_over()
        try:
            if self._has_screen:
                os.write(self._sink, _LEAVE.encode())
            termios.tcsetattr(self._source, termios.TCSANOW, self._mode)
        except (OSError, termios.error):
            return  # there is no terminal any more

    def restore(self) -> None:
        """Restore the terminal from a signal handler, at any moment.

        It waits for no lock, and also switches off the modes that the workbench may have switched
        on meanwhile.
        """
        import termios

        try:
            # Textual writes to standard error, in a thread: not after us.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.write(self._sink, (_MODES_OFF + _LEAVE).encode())
            termios.tcsetattr(self._source, termios.TCSANOW, self._mode)
        except (OSError, termios.error):
            return


def first_frame(files: tuple[str, ...]) -> FirstFrame | None:
    """One that has not begun; None where there is no terminal."""
    source, sink = sys.__stdin__, sys.__stdout__
    if source is None or sink is None or not (source.isatty() and sink.isatty()):
        return None
    return FirstFrame(source.fileno(), sink.fileno(), files)


def begins_at_prompt(files: tuple[str, ...]) -> bool:
    """Whether the keys go to the prompt: a folder is where one works, a file is opened."""
    return all(os.path.isdir(name) for name in files)  # noqa: PTH112  (pathlib is of weight)


def joined(typed: bytes, data: bytes, pause: float) -> bytes:
    """What was typed with what was read `pause` seconds later. An Escape before a pause is written
    as a whole sequence, else the next character would be one with Alt."""
    is_alone = typed.endswith(b"\x1b") and pause >= _PATIENCE
    return typed + (b"[27u" if is_alone else b"") + data


def plain_line(typed: bytes) -> str:
    """The printable characters at the beginning of what was typed, less those rubbed out, and
    the terminal's answers left out; what comes after another key is not shown yet."""
    return _plain(typed.decode("utf-8", "ignore"))[0]


def first_line(typed: bytes) -> tuple[str | None, bytes]:
    """A line of plain characters that ends with Enter, and what is typed without it; the
    terminal's answers stay. None while there is no such line."""
    text = typed.decode("utf-8", "surrogateescape")
    line, answers, end = _plain(text)
    if text[end : end + 1] != "\r":
        return None, typed
    return line, (answers + text[end + 1 :]).encode("utf-8", "surrogateescape")


def _plain(text: str) -> tuple[str, str, int]:
    """Plain characters, the terminal's answers among them, and where another key comes."""
    typed: list[str] = []
    answers: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\x1b" and (end := _end_of_answer(text, at)):
            answers.append(text[at:end])
            at = end
            continue
        if text[at] == "\x7f":
            del typed[-1:]
        elif text[at].isprintable():
            typed.append(text[at])
        else:
            break
        at += 1
    return "".join(typed), "".join(answers), at


def _end_of_answer(text: str, at: int) -> int:
    """Index after a reply of the terminal to one of our queries; 0 if the sequence is a key."""
    kind = text[at + 1 : at + 2]
    if kind in ("P", "_"):
        return text.find("\x1b\\", at) + 2 if "\x1b\\" in text[at:] else len(text)
    end = at + 2
    while end < len(text) and not "@" <= text[end] <= "~":
        end += 1
    # What it is, and how large its cells are; keys end otherwise.
    return end + 1 if kind == "[" and text[end : end + 1] in ("c", "t") else 0


def fit(text: str, width: int) -> tuple[str, int]:
    """As much of a text as has room in so many cells, and how many it takes."""
    if text.isascii():
        cut = text[: max(width, 0)]
        return cut, len(cut)
    from unicodedata import combining, east_asian_width

    cells = 0
    for at, sign in enumerate(text):
        size = 0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1
        if cells + size > width:
            return text[:at], cells
        cells += size
    return text, cells


def frame(columns: int, lines: int, files: tuple[str, ...]) -> str:
    """The frame as text to write: a title, and a status line at the bottom."""
    names = "  ".join(printable(name.rstrip("/").rpartition("/")[2]) for name in files)
    title = fit(f" {names or 'codeexec-tui'} ", max(columns, 1))[0]
    status = _STARTING[: max(columns, 1)]
    return f"\x1b[1;1H\x1b[2m{title}\x1b[{lines};1H{status}\x1b[0m"
