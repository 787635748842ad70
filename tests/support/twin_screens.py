"""A program in a terminal of ours and in tmux at once: the same keys, and the screens by cells."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.terminals import BLINK, CellStyle, KeyPress, TerminalRow, TerminalScreen
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import emulator_kind
from codeexec.tui.panes.terminal.cells import cell_at
from support.terminals import TerminalClient, open_terminal

COLUMNS, ROWS = 80, 24
DEADLINE = 90.0
_LOOK_EVERY = 0.1
PLAIN = CellStyle()

_KEYS = {
    "enter": "Enter",
    "escape": "Escape",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "tab": "Tab",
    "page_down": "PageDown",
    "page_up": "PageUp",
    "home": "Home",
    "end": "End",
    "f5": "F5",
    "f6": "F6",
    "f10": "F10",
}
"""Names of keys: ours, and tmux's."""


class Key(NamedTuple):
    """A key that types nothing; other strings of a step are typed."""

    name: str
    ctrl: bool = False


class Step(NamedTuple):
    """What is typed, and a text that both screens show after it. `is_steady`: the program shows
    no times or loads then, and the screens can be compared."""

    typed: Sequence[str | Key]
    text: str
    is_steady: bool = True


class Cell(NamedTuple):
    """A character, and how it looks."""

    text: str
    style: CellStyle


@dataclass(frozen=True)
class Difference:
    """A cell in which the screens differ."""

    row: int
    column: int
    ours: Cell
    tmux: Cell

    def __str__(self) -> str:
        place = f"row {self.row} column {self.column}"
        if self.ours.text != self.tmux.text:
            return f"{place}: {self.ours.text!r}, in tmux {self.tmux.text!r}"
        return f"{place} {self.ours.text!r}: {self.ours.style}, in tmux {self.tmux.style}"


class Tmux:
    """A server of tmux of our own with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def call(self, *arguments: str) -> str:
        command = ("tmux", "-f", "/dev/null", "-S", self._socket, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE)
        return done.stdout

    def start(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        env = {"COLORTERM": "truecolor", **env}
        settings = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
        # The options come before the window: its program sees TERM as ours does.
        self.call(
            *("start-server", ";", "set", "-g", "default-terminal", "xterm-256color", ";"),
            *("set", "-g", "status", "off", ";", "set", "-g", "escape-time", "0", ";"),
            *("set", "-g", "remain-on-exit", "on", ";"),
            *("new-session", "-d", "-c", str(cwd), *settings, *size, "--", *argv),
        )

    def type(self, *items: str | Key) -> None:
        for item in items:
            if isinstance(item, Key):
                name = f"C-{item.name}" if item.ctrl else _KEYS[item.name]
                self.call("send-keys", name)
            else:
                self.call("send-keys", "-l", item)

    def text(self) -> str:
        return self.call("capture-pane", "-p")

    def sees(self, text: str) -> None:
        """Wait until the screen has a text."""
        end = time.monotonic() + DEADLINE
        while text not in (shown := self.text()):
            assert time.monotonic() < end, f"tmux never shows {text!r}:\n{shown}"
            time.sleep(0.02)

    def cursor(self) -> tuple[int, int]:
        column, row = self.call("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(row)

    def rows(self) -> list[TerminalRow]:
        """The screen with its colours, as an emulator of ours reads what tmux has drawn."""
        captured = self.call("capture-pane", "-p", "-e", "-N").rstrip("\n").split("\n")
        emulator = emulator_kind().make(TerminalSize(COLUMNS, ROWS))
        try:
            emulator.feed(b"\x1b)0")  # tmux writes lines of boxes as the other character set
            # Each row at its place: one that is full does not wrap into the next.
            for number, row in enumerate(captured[:ROWS], 1):
                emulator.feed(f"\x1b[{number};1H{row}".encode())
            changed = emulator.changed_rows()
        finally:
            emulator.close()
        return [changed.get(number, TerminalRow()) for number in range(ROWS)]

    def stop(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.call("kill-server")


class Twins:
    """The same program in both."""

    def __init__(self, ours: TerminalClient, tmux: Tmux) -> None:
        self.ours = ours
        self.tmux = tmux

    async def step(self, step: Step) -> None:
        """Type into both, and wait until both show a text and have come to rest."""
        items, text = step.typed, step.text
        for item in items:
            if isinstance(item, Key):
                typed = item.name if item.ctrl else ""
                await self.ours.type(KeyPress(item.name, typed, ctrl=item.ctrl))
            else:
                await self.ours.type(item)
        await asyncio.to_thread(self.tmux.type, *items)
        await self.ours.sees(text)
        await asyncio.to_thread(self.tmux.sees, text)

    async def differences(self, patience: float = DEADLINE) -> list[Difference]:
        """Cells that differ, and the cursor as one more; waits for the screens to be equal, for
        `patience` seconds at most."""
        different: list[Difference] = []
        for _ in range(round(patience / _LOOK_EVERY)):
            if not (different := await self._differences_now()):
                break
            await asyncio.sleep(_LOOK_EVERY)
        return different

    async def _differences_now(self) -> list[Difference]:
        rows = await asyncio.to_thread(self.tmux.rows)
        cursor = await asyncio.to_thread(self.tmux.cursor)
        screen = self.ours.screen
        different = compare(screen, rows)
        mine = (screen.cursor.column, screen.cursor.row)
        if mine != cursor:
            cells = Cell(f"cursor at {mine}", PLAIN), Cell(f"cursor at {cursor}", PLAIN)
            different.append(Difference(mine[1], mine[0], *cells))
        return different


def compare(screen: TerminalScreen, rows: Sequence[TerminalRow]) -> list[Difference]:
    """Cells in which a screen differs from rows of another."""
    different = []
    for number, (ours, other) in enumerate(zip(screen.rows, rows, strict=True)):
        for column in range(COLUMNS):
            cells = _cell(ours, column), _cell(other, column)
            if cells[0] != cells[1]:
                different.append(Difference(number, column, *cells))
    return different


def _cell(row: TerminalRow, column: int) -> Cell:
    piece = cell_at(row, column)
    style = piece.style or PLAIN
    # tmux draws no blinking text and keeps no kind of underline for older terminals.
    style = CellStyle(style.foreground, style.background, style.flags & ~BLINK, style.underline)
    if not piece.text.strip():
        style = CellStyle(-1, style.background, style.flags, style.underline)
    return Cell(piece.text, style)


@contextlib.asynccontextmanager
async def twins(
    session: SessionClient, argv: Sequence[str], cwds: tuple[Path, Path], env: Mapping[str, str]
) -> AsyncIterator[Twins]:
    """A program in a terminal of a session and in tmux, both of 80x24, each in a folder of its
    own."""
    request = {"columns": COLUMNS, "rows": ROWS, "folder": str(cwds[0]), "env": dict(env)}
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        tmux = Tmux(Path(folder))
        ours = await open_terminal(session, *argv, **request)
        try:
            async with ours.watch():
                await asyncio.to_thread(tmux.start, argv, cwds[1], dict(env))
                yield Twins(ours, tmux)
        finally:
            await asyncio.to_thread(tmux.stop)
            await session.call(q.CloseTerminal(ours.terminal_id))
