"""`sys.stdout`, `sys.stderr`, `input` and `getpass` of the user's code."""

from __future__ import annotations

import codecs
import io
import os
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner.errors import StdinNotImplementedError

if TYPE_CHECKING:
    from queue import SimpleQueue

    from codeexec.guest.runner.channel import FrameWriter


class OutputStream(io.TextIOBase):
    """A text stream whose writes become frames. Its descriptor leads to the same output."""

    def __init__(self, name: str, fd: int, channel: FrameWriter) -> None:
        self._name = name
        self._fd = fd
        self._channel = channel
        self._send = channel.send_text
        self._owner = channel.owner
        self.buffer = io.BufferedWriter(Bytes(self), 1 << 13)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    @property
    def name(self) -> str:
        return "<" + self._name + ">"

    @property
    def line_buffering(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            if self._channel.is_forked:
                os.write(self._fd, text.encode("utf-8", "backslashreplace"))
            else:
                self._send(self._name, self._owner(), text)
        return len(text)

    def flush(self) -> None:
        if not self.buffer.closed:
            self.buffer.flush()
        self._channel.flush()

    def fileno(self) -> int:
        return self._fd

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def reconfigure(self, **_options: Any) -> None:
        """The options of a file's stream mean nothing here."""


class Bytes(io.RawIOBase):
    """Bytes that are written to `sys.stdout.buffer`, as text of the stream."""

    def __init__(self, stream: OutputStream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        self._stream.write(self._decoder.decode(data))
        return len(data)

    def fileno(self) -> int:
        return self._stream.fileno()


class Input:
    """Asks the user. `answers` has what the user answers, put there by the thread that reads."""

    def __init__(self, channel: FrameWriter, answers: SimpleQueue[str]) -> None:
        self._channel = channel
        self._answers = answers
        self.is_allowed = True

    def input(self, prompt: object = "") -> str:
        return self._ask(str(prompt), password=False)

    def getpass(self, prompt: str = "Password: ", stream: object = None, **_options: Any) -> str:
        return self._ask(str(prompt), password=True)

    def _ask(self, prompt: str, *, password: bool) -> str:
        if not self.is_allowed:
            raise StdinNotImplementedError(
                "input was asked for, but nobody can answer where this code runs."
            )
        while not self._answers.empty():
            self._answers.get()  # the answer to a question that was interrupted
        self._channel.send("input", self._channel.owner(), prompt=prompt, password=password)
        return self._answers.get()


class InputStream(io.TextIOBase):
    """`sys.stdin`: a line is asked for where code reads one."""

    def __init__(self, asker: Input) -> None:
        self._asker = asker

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def isatty(self) -> bool:
        return False

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return self._asker.input() + "\n"

    def read(self, size: int | None = -1) -> str:
        """There is no end of the input, so all of it is nothing."""
        return ""
