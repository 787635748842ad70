"""The code execution service for programs without an event loop: every method waits."""

from __future__ import annotations

import atexit
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from codeexec.ces.async_environment import AsyncEnvironment
from codeexec.ces.blocking_loop import BlockingLoop
from codeexec.ces.common import ExecutionResult
from codeexec.ces.cut_offs import CutOffs
from codeexec.ces.engine import Where
from codeexec.ces.session_request import EnvMode, Transport

if TYPE_CHECKING:
    from codeexec.ces.session import EnvSession

_open: set[Environment] = set()
"""Environments that are closed as the program ends."""


class Environment:
    """Sessions that run code, each with a kernel of its own: `with Environment() as env`.

    The arguments and the methods are those of `AsyncEnvironment`, whose methods wait here. Any
    number of threads may use it at once; executions of one session run one after the other. Ctrl+C
    in a thread that waits interrupts the code that it waits for.
    """

    def __init__(
        self,
        env_id: str | None = None,
        env_dir: str | Path | None = None,
        env_mode: EnvMode | None = EnvMode.Local,
        port_start_inside_container: int | None = 12345,
        custom_image: str | None = None,
        *,
        transport: Transport = "",
        policy: str = "",
        kernel: str = "",
        where: Where = "server",
        cut_offs: CutOffs | None = None,
    ) -> None:
        self._environment = AsyncEnvironment(
            env_id,
            env_dir,
            env_mode,
            port_start_inside_container,
            custom_image,
            transport=transport,
            policy=policy,
            kernel=kernel,
            where=where,
            cut_offs=cut_offs,
        )
        self._loop = BlockingLoop(f"codeexec.ces {self.id}")
        _open.add(self)

    @property
    def id(self) -> str:
        return self._environment.id

    @property
    def env_dir(self) -> Path:
        return self._environment.env_dir

    @property
    def mode(self) -> EnvMode:
        return self._environment.mode

    @property
    def session_dict(self) -> dict[str, EnvSession]:
        """All sessions that were started, by id, also those that are stopped."""
        return self._environment.session_dict

    def __enter__(self) -> Environment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start_session(
        self,
        session_id: str,
        session_dir: str | Path | None = None,
        cwd: str | Path | None = None,
    ) -> None:
        """See `AsyncEnvironment.start_session`."""
        self._loop.run(self._environment.start_session(session_id, session_dir, cwd))

    def execute_code(
        self,
        session_id: str,
        code: str,
        exec_id: str | None = None,
        *,
        timeout: float | None = None,
        allow_input: bool = False,
    ) -> ExecutionResult:
        """See `AsyncEnvironment.execute_code`."""
        return self._loop.run(
            self._environment.execute_code(
                session_id, code, exec_id, timeout=timeout, allow_input=allow_input
            )
        )

    def load_plugin(
        self,
        session_id: str,
        plugin_name: str,
        plugin_impl: str,
        plugin_config: dict[str, str] | None = None,
    ) -> None:
        """See `AsyncEnvironment.load_plugin`."""
        self._loop.run(
            self._environment.load_plugin(session_id, plugin_name, plugin_impl, plugin_config)
        )

    def test_plugin(self, session_id: str, plugin_name: str) -> None:
        """See `AsyncEnvironment.test_plugin`."""
        self._loop.run(self._environment.test_plugin(session_id, plugin_name))

    def unload_plugin(self, session_id: str, plugin_name: str) -> None:
        """See `AsyncEnvironment.unload_plugin`."""
        self._loop.run(self._environment.unload_plugin(session_id, plugin_name))

    def update_session_var(self, session_id: str, session_var: dict[str, str]) -> None:
        """See `AsyncEnvironment.update_session_var`."""
        self._loop.run(self._environment.update_session_var(session_id, session_var))

    def stop_session(self, session_id: str) -> None:
        """See `AsyncEnvironment.stop_session`."""
        self._loop.run(self._environment.stop_session(session_id))

    def close(self) -> None:
        """Stop all sessions and the environment's thread; nothing happens when that is done, or in
        a process that was forked from the environment's."""
        _open.discard(self)
        if self._loop.is_closed:
            return
        try:
            self._loop.run(self._environment.close())
        finally:
            self._loop.close()

    clean_up = close


def _close_all() -> None:
    for environment in list(_open):
        environment.close()


atexit.register(_close_all)
