"""The engine's CLI that carries one container: its start, its errors, and its end."""

from __future__ import annotations

import asyncio
import contextlib

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.docker.engine import Engine
from codeexec.environments.processes import Child

END_DEADLINE = 3.0
REMOVE_DEADLINE = 20.0
LOOK_EVERY = 0.1
MOST_ERRORS = 8192


class ContainerCli:
    """The container lives for as long as the stdin of the CLI is open."""

    def __init__(self, engine: Engine, container: str) -> None:
        """`container` is the name that the container gets."""
        self._engine = engine
        self._container = container
        self._errors = bytearray()
        self.process: Child | None = None

    @property
    def last_errors(self) -> str:
        """The end of what the CLI and the relay wrote to stderr."""
        return self._errors.decode(errors="replace")

    async def start(self, *arguments: str) -> Child:
        """Start the CLI, also when this is cancelled: a CLI that was killed may leave a container
        that it has made and not begun. `end` ends it by the end of its pipe."""
        starting = asyncio.ensure_future(self._engine.start(*arguments, feed=True))
        try:
            self.process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            self.process = await starting
            raise
        return self.process

    async def listen(self, process: Child) -> None:
        """Read its stderr to the end."""
        assert process.stderr is not None
        while chunk := await process.stderr.read(1 << 14):
            self._errors += chunk
            del self._errors[:-MOST_ERRORS]

    async def end(self, process: Child, *, is_paused: bool) -> None:
        """End the container. The end of the pipe is all it takes, unless it is paused or its relay
        was stopped."""
        if process.stdin is not None:
            process.stdin.close()
        await self.ended_or_removed(process, 0 if is_paused else None)

    async def ended_or_removed(self, process: Child, patience: float | None = None) -> None:
        """The pipe has ended, so the CLI must: one that hangs is ended by force, after `patience`
        seconds (END_DEADLINE where it is None)."""
        try:
            async with asyncio.timeout(END_DEADLINE if patience is None else patience):
                await process.wait()
        except TimeoutError:
            await self.remove()

    async def remove(self) -> None:
        """By force: for a container that does not see the end of its pipe."""
        call = self._engine.call("rm", "--force", self._container, deadline=REMOVE_DEADLINE)
        removing = asyncio.create_task(call, name=f"removal of {self._container}")
        try:
            await asyncio.wait({removing}, timeout=END_DEADLINE)
            process = self.process
            if process is not None and process.returncode is None:
                # A container that prints without end is not removed before its CLI has gone,
                # which nobody reads any more.
                await process.end()
        finally:
            try:
                await removing
            except EnvironmentUnavailable as error:
                if "already in progress" in error.message:
                    await self._until_removed()

    async def _until_removed(self) -> None:
        """Wait for an engine that removes the container already: `rm` refuses to, and ends at
        once."""
        form = ("--format", "{{.Id}}")
        with contextlib.suppress(EnvironmentUnavailable):
            for _ in range(round(REMOVE_DEADLINE / LOOK_EVERY)):
                inspect = ("container", "inspect", *form, self._container)
                await self._engine.call(*inspect, deadline=REMOVE_DEADLINE)
                await asyncio.sleep(LOOK_EVERY)
