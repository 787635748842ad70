"""Commands of a shell, as the marks of its integration tell them.

A mark is `NONCE;KIND;FIELD`, its field percent-encoded: `P` a prompt is shown, in the folder of
the field; `C` the command line of the field begins; `D` it has ended, with the exit status of the
field. A mark without the nonce of the terminal is not ours: a file that was printed may hold any
bytes, and does not know the nonce.
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
    ) -> None:
        """`last` is the last command of the terminal, from before a restart of the server."""
        self.nonce = nonce
        self._now = now
        self._started = started
        self._ended = ended
        self._number = last.number if last is not None else 0
        self._running = last if last is not None and last.end_row is None else None
        self._prompt_row = 0
        self._folder = ""

    def take(self, mark: Mark) -> None:
        nonce, _, rest = mark.text.partition(";")
        if not self.nonce or not hmac.compare_digest(nonce.encode(), self.nonce.encode()):
            return
        kind, _, field = rest.partition(";")
        if kind == "P":
            self._prompt_row = mark.row
            self._folder = _text(field, MOST_FOLDER)
        elif kind == "C":
            self.end(mark.row, None)
            self._number += 1
            self._running = TerminalCommand(
                self._number,
                _text(field, MOST_TEXT),
                row=min(self._prompt_row, mark.row),
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
    return printable(unquote(field, errors="replace")[:most]).strip()


def _status(field: str) -> int | None:
    return int(field) if field.isascii() and field.isdigit() and len(field) < 6 else None
