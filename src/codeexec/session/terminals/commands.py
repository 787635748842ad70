"""Commands of a shell, as the marks of its integration tell them.

A mark is `NONCE;KIND;FIELD`, its field percent-encoded: `P` a prompt will be shown, in the folder
of the field; `A` is where it begins, where the shell tells it; `B` is where the user types; `C` the
command line of the field begins; `D` it has ended, with the exit status of the field.
A mark without the nonce of the terminal is not ours: a file that
was printed may hold any bytes, and does not know the nonce.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import unquote

from msgspec.structs import replace

from codeexec.domain.terminals import TerminalCommand
from codeexec.domain.text.printable import printable
from codeexec.session.terminals.emulator import Mark

MOST_TEXT = 4000
MOST_FOLDER = 1000


class CommandFollower:
    """Makes commands of the marks of one terminal. `started` and `ended` are called with them."""

    def __init__(
        self,
        nonce: str,
        now: Callable[[], float],
        started: Callable[[TerminalCommand], object],
        ended: Callable[[TerminalCommand], object],
        last: TerminalCommand | None = None,
        folder: str = "",
    ) -> None:
        """`last` is the last command of the terminal, from before a restart of the server, and
        `folder` its working folder."""
        self.nonce = nonce
        self._now = now
        self._started = started
        self._ended = ended
        self._number = last.number if last is not None else 0
        self._running = last if last is not None and last.end_row is None else None
        self._prompt_row: int | None = None
        self._input: Mark | None = None
        self._folder = folder
        self.is_at_prompt = False
        """Whether the shell waits for a command line."""

    def input_of(self, mark: Mark) -> Mark | None:
        """Where the command line begins that this mark starts, if the shell does not say its text:
        bash has no name for a line that is not in its history."""
        _, _, payload = mark.text.partition(";")
        return self._input if payload == "C;" and self._is_ours(mark) else None

    def is_prompt(self, mark: Mark) -> bool:
        """Whether the shell shows its prompt."""
        return mark.text.partition(";")[2].startswith("P;") and self._is_ours(mark)

    def _is_ours(self, mark: Mark) -> bool:
        nonce = mark.text.partition(";")[0]
        return bool(self.nonce) and hmac.compare_digest(nonce.encode(), self.nonce.encode())

    def take(self, mark: Mark, text: str = "") -> None:
        """`text` is the command line where the mark has none."""
        if not self._is_ours(mark):
            return
        kind, _, field = mark.text.partition(";")[2].partition(";")
        if kind == "P":
            self.is_at_prompt = True
            self._prompt_row, self._input = mark.row, None
            self._folder = _text(field, MOST_FOLDER)
        elif kind == "A":
            self._prompt_row = mark.row
        elif kind == "B":
            self._input = mark
        elif kind == "C":
            self.is_at_prompt = False
            self.end(mark.row, None)
            self._number += 1
            prompt = self._prompt_row if self._prompt_row is not None else mark.row - 1
            self._running = TerminalCommand(
                self._number,
                _text(field, MOST_TEXT) or _shown(text, MOST_TEXT),
                row=max(min(prompt, mark.row), 0),
                output_row=mark.row,
                started_at=self._now(),
                folder=self._folder,
            )
            self._started(self._running)
        elif kind == "D":
            self.end(mark.row, _status(field))

    def end(self, row: int, exit_code: int | None) -> None:
        """The running command has ended, or its shell has; nothing happens when there is none."""
        if self._running is None:
            return
        ended = replace(
            self._running,
            end_row=max(row, self._running.output_row),
            exit_code=exit_code,
            ended_at=self._now(),
        )
        self._running = None
        self._ended(ended)


def _text(field: str, most: int) -> str:
    return _shown(unquote(field, errors="replace"), most)


def _shown(text: str, most: int) -> str:
    return printable(text[:most].strip(), lines=True)


def _status(field: str) -> int | None:
    return int(field) if field.isascii() and field.isdigit() and len(field) < 6 else None
