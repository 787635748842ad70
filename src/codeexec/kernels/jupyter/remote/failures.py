"""Failures of a Jupyter server in words: one sentence of what happened, one of what to do."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Literal

from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.text.printable import printable

Kind = Literal[
    "refused", "route", "name", "tls", "timeout", "socket", "token", "forbidden", "login", "xsrf",
    "path", "not_jupyter", "old", "gone", "line", "server", "stopped", "user", "spawn", "full",
    "password",
]  # fmt: skip

TOKEN_STEP = (
    "Take the address with its token from `jupyter server list` there, and paste it anew, or set "
    "CODEEXEC_REMOTE_TOKEN. A password goes into CODEEXEC_REMOTE_PASSWORD."
)


_NO_ROOM = ("Too many open files", "Cannot allocate memory", "No space left on device")
"""What a system says of a process, a machine or a disk that is full."""


LONGEST = 1000
"""Characters of a sentence."""


class ServerFailure(KernelUnavailable):
    """A Jupyter server did not do what it was asked; `kind` is for programs."""

    code = KernelUnavailable.code
    title = "The Jupyter server does not do it"

    def __init__(self, kind: Kind, message: str, next_step: str = "") -> None:
        # They may hold words of the server.
        super().__init__(_shown(message), _shown(next_step))
        self.kind: Kind = kind


def unreachable(name: str, error: BaseException) -> ServerFailure:
    """Why no answer has come from the server `name`."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ServerFailure(
                "tls",
                f"The certificate of {name} is not trusted: {cause.verify_message}.",
                "Name the file of its authority: ca_file in [remote.NAME], or SSL_CERT_FILE.",
            )
        if isinstance(cause, ssl.SSLError):
            return ServerFailure(
                "tls",
                f"{name} does not speak TLS as we do: {cause.reason or cause}.",
                "Try http:// in place of https://, or look at the proxy before the server.",
            )
        if isinstance(cause, socket.gaierror):
            return ServerFailure(
                "name",
                f"The name of the host in {name} is not known.",
                "Look at its spelling, and whether a VPN is needed to reach it.",
            )
        if isinstance(cause, ConnectionRefusedError):
            return ServerFailure(
                "refused",
                f"Nothing listens at {name}.",
                "Start the server there, or look at the port: `jupyter server list`.",
            )
        if isinstance(cause, FileNotFoundError | PermissionError):
            return ServerFailure(
                "socket",
                f"The socket of {name} cannot be opened: {cause.strerror}.",
                "Look at its path and its mode, and whether the server runs.",
            )
        if isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return ServerFailure(
                "route",
                f"There is no route to {name}.",
                "Look at the network, and whether a VPN or an ssh tunnel is needed.",
            )
    if any(
        isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__ for cause in causes
    ):
        return ServerFailure(
            "timeout",
            f"{name} has not answered in time.",
            "Look whether the machine runs, and whether a firewall drops what is sent to it.",
        )
    return ServerFailure(
        "line",
        f"The line to {name} broke before an answer came.",
        "Try it again; where that repeats, look at the proxy or the tunnel before the server.",
    )


def refused(name: str, status: int, text: str, *, is_json: bool, asked: str) -> ServerFailure:
    """What an answer with this status means. `text` is the message of its JSON, `asked` says in
    words for what the server was asked."""
    if 300 <= status < 400:
        return ServerFailure(
            "login",
            f"{name} sends us elsewhere, to a login or to a hub whose server does not run.",
            f"Start the server in its hub first. {TOKEN_STEP}",
        )
    if status == 401:
        return ServerFailure("token", f"{name} refuses the token, or misses one.", TOKEN_STEP)
    if status == 403 and "_xsrf" in text:
        return ServerFailure("xsrf", f"{name} wants a token, and was given none.", TOKEN_STEP)
    if status == 403:
        return ServerFailure(
            "forbidden",
            f"{name} refuses {asked}: the token is wrong, or does not allow it.",
            TOKEN_STEP,
        )
    if status in (404, 405, 410) and not is_json:
        return ServerFailure(
            "path",
            f"There is no Jupyter server below {name}.",
            "Look at the path in the address: a server behind a proxy or hub has one before /lab.",
        )
    if status in (404, 410):
        return ServerFailure(
            "gone", f"{name} has no {asked}.", "List its kernels: codeexec-tui kernels"
        )
    if status in (502, 503, 504):
        return ServerFailure(
            "gone",
            f"The proxy before {name} does not reach the server.",
            "Look whether the server runs, or start it in its hub.",
        )
    return ServerFailure(
        "server",
        f"{name} answered with status {status} to {asked}.",
        "The server's log says why.",
    )


def login_ended(name: str, asked: str) -> ServerFailure:
    return ServerFailure(
        "login",
        f"The login at {name} has expired, or does not allow {asked}.",
        f"Restart the kernel to be asked for the password, or run: codeexec-tui doctor "
        f"--server {name}",
    )


def no_password_login(name: str) -> ServerFailure:
    return ServerFailure(
        "login", f"{name} has no login with a password, or refuses the token.", TOKEN_STEP
    )


def full(name: str, status: int, text: str) -> ServerFailure | None:
    """Why a server has no room for one more kernel, where its answer says that."""
    reason = next((reason for reason in _NO_ROOM if reason in text), "")
    if status < 500 or not reason:
        return None
    step = "Stop kernels there that nobody needs: F12 lists them."
    if reason == _NO_ROOM[0]:
        # Each kernel takes six sockets of ZeroMQ, of which a context has 1,023.
        step += (
            " Above 170 kernels start the server with --MultiKernelManager.shared_context=False, "
            "and with a higher limit of open files (ulimit -n)."
        )
    return ServerFailure("full", f"{name} has no room for one more kernel: {reason}.", step)


def gateway_start(name: str, status: int, text: str) -> ServerFailure | None:
    """Why an Enterprise Gateway has not started a kernel, where its answer says that; None: as any
    server. Its `text` may be a traceback, and is not shown."""
    if status == 403 and "not authorized" in text:
        return ServerFailure(
            "user",
            f"{name} starts no kernel for this user.",
            "Name one that may: KERNEL_USERNAME in the environment, or in kernel_env of "
            "[remote.NAME].",
        )
    if "timeout" in text.lower() or "waited too long" in text.lower():
        return ServerFailure(
            "timeout",
            f"{name} has given the start of the kernel up: its cluster took too long.",
            "Set KERNEL_LAUNCH_TIMEOUT, in seconds, as KERNEL_USERNAME is set: in kernel_env of "
            "[remote.NAME]; or look whether the cluster has room.",
        )
    return None


def stopped(name: str) -> ServerFailure:
    return ServerFailure(
        "stopped",
        f"The server {name} does not run.",
        "Run something: its hub starts it then. Or start it on the hub's page.",
    )


def hub_refused(name: str, status: int, text: str, *, user: str) -> ServerFailure:
    """What an answer of the hub `name` with this status means. `text` is its message, `user` whom
    it was asked about; empty: the owner of the token."""
    step = f"Make a token on {name}token, and paste the address anew with ?token=…, or set " + (
        "CODEEXEC_REMOTE_TOKEN."
    )
    told = text.rstrip(".")
    if status == 401 or (status == 403 and ("credentials" in text or not user)):
        return ServerFailure("token", f"The hub {name} refuses the token, or misses one.", step)
    if status == 403:
        about = f" It says: {told}." if told else ""
        return ServerFailure(
            "forbidden", f"The token may not start the server of {user}.{about}", step
        )
    if status == 404:
        return ServerFailure(
            "user",
            f"The hub {name} has no user {user}, or the token is of somebody else."
            if user
            else f"There is no hub at {name}.",
            "Look at the name behind /user/ in the address, and whose token it is."
            if user
            else "Look at the address: GET /hub/api of a hub tells its version.",
        )
    if status == 429:
        return ServerFailure(
            "spawn", f"The hub {name} starts too many servers now.", "Try it again in a minute."
        )
    if status in (502, 503, 504):
        return ServerFailure(
            "gone",
            f"The hub {name} is gone: its proxy does not reach it.",
            "Try it again; whoever runs the hub can look at its log.",
        )
    about = f": {told}." if told else f" with status {status}."
    return ServerFailure(
        "spawn", f"The hub {name} refuses{about}", "The hub's log says more; try it again later."
    )


def spawn_failed(name: str, message: str) -> ServerFailure:
    told = message.rstrip(".") or "the hub does not say why"
    return ServerFailure(
        "spawn",
        f"The hub could not start the server {name}: {told}.",
        "Try it again, start it on the hub's page, or ask who runs the hub: its log says more.",
    )


def not_jupyter(name: str) -> ServerFailure:
    return ServerFailure(
        "not_jupyter",
        f"What answers at {name} is not a Jupyter server.",
        "Look at the port and the path: GET /api of a Jupyter server tells its version.",
    )


def too_large(name: str) -> ServerFailure:
    return ServerFailure(
        "line",
        f"{name} has sent a message that is too large to be taken, and the line was closed.",
        "Show a part of the value, or write it to a file.",
    )


def too_old(name: str, version: str) -> ServerFailure:
    return ServerFailure(
        "old",
        f"The server at {name} is too old: its version is {version}.",
        "Update it there: pip install --upgrade jupyter_server",
    )


def _shown(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, each once."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
        waiting += [each for each in (cause.__cause__, cause.__context__) if each is not None]
