"""Addresses of pages as a person uses them: the URL, and the way to it from another machine."""

from __future__ import annotations

import getpass
import shlex
import subprocess
import sys
from collections.abc import Mapping

from codeexec.client.wire import Address
from codeexec.domain.errors import Unavailable
from codeexec.domain.requests import PageAddress
from codeexec.hostfiles.programs import safe_environ, which

_PATIENCE = 5.0
"""Seconds after which the program that was started has become the browser."""


def page_url(page: PageAddress, server: Address | None = None) -> str:
    """The URL for a browser. `server` is where a client elsewhere calls the server."""
    if page.origin or server is None:
        return f"{page.origin}{page.path}"
    return f"{server}{page.path}"


def forward_command(page: PageAddress, environ: Mapping[str, str], server: Address | None) -> str:
    """The command that makes the loopback address of the server one of the machine on which the
    browser is; empty where that is this machine, or the server has an address of its own."""
    if not page.port:
        return ""
    forward = f"ssh -N -L {page.port}:127.0.0.1:{page.port}"
    if server is not None and server.ssh:
        port = f" -p {server.port}" if server.port else ""
        return f"{forward}{port} {shlex.quote(server.ssh)}"
    # "client port server port": https://man.openbsd.org/ssh#SSH_CONNECTION
    parts = environ.get("SSH_CONNECTION", "").split()
    if len(parts) != 4:
        return ""
    port = f" -p {parts[3]}" if parts[3] != "22" else ""
    return f"{forward}{port} {shlex.quote(f'{getpass.getuser()}@{parts[2]}')}"


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether a browser with a window of its own can be opened here, and is where the user sits."""
    if environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(
        environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")
    )


def open_in_browser(url: str) -> None:
    """Open the browser of this machine. Blocks for a moment. Unavailable where there is none."""
    command = "open" if sys.platform == "darwin" else "xdg-open"
    program = which(command)
    if program is None:
        raise Unavailable(f"There is no {command} on this machine.", _BY_HAND)
    process = subprocess.Popen(
        [program, url],
        env=safe_environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return
    if code:
        raise Unavailable(f"{command} could not open the browser (exit code {code}).", _BY_HAND)


_BY_HAND = "Open the address yourself: codeexec-tui page prints one."
