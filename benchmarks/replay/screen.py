"""The program in a tmux window: bytes go in, the text on screen comes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

DEADLINE = 40.0
"""Seconds after which a text that is not on screen is missed."""

ESC = "\x1b"
KEYS = {
    "F1": f"{ESC}OP", "F2": f"{ESC}OQ", "F5": f"{ESC}[15~", "F6": f"{ESC}[17~", "F8": f"{ESC}[19~",
    "F9": f"{ESC}[20~", "F11": f"{ESC}[23~", "F12": f"{ESC}[24~", "Shift+F9": f"{ESC}[20;2~",
    "Esc": ESC, "Enter": "\r", "Tab": "\t", "Up": f"{ESC}[A", "Down": f"{ESC}[B",
    "PgDn": f"{ESC}[6~", "PgUp": f"{ESC}[5~", "Backspace": "\x7f",
    "Home": f"{ESC}[H", "End": f"{ESC}[F",
}  # fmt: skip


class Screen:
    """The program in a tmux window of a given size."""

    def __init__(self, size: str, home: Path, arguments: Sequence[str], number: int = 1) -> None:
        self.columns, self.lines = (int(part) for part in size.split("x"))
        self.home = home
        self.size = size
        self._socket = f"replay-{os.getpid()}-{size}-{number}"
        self._others: list[Screen] = []
        folders = ("CONFIG", "STATE", "DATA", "CACHE", "RUNTIME")
        environment = [f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}={home}/{name}"
                       for name in folders]  # fmt: skip
        for name in folders:
            (home / name).mkdir(mode=0o700, exist_ok=True)
        self._program = ["env", *environment, f"HOME={home}", sys.executable, "-m", "codeexec"]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(self.columns), "-y",
                   str(self.lines), "-c", str(home / "work"), *self._program, *arguments,
                   ";", "set-option", "-s", "set-clipboard", "on")  # fmt: skip

    def another(self, *arguments: str) -> Screen:
        """The program once more, in a second terminal, with the same home."""
        number = 2 + len(self._others) + 10 * int(self._socket.rsplit("-", 1)[1])
        other = Screen(self.size, self.home, arguments, number)
        self._others.append(other)
        return other

    def shell(self, *arguments: str) -> str:
        """What a command of the program prints, errors included."""
        done = subprocess.run(
            [*self._program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, cwd=self.home / "work",
        )  # fmt: skip
        return done.stdout

    def ends(self) -> None:
        """The program has left its terminal."""
        self.until(lambda: not self._tmux("list-sessions"), "it has not left")

    def clipboard(self) -> str:
        """What the program copied by OSC 52."""
        return self._tmux("show-buffer")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, check=False
        )
        return done.stdout

    def styled(self) -> str:
        """The text with its colours."""
        return self._tmux("capture-pane", "-e", "-p")

    def text(self) -> str:
        return self._tmux("capture-pane", "-p")

    def send(self, data: str) -> None:
        """Bytes in one read."""
        self._tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data.encode()))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.send(_sequence(key))
            # As fast as a hand: an Esc that is followed within 0.1 s is Alt.
            time.sleep(0.2 if key == "Esc" else 0.05)

    def run(self, code: str, count: int) -> None:
        """Run code at the prompt; `count` is its number in the session."""
        self.press("Alt+2")
        self.send(f"{code}\r")
        self.shows(f"[{count + 1}]", "● idle")

    def shows(self, *texts: str) -> None:
        for text in texts:
            self.until(partial(self._has, text), f"{text!r} missing")

    def _has(self, text: str) -> bool:
        return text in self.text()

    def paints(self, code: str) -> None:
        self.until(lambda: code in self.styled(), f"{code!r} is not painted")

    def hides(self, text: str) -> None:
        self.until(lambda: text not in self.text(), f"{text!r} still there")

    def until(self, holds: Callable[[], bool], problem: str) -> None:
        until = time.monotonic() + DEADLINE
        while not holds():
            if time.monotonic() > until:
                raise AssertionError(f"{problem}\n{self.text()}")
            time.sleep(0.05)

    def place(self, text: str, last: bool = False) -> tuple[int, int]:
        """Column and row of a text on screen, from 1; of the last row that has it if `last`."""
        self.shows(text)
        rows = [(row, line) for row, line in enumerate(self.text().split("\n"), 1) if text in line]
        row, line = rows[-1 if last else 0]
        return line.index(text) + 1, row

    def click(self, text: str, *, button: int = 0, right: int = 0, last: bool = False) -> None:
        """Press and release a button on a text; 0 is the left, 2 the right one."""
        column, row = self.place(text, last)
        self.click_at(column + right, row, button)

    def click_at(self, column: int, row: int, button: int = 0) -> None:
        self.send(f"{ESC}[<{button};{column};{row}M{ESC}[<{button};{column};{row}m")

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press, move in three steps, release: each in a read of its own, as a hand does."""
        self.send(f"{ESC}[<0;{start[0]};{start[1]}M")
        time.sleep(0.2)
        for step in (1, 2, 3):
            column, row = (a + (b - a) * step // 3 for a, b in zip(start, end, strict=True))
            self.send(f"{ESC}[<32;{column};{row}M")
            time.sleep(0.1)
        self.send(f"{ESC}[<0;{end[0]};{end[1]}m")
        time.sleep(0.2)

    def wheel(self, text: str, steps: int) -> None:
        column, row = self.place(text)
        code = 65 if steps > 0 else 64
        for _ in range(abs(steps)):
            self.send(f"{ESC}[<{code};{column};{row}M")

    def stop(self) -> None:
        for other in self._others:
            other.stop()
        self._tmux("kill-server")


def _sequence(key: str) -> str:
    if key in KEYS:
        return KEYS[key]
    if key.startswith("Alt+"):
        return ESC + key.removeprefix("Alt+")
    if key.startswith("Ctrl+"):
        return chr(ord(key[-1].upper()) & 0x1F)
    return key
