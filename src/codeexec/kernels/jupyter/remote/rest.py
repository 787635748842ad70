"""REST client of a Jupyter server: versions, kernelspecs, kernels and sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from codeexec.domain.text.printable import printable
from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.hub import Hub
from codeexec.kernels.jupyter.remote.login.sign_in import SignIn
from codeexec.kernels.jupyter.remote.offered.spec_resources import spec_resources
from codeexec.kernels.jupyter.remote.rest_client import (
    ANSWER_WAIT,
    Download,
    JsonAnswer,
    RestClient,
)

START_WAIT = 120.0
"""Seconds for a kernel to be made: cluster gateways answer when it runs."""

OLDEST = (1, 0)
"""Version of jupyter_server from which on its API is as we use it."""

GATEWAY_VERSION = "gateway_version"
"""What an Enterprise Gateway has beside its version."""

KERNEL_ID = "KERNEL_ID"
LAUNCH_TIMEOUT = "KERNEL_LAUNCH_TIMEOUT"
"""Variables of a start at an Enterprise Gateway: the id, and the seconds that it may take."""

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})

NO_ACTIVITY = "no_track_activity=1"
"""Of a request that is no use of the server: it may be culled all the same."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""Names of kernelspecs as Jupyter allows them, and ids of kernels: they stand in paths."""

_LONGEST_TITLE = 100

UNKNOWN_USER = frozenset({401, 403})
"""Answers to a token or login that the server does not know, or to what that one may not do."""

STOPPED = frozenset({301, 302, 303, 307, 308, 424})
"""Answers of a hub in place of a server that does not run."""


@dataclass(frozen=True, slots=True)
class RemoteSpec:
    """A kernelspec of the server."""

    name: str
    display_name: str
    language: str
    is_default: bool = False
    resources: str = ""
    """Where a gateway runs it and with what; empty for other servers."""


@dataclass(frozen=True, slots=True)
class RunningKernel:
    """A kernel of the server. `connections` is the number of its WebSockets; `last_activity` is in
    ISO 8601."""

    id: str
    name: str
    state: str
    connections: int = 0
    last_activity: str = ""


@dataclass(frozen=True, slots=True)
class StartedKernel:
    """A kernel that was made; `session_id` is that of the server's session, empty without one."""

    id: str
    session_id: str = ""


class JupyterServer:
    """The REST API of one server. Every method raises ServerFailure in words."""

    def __init__(self, access: Access, sign_in: SignIn | None = None) -> None:
        self.name = access.address.name
        """As the user named it."""
        self._sign_in = sign_in or SignIn()
        self._access = access
        self._client: RestClient | None = None
        self.gateway = ""
        """The version of the Enterprise Gateway that it is, once `version` was asked: its kernels
        take variables, and ids of ours. Empty for other servers."""
        self.hub: Hub | None = Hub(access) if access.address.hub else None
        """That starts the server; None for a server without a hub."""

    @property
    def access(self) -> Access:
        """To the server itself; once it was asked, also where a hub was named."""
        return self._access

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        if self.hub is not None:
            await self.hub.close()

    # -- what there is -------------------------------------------------------------------

    async def version(self) -> str:
        """Of the server; a failure where it is none, or too old."""
        answer = await self.ask("GET", "api")
        if answer.status != 200:
            raise self.refused(answer, "its version")
        version = answer.fields.get("version")
        if not isinstance(version, str):
            raise failures.not_jupyter(self.name)
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if numbers and numbers < OLDEST:
            raise failures.too_old(self.name, version)
        gateway = answer.fields.get(GATEWAY_VERSION)
        self.gateway = printable(gateway[:20]) if isinstance(gateway, str) else ""
        return version

    async def check_token(self) -> None:
        """A failure where the server, or its hub, does not know us."""
        if self.hub is not None:
            await self.hub.user()  # the server itself may not run
        else:
            await self.specs()

    async def specs(self) -> list[RemoteSpec]:
        answer = await self._object("GET", "api/kernelspecs", "its list of kernelspecs")
        default, specs = answer.get("default"), answer.get("kernelspecs")
        found = []
        for name, model in specs.items() if isinstance(specs, dict) else ():
            spec = model.get("spec") if isinstance(model, dict) else None
            spec = spec if isinstance(spec, dict) else {}
            if not is_name(name):
                continue
            title = title_of(spec.get("display_name")) or name
            language = title_of(spec.get("language"))
            found.append(RemoteSpec(name, title, language, name == default, spec_resources(spec)))
        return found

    async def kernels(self) -> list[RunningKernel]:
        answer = await self.ask("GET", "api/kernels")
        if answer.status != 200 or not isinstance(answer.content, list):
            raise self.refused(answer, "its list of kernels")
        models = [model for model in answer.content if isinstance(model, dict)]
        return [_running(model) for model in models if is_name(model.get("id"))]

    async def kernel(self, kernel_id: str) -> RunningKernel | None:
        """None when it is gone."""
        path = f"api/kernels/{quote(kernel_id)}?{NO_ACTIVITY}"
        answer = await self.ask("GET", path)
        if answer.status in (404, 410) and answer.is_json:
            return None
        if answer.status != 200 or not isinstance(answer.content, dict):
            raise self.refused(answer, "a kernel")
        return _running(answer.fields)

    # -- their life ----------------------------------------------------------------------

    async def start(
        self, spec: str, key: str, variables: Mapping[str, str] = NO_VARIABLES
    ) -> StartedKernel:
        """Make a kernel. By `key`, a UUID, it is found again should the answer never arrive: it is
        the kernel's id at an Enterprise Gateway, and in the path of a session elsewhere.
        `variables` are for that gateway, and begin with KERNEL_."""
        kernel: dict[str, object] = {"name": spec} if spec else {}
        if self.gateway:
            return await self._start_at_gateway({**kernel, "env": {**variables, KERNEL_ID: key}})
        path = _path(key)
        model = {"path": path, "name": path, "type": "console", "kernel": kernel}
        # Kernel Gateway has the older model of a session.
        model["notebook"] = {"path": path, "name": path}
        answer = await self.ask("POST", "api/sessions", model, START_WAIT)
        if answer.status in (200, 201):
            started = answer.fields.get("kernel")
            if isinstance(started, dict) and is_name(started.get("id")):
                return StartedKernel(started["id"], str(answer.fields.get("id") or ""))
        if failure := failures.full(self.name, answer.status, _told(answer)):
            raise failure
        if answer.status in (401, 403) or not answer.is_json:
            raise self.refused(answer, "the start of a kernel")
        # Some servers have no sessions that start kernels.
        answer = await self.ask("POST", "api/kernels", kernel, START_WAIT)
        if answer.status not in (200, 201):
            raise self.refused(answer, "the start of a kernel")
        if not is_name(kernel_id := answer.fields.get("id")):
            raise failures.not_jupyter(self.name)
        return StartedKernel(str(kernel_id))

    async def _start_at_gateway(self, model: Mapping[str, object]) -> StartedKernel:
        """It answers when the kernel runs, or when it has waited as long as it is set to."""
        variables = model["env"]
        assert isinstance(variables, dict)
        limit = str(variables.get(LAUNCH_TIMEOUT, ""))
        wait = max(START_WAIT, float(limit) + ANSWER_WAIT) if limit.isdigit() else START_WAIT
        answer = await self.ask("POST", "api/kernels", model, wait)
        if answer.status in (200, 201) and is_name(answer.fields.get("id")):
            return StartedKernel(str(answer.fields["id"]))
        text = _told(answer)
        failure = failures.full(self.name, answer.status, text)
        failure = failure or failures.gateway_start(self.name, answer.status, text)
        raise failure or self.refused(answer, "the start of a kernel")

    async def end_started(self, key: str) -> bool:
        """End the kernel that was to be made by this key; whether there was one."""
        if self.gateway:
            return await self.delete(key) not in (404, 410)
        path = _path(key)
        answer = await self.ask("GET", "api/sessions")
        models = answer.content if isinstance(answer.content, list) else []
        found = False
        for model in models if answer.status == 200 else ():
            older = model.get("notebook") if isinstance(model, dict) else None
            older_path = older.get("path") if isinstance(older, dict) else None
            if isinstance(model, dict) and path in (model.get("path"), older_path):
                found = True
                await self.ask("DELETE", f"api/sessions/{quote(str(model.get('id')))}")
        return found

    async def restart(self, kernel_id: str) -> bool:
        """False when the kernel is gone."""
        path = f"api/kernels/{quote(kernel_id)}/restart"
        answer = await self.ask("POST", path, {}, START_WAIT)
        if answer.status in (404, 410) and answer.is_json:
            return False
        if answer.status not in (200, 204):
            raise self.refused(answer, "the restart of a kernel")
        return True

    async def interrupt(self, kernel_id: str) -> bool:
        """Whether the server says that it has sent a signal or message; the code may go on."""
        answer = await self.ask("POST", f"api/kernels/{quote(kernel_id)}/interrupt", {})
        return answer.status in (200, 204)

    async def delete(self, kernel_id: str) -> int:
        """End a kernel; the status that confirms it. 404 and 410 mean that it was gone."""
        answer = await self.ask("DELETE", f"api/kernels/{quote(kernel_id)}")
        if answer.status not in (200, 202, 204, 404, 410):
            raise self.refused(answer, "the end of a kernel")
        return answer.status

    # -- requests ------------------------------------------------------------------------

    async def _object(self, method: str, path: str, asked: str) -> dict[str, object]:
        answer = await self.ask(method, path)
        if answer.status != 200 or not isinstance(answer.content, dict):
            raise self.refused(answer, asked)
        return answer.fields

    def refused(self, answer: JsonAnswer, asked: str) -> ServerFailure:
        """Why this answer is none to what was asked, in words."""
        message = str(answer.fields.get("message") or "")
        if answer.status == 200:
            return failures.not_jupyter(self.name)
        if self.hub is not None and answer.status in STOPPED:
            return failures.stopped(self.name)
        if self._access.is_login and answer.status in UNKNOWN_USER:
            return failures.login_ended(self.name, asked)
        return failures.refused(
            self.name, answer.status, message, is_json=answer.is_json, asked=asked
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        wait: float = ANSWER_WAIT,
    ) -> JsonAnswer:
        """The answer to a request below the root of the server."""
        client = self._client or await self._locate()
        answer = await client.ask(method, path, body, wait)
        if self.hub is None and (hub := self._hub_of(answer.location)):
            await client.close()
            self._access = replace(self._access, address=replace(self._access.address, hub=hub))
            self.hub = Hub(self._access)
            answer = await (await self._locate()).ask(method, path, body, wait)
        if answer.status in UNKNOWN_USER:
            access = await self._sign_in.find(self._access)
            if access is not None:
                await self._use(access)
                answer = await (await self._locate()).ask(method, path, body, wait)
        return answer

    def may_ask_user(self) -> None:
        """The user may be asked once more for a token or password, as something is started."""
        self._sign_in.begin()

    async def sign_in(self, failure: ServerFailure) -> bool:
        """Ask the user for a token or password after this failure, where that may be. Returns
        whether there is one now. ServerFailure where the question gets no answer."""
        access = await self._sign_in.ask(self._access, failure.message)
        if access is not None:
            await self._use(access)
        return access is not None

    async def _use(self, access: Access) -> None:
        await self.close()
        self._access = access
        self.hub = Hub(access) if access.address.hub else None

    async def download(self, path: str, most: int) -> Download:
        """A file of the server, of which more than `most` bytes are not read."""
        return await (self._client or await self._locate()).download(path, most)

    async def _locate(self) -> RestClient:
        """The client of the server itself: where the address is that of a hub, the server is that
        of the token's owner."""
        address = self._access.address
        if self.hub is not None and not address.user:
            user = await self.hub.user()
            self._access = replace(self._access, address=address.of_user(user))
        self._client = RestClient(self._access, self.name)
        return self._client

    def _hub_of(self, location: str) -> str:
        """The URL of the hub that the root of this host leads to; empty: it leads elsewhere."""
        base = urlsplit(self._access.address.base)
        target = urlsplit(location)
        path = f"{base.path}hub/"
        is_here = target.netloc in ("", base.netloc) and target.path.startswith(path)
        return f"{base.scheme}://{base.netloc}{path}" if is_here else ""


def _told(answer: JsonAnswer) -> str:
    """What a server says of a request that it has not done."""
    return str(answer.fields.get("message") or answer.fields.get("reason") or "")


def _path(key: str) -> str:
    """Of the session in which a kernel is made."""
    return f"codeexec-tui-{key}"


def is_name(value: object) -> bool:
    """Whether it may be an id or name of the API, and is no other path of it."""
    return isinstance(value, str) and bool(_NAME.fullmatch(value)) and value not in (".", "..")


def title_of(value: object) -> str:
    """As it is shown; a server may say what it likes."""
    return printable(value[:_LONGEST_TITLE]) if isinstance(value, str) else ""


def _running(model: Mapping[str, object]) -> RunningKernel:
    connections = model.get("connections")
    return RunningKernel(
        str(model.get("id") or ""),
        title_of(model.get("name")),
        title_of(model.get("execution_state")) or "unknown",
        connections if isinstance(connections, int) else 0,
        title_of(model.get("last_activity")),
    )
