"""A line to the session server of another machine: the stdio of the system's `ssh`.

`ssh` reads the user's own configuration, asks their agent, and goes over their jump hosts; it
starts `codeexec-tui --relay` there. No port is opened on either side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from codeexec import __version__
from codeexec.client.ssh.relay import MARK
from codeexec.client.wire import Address, WebSocketConnection
from codeexec.domain.text.printable import printable
from codeexec.domain.wire.schema import SCHEMA
from codeexec.environments.ssh.command import line_command
from codeexec.environments.ssh.failures import SshFailure, missing_there, other_version, slow
from codeexec.environments.ssh.process import SshProcess

INSTALLED = "$HOME/.local/share/codeexec-tui/venv"
"""Where `codeexec-tui install` puts it there; comes before all others."""

_RELAY = (
    f'for program in "{INSTALLED}/bin/codeexec-tui" codeexec-tui "$HOME/.local/bin/codeexec-tui"; '
    'do command -v "$program" >/dev/null 2>&1 && exec "$program" --relay; done; '
    'echo; echo "codeexec-tui-relay {\\"is_missing\\":true}"; exit 127'
)


class RelayHello(msgspec.Struct, frozen=True):
    """What the relay says first: its version, or why it has no server."""

    version: str = ""
    schema: int = 0
    is_missing: bool = False
    problem: str = ""
    next_step: str = ""


def _check(name: str, answer: bytes) -> None:
    try:
        hello = msgspec.json.decode(answer, type=RelayHello)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise other_version(name, "an unknown version", __version__) from error
    if hello.is_missing:
        raise missing_there(name)
    if hello.problem:
        problem, step = printable(hello.problem), printable(hello.next_step)
        raise SshFailure("server", f"{name}: {problem}", step)
    if hello.schema != SCHEMA:
        raise other_version(name, f"version {printable(hello.version)}", __version__)


async def connect_over_ssh(
    address: Address,
    on_text: Callable[[bytes], None],
    on_lost: Callable[[str], None],
    timeout: float,
) -> WebSocketConnection:
    """An open connection within `timeout` seconds, on a line that ends with it. SshFailure,
    ServerUnavailable."""
    connection = WebSocketConnection(on_text, on_lost)
    line = SshProcess(line_command(address.ssh, address.port, _RELAY), address.place)
    try:
        async with asyncio.timeout(timeout):
            _check(address.place, await line.answer(MARK, missing_there))
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: connection, sock=line.socket)
            connection.when_lost = line.close
            await connection.open(address)
    except TimeoutError as error:
        connection.abort("timed out")
        raise slow(address.place) from error
    except BaseException:
        connection.abort("given up")
        raise
    finally:
        if connection.when_lost is None:
            line.close()
    return connection
