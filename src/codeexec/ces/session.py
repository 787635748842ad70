"""One session of the code execution service: its state, its plugins, and how code is run in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.ces.common import (
    EnvPlugin,
    ExecutionResult,
    KernelStatus,
    get_id,
)
from codeexec.ces.cut_offs import CutOffs
from codeexec.ces.kernel_setup import setup_code
from codeexec.ces.results import make_result
from codeexec.client.output import read_result
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict, KernelDied, NotFound, UsageError
from codeexec.domain.events.plugins import ArtifactReported, ExecutionLogged
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.snapshot import Snapshot

if TYPE_CHECKING:
    from codeexec.ces.session_folder import SessionFolder
    from codeexec.client.api import SessionClient
    from codeexec.domain.events import AnyEvent
    from codeexec.domain.plugins import ExecutionReport, LogEntry, ReportedArtifact

log = logging.getLogger(__name__)

MOST_REPORTED = 2000
"""Log entries, and artifacts, of one result; what the kernel reports itself is less."""


@dataclass(eq=False)
class EnvSession:
    """A session as its environment sees it. `execution_count` counts the executions of
    `execute_code`. `session_name` is what `codeexec-tui attach` calls it."""

    session_id: str
    folder: SessionFolder
    kernel_status: KernelStatus = "pending"
    execution_count: int = 0
    session_var: dict[str, str] = field(default_factory=dict)
    plugins: dict[str, EnvPlugin] = field(default_factory=dict)
    session_name: str = ""


class SessionRunner:
    """Runs code and plugins in an open session of the engine, one after the other."""

    def __init__(
        self, state: EnvSession, client: SessionClient, env_id: str, cut_offs: CutOffs
    ) -> None:
        self.state = state
        self._client = client
        self._env_id = env_id
        self._cut_offs = cut_offs
        self._snapshot = Snapshot()
        self._executing = ""
        self._logged: list[LogEntry] = []
        self._artifacts: dict[str, ReportedArtifact] = {}
        self._changed = asyncio.Event()
        self._set_up_generation = 0
        self._turn = asyncio.Lock()
        self._used_ids: set[str] = set()
        self._follower = asyncio.create_task(self._follow(), name="ces session")

    @property
    def engine_id(self) -> str:
        """The id of the engine's session."""
        return self._client.session_id

    async def wait_ready(self) -> None:
        """Wait for the kernel, and set it up. KernelUnavailable when it cannot start."""
        async with self._turn:
            await self._set_up()
            self.state.kernel_status = "ready"

    async def execute(
        self, code: str, execution_id: str, *, timeout: float | None, allow_input: bool
    ) -> ExecutionResult:
        """Run code to its end. `timeout` in seconds. When the caller is cancelled, the code is
        interrupted."""
        async with self._turn:
            self._require_open()
            await self._set_up()
            self.state.execution_count += 1
            index = self.state.execution_count
            # An id that was used names an execution that has run: the engine would not run another.
            engine_id = get_id(prefix="exec") if execution_id in self._used_ids else execution_id
            self._used_ids.add(engine_id)
            self.state.kernel_status = "running"
            self._executing, self._logged, self._artifacts = engine_id, [], {}
            try:
                await self._run(
                    code,
                    engine_id,
                    ExecuteOptions(
                        allow_stdin=allow_input,
                        # Code that is still being interrupted takes nothing with it.
                        stop_on_error=False,
                        timeout=timeout,
                        report=True,
                        index=index,
                        show_assignments=self._cut_offs.shows_assignments,
                        env_id=self._env_id,
                    ),
                )
                view = (await self._client.call(q.ReadExecution(engine_id))).execution
                if view.report is not None:
                    view = replace(view, report=self._whole(view.report))
                engine_result = await read_result(self._client, view)
                result, pictures = make_result(
                    engine_result, view, execution_id, index, self._cut_offs
                )
                for picture in pictures:
                    await self._client.call(
                        q.WriteFile(picture.artifact.file_name, picture.content)
                    )
                return result
            finally:
                if self.state.kernel_status == "running":
                    self.state.kernel_status = "ready"
                self._note_death()

    async def load_plugin(self, plugin: EnvPlugin) -> None:
        """Put a plugin into the kernel, in place of one of the same name. UsageError with the
        reason when it fails; then an earlier one stays."""
        async with self._turn:
            self._require_open()
            await self._set_up()
            config = _texts(plugin.config or {}, f"The configuration of {plugin.name}")
            request = q.LoadPlugin(plugin.name, plugin.impl, config, source="codeexec.ces")
            _require_success(await self._client.call(request), "loaded")
            plugin.loaded = True
            self.state.plugins[plugin.name] = plugin

    async def test_plugin(self, name: str) -> None:
        """Run the tests that the plugin registers. UsageError with what failed, NotFound."""
        async with self._turn:
            self._require_open()
            self._require_plugin(name)
            _require_success(await self._client.call(q.TestPlugin(name)), "tested")

    async def unload_plugin(self, name: str) -> None:
        """Take a plugin out of the kernel; nothing happens when there is none of this name."""
        async with self._turn:
            self._require_open()
            if self.state.plugins.pop(name, None) is not None:
                _require_success(await self._client.call(q.UnloadPlugin(name)), "unloaded")

    async def set_variables(self, variables: dict[str, str]) -> None:
        """Add session variables, or change them."""
        self._require_open()
        variables = _texts(variables, "A session variable")
        await self._client.call(q.SetSessionVariables(variables))
        self.state.session_var.update(variables)

    async def close(self) -> None:
        """Stop following the engine's session, which is ended by the environment."""
        self.state.kernel_status = "stopped"
        self._changed.set()  # an execution that waits is told
        self._follower.cancel()
        await asyncio.gather(self._follower, return_exceptions=True)

    # -- the engine's session --------------------------------------------------------------

    async def _run(self, code: str, engine_id: str, options: ExecuteOptions) -> None:
        """Run code to its end, or interrupt it when this task is cancelled."""
        accepted = await self._client.call(
            q.Execute(code, engine_id, origin="codeexec.ces", options=options)
        )
        try:
            await self._wait(
                lambda: self._snapshot.seq >= accepted.seq and not self._is_open(engine_id)
            )
        except asyncio.CancelledError:
            with contextlib.suppress(CodeexecError):
                await asyncio.shield(self._client.call(q.CancelExecution(engine_id)))
            raise

    def _whole(self, report: ExecutionReport) -> ExecutionReport:
        """The report with all that was heard: a snapshot has the last entries and artifacts."""
        return replace(report, log=tuple(self._logged), artifacts=tuple(self._artifacts.values()))

    def _hear(self, event: AnyEvent) -> None:
        """Keep the reports of our execution; those of attached users are not ours."""
        if not isinstance(event, ExecutionLogged | ArtifactReported):
            return
        if event.execution_id != self._executing:
            return
        if isinstance(event, ArtifactReported):
            if len(self._artifacts) < MOST_REPORTED:
                self._artifacts[event.artifact.id] = event.artifact
        elif len(self._logged) < MOST_REPORTED:
            self._logged.append(event.entry)

    def _is_open(self, engine_id: str) -> bool:
        view = self._snapshot.executions.get(engine_id)
        return view is not None and view.is_open

    async def _set_up(self) -> None:
        """Start the kernel where there is none, and set each new one up before code runs in it."""
        self._require_open()
        kernel = self._snapshot.kernel
        if kernel.generation == self._set_up_generation and kernel.state in ("idle", "busy"):
            return
        engine_id = get_id(prefix="exec")
        code = setup_code(self._cut_offs)
        await self._run(code, engine_id, ExecuteOptions(silent=True, allow_stdin=False))
        view = (await self._client.call(q.ReadExecution(engine_id))).execution
        if view.status != "ok":
            self.state.kernel_status = "error"
            error = f"{view.error.name}: {view.error.value}" if view.error else view.reason
            raise KernelDied(
                f"The kernel of session {self.state.session_id} does not run: {error}",
                "Execute code to start it again, or stop the session.",
            )
        self._set_up_generation = view.generation

    async def _wait(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._require_open()
            self._changed.clear()
            await self._changed.wait()

    def _note_death(self) -> None:
        if self._snapshot.kernel.state == "dead" and self.state.kernel_status != "stopped":
            self.state.kernel_status = "error"

    async def _follow(self) -> None:
        """Keep the snapshot of the session up to date, until the session ends."""
        try:
            async for batch in self._client.events(0, "tail"):
                self._snapshot = apply(self._snapshot, batch)
                for record in batch:
                    self._hear(record.event)
                self._note_death()
                if self._snapshot.closed:
                    break
                self._changed.set()
        except CodeexecError as error:
            log.debug("session %s: %s", self.state.session_id, error)
        if self.state.kernel_status != "stopped":
            self.state.kernel_status = "stopped"
        self._changed.set()

    def _require_open(self) -> None:
        if self.state.kernel_status == "stopped":
            raise Conflict(
                f"The session {self.state.session_id!r} is stopped.",
                "Start it anew with start_session, or use another one.",
            )

    def _require_plugin(self, name: str) -> None:
        if name not in self.state.plugins:
            names = ", ".join(self.state.plugins) or "none"
            raise NotFound(f"There is no plugin {name!r} in this session.", f"Loaded: {names}.")


def _require_success(answer: q.PluginAnswer, what: str) -> None:
    if not answer.is_success:
        reasons = "\n".join((answer.message, *answer.messages))
        raise UsageError(
            f"The plugin {answer.name!r} could not be {what}: {reasons}",
            "Correct it and load it again; the session goes on without it.",
        )


def _texts(values: Mapping[str, str], what: str) -> dict[str, str]:
    """The values, which callers without a type checker may have given as numbers."""
    if not isinstance(values, Mapping):
        raise UsageError(f"{what} is no mapping of names and texts.", 'Give {"name": "text"}.')
    for name, text in values.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise UsageError(
                f"{what} has {name!r:.60} of the type {type(text).__name__}: names and values are "
                "texts.",
                "Give str(value), or json.dumps(value).",
            )
    return dict(values)
