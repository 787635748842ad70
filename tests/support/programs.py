"""Our command line as a person or a script starts it: with pipes, or in a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

import nbformat
import pyte

COMMAND = (sys.executable, "-m", "codeexec")
DEADLINE = 90.0
"""Seconds after which a program is given up; a loaded machine may start one in ten."""


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with a home of its own, so that no setting or state of the machine counts."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CODEEXEC_", "XDG_"))}
    env |= {"HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    env.pop("NO_COLOR", None)
    env.pop("TMUX", None)
    return env | dict(extra or {})


def run_piped(
    *words: str,
    home: Path,
    cwd: Path,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    deadline: float = DEADLINE,
) -> subprocess.CompletedProcess[str]:
    """To its end, with pipes; stdin is /dev/null unless given."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=cwd,
        env=environment(home, env),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=deadline,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


class Terminal:
    """A program in a terminal of its own: its screen, its keys, its end."""

    def __init__(
        self,
        words: Sequence[str],
        *,
        home: Path,
        cwd: Path,
        columns: int = 80,
        lines: int = 24,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            [*command, *words],
            cwd=cwd,
            env=environment(home, env),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """Of the program, which leads a session and a group of its own."""
        return self._process.pid

    @property
    def text(self) -> str:
        """What the screen shows, without blanks at line ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def press_until_end(self, keys: str, deadline: float = DEADLINE) -> int:
        """Press keys again and again until the program ends, for what has to be pressed twice
        within a short time; the exit code."""
        until = time.monotonic() + deadline
        while self._process.poll() is None:
            assert time.monotonic() < until, f"it goes on; the screen shows:\n{self.text}"
            self.press(keys)
            self._read(time.monotonic() + 0.2)
        return self.ends()

    def wrote(self, text: str, deadline: float = DEADLINE) -> None:
        """Wait until the program has written it, also where it has erased it since."""
        until = time.monotonic() + deadline
        while text.encode() not in self.raw:
            if not self._read(until):
                raise AssertionError(f"{text!r} was never written; the screen shows:\n{self.text}")

    def shows(self, text: str, deadline: float = DEADLINE) -> None:
        """Wait until it is on the screen."""
        until = time.monotonic() + deadline
        while text not in self.text:
            if not self._read(until):
                raise AssertionError(f"{text!r} never came; the screen shows:\n{self.text}")

    def ends(self, deadline: float = DEADLINE) -> int:
        """Wait for its end; the exit code."""
        until = time.monotonic() + deadline
        while self._read(until):
            pass
        return self._process.wait(max(until - time.monotonic(), 0.1))

    def _read(self, until: float) -> bool:
        left = until - time.monotonic()
        if left <= 0 or not select.select([self._master], [], [], left)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last one who had the terminal open is gone
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


class Desk:
    """A folder to put files in, and our command line started there."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def file(self, name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (self.folder / name).write_bytes(data)
        return name

    def run(
        self,
        *words: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return run_piped(*words, home=self.home, cwd=cwd or self.folder, stdin=stdin, env=env)

    @contextmanager
    def running(self, *words: str) -> Iterator[tuple[subprocess.Popen[str], TextIO]]:
        """The program while it runs, and its lines. It has to end well."""
        process = subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.folder,
            env=environment(self.home),
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = cast("TextIO", process.stdout)
        with lines:
            yield process, lines
        assert process.wait(DEADLINE) == 0

    def terminal(
        self,
        *words: str,
        columns: int = 80,
        lines: int = 24,
        command: Sequence[str] = COMMAND,
    ) -> Terminal:
        return Terminal(
            words,
            home=self.home,
            cwd=self.folder,
            columns=columns,
            lines=lines,
            command=command,
        )


def write_notebook(*sources: str) -> str:
    """The text of a notebook with these code cells."""
    cells = [nbformat.v4.new_code_cell(each) for each in sources]  # type: ignore[no-untyped-call]
    made = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    return str(nbformat.writes(made))  # type: ignore[no-untyped-call]


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """A notebook that Jupyter would open: it is validated."""
    saved: nbformat.NotebookNode = nbformat.read(path, 4)  # type: ignore[no-untyped-call]
    nbformat.validate(saved)
    return saved
