"""The terminals of a Jupyter server that a session has: opens them, and ends them with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from codeexec.domain.errors import EnvironmentUnavailable, NotFound
from codeexec.domain.terminals import JoinableTerminal
from codeexec.environments.base import Location, TerminalSize
from codeexec.environments.holder.terminal import terminal_env
from codeexec.environments.paths import inside
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import JupyterServer, is_name, title_of
from codeexec.kernels.jupyter.remote.terminals.joined import JoinedTerminal
from codeexec.kernels.jupyter.remote.terminals.scripts import NONCE_VARIABLE, START
from codeexec.kernels.jupyter.remote.terminals.terminal import ServedTerminal

T = TypeVar("T", bound=ServedTerminal)

START_WAIT = 30.0
"""Seconds for a command to start in a terminal."""
_NO_TERMINALS = frozenset({404, 405, 501})
MOST_LISTED = 500
"""Terminals of others in a list."""
ROOT = PurePosixPath("/")
"""How the root of a server is called here: where it is on the machine there is not told."""


class ServedTerminals:
    """Terminals by the server's `/api/terminals` and `/terminals/websocket`."""

    def __init__(self, server: JupyterServer) -> None:
        self._server = server
        self._open: set[ServedTerminal] = set()
        self._endings: set[asyncio.Task[None]] = set()

    async def open(
        self,
        command: Sequence[str],
        size: TerminalSize,
        cwd: Location | None,
        env: Mapping[str, str] | None,
    ) -> ServedTerminal:
        """See `EnvironmentPrimitive.open_terminal`. Cancelled, it leaves no terminal there."""
        folder = "/".join(inside(ROOT, cwd or ""))
        if "\0" in "".join(command):
            raise EnvironmentUnavailable("A command with a NUL is none.", "Leave it out.")
        nonce, name = secrets.token_hex(8), f"codeexec_{secrets.token_hex(6)}"
        terminal = self._track(ServedTerminal(self._server, name, nonce, size))
        creating = asyncio.ensure_future(
            self._create(name, nonce, [folder, *command], terminal_env({}, env or {}))
        )
        try:
            await asyncio.shield(creating)
            async with asyncio.timeout(START_WAIT):
                word = await terminal.begin()
        except TimeoutError:
            await terminal.kill()
            raise EnvironmentUnavailable(
                f"No command starts in a terminal of {self._server.name}: there is no /bin/sh, or "
                "its terminals run one shell alone.",
                "Run commands in a cell: !command",
            ) from None
        except BaseException:
            # The server may make it after an end that came too early.
            self._endings.add(ending := asyncio.create_task(_end_created(creating, terminal)))
            ending.add_done_callback(self._endings.discard)
            raise
        if word == "run":
            return terminal
        await terminal.kill()
        if word == "folder":
            raise EnvironmentUnavailable(
                f"There is no folder {folder} on {self._server.name}.", "Name another one."
            )
        raise EnvironmentUnavailable(
            f"{command[0]!r} cannot be started on {self._server.name}: it is not there.",
            "Check that it is installed there, executable and spelled right.",
        )

    async def joinable(self) -> list[JoinableTerminal]:
        """Those that others opened. ServerFailure."""
        answer = await self._server.ask("GET", "api/terminals")
        await self._check_there(answer.status)
        if answer.status != 200 or not isinstance(answer.content, list):
            raise self._server.refused(answer, "its list of terminals")
        own = {terminal.name for terminal in self._open if not isinstance(terminal, JoinedTerminal)}
        return [
            JoinableTerminal(model["name"], title_of(model.get("last_activity")))
            for model in answer.content
            if isinstance(model, dict) and is_name(model.get("name")) and model["name"] not in own
        ][:MOST_LISTED]

    async def join(self, name: str, size: TerminalSize) -> JoinedTerminal:
        """Take part in a terminal of others. NotFound, ServerFailure."""
        if name not in [terminal.name for terminal in await self.joinable()]:
            raise NotFound(
                f"There is no terminal {name[:100]!r} on {self._server.name}.",
                "It has ended, or was closed there.",
            )
        terminal = JoinedTerminal(self._server, name, size)
        try:
            async with asyncio.timeout(START_WAIT):
                await terminal.begin()
        except BaseException as error:
            await terminal.leave()
            if isinstance(error, TimeoutError):
                raise ServerFailure(
                    "line",
                    f"{self._server.name} does not let us join its terminal {name}.",
                    "Try again.",
                ) from None
            raise
        return self._track(terminal)

    def take_up(self, key: str, offset: int) -> ServedTerminal | None:
        """Go on with a terminal of an earlier session server; see `ServedTerminal.resumed`."""
        terminal = ServedTerminal.resumed(self._server, key, offset)
        terminal = terminal or JoinedTerminal.resumed(self._server, key, offset)
        return None if terminal is None else self._track(terminal)

    async def end_all(self) -> None:
        """End those that were not left to another session server."""
        await asyncio.gather(*(terminal.kill() for terminal in tuple(self._open)))
        await asyncio.gather(*self._endings, return_exceptions=True)

    def _track(self, terminal: T) -> T:
        self._open.add(terminal)
        terminal.on_end = lambda: self._open.discard(terminal)
        return terminal

    async def _create(
        self, name: str, nonce: str, arguments: Sequence[str], env: Mapping[str, str]
    ) -> None:
        unset = dict.fromkeys(("COLUMNS", "LINES"))  # the server sets those of another size
        model = {
            "name": name,
            "shell_command": ["/bin/sh", "-c", START, "sh", *arguments],
            "extra_env": {**unset, **env, NONCE_VARIABLE: nonce},
        }
        answer = await self._server.ask("POST", "api/terminals", model)
        await self._check_there(answer.status)
        if answer.status not in (200, 201):
            raise self._server.refused(answer, "a terminal")
        if answer.fields.get("name") != name:
            raise ServerFailure(
                "server",
                f"{self._server.name} starts no command of ours in a terminal.",
                "Run commands in a cell: !command",
            )

    async def _check_there(self, status: int) -> None:
        if status in _NO_TERMINALS:
            await self._server.version()  # it may be no Jupyter server at all
            raise no_terminals(self._server.name)


async def _end_created(creating: asyncio.Future[None], terminal: ServedTerminal) -> None:
    await asyncio.gather(creating, return_exceptions=True)
    await terminal.kill()


def no_terminals(name: str) -> ServerFailure:
    return ServerFailure(
        "server",
        f"{name} has no terminals: they are switched off there.",
        "Run commands in a cell (!command), or have the server started with "
        "--ServerApp.terminals_enabled=True and the package jupyter_server_terminals.",
    )


def gateway_has_none(name: str) -> ServerFailure:
    return ServerFailure(
        "server",
        f"{name} is a gateway: it serves kernels alone, and has no terminals.",
        "Run commands in a cell: !command",
    )
