"""REST client of a JupyterHub: whose token it is, the state of a server, its start and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from codeexec.domain.text.printable import printable
from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest_client import JsonAnswer, RestClient

POST_WAIT = 60.0
"""Seconds for the answer to a start or an end: a hub waits 10 s by default before it answers that
it goes on."""

SILENCE = 60.0
"""Seconds without a byte of the progress; a hub sends an empty line each 8 s."""

LONGEST_MESSAGE = 200
RUNNING = "already running"


@dataclass(frozen=True, slots=True)
class ServerState:
    """Of a server: whether the hub knows it, and says that it runs; `pending` is `spawn` or `stop`
    while it changes."""

    is_known: bool = False
    is_ready: bool = False
    pending: str = ""

    @property
    def is_stopped(self) -> bool:
        return not self.is_ready and not self.pending


@dataclass(frozen=True, slots=True)
class SpawnStep:
    """What the hub tells of a start: printable, of one line. `percent` is from 0 to 100."""

    message: str
    percent: int
    has_failed: bool = False


class Hub:
    """The API of one hub, for the server that an address names. Every method raises ServerFailure
    in words."""

    def __init__(self, access: Access) -> None:
        address = access.address
        self.name = address.hub
        self._access = replace(access, address=replace(address, base=address.hub))
        self._client = RestClient(self._access, address.hub)

    async def close(self) -> None:
        await self._client.close()

    async def version(self) -> str:
        answer = await self._client.ask("GET", "api")
        version = answer.fields.get("version")
        if answer.status != 200 or not isinstance(version, str):
            raise self._refused(answer, "")
        return printable(version[:20])

    async def user(self) -> str:
        """The name of the token's owner."""
        answer = await self._client.ask("GET", "api/user")
        name = answer.fields.get("name")
        if answer.status != 200 or not isinstance(name, str) or name in ("", ".", ".."):
            raise self._refused(answer, "")
        return name

    async def state(self, user: str, server: str) -> ServerState:
        answer = await self._client.ask("GET", f"{_user(user)}?include_stopped_servers=1")
        if answer.status != 200:
            raise self._refused(answer, user)
        servers = answer.fields.get("servers")
        if not isinstance(servers, dict):
            # A token with few rights sees no servers in the model of its user.
            raise failures.hub_refused(self.name, 403, "", user=user)
        model = servers.get(server)
        if not isinstance(model, dict):
            return ServerState()
        return ServerState(True, model.get("ready") is True, str(model.get("pending") or ""))

    async def start(self, user: str, server: str) -> float:
        """Returns when the hub has started it, or goes on starting it; the seconds after which it
        is to be asked again where it has no room now, else 0."""
        answer = await self._client.ask("POST", _server(user, server), {}, POST_WAIT)
        if answer.status == 429:
            text = answer.retry_after
            return min(float(text), 60.0) if text.isdigit() and text != "0" else 10.0
        is_running = answer.status == 400 and RUNNING in _message(answer)
        if answer.status not in (200, 201, 202) and not is_running:
            raise self._refused(answer, user)
        return 0.0

    async def stop(self, user: str, server: str, *, remove: bool) -> None:
        """Begin to end it, also while it is starting; with `remove` the hub forgets a named one."""
        body = {"remove": True} if remove and server else None
        answer = await self._client.ask("DELETE", _server(user, server), body, POST_WAIT)
        if answer.status not in (200, 202, 204, 404):
            raise self._refused(answer, user)

    async def progress(self, user: str, server: str) -> AsyncIterator[SpawnStep]:
        """The steps of a start; ends with it, and at once where none is under way."""
        path = f"{_server(user, server)}/progress"
        async for line in self._client.lines(path, SILENCE):
            if line.startswith("data:") and (step := _step(line[5:])) is not None:
                yield step

    async def report_activity(self, user: str, server: str) -> None:
        """Tell that the server is in use now."""
        now = datetime.now(UTC).isoformat()
        body = {"last_activity": now, "servers": {server: {"last_activity": now}}}
        answer = await self._client.ask("POST", f"{_user(user)}/activity", body)
        if answer.status not in (200, 204):
            raise self._refused(answer, user)

    def _refused(self, answer: JsonAnswer, user: str) -> ServerFailure:
        status = 404 if answer.status < 400 else answer.status
        return failures.hub_refused(self.name, status, _message(answer), user=printable(user))


def _user(user: str) -> str:
    return f"api/users/{quote(user, safe='')}"


def _server(user: str, server: str) -> str:
    return f"{_user(user)}/servers/{quote(server, safe='')}" if server else f"{_user(user)}/server"


def _message(answer: JsonAnswer) -> str:
    return _line(answer.fields.get("message"))


def _line(text: object) -> str:
    """The text of a foreign answer as one short line; empty for what is none."""
    if not isinstance(text, str):
        return ""
    return printable(" ".join(text[: 4 * LONGEST_MESSAGE].split())[:LONGEST_MESSAGE])


def _step(text: str) -> SpawnStep | None:
    try:
        event = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    if not isinstance(event, dict):
        return None
    percent = event.get("progress")
    number = percent if isinstance(percent, int | float) and 0 <= percent <= 100 else 0
    return SpawnStep(_line(event.get("message")), int(number), event.get("failed") is True)
