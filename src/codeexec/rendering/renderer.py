"""Client of the helper process that draws: starts it on need, and ends it at a deadline.

One picture is drawn at a time. A process that ends costs the picture that it was drawing; the next
picture gets a new one.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path

from codeexec.rendering.faults import Fault
from codeexec.rendering.worker import HEAD, MOST_BYTES

SECONDS = 10
"""Time that a picture may take, and its processor time."""

_CHILD = """\
import json, sys
sys.path[:] = json.loads(sys.argv.pop())
from codeexec.rendering.faults import Fault
from codeexec.rendering.worker import main
main()
"""

_KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("FONTCONFIG_FILE", "FONTCONFIG_PATH", "XDG_DATA_HOME", "TMPDIR", "TMP", "TEMP"),
)
"""Variables of the environment that the process gets: none that names a proxy or a token."""


class Renderer:
    """The helper process of this process. Its methods block; call them in a thread."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process that would draw the next picture; None where it has yet to be started."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def draw(self, options: dict[str, str], payload: bytes) -> bytes:
        """The picture of a job as PNG. Raises Fault."""
        job = json.dumps(options).encode()
        if len(payload) > MOST_BYTES:
            raise Fault(f"it is {len(payload) / 1e6:.0f} MB")
        with self._lock:
            answer = self._answer(job, payload)
            if answer is None and self._ended_idle():
                answer = self._answer(job, payload)
            if answer is None:
                self._stop()
                raise Fault("it needs too much memory or time")
        fault, picture = answer
        if fault:
            # The renderer may quote the document.
            words = fault.decode("utf-8", "replace")
            raise Fault("".join(filter(str.isprintable, words))[:200])
        return picture

    def end(self) -> None:
        """End the process; the next picture starts another."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # bytes that the process did not take
                    stream.close()

    def _ended_idle(self) -> bool:
        """Whether the process ended by itself, before it saw the job."""
        child = self._child
        if child is None or child.wait() != 0:
            return False
        self._stop()
        return True

    def _answer(self, job: bytes, payload: bytes) -> tuple[bytes, bytes] | None:
        """Both parts of the answer; None where the process ends. Raises Fault."""
        jobs, answers = self._started()
        end = time.monotonic() + self._seconds
        try:
            _write(jobs, HEAD.pack(len(job), len(payload)) + job + payload, end)
            head = _read(answers, HEAD.size, end)
            if head is None:
                return None
            first, second = HEAD.unpack(head)
            if max(first, second) > MOST_BYTES:
                self._stop()
                raise Fault("it needs too much memory")
            body = _read(answers, first + second, end)
        except BrokenPipeError:
            return None
        except TimeoutError:
            self._stop()
            raise Fault(f"it takes more than {self._seconds:g} s") from None
        return None if body is None else (body[:first], body[first:])

    def _started(self) -> tuple[int, int]:
        """The descriptors of the process for jobs and for answers. Raises Fault."""
        if self._child is not None and self._child.poll():
            self._stop()  # killed from outside while it was idle
        if self._child is None:
            self._child = _start(self._seconds)
        child = self._child
        assert child.stdin is not None
        assert child.stdout is not None
        return child.stdin.fileno(), child.stdout.fileno()


renderer = Renderer()
"""The one of this process."""

atexit.register(renderer.end)


def _start(seconds: float) -> subprocess.Popen[bytes]:
    folders = [folder for folder in sys.path if Path(folder).is_absolute()]
    command = [sys.executable, "-I", "-c", _CHILD, str(math.ceil(seconds)), json.dumps(folders)]
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
            start_new_session=True,  # Ctrl+C is ours
        )
    except OSError as error:
        raise Fault(f"its renderer cannot start, {error.strerror}") from error
    for stream in (child.stdin, child.stdout):
        assert stream is not None
        os.set_blocking(stream.fileno(), False)
    return child


def _wait(descriptor: int, event: int, end: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, event)
        if not selector.select(max(end - time.monotonic(), 0)):
            raise TimeoutError


def _write(descriptor: int, message: bytes, end: float) -> None:
    """Write the message before `end`. Raises TimeoutError and BrokenPipeError."""
    rest = memoryview(message)
    while rest:
        _wait(descriptor, selectors.EVENT_WRITE, end)
        rest = rest[os.write(descriptor, rest[:65536]) :]


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
