"""Which execution a message belongs to, and when one has ended: reply and idle, in either order.

The id of an execution is the id of its request on the wire, so a server that adopts a kernel
knows whose output it reads. What we ask besides (completions, variables) has ids of another
kind; output under those comes from a thread of the user's, which the kernel files under the
last request that it saw, and goes to the execution that ran then.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from msgspec.structs import replace

from codeexec.domain.outputs import ErrorInfo
from codeexec.kernels.base import ExecuteCall, Finished, KernelEvent, StreamWritten
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.messages.translate import finished
from codeexec.kernels.jupyter.widgets.comms import execution_of

QUESTION = "codeexec-q-"
LONGEST_LINE = 2000
NO_INPUT = ErrorInfo(
    "StdinNotImplementedError", "The code asks for input, and nobody can answer here."
)
LOST = "[The line to the kernel was cut. Whether the code has run to its end is not known.]\n"
INTERRUPTED = ErrorInfo("KeyboardInterrupt", "The kernel was interrupted as it took up the code.")


def question_id() -> str:
    return QUESTION + secrets.token_hex(8)


def is_about_question(message: Message) -> bool:
    """Whether it is of a question itself, and not of a thread that wrote meanwhile."""
    is_question = message.parent.msg_id.startswith(QUESTION)
    return is_question and message.type in ("execute_input", "error")


@dataclass(slots=True)
class _Open:
    """An execution that has not ended; `end` and `shown` are what its reply says. `failure` is its
    end whatever the reply says, `line` the last line of its output. `was_cut`: the line
    to the kernel was cut meanwhile."""

    end: Finished | None = None
    shown: tuple[KernelEvent, ...] = ()
    idle: bool = False
    error: ErrorInfo | None = None
    is_theirs: bool = False
    is_started: bool = False
    was_cut: bool = False
    call: ExecuteCall | None = None
    failure: ErrorInfo | None = None
    line: str = ""


class Tracker:
    """Pure: messages in, `Finished` out, no clock."""

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._last = ""

    @property
    def is_busy(self) -> bool:
        return bool(self._open)

    @property
    def open_execution(self) -> str:
        """The first that has not ended; empty: none."""
        return next(iter(self._open), "")

    def begin(self, execution: str, call: ExecuteCall | None = None) -> None:
        """A request was sent, or is known to run in a kernel that we adopt. `call` is what to send
        again should the kernel refuse it."""
        self._open[execution] = _Open(call=call)
        self._last = execution

    def overhear(self, execution: str) -> None:
        """Code of another client runs: its reply goes there, and idle alone ends it for us."""
        self._open[execution] = _Open(end=Finished(execution, "ok"), is_theirs=True)

    def owner(self, parent: str) -> str:
        """The execution that output under this parent belongs to; empty: none that we know."""
        if not parent or parent.startswith(QUESTION):
            return self._last
        return execution_of(parent) or parent

    def note_error(self, execution: str, error: ErrorInfo) -> None:
        """An error was shown; it says how the execution ends should its reply be lost."""
        if tracked := self._open.get(execution):
            tracked.error = error
            if tracked.is_theirs:
                tracked.end = Finished(execution, "error", error)

    def note_start(self, execution: str) -> None:
        """The kernel has taken it up."""
        if tracked := self._open.get(execution):
            tracked.is_started = True

    def note_cut(self, execution: str) -> None:
        """The line was cut: the request, or what tells its end, may not have arrived."""
        if tracked := self._open.get(execution):
            tracked.was_cut = True

    def refused(self, reply: Message) -> ExecuteCall | None:
        """The call to send again: the reply says that the kernel does not take it up."""
        tracked = self._open.get(reply.parent.msg_id)
        is_aborted = reply.content.get("status") == "aborted"
        return tracked.call if tracked and is_aborted and not tracked.is_started else None

    def interrupted_before(self, reply: Message) -> None:
        """The code was interrupted: where the kernel has refused it meanwhile, as it does for a
        moment after an error, it ends as interrupted, like code that was taken up."""
        if reply.content.get("status") == "aborted":
            self.fail(reply.parent.msg_id, INTERRUPTED)

    def fail(self, execution: str, error: ErrorInfo) -> None:
        """It ends with this error, whatever the kernel says."""
        if tracked := self._open.get(execution):
            tracked.failure = error

    def note_text(self, execution: str, text: str, error_prefix: str) -> None:
        """The kernel tells errors in the last line of output alone: one with this prefix."""
        tracked = self._open.get(execution)
        if tracked is None:
            return
        lines = (tracked.line + text).replace("\r", "\n").rstrip("\n").rpartition("\n")
        tracked.line = lines[2][-LONGEST_LINE:] + "\n" * text.endswith("\n")
        is_error = lines[2].startswith(error_prefix)
        message = lines[2].removeprefix(error_prefix)[:LONGEST_LINE]
        tracked.failure = ErrorInfo("error", message) if is_error else None

    def replied(self, reply: Message) -> tuple[KernelEvent, ...]:
        """An execute_reply has come."""
        execution = reply.parent.msg_id
        tracked = self._open.get(execution)
        if tracked is None:
            return ()
        tracked.end, tracked.shown = finished(reply, execution)
        # Code that is passed over is never taken up, and some kernels send no idle for it.
        if tracked.idle or tracked.end.status == "aborted":
            return self._close(execution, tracked.end)
        return ()

    def idled(self, execution: str) -> tuple[KernelEvent, ...]:
        """The kernel has said `idle` about this request."""
        tracked = self._open.get(execution)
        if tracked is None:
            return ()
        tracked.idle = True
        return self._close(execution, tracked.end) if tracked.end is not None else ()

    def waits_for_reply(self, execution: str) -> bool:
        tracked = self._open.get(execution)
        return tracked is not None and tracked.idle

    def waits_for_idle(self, execution: str) -> bool:
        tracked = self._open.get(execution)
        return tracked is not None and tracked.end is not None

    def is_open(self, execution: str) -> bool:
        return execution in self._open

    def give_up(self, execution: str, *, interrupted: bool) -> tuple[KernelEvent, ...]:
        """The kernel is idle and no reply will come any more: a signal has eaten it, or a line
        that was cut. Where there was no such line it has ended well if no error is known."""
        tracked = self._open.get(execution)
        if tracked is None:
            return ()
        if tracked.end is not None:
            return self._close(execution, tracked.end)  # its idle was heard by another server
        error = tracked.error or (INTERRUPTED if interrupted else None)
        if error is None and tracked.was_cut:
            lost = Finished(execution, "lost")
            return (StreamWritten(execution, "stderr", LOST), *self._close(execution, lost))
        return self._close(execution, Finished(execution, "error" if error else "ok", error))

    def forget(self) -> None:
        """The kernel is gone, and with it all that was open."""
        self._open.clear()

    def _close(self, execution: str, end: Finished) -> tuple[KernelEvent, ...]:
        tracked = self._open.pop(execution)
        if tracked.failure is not None:
            end = replace(end, status="error", error=tracked.failure)
        return (*tracked.shown, end)
