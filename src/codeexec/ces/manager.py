"""Makes, finds and ends the sessions of one environment."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from codeexec.ces.client import ExecutionClient
from codeexec.ces.common import (
    ExecutionResult,
    KernelModeType,
    Manager,
    Result,
    SourceResult,
)
from codeexec.domain.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.ces.environment import Environment


class SessionManager(Manager[Result]):
    """Nothing is started before a session is asked for. `create` begins to start it in the
    background, and the first use waits until it is ready: see `ExecutionClient.kernel_status`."""

    def __init__(
        self,
        make_environment: Callable[[], Environment],
        kernel_mode: KernelModeType,
        view: Callable[[ExecutionResult], Result],
    ) -> None:
        self._make = make_environment
        self._kernel_mode = kernel_mode
        self._view = view
        self._lock = threading.RLock()
        self._made: Environment | None = None
        self._clients: dict[str, ExecutionClient[Result]] = {}

    def initialize(self) -> None:
        """Make the environment now, so that the first session need not wait for it."""
        self._environment()

    def create(
        self, session_id: str, session_dir: str | None = None, cwd: str | None = None
    ) -> ExecutionClient[Result]:
        """Begin to start a session. Conflict when there is one of this id that is not stopped."""
        with self._lock:
            known = self._clients.get(session_id)
            if known is not None and known.kernel_status != "stopped":
                raise Conflict(f"There is a session {session_id!r}.", "Use `get`, or another id.")
            client = self._add(session_id, session_dir, cwd)
        client.warm_up()
        return client

    def get(self, session_id: str) -> ExecutionClient[Result]:
        """The session of this id. NotFound."""
        with self._lock:
            client = self._clients.get(session_id)
            names = ", ".join(self._clients) or "none"
        if client is None:
            raise NotFound(
                f"There is no session {session_id!r}.", f"Create it first. Sessions: {names}."
            )
        return client

    def stop(self, session_id: str) -> None:
        """End a session; nothing happens when it has ended. NotFound."""
        self.get(session_id).stop()

    def get_session_client(
        self,
        session_id: str,
        env_id: str | None = None,
        session_dir: str | None = None,
        cwd: str | None = None,
    ) -> ExecutionClient[Result]:
        """The session of this id, or a new one that starts when it is first used. `env_id` is that
        of the environment, or None."""
        with self._lock:
            if env_id is not None and self._made is not None and env_id != self._made.id:
                raise UsageError(
                    f"This manager has the environment {self._made.id}, not {env_id[:100]!a}.",
                    "Leave env_id out, or make another manager.",
                )
            known = self._clients.get(session_id)
            if known is not None and known.kernel_status != "stopped":
                return known
            return self._add(session_id, session_dir, cwd)

    def get_kernel_mode(self) -> KernelModeType:
        return self._kernel_mode

    def clean_up(self) -> None:
        """End all sessions. The manager can be used again: with a new environment."""
        with self._lock:
            clients = list(self._clients.values())
        try:
            for client in clients:
                client.stop()
        finally:
            with self._lock:
                environment, self._made = self._made, None
                self._clients.clear()
            if environment is not None:
                environment.close()

    def _add(
        self, session_id: str, session_dir: str | None, cwd: str | None
    ) -> ExecutionClient[Result]:
        client = ExecutionClient(self._environment, session_id, session_dir, cwd, self._view)
        self._clients[session_id] = client
        return client

    def _environment(self) -> Environment:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


@overload
def code_execution_service_factory(
    env_dir: str | Path,
    kernel_mode: KernelModeType = "local",
    custom_image: str | None = None,
    *,
    env_id: str | None = None,
    view: Literal["document"] = "document",
    **options: Any,
) -> SessionManager[ExecutionResult]: ...


@overload
def code_execution_service_factory(
    env_dir: str | Path,
    kernel_mode: KernelModeType = "local",
    custom_image: str | None = None,
    *,
    env_id: str | None = None,
    view: Literal["source"],
    **options: Any,
) -> SessionManager[SourceResult]: ...


def code_execution_service_factory(
    env_dir: str | Path,
    kernel_mode: KernelModeType = "local",
    custom_image: str | None = None,
    *,
    env_id: str | None = None,
    view: Literal["document", "source"] = "document",
    **options: Any,
) -> SessionManager[ExecutionResult] | SessionManager[SourceResult]:
    """A manager of sessions in one environment. `kernel_mode` is `local` or `container`; results
    have the types of TaskWeaver's document, or of its source (`SourceResult`). `options` are the
    further arguments of `Environment`. UsageError."""
    if kernel_mode not in ("local", "container"):
        raise UsageError(f"There is no mode {kernel_mode!r}.", "Use 'local' or 'container'.")
    if view not in ("document", "source"):
        raise UsageError(f"There is no view {view!r}.", "Use 'document' or 'source'.")

    def make_environment() -> Environment:
        from codeexec.ces.environment import Environment
        from codeexec.ces.session_request import EnvMode

        return Environment(
            env_id, env_dir, EnvMode(kernel_mode), custom_image=custom_image, **options
        )

    if view == "source":
        return SessionManager(make_environment, kernel_mode, ExecutionResult.source_view)
    return SessionManager(make_environment, kernel_mode, _as_is)


def _as_is(result: ExecutionResult) -> ExecutionResult:
    return result
