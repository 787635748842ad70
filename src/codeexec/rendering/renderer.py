"""Client of the helper process that draws: starts it on need, and ends it at a deadline.

One picture is drawn at a time. A process that ends costs the picture that it was drawing; the next
picture gets a new one.
"""

from __future__ import annotations

import atexit
import json
import math
import threading

from codeexec.rendering.faults import Fault
from codeexec.sandbox.messages import MOST_BYTES
from codeexec.sandbox.process import AnswerTooLarge, HelperProcess

SECONDS = 10
"""Time that a picture may take, and its processor time."""

_CHILD = """\
from codeexec.rendering.faults import Fault
from codeexec.rendering.worker import main
main()
"""


class Renderer:
    """The helper process of this process. Its methods block; call them in a thread."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._child: HelperProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process that would draw the next picture; None where it has yet to be started."""
        child = self._child
        return child.pid if child is not None else None

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
        if child is not None:
            child.end()

    def _ended_idle(self) -> bool:
        """Whether the process ended by itself, before it saw the job."""
        child = self._child
        if child is None or not child.has_ended_by_itself():
            return False
        self._stop()
        return True

    def _answer(self, job: bytes, payload: bytes) -> tuple[bytes, bytes] | None:
        """Both parts of the answer; None where the process ends. Raises Fault."""
        child = self._started()
        try:
            return child.exchange(job, payload, self._seconds)
        except AnswerTooLarge:
            self._stop()
            raise Fault("it needs too much memory") from None
        except TimeoutError:
            self._stop()
            raise Fault(f"it takes more than {self._seconds:g} s") from None

    def _started(self) -> HelperProcess:
        """The process. Raises Fault."""
        if self._child is not None and self._child.has_failed:
            self._stop()  # killed from outside while it was idle
        if self._child is None:
            try:
                self._child = HelperProcess(_CHILD, [str(math.ceil(self._seconds))])
            except OSError as error:
                raise Fault(f"its renderer cannot start, {error.strerror}") from error
        return self._child


renderer = Renderer()
"""The one of this process."""

atexit.register(renderer.end)
