"""Long-running operations from Python: kernels of a `codeexec-tui serve`, by its HTTP interface.

The names are those of another system, whose documented examples run with the import changed:

    settings = Settings(server_url="http://127.0.0.1:8000", token="...")
    logger = StructuredLogger()
    async with JupyterClient(settings, logger) as client:
        manager = KernelManager(client, logger)
        kernel = await manager.start_kernel()
        execution = await manager.execute_code(kernel["id"], "print(6 * 7)")
        manager.get_execution_status(execution["execution_id"])
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from codeexec.domain.errors import CodeexecError, NotFound, ServerUnavailable, UsageError
from codeexec.domain.plain_files import read_plain_text

_PREFIX = "JUPYTER_"
_SHOWN_CODE = 100


class LogLevel(StrEnum):
    """From the least important to the most."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class Settings:
    """Where the server is, and how long it is waited for, in seconds.

    Each setting is an argument, or a variable of the environment (`JUPYTER_SERVER_URL`), or of the
    file `.env` in the current folder, in this order. Upper and lower case are the same. UsageError
    for a value that cannot be read."""

    def __init__(
        self,
        *,
        server_url: str | None = None,
        token: str | None = None,
        timeout_connect: float | None = None,
        timeout_total: float | None = None,
        crash_sleep_duration: float | None = None,
        log_level: str | None = None,
    ) -> None:
        of_file, of_environment = _variables(_env_file(Path(".env"))), _variables(os.environ)
        values = {**of_file, **of_environment}
        is_given = server_url is not None or token is not None
        if not is_given and _sends_token_to_file(of_file, of_environment):
            raise UsageError(
                "The server's address is in .env, and its token in the environment.",
                "Name both in one place.",
            )
        self.server_url = (
            server_url or values.get("server_url") or "http://127.0.0.1:8080"
        ).rstrip("/")
        self.token = (token if token is not None else values.get("token", "")).strip()
        self.timeout_connect = _seconds(values, "timeout_connect", timeout_connect, 10.0)
        self.timeout_total = _seconds(values, "timeout_total", timeout_total, 30.0)
        self.crash_sleep_duration = _seconds(
            values, "crash_sleep_duration", crash_sleep_duration, 30.0
        )
        self.log_level = _level(log_level or values.get("log_level") or LogLevel.INFO)
        if urlsplit(self.server_url).scheme not in ("http", "https"):
            raise UsageError(f"{self.server_url[:100]!a} is no address.", "Write http://HOST:PORT.")
        if not (self.token.isascii() and self.token.isprintable()):
            # The error of the HTTP library would show it, and that is logged.
            raise UsageError("The token holds characters that no header can have.", "Copy it anew.")

    def __repr__(self) -> str:
        return f"Settings(server_url={self.server_url!r})"  # and never the token


class StructuredLogger:
    """Writes one JSON object a line to standard error: ts (with zone), level, scope, message, meta.

    `min_level` is the least important level that is written."""

    def __init__(self, min_level: LogLevel | str = LogLevel.INFO) -> None:
        self.min_level = _level(min_level)

    def debug(self, scope: str, message: str, meta: Mapping[str, object] | None = None) -> None:
        self._log(LogLevel.DEBUG, scope, message, meta)

    def info(self, scope: str, message: str, meta: Mapping[str, object] | None = None) -> None:
        self._log(LogLevel.INFO, scope, message, meta)

    def warn(self, scope: str, message: str, meta: Mapping[str, object] | None = None) -> None:
        self._log(LogLevel.WARN, scope, message, meta)

    def error(self, scope: str, message: str, meta: Mapping[str, object] | None = None) -> None:
        self._log(LogLevel.ERROR, scope, message, meta)

    def _log(
        self, level: LogLevel, scope: str, message: str, meta: Mapping[str, object] | None
    ) -> None:
        levels = list(LogLevel)
        if levels.index(level) < levels.index(self.min_level):
            return
        line = {
            "ts": datetime.now(UTC).astimezone().isoformat(),
            "level": level.value,
            "scope": scope,
            "message": message,
            "meta": dict(meta or {}),
        }
        sys.stderr.write(json.dumps(line, default=str) + "\n")
        sys.stderr.flush()


class JupyterClient:
    """Requests to the server. Each has a connection of its own, so there is nothing to close."""

    def __init__(self, settings: Settings, logger: StructuredLogger) -> None:
        self.settings = settings
        self.logger = logger

    async def __aenter__(self) -> JupyterClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def request(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """The answer, which is a JSON object; errors as of `request_now`."""
        return await asyncio.to_thread(self.request_now, method, path, body)

    def request_now(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """The same, in this thread. NotFound for an unknown kernel or execution, UsageError for
        what the server refuses, ServerUnavailable where it does not answer in time."""
        headers = {"Content-Type": "application/json"}
        if self.settings.token:
            headers["Authorization"] = f"Bearer {self.settings.token}"
        data = json.dumps(body).encode() if body is not None else None
        try:
            status, content = self._exchange(method, path, data, headers)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ServerUnavailable(
                f"{self.settings.server_url} does not answer: {error}.",
                "Start it with `codeexec-tui serve --bind HOST:PORT`.",
            ) from error
        if status >= http.client.BAD_REQUEST:
            raise _refusal(status, content)
        if status != http.client.OK or not isinstance(content, dict):
            raise ServerUnavailable(f"{self.settings.server_url} is another kind of server.")
        return content

    def _exchange(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, object]:
        """Status and JSON of the answer. No redirect is followed: the token is for one server."""
        address = urlsplit(self.settings.server_url)
        is_tls = address.scheme == "https"
        kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        connection = kind(
            address.hostname or "", address.port, timeout=self.settings.timeout_connect
        )
        try:
            connection.connect()
            connection.sock.settimeout(self.settings.timeout_total)
            connection.request(method, address.path + path, data, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class KernelManager:
    """Starts kernels, runs code on them, and tells how far it has come."""

    def __init__(
        self,
        jupyter_client: JupyterClient,
        logger: StructuredLogger,
        crash_sleep_duration: float | None = None,
    ) -> None:
        """A start that fails is tried once more after `crash_sleep_duration` seconds."""
        self._client = jupyter_client
        self._logger = logger
        self._pause = (
            jupyter_client.settings.crash_sleep_duration
            if crash_sleep_duration is None
            else crash_sleep_duration
        )

    async def start_kernel(self) -> dict[str, Any]:
        """The new kernel; its `id` is that of its session."""
        try:
            kernel = await self._client.request("POST", "/start_kernel", {})
        except ServerUnavailable as error:
            meta = {"error": str(error), "seconds": self._pause}
            self._logger.warn("kernel", "start failed, trying again", meta)
            await asyncio.sleep(self._pause)
            kernel = await self._client.request("POST", "/start_kernel", {})
        self._logger.info("kernel", "started", {"kernel_id": kernel["id"]})
        return kernel

    async def execute_code(self, kernel_id: str, code: str) -> dict[str, Any]:
        """Queue code; the answer has its `execution_id` and does not wait for it."""
        meta = {"kernel_id": kernel_id, "code": code[:_SHOWN_CODE]}
        self._logger.debug("execution", "submitting code", meta)
        body = {"id": kernel_id, "code": code}
        execution = await self._client.request("POST", "/execute_code", body)
        ids = {"kernel_id": kernel_id, "execution_id": execution["execution_id"]}
        self._logger.info("execution", "submitted", ids)
        return execution

    def get_execution_status(self, execution_id: str) -> dict[str, Any]:
        """The execution now, with its output so far."""
        return self._client.request_now("GET", f"/execution_status/{quote(execution_id, safe='')}")

    async def shutdown_kernel(self, kernel_id: str) -> dict[str, Any]:
        """End the kernel, and what runs on it."""
        answer = await self._client.request("POST", "/shutdown_kernel", {"id": kernel_id})
        self._logger.info("kernel", "shut down", {"kernel_id": kernel_id})
        return answer


def _variables(source: Mapping[str, str]) -> dict[str, str]:
    """Settings by their name in lower case."""
    return {
        name[len(_PREFIX) :].lower(): value
        for name, value in source.items()
        if name.upper().startswith(_PREFIX)
    }


def _sends_token_to_file(of_file: Mapping[str, str], of_environment: Mapping[str, str]) -> bool:
    """Whether the token of the environment would be sent to an address of the folder's file."""
    address_is_of_file = "server_url" in of_file and "server_url" not in of_environment
    return address_is_of_file and "token" in of_environment


def _env_file(path: Path) -> dict[str, str]:
    try:
        lines = read_plain_text(path).splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    variables: dict[str, str] = {}
    for line in lines:
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and not name.startswith("#"):
            variables[name.strip()] = value.strip().strip("\"'")
    return variables


def _seconds(values: Mapping[str, str], name: str, given: float | None, default: float) -> float:
    text: object = given if given is not None else values.get(name, default)
    try:
        seconds = float(str(text))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise UsageError(f"{_PREFIX}{name.upper()}={str(text)[:40]!a} is no time in seconds.")
    return seconds


def _level(text: str) -> LogLevel:
    try:
        return LogLevel(text.upper())
    except ValueError:
        levels = ", ".join(LogLevel)
        raise UsageError(f"There is no log level {text[:40]!a}.", f"Use {levels}.") from None


def _refusal(status: int, content: object) -> CodeexecError:
    problem = content if isinstance(content, dict) else {}
    words = str(problem.get("message", f"HTTP {status}."))
    next_step = str(problem.get("next_step", ""))
    if status == http.client.NOT_FOUND:
        return NotFound(words, next_step)
    if status >= http.client.INTERNAL_SERVER_ERROR:
        return ServerUnavailable(words, next_step)
    return UsageError(words, next_step)
