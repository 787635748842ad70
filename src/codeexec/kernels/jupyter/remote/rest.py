"""REST client of a Jupyter server: versions, kernelspecs, kernels and sessions.

Redirects are not followed and cookies are not kept: an answer that leads to a login page is a
failure, and a cookie would take the place of the token in the next request.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from codeexec.domain.errors import KernelUnavailable
from codeexec.kernels.jupyter.remote import failures
from codeexec.kernels.jupyter.remote.address import ServerAddress
from codeexec.kernels.jupyter.remote.failures import ServerFailure

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_WAIT = 10.0
ANSWER_WAIT = 30.0
START_WAIT = 120.0
"""Seconds for a kernel to be made: cluster gateways answer when it runs."""

OLDEST = (1, 0)
"""Version of jupyter_server from which on its API is as we use it."""

LARGEST = 16 << 20
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Access:
    """A server and how we may use it. `ca_file` is the authority of its certificate."""

    address: ServerAddress
    token: str = field(default="", repr=False)
    ca_file: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"} if self.token else {}

    def tls(self) -> ssl.SSLContext | None:
        """None for servers without TLS. ServerFailure where the authority's file is no such."""
        if not self.address.base.startswith("https:"):
            return None
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ServerFailure(
                "tls",
                f"The file of the authority, {self.ca_file}, cannot be used: {error}.",
                "Name a file of certificates in PEM: ca_file in [remote.NAME].",
            ) from error


@dataclass(frozen=True, slots=True)
class RemoteSpec:
    """A kernelspec of the server."""

    name: str
    display_name: str
    language: str
    is_default: bool = False


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

    def __init__(self, access: Access) -> None:
        self.access = access
        self._client: httpx.AsyncClient | None = None

    @property
    def name(self) -> str:
        return self.access.address.name

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # -- what there is -------------------------------------------------------------------

    async def version(self) -> str:
        """Of the server; a failure where it is none, or too old."""
        status, answer, is_json = await self._ask("GET", "api")
        if status == 404 or (status == 200 and not is_json):
            raise (
                failures.not_jupyter(self.name)
                if status == 200
                else self._refused(status, answer, is_json, "api")
            )
        if status != 200:
            raise self._refused(status, answer, is_json, "its version")
        version = answer.get("version") if isinstance(answer, dict) else None
        if not isinstance(version, str):
            raise failures.not_jupyter(self.name)
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
        if numbers and numbers < OLDEST:
            raise failures.too_old(self.name, version)
        return version

    async def specs(self) -> list[RemoteSpec]:
        answer = await self._object("GET", "api/kernelspecs", "its list of kernelspecs")
        default, specs = answer.get("default"), answer.get("kernelspecs")
        found = []
        for name, model in specs.items() if isinstance(specs, dict) else ():
            spec = model.get("spec") if isinstance(model, dict) else None
            spec = spec if isinstance(spec, dict) else {}
            title, language = spec.get("display_name") or name, spec.get("language") or ""
            found.append(RemoteSpec(str(name), str(title), str(language), name == default))
        return found

    async def kernels(self) -> list[RunningKernel]:
        status, answer, is_json = await self._ask("GET", "api/kernels")
        if status != 200 or not isinstance(answer, list):
            raise self._refused(status, answer, is_json, "its list of kernels")
        return [_running(model) for model in answer if isinstance(model, dict)]

    async def kernel(self, kernel_id: str) -> RunningKernel | None:
        """None when it is gone."""
        status, answer, is_json = await self._ask("GET", f"api/kernels/{quote(kernel_id)}")
        if status in (404, 410) and is_json:
            return None
        if status != 200 or not isinstance(answer, dict):
            raise self._refused(status, answer, is_json, "a kernel")
        return _running(answer)

    # -- their life ----------------------------------------------------------------------

    async def start(self, spec: str, path: str) -> StartedKernel:
        """Make a kernel, in a session of this `path` where the server has sessions: by the path
        it is found again should the answer never arrive."""
        kernel = {"name": spec} if spec else {}
        model = {"path": path, "name": path, "type": "console", "kernel": kernel}
        # Kernel Gateway has the older model of a session.
        model["notebook"] = {"path": path, "name": path}
        status, answer, is_json = await self._ask("POST", "api/sessions", model, START_WAIT)
        if status in (200, 201) and isinstance(answer, dict):
            started = answer.get("kernel")
            if isinstance(started, dict) and isinstance(started.get("id"), str):
                return StartedKernel(started["id"], str(answer.get("id") or ""))
        if status in (401, 403) or not is_json:
            raise self._refused(status, answer, is_json, "the start of a kernel")
        # Enterprise Gateway has no sessions that start kernels.
        status, answer, is_json = await self._ask("POST", "api/kernels", kernel, START_WAIT)
        if status not in (200, 201) or not isinstance(answer, dict):
            raise self._refused(status, answer, is_json, "the start of a kernel")
        return StartedKernel(str(answer.get("id") or ""))

    async def end_started(self, path: str) -> bool:
        """End the session of this path with its kernel; whether there was one."""
        status, answer, _ = await self._ask("GET", "api/sessions")
        found = False
        for model in answer if status == 200 and isinstance(answer, list) else ():
            older = model.get("notebook") if isinstance(model, dict) else None
            older_path = older.get("path") if isinstance(older, dict) else None
            if isinstance(model, dict) and path in (model.get("path"), older_path):
                found = True
                await self._ask("DELETE", f"api/sessions/{quote(str(model.get('id')))}")
        return found

    async def restart(self, kernel_id: str) -> bool:
        """False when the kernel is gone."""
        path = f"api/kernels/{quote(kernel_id)}/restart"
        status, answer, is_json = await self._ask("POST", path, {}, START_WAIT)
        if status in (404, 410) and is_json:
            return False
        if status not in (200, 204):
            raise self._refused(status, answer, is_json, "the restart of a kernel")
        return True

    async def interrupt(self, kernel_id: str) -> bool:
        """Whether the server says that it has sent a signal or message; the code may go on."""
        status, _, _ = await self._ask("POST", f"api/kernels/{quote(kernel_id)}/interrupt", {})
        return status in (200, 204)

    async def delete(self, kernel_id: str) -> int:
        """End a kernel; the status that confirms it. 404 and 410 mean that it was gone."""
        status, answer, is_json = await self._ask("DELETE", f"api/kernels/{quote(kernel_id)}")
        if status not in (200, 202, 204, 404, 410):
            raise self._refused(status, answer, is_json, "the end of a kernel")
        return status

    # -- requests ------------------------------------------------------------------------

    async def _object(self, method: str, path: str, asked: str) -> dict[str, object]:
        status, answer, is_json = await self._ask(method, path)
        if status != 200 or not isinstance(answer, dict):
            raise self._refused(status, answer, is_json, asked)
        return answer

    def _refused(self, status: int, answer: object, is_json: bool, asked: str) -> ServerFailure:
        message = answer.get("message") if isinstance(answer, dict) else ""
        if status == 200:
            return failures.not_jupyter(self.name)
        return failures.refused(self.name, status, str(message or ""), is_json=is_json, asked=asked)

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        wait: float = ANSWER_WAIT,
    ) -> tuple[int, object, bool]:
        """The status, the JSON of the answer, and whether it was JSON."""
        client = self._open()
        import httpx

        try:
            response = await client.request(
                method,
                path,
                json=body,
                timeout=httpx.Timeout(wait, connect=CONNECT_WAIT),
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise failures.unreachable(self.name, error) from error
        finally:
            client.cookies.clear()
        is_json = "json" in response.headers.get("content-type", "")
        if not is_json or len(response.content) > LARGEST:
            return response.status_code, None, is_json
        try:
            return response.status_code, msgspec.json.decode(response.content), True
        except msgspec.MsgspecError:
            return response.status_code, None, False

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            require_httpx()
            import httpx

            socket = self.access.address.socket
            context = self.access.tls()
            self._client = httpx.AsyncClient(
                base_url=self.access.address.base,
                headers=self.access.headers,
                follow_redirects=False,
                verify=context if context is not None else False,
                transport=httpx.AsyncHTTPTransport(uds=socket) if socket else None,
            )
        return self._client


def require_httpx() -> None:
    """KernelUnavailable where the extra `remote` is not installed."""
    try:
        import httpx  # noqa: F401
    except ImportError as error:
        raise KernelUnavailable(
            "Kernels of Jupyter servers need the package httpx, which is not installed.",
            "Install it: pip install 'codeexec-tui[remote]'",
        ) from error


def ca_path(path: str) -> str:
    """The path of a file of certificates as settings name it; empty stays empty."""
    return str(Path(path).expanduser()) if path else os.environ.get("SSL_CERT_FILE", "")


def _running(model: Mapping[str, object]) -> RunningKernel:
    connections = model.get("connections")
    return RunningKernel(
        str(model.get("id") or ""),
        str(model.get("name") or ""),
        str(model.get("execution_state") or "unknown"),
        connections if isinstance(connections, int) else 0,
        str(model.get("last_activity") or ""),
    )
