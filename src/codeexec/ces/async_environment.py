"""The code execution service for programs with an event loop of their own."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.ces.common import EnvPlugin, ExecutionResult, get_id
from codeexec.ces.cut_offs import CutOffs
from codeexec.ces.engine import Where, open_engine
from codeexec.ces.session_folder import check_session_id, make_session_folder
from codeexec.ces.session_request import (
    FIRST_PORT,
    EnvMode,
    KernelOptions,
    Transport,
    session_request,
)
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from codeexec.ces.session import EnvSession, SessionRunner
    from codeexec.client.api import HostClient


class AsyncEnvironment:
    """Sessions that run code, each with its own kernel: `async with AsyncEnvironment() as env`.

    `env_id` is a new `env-…` unless given. `env_dir` holds the folders of sessions that name none,
    in `sessions/`; by default the current folder. `where="server"` runs them on the user's session
    server, so that a person can watch and use a session meanwhile (`codeexec-tui attach SESSION`);
    `"here"` in this process. Either way they end with `close`, and with this process, also when it
    is killed; their journals are removed then, and the folders of sessions stay.

    In a container, `transport="relay"` needs no port and, by default, gives no network. `"ports"`
    is TaskWeaver's layout: its image, five mapped ports from `port_start_inside_container` on, and
    `ces/` and `cwd/` at `/app`. Empty, the setting `[docker] transport` decides. `custom_image`
    replaces the image, and `policy` has the limits of containers, such as `network memory=2GB`.

    `kernel` is the name of a kernel, or the path of a Python; by default, for `EnvMode.Local`, the
    one that runs this program. All methods raise the errors of `codeexec.domain.errors`.
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
        self._kernels = KernelOptions(
            EnvMode.Local if env_mode is None else env_mode,
            kernel,
            custom_image or "",
            transport,
            policy,
            FIRST_PORT if port_start_inside_container is None else port_start_inside_container,
        )
        self._kernels.check()
        if where not in ("server", "here"):
            raise UsageError(f"Sessions do not run {where!r}.", "Use where='server' or 'here'.")
        self.id = env_id or get_id(prefix="env")
        self.env_dir = Path(env_dir or Path.cwd()).absolute()
        self.session_dict: dict[str, EnvSession] = {}
        self._where: Where = where
        self._cut_offs = cut_offs or CutOffs()
        self._runners: dict[str, SessionRunner] = {}
        self._starting: set[str] = set()
        self._opening = asyncio.Lock()
        self._engine: HostClient | None = None
        self._lease = get_id(prefix=self.id)
        self._stack = AsyncExitStack()
        self._is_closed = False

    async def __aenter__(self) -> AsyncEnvironment:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def mode(self) -> EnvMode:
        """Where kernels run."""
        return self._kernels.mode

    async def start_session(
        self,
        session_id: str,
        session_dir: str | Path | None = None,
        cwd: str | Path | None = None,
    ) -> None:
        """Start a session and wait until its kernel is ready.

        `session_dir` is its folder (by default `env_dir/sessions/ID`), `cwd` the working folder of
        its code (by default `session_dir/cwd`). Conflict when it has been started; one that was
        stopped starts anew. KernelUnavailable or EnvironmentUnavailable when there is no kernel.
        """
        check_session_id(session_id)
        known = self.session_dict.get(session_id)
        is_open = known is not None and known.kernel_status != "stopped"
        if is_open or session_id in self._starting:
            raise Conflict(
                f"The session {session_id!r} has been started.", "Use it, or stop it first."
            )
        self._starting.add(session_id)
        try:
            await self._start(session_id, session_dir, cwd)
        finally:
            self._starting.discard(session_id)

    async def _start(
        self, session_id: str, session_dir: str | Path | None, cwd: str | Path | None
    ) -> None:
        from codeexec.ces.session import EnvSession, SessionRunner
        from codeexec.domain.requests import StopSession

        path = Path(session_dir) if session_dir else self.env_dir / "sessions" / session_id
        folder = await asyncio.to_thread(
            make_session_folder,
            path,
            Path(cwd) if cwd else None,
            for_container=self.mode is EnvMode.Container,
        )
        state = self.session_dict[session_id] = EnvSession(session_id, folder)
        try:
            engine = await self._open_engine()
            request = session_request(self._kernels, self.id, session_id, folder)
            opened = await engine.call(replace(request, lease=self._lease))
            state.session_name = opened.name
            runner = SessionRunner(
                state, engine.session(opened.session_id), self.id, self._cut_offs
            )
            try:
                await runner.wait_ready()
            except BaseException:
                await runner.close()
                with contextlib.suppress(CodeexecError):
                    await engine.call(StopSession(opened.session_id))
                raise
        except BaseException:
            state.kernel_status = "error"
            self.session_dict.pop(session_id, None)
            raise
        self._runners[session_id] = runner

    async def execute_code(
        self,
        session_id: str,
        code: str,
        exec_id: str | None = None,
        *,
        timeout: float | None = None,
        allow_input: bool = False,
    ) -> ExecutionResult:
        """Run code to its end; code that fails is a result with `is_success` False.

        `exec_id` is a new `exec-…` unless given. `timeout` is in seconds, by default none: a cell
        may be silent for as long as it likes. With `allow_input`, input() waits for a person who
        has attached to the session; otherwise it is an error. A kernel that dies ends the
        execution with its reason in words, and the next one gets a new kernel. NotFound for an
        unknown session, Conflict for one that is stopped.
        """
        runner = self._runner(session_id)
        return await runner.execute(
            code, exec_id or get_id(prefix="exec"), timeout=timeout, allow_input=allow_input
        )

    async def load_plugin(
        self,
        session_id: str,
        plugin_name: str,
        plugin_impl: str,
        plugin_config: dict[str, str] | None = None,
    ) -> None:
        """Register a plugin and make it with its configuration; code calls it by its name.

        `plugin_impl` is the content of its file. One of the same name is replaced. UsageError with
        the reason when it fails to load: the session and its other plugins go on.
        """
        await self._runner(session_id).load_plugin(
            EnvPlugin(plugin_name, plugin_impl, plugin_config, loaded=False)
        )

    async def test_plugin(self, session_id: str, plugin_name: str) -> None:
        """Run the tests that the plugin registers. UsageError with what failed, NotFound."""
        await self._runner(session_id).test_plugin(plugin_name)

    async def unload_plugin(self, session_id: str, plugin_name: str) -> None:
        """Take a plugin out of the session; nothing happens when it has none of this name."""
        await self._runner(session_id).unload_plugin(plugin_name)

    async def update_session_var(self, session_id: str, session_var: dict[str, str]) -> None:
        """Add session variables, or change them: plugins read them with `ctx.get_session_var`."""
        await self._runner(session_id).set_variables(session_var)

    async def stop_session(self, session_id: str) -> None:
        """End a session: its kernel and container are gone, and its journal; its folder stays.
        Nothing happens when it has been stopped. NotFound for an unknown session, Conflict for one
        that is still starting."""
        from codeexec.domain.requests import StopSession

        if session_id in self._starting:
            raise self._still_starting(session_id)
        if session_id not in self.session_dict:
            raise self._unknown(session_id)
        self.session_dict[session_id].kernel_status = "stopped"
        runner = self._runners.pop(session_id, None)
        if runner is None:
            return
        await runner.close()
        with contextlib.suppress(NotFound):  # somebody has stopped it in the workbench
            await (await self._open_engine()).call(StopSession(runner.engine_id))

    async def close(self) -> None:
        """Stop all sessions. Afterwards nothing can be started."""
        self._is_closed = True
        try:
            await asyncio.gather(*map(self.stop_session, list(self._runners)))
        finally:
            await self._stack.aclose()

    # -- the engine ------------------------------------------------------------------------

    async def _open_engine(self) -> HostClient:
        async with self._opening:
            if self._engine is None:
                if self._is_closed:
                    raise UsageError("The environment is closed.", "Make another one.")
                self._engine = await self._stack.enter_async_context(
                    open_engine(self._where, self._lease)
                )
            return self._engine

    def _runner(self, session_id: str) -> SessionRunner:
        if (runner := self._runners.get(session_id)) is not None:
            return runner
        if session_id in self._starting:
            raise self._still_starting(session_id)
        if session_id not in self.session_dict:
            raise self._unknown(session_id)
        raise Conflict(f"The session {session_id!r} is stopped.", "Start it anew.")

    def _still_starting(self, session_id: str) -> Conflict:
        return Conflict(
            f"The session {session_id!r} is still starting.", "Wait for start_session to return."
        )

    def _unknown(self, session_id: str) -> NotFound:
        names = ", ".join(self.session_dict) or "none"
        return NotFound(
            f"There is no session {session_id!r} in this environment.",
            f"Call start_session first. Sessions: {names}.",
        )
