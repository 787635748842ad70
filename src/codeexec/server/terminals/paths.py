"""Paths of WebSockets: that of our own protocol, and those of terminals."""

from __future__ import annotations

import re
from urllib.parse import unquote

from codeexec.domain.wire.frames import SOCKET_PATH

_TERMINAL = re.compile(r"(?:/api)?(?:/v1){1,2}/sessions/([^/]{1,900})/terminal")


def terminal_session(path: str) -> str:
    """The session (id or name) whose terminal this path is; empty for another path."""
    match = _TERMINAL.fullmatch(path)
    return unquote(match[1], errors="replace") if match else ""


def is_socket_path(path: str) -> bool:
    return path == SOCKET_PATH or bool(terminal_session(path))
