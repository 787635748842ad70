"""Failures of `ssh` in words: one sentence of what happened, one of what to do."""

from __future__ import annotations

from typing import Literal

from codeexec.domain.errors import ServerUnavailable

Kind = Literal[
    "ssh", "name", "refused", "route", "timeout", "host_key", "login", "config", "missing",
    "version", "server", "line", "python", "gone",
]  # fmt: skip

OWN_FAILURE = 255
"""Exit code of `ssh` for failures of its own; all others are those of the command there."""


class SshFailure(ServerUnavailable):
    """The line could not be opened; `kind` is for programs."""

    code = ServerUnavailable.code
    title = "No line over ssh"

    def __init__(self, kind: Kind, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.kind: Kind = kind


ASKED_ABOUT: frozenset[Kind] = frozenset({"login", "host_key"})
"""Kinds of failures after which `ssh` may be let in when it can ask."""

_OF_MASTER = "Control socket"
_KNOWN: tuple[tuple[tuple[str, ...], Kind, str, str], ...] = (
    (
        ("Could not resolve hostname",),
        "name",
        "The host {name} is not known.",
        "Look at its spelling and at ~/.ssh/config, and whether a VPN is needed.",
    ),
    (
        ("Connection refused",),
        "refused",
        "{name} refuses the connection: no ssh server listens on that port.",
        "Look at the port (--ssh ssh://HOST:PORT/FOLDER), and whether sshd runs there.",
    ),
    (
        ("No route to host", "Network is unreachable"),
        "route",
        "There is no route to {name}.",
        "Look at the network, and whether a VPN or a jump host is needed.",
    ),
    (
        ("timed out", "Timeout, server"),
        "timeout",
        "{name} has not answered in time.",
        "Look whether the machine runs, and whether a firewall drops what is sent to it.",
    ),
    (
        ("REMOTE HOST IDENTIFICATION HAS CHANGED",),
        "host_key",
        "The host key of {name} is another one than before: another machine may answer.",
        "Ask its administrator. If the change is right: ssh-keygen -R {name}",
    ),
    (
        ("Host key verification failed", "No matching host key"),
        "host_key",
        "The host key of {name} is not known yet.",
        "Compare and accept it once: ssh {name}",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "login",
        "{name} does not let us in: no key of yours is accepted there without a question.",
        "Answer its questions in a terminal: codeexec-tui attach --ssh {name}. Or put your key "
        "into the agent (ssh-add) and onto that machine (ssh-copy-id {name}).",
    ),
    (
        ("Bad configuration option", "Bad owner or permissions", "terminating,"),
        "config",
        "ssh cannot read its configuration: {last}.",
        "Mend it, and see that this works: ssh {name} true",
    ),
)


def failure_of(name: str, status: int | None, text: str) -> SshFailure:
    """Why `ssh` ended with this status and this text on stderr; None: it has not ended."""
    # A master connection that has ended is no reason: the line is tried without it.
    lines = [line for line in map(str.strip, text.splitlines()) if line[:14] != _OF_MASTER]
    text = "\n".join(filter(None, lines))
    lines = text.splitlines()
    last = lines[-1].rstrip(".") if lines else ""
    if status == OWN_FAILURE:
        for signs, kind, message, step in _KNOWN:
            if any(sign in text for sign in signs):
                return SshFailure(
                    kind, message.format(name=name, last=last), step.format(name=name)
                )
        why = f": {last}" if last else ""
        return SshFailure("line", f"The line to {name} broke{why}.", f"Try: ssh {name} true")
    if "--relay" in text or "needs a terminal" in text:
        return other_version(name, "an older version")
    if status == 127:
        return missing_there(name, last)
    why = f" Its last words: {last}." if last else ""
    return SshFailure(
        "line", f"{name} closed the line before it answered.{why}", f"Try: ssh {name} true"
    )


def slow(name: str) -> SshFailure:
    """No answer came in time."""
    return SshFailure("timeout", f"{name} has not answered in time.", f"Try: ssh {name} true")


def missing_there(name: str, why: str = "") -> SshFailure:
    """codeexec-tui was not found there."""
    reason = f" ({why})" if why else ""
    return SshFailure("missing", f"codeexec-tui was not found on {name}{reason}.", _install(name))


def other_version(name: str, theirs: str, ours: str = "") -> SshFailure:
    """codeexec-tui there does not understand ours."""
    own = f" (ours is {ours})" if ours else ""
    return SshFailure(
        "version",
        f"codeexec-tui on {name} is {theirs}, which does not understand ours{own}.",
        _install(name),
    )


def _install(name: str) -> str:
    return f"Put this version there: codeexec-tui install {name}"
