"""The ways in which we fail, each with a title, a message and a next step.

User code that fails is not among them: that is an event.

    CodeexecError
    ├── UsageError           the request makes no sense: bad value, unknown name
    ├── NotFound             a session, execution, file or blob that is not there
    ├── Conflict             it is there, but not in a state in which this can be done
    ├── Busy                 the kernel cannot answer this while it runs code
    ├── Unavailable          something that we need is not to be had
    │   ├── KernelUnavailable       no such kernel, or it could not start
    │   ├── EnvironmentUnavailable  no engine, no image, no permission
    │   └── ServerUnavailable       the session server cannot be reached or started
    ├── KernelDied           the kernel went away while we waited for it
    ├── Denied               wrong or missing token, a path outside the workspace
    ├── LimitReached         a limit of this user of the service
    ├── DocumentError        a file that cannot be read as what it says it is
    ├── StorageError         the journal or a file cannot be written
    └── ProtocolError        a frame or message that we cannot read
"""

from __future__ import annotations

from typing import ClassVar


class CodeexecError(Exception):
    """What happened (`message`), and what to do about it (`next_step`).

    `code` names the class on the wire and in `--json` output; it is stable.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".rstrip()


class UsageError(CodeexecError):
    code = "usage"
    title = "That cannot be done"


class NotFound(CodeexecError):
    code = "not_found"
    title = "Not found"


class Conflict(CodeexecError):
    code = "conflict"
    title = "Cannot do that now"


class Busy(CodeexecError):
    code = "busy"
    title = "The kernel is busy"


class Unavailable(CodeexecError):
    code = "unavailable"
    title = "Not available"


class KernelUnavailable(Unavailable):
    code = "kernel_unavailable"
    title = "The kernel could not start"


class EnvironmentUnavailable(Unavailable):
    code = "environment_unavailable"
    title = "The environment is not available"


class ServerUnavailable(Unavailable):
    code = "server_unavailable"
    title = "No session server"


class KernelDied(CodeexecError):
    code = "kernel_died"
    title = "The kernel died"


class Denied(CodeexecError):
    code = "denied"
    title = "Not allowed"


class LimitReached(CodeexecError):
    """`limit` is the name of the limit and `number` its value. `retry_after` is in seconds.
    `is_rate`: it passes by itself; else something has to be removed."""

    code = "limit"
    title = "A limit is reached"

    def __init__(
        self,
        limit: str,
        number: float,
        message: str,
        retry_after: float = 1.0,
        next_step: str = "Wait, then try again.",
        *,
        is_rate: bool = True,
    ) -> None:
        super().__init__(f"{message} The limit is {limit}.", next_step)
        self.limit = limit
        self.number = number
        self.retry_after = retry_after
        self.is_rate = is_rate


class DocumentError(CodeexecError):
    code = "document"
    title = "The file cannot be read"


class StorageError(CodeexecError):
    code = "storage"
    title = "Cannot write"


class ProtocolError(CodeexecError):
    code = "protocol"
    title = "Not understood"


def _tree(cls: type[CodeexecError]) -> dict[str, type[CodeexecError]]:
    # A class that takes over its parent's code is, on the wire, its parent.
    found = {cls.code: cls} if "code" in cls.__dict__ else {}
    for child in cls.__subclasses__():
        found.update(_tree(child))
    return found


def from_code(code: str, message: str, next_step: str = "") -> CodeexecError:
    """The error that came over the wire; an unknown code is a plain CodeexecError."""
    kind = _tree(CodeexecError).get(code, CodeexecError)
    if issubclass(kind, LimitReached):
        error = kind("", 0, "", next_step=next_step)
        error.message = message
        return error
    return kind(message, next_step)
