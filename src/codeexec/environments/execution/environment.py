"""ExecutionEnvironment: sessions and queries of an architecture, in a place of any kind.

What is done is the same in every place, and stands here alone. How a place does it is a matter of
its EnvironmentPrimitive; what an architecture needs is a matter of its runner scripts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from pathlib import Path, PurePosixPath
from types import TracebackType

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, UsageError
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.environments.base import (
    BasePaths,
    Change,
    EnvironmentPrimitive,
    FileKind,
    WorkspaceEntry,
    run,
)
from codeexec.environments.execution.config import ExecutionEnvironmentConfig
from codeexec.environments.execution.events import (
    KINDS,
    ScriptOutput,
    StreamEvent,
    TranscriptChangeEvent,
    WorkspaceFileEvent,
)
from codeexec.environments.execution.factory import get_environment_primitive
from codeexec.environments.execution.scripts import run_script
from codeexec.environments.paths import inside

log = logging.getLogger(__name__)

_INSTALL = 'mkdir -p "${1%/*}" && cat > "$1"'
"""Writes stdin to a file outside of the workspace; any POSIX shell has it."""


class ExecutionEnvironment:
    """A session of runner scripts in its place. Made with `create`; ended with `cleanup`, or used
    with `async with`. Errors are those of the codeexec package: each says what to do next."""

    @classmethod
    async def create(cls, config: ExecutionEnvironmentConfig) -> ExecutionEnvironment:
        """Start the place, and put the architecture's files into it. UsageError, and
        EnvironmentUnavailable with the reason; nothing is left behind then, nor when it is
        cancelled."""
        primitive = await get_environment_primitive(config.environment_options)
        self = cls(config, primitive)
        try:
            await self._install_architecture()
        except BaseException:
            await asyncio.shield(self.cleanup())
            raise
        return self

    def __init__(self, config: ExecutionEnvironmentConfig, primitive: EnvironmentPrimitive) -> None:
        """`primitive` is started, and has the architecture's files; `create` sees to both."""
        self.config = config
        self.primitive = primitive
        self._architecture = config.chosen_architecture

    async def __aenter__(self) -> ExecutionEnvironment:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.cleanup()

    # -- the place -----------------------------------------------------------------------

    def get_id(self) -> str:
        return self.primitive.id

    def get_base_paths(self) -> BasePaths:
        """Folders as the code there sees them."""
        return self.primitive.base_paths

    async def get_workspace_files(self, pattern: str = "**") -> list[WorkspaceEntry]:
        """Plain files of the workspace that match (`*.py` in it, `**/*.py` at any depth), sorted;
        sizes in bytes, times in ns since 1970."""
        entries = await self.primitive.list_files("", pattern)
        return [entry for entry in entries if entry.kind is FileKind.FILE]

    async def watch_workspace_files(
        self,
    ) -> AsyncGenerator[tuple[WorkspaceFileEvent, ...], None]:
        """Batches of files that were added, changed or removed. The first is empty, and comes when
        the watch has begun. A path `.` says that others have changed as well."""
        async for changes in self.primitive.watch():
            yield tuple(
                WorkspaceFileEvent(KINDS[change.change], change.path)
                for change in changes
                if not (change.is_folder and change.change is Change.CREATED)
            )

    async def is_healthy(self) -> bool:
        """The place runs, and a command that is started in it ends well within 10 seconds."""
        try:
            async with asyncio.timeout(10.0):
                if not await self.primitive.is_running():
                    return False
                return (await run(self.primitive, ["true"])).code == 0
        except (CodeexecError, TimeoutError):
            return False

    async def cleanup(self) -> None:
        """End the place with all that runs in it; files of the workspace stay, and the transcript
        where the architecture keeps it outside of the place. Can be repeated."""
        await self.primitive.terminate()

    # -- the session ---------------------------------------------------------------------

    async def prepare_session(self) -> object:
        """Write the profile's files and tools, and run `setup_session`; returns its data, which is
        the architecture's own. EnvironmentUnavailable when it fails. Can be repeated."""
        profile = self.config.agent_profile
        refused = (await self.primitive.write_files(profile.files)).refused
        if refused:
            path, reason = next(iter(refused.items()))
            raise EnvironmentUnavailable(
                f"The file {path!r} of the profile cannot be written: {reason}",
                "Correct the profile, and prepare the session again.",
            )
        await self._install(
            (self.get_base_paths().bundled_tools.joinpath(*_below(tool.path)), tool.content)
            for tool in profile.bundled_tools
        )
        request = {"profile": {"name": profile.name, **profile.settings}}
        _, output = await self._finish("setup_session", request)
        return output.data

    async def execute_query(
        self, query: str, *, options: Mapping[str, object] | None = None
    ) -> AsyncGenerator[StreamEvent, None]:
        """Run a query, and yield its events as they come. The last is a ScriptOutput: `success`,
        and `data` or `error`. A caller that stops iterating interrupts the query, with
        `aclosing` at once. `options` are for the architecture's script."""
        request = {
            "query": query,
            "execution_id": new_id(EXECUTION),
            "options": dict(options or {}),
        }
        async with aclosing(self._run("execute_query", request)) as events:
            async for event in events:
                yield event

    async def read_session_transcript(self) -> tuple[StreamEvent, ...]:
        """All events that the architecture has recorded of the session, oldest first.
        EnvironmentUnavailable when they cannot be read."""
        events, _ = await self._finish("read_transcript", {"follow": False})
        return events

    async def watch_session_transcript_changes(
        self,
    ) -> AsyncGenerator[TranscriptChangeEvent, None]:
        """What is recorded of the session: first what there is, then what comes, for ever.
        EnvironmentUnavailable when the script that reads it ends."""
        async with aclosing(self._run("read_transcript", {"follow": True})) as events:
            async for event in events:
                if isinstance(event, ScriptOutput):
                    raise _failed("read_transcript", event)
                yield TranscriptChangeEvent(self.config.session_id, _inner(event))

    # -- scripts -------------------------------------------------------------------------

    def _run(self, script: str, request: Mapping[str, object]) -> AsyncGenerator[StreamEvent, None]:
        paths = self.get_base_paths()
        words = {
            "python": self.config.environment_options.interpreter,
            "application": paths.application,
            "workspace": paths.workspace,
            "home": paths.home,
            "bundled_tools": paths.bundled_tools,
        }
        command: tuple[str, ...] = getattr(self._architecture, script)
        for word, place in words.items():
            command = tuple(part.replace(f"{{{word}}}", str(place)) for part in command)
        whole = {"session_id": self.config.session_id, "base_paths": paths.variables(), **request}
        return run_script(self.primitive, script, command, whole, paths.variables())

    async def _finish(
        self, script: str, request: Mapping[str, object]
    ) -> tuple[tuple[StreamEvent, ...], ScriptOutput]:
        """Run a script to its end; EnvironmentUnavailable when it fails."""
        async with aclosing(self._run(script, request)) as stream:
            *events, output = [event async for event in stream]
        assert isinstance(output, ScriptOutput)
        if not output.success:
            raise _failed(script, output)
        return tuple(events), output

    async def _install_architecture(self) -> None:
        folder = self.get_base_paths().application
        files = self._architecture.files.items()
        contents = [(folder.joinpath(*_below(name)), await _read(path)) for name, path in files]
        await self._install(contents)

    async def _install(self, files: Iterable[tuple[PurePosixPath, bytes]]) -> None:
        """Write files outside of the workspace, by a shell in the place."""
        for path, content in files:
            command = ["sh", "-c", _INSTALL, "install", str(path)]
            outcome = await run(self.primitive, command, stdin=content)
            if outcome.code:
                reason = outcome.stderr.decode("utf-8", "replace").strip()
                raise EnvironmentUnavailable(
                    f"{path} cannot be written in the environment: {reason}",
                    "Check that its application folder can be written.",
                )


def _below(path: str | PurePosixPath) -> tuple[str, ...]:
    """The parts of a relative path. Denied for one that leads out of its folder."""
    return inside(PurePosixPath("/"), PurePosixPath("/") / path)


async def _read(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise UsageError(
            f"The architecture's file {path} cannot be read: {error.strerror}.",
            "Name files that are there.",
        ) from error


def _inner(event: StreamEvent) -> tuple[StreamEvent, ...]:
    """Events of a line of a followed transcript: a list of them, or the one that it is."""
    if event.type != "transcript_change" or not isinstance(event.payload, list):
        return (event,)
    return tuple(
        StreamEvent(str(each.get("type")), each.get("payload"), each.get("context") or {})
        for each in event.payload
        if isinstance(each, dict)
    )


def _failed(script: str, output: ScriptOutput) -> EnvironmentUnavailable:
    error = output.error or f"The script {script} ended."
    return EnvironmentUnavailable(error, "Look at what the script needs, and try again.")
