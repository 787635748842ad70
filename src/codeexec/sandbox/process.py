"""A helper process that answers messages: its start, one exchange before a deadline, its end."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from codeexec.sandbox.messages import HEAD, MOST_BYTES

_KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_DATA_HOME", "TMPDIR", "TMP", "TEMP"),
)
"""Variables of the environment that the process gets: none that names a proxy or a token."""


class AnswerTooLarge(Exception):
    """A part of an answer has more than MOST_BYTES; the process was ended."""


class HelperProcess:
    """A Python process that runs `code`, which ends with a call of its main function. Raises
    OSError where it cannot start. Its methods block; call one at a time."""

    def __init__(
        self, code: str, arguments: Sequence[str] = (), descriptors: Sequence[int] = ()
    ) -> None:
        """`descriptors` are open files that the process gets, under the same numbers."""
        folders = [folder for folder in sys.path if Path(folder).is_absolute()]
        path_code = "import json, sys\nsys.path[:] = json.loads(sys.argv.pop())\n"
        command = [sys.executable, "-I", "-c", path_code + code, *arguments, json.dumps(folders)]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            start_new_session=True,  # Ctrl+C is ours
            pass_fds=tuple(descriptors),
        )
        for stream in (self._child.stdin, self._child.stdout):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)

    @property
    def pid(self) -> int | None:
        """None once it has ended."""
        return self._child.pid if self._child.poll() is None else None

    @property
    def has_failed(self) -> bool:
        """Whether it has ended other than by itself."""
        return bool(self._child.poll())

    def has_ended_by_itself(self) -> bool:
        """Wait for the end of a process that closed its streams."""
        return self._child.wait() == 0

    def kill(self) -> None:
        self._child.kill()

    def end(self) -> None:
        """Kill the process and close the streams."""
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # bytes that the process did not take
                    stream.close()

    def exchange(self, first: bytes, second: bytes, seconds: float) -> tuple[bytes, bytes] | None:
        """Both parts of the answer to a message; None where the process ends before. Raises
        TimeoutError, and AnswerTooLarge."""
        end = time.monotonic() + seconds
        jobs, answers = self._child.stdin, self._child.stdout
        assert jobs is not None
        assert answers is not None
        try:
            message = HEAD.pack(len(first), len(second)) + first + second
            _write(jobs.fileno(), message, end)
            head = _read(answers.fileno(), HEAD.size, end)
            if head is None:
                return None
            lengths = HEAD.unpack(head)
            if max(lengths) > MOST_BYTES:
                self.end()
                raise AnswerTooLarge
            body = _read(answers.fileno(), sum(lengths), end)
        except BrokenPipeError:
            return None
        return None if body is None else (body[: lengths[0]], body[lengths[0] :])


def _wait(descriptor: int, event: int, end: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(end - time.monotonic(), 0)):
            raise TimeoutError


def _write(descriptor: int, message: bytes, end: float) -> None:
    """Write the message before `end`. Raises TimeoutError and BrokenPipeError."""
    unsent = memoryview(message)
    while unsent:
        _wait(descriptor, selectors.EVENT_WRITE, end)
        unsent = unsent[os.write(descriptor, unsent[:65536]) :]


def _read(descriptor: int, size: int, end: float) -> bytes | None:
    """So many bytes before `end`; None where the stream ends. Raises TimeoutError."""
    chunks = bytearray()
    while len(chunks) < size:
        _wait(descriptor, selectors.EVENT_READ, end)
        chunk = os.read(descriptor, size - len(chunks))
        if not chunk:
            return None
        chunks += chunk
    return bytes(chunks)
