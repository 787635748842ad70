"""A terminal of a Jupyter server that another client opened."""

from __future__ import annotations

from urllib.parse import quote

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import TerminalSize
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.terminals.replay import ReceivedText
from codeexec.kernels.jupyter.remote.terminals.terminal import LOST, SENT_AGAIN, ServedTerminal

KIND = "joined"


class JoinedTerminal(ServedTerminal):
    """A TerminalHandle whose command another client started: its output has no marks, so neither a
    process id nor an exit status is known. `kill` leaves it, as `leave` does: it goes on at the
    server.

    The server gives the program the smallest size of all that show it, and tells that to none."""

    def __init__(self, server: JupyterServer, name: str, size: TerminalSize) -> None:
        super().__init__(server, name, "", size)
        self._is_first = True
        """Whether what comes next is what the server has kept from before we joined."""

    @classmethod
    def resumed(cls, server: JupyterServer, key: str, offset: int) -> JoinedTerminal | None:
        kind, _, name = key.partition(":")
        if kind != KIND or not name:
            return None
        self = cls(server, name, TerminalSize())
        self._is_first = False
        self._take_up(offset)
        return self

    @property
    def key(self) -> str:
        return f"{KIND}:{self.name}"

    async def kill(self) -> None:
        await self.leave()

    async def _open_line(self) -> None:
        # Some servers open a new terminal where a WebSocket names one that is gone.
        answer = await self._server.ask("GET", f"api/terminals/{quote(self.name, safe='')}")
        if answer.status in (404, 410) and answer.is_json:
            raise ServerFailure(
                "gone",
                f"There is no terminal {self.name} on {self._server.name}.",
                "It has ended, or was closed there.",
            )
        if answer.status != 200:
            raise self._server.refused(answer, "a terminal")

    def _take_setup(self) -> None:
        super()._take_setup()
        self._decide("joined")

    async def _take(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        if self._is_first:
            self._is_first = False
            self.repeated_until = self._delivered + len(data)
        self._received.add(text)
        await self._give(data)

    async def _take_again(self, text: str) -> None:
        lost, self._is_taken_up = SENT_AGAIN if self._is_taken_up else LOST, False
        unseen = self._received.unseen(text)
        if unseen is None:
            self._received = ReceivedText()
            self._is_first = True
            await self._give(lost)
        await self._take(text if unseen is None else unseen)

    def _gone(self) -> EnvironmentUnavailable:
        return EnvironmentUnavailable(
            f"The terminal {self.name} has ended on {self._server.name}, or was closed there.",
            "Open another terminal.",
        )
