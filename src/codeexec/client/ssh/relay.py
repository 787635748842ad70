"""The far end of a line over ssh: joins stdin and stdout to the user's session server there.

No event loop and little to import: each line starts this once.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping

from codeexec import __version__
from codeexec.client import spawn
from codeexec.client.spawn import Starting
from codeexec.domain.errors import CodeexecError, ServerUnavailable
from codeexec.domain.wire.schema import SCHEMA

MARK = b"codeexec-tui-relay "
"""Begins the line of JSON before which a login shell may have printed anything."""

_START_WAIT = 90.0
_POLL = 0.02
_CHUNK = 1 << 16


def relay() -> int:
    """Start the session server unless it runs, announce it, and pass bytes both ways until one end
    closes; the exit code."""
    try:
        server = _connect()
    except CodeexecError as error:
        _tell({"problem": error.message, "next_step": error.next_step})
        return 1
    _tell({"version": __version__, "schema": SCHEMA})
    threading.Thread(target=_send, args=(server,), daemon=True).start()
    while chunk := _receive(server):
        _write(chunk)
    return 0


def _connect() -> socket.socket:
    starting = spawn.begin()
    end = time.monotonic() + _START_WAIT
    while True:
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(starting.socket())
            return server
        except OSError as error:
            server.close()
            starting = _check(starting, error, is_late=time.monotonic() > end)
        time.sleep(_POLL)


def _check(starting: Starting, error: OSError, *, is_late: bool) -> Starting:
    """What to wait for now. ServerUnavailable when the server will not come."""
    if (problem := starting.problem()) is not None:
        raise problem
    if is_late:
        raise ServerUnavailable(
            f"The session server did not start within {_START_WAIT:.0f} s: {error.strerror}.",
            f"Its log is {starting.paths.log}.",
        )
    if starting.process is None or starting.process.poll() is not None:
        return starting.again()
    return starting


def _tell(fields: Mapping[str, object]) -> None:
    _write(b"\n" + MARK + json.dumps(dict(fields)).encode() + b"\n")


def _send(server: socket.socket) -> None:
    """Pass on what comes from the near end, until it closes."""
    try:
        while chunk := os.read(0, _CHUNK):
            server.sendall(chunk)
    except OSError:
        pass
    finally:
        _shut_down(server)


def _shut_down(server: socket.socket) -> None:
    try:
        server.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has closed by itself


def _receive(server: socket.socket) -> bytes:
    try:
        return server.recv(_CHUNK)
    except OSError:
        return b""


def _write(text: bytes) -> None:
    unwritten = memoryview(text)
    while unwritten:
        unwritten = unwritten[os.write(1, unwritten) :]
