"""A container engine by way of its command line: Docker, or Podman by its name.

The CLI and no library: it knows contexts, DOCKER_HOST over ssh and TLS and rootless sockets by
itself, and costs 15 ms a call. Every failure becomes an error that says what to do next.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import json
import os
import re
import resource
import struct
import sys
import termios
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.environments.base import collect
from codeexec.environments.docker.failures import NOT_FROZEN, explain
from codeexec.environments.docker.policy import EngineInfo
from codeexec.environments.docker.pulling import Pull, PullReader
from codeexec.environments.processes import Child, chunks, start
from codeexec.hostfiles.programs import safe_environ, which

INFO_DEADLINE = 30.0
"""Seconds in which an engine must say what it is."""
MOST_PRINTED = 16 << 20
"""Bytes that one command may print."""
FREEZE_TRIES = 3
PULL_DEADLINE = 600.0
"""Seconds without a sign of life after which the fetching of an image is given up."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How to reach an engine. `context` names one of the CLI's contexts; "" is the current one."""

    program: str = "docker"
    context: str = ""

    @property
    def name(self) -> str:
        return os.path.basename(self.program)  # noqa: PTH119  # a word of a command, not a file

    def command(self, *arguments: str) -> list[str]:
        if not self.context:
            return [self.program, *arguments]
        flag = "--connection" if self.name == "podman" else "--context"
        return [self.program, flag, self.context, *arguments]

    async def call(self, *arguments: str, deadline: float = 60.0) -> str:
        """Run one command of the CLI and give what it printed.

        Raises EnvironmentUnavailable with the next step when it fails or takes `deadline` seconds.
        """
        process = await self.start(*arguments)
        try:
            async with asyncio.timeout(deadline):
                out, err = await asyncio.gather(_printed(process.stdout), _printed(process.stderr))
                await process.wait()
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"{self.name} did not answer for {deadline:g} s.",
                "Check that the engine is not stuck: restart it, or try again.",
            ) from None
        finally:
            if process.returncode is None:
                await process.end()
        if process.returncode != 0:
            raise explain(self.name, process.returncode or 0, err.decode(errors="replace"))
        return out.decode(errors="replace")

    async def pause(self, container: str) -> None:
        """Stop every process of a container where it is. Tried again where a process was just
        then one that cannot be frozen. EnvironmentUnavailable."""
        for left in reversed(range(FREEZE_TRIES)):
            try:
                await self.call("pause", container)
            except EnvironmentUnavailable as error:
                if not left or error.message != NOT_FROZEN:
                    raise
            else:
                return

    async def start(self, *arguments: str, feed: bool = False) -> Child:
        """Start the CLI; EnvironmentUnavailable when it is not installed."""
        return await self._spawn(arguments, feed=feed)

    async def info(self) -> EngineInfo:
        """Ask the engine what it is; EnvironmentUnavailable when it cannot be reached or used."""
        answer = _object(await self.call("info", "--format", "{{json .}}", deadline=INFO_DEADLINE))
        if "host" in answer:  # podman's own layout
            return self._podman_info(answer)
        if answer.get("ServerErrors"):
            errors = _list(answer["ServerErrors"])
            raise explain(self.name, 1, "\n".join(str(error) for error in errors))
        if not isinstance(answer.get("ServerVersion"), str):
            raise _unreadable()
        options = _list(answer.get("SecurityOptions"))
        address = await self._address()
        data = answer.get("DockerRootDir")
        return EngineInfo(
            version=str(answer.get("ServerVersion", "")),
            rootless=any("rootless" in str(option) for option in options),
            local=address.startswith(("unix://", "npipe://", "/")) or not address,
            private=_paths(data, address.removeprefix("unix://")),
            shares_kernel=sys.platform == "linux"
            and "Desktop" not in str(answer.get("OperatingSystem")),
            cpus=_count(answer.get("NCPU")) or 1,
            memory=_count(answer.get("MemTotal")),
            limits_memory=bool(answer.get("MemoryLimit", True)),
            limits_pids=bool(answer.get("PidsLimit", True)),
            limits_cpus=bool(answer.get("CpuCfsQuota", answer.get("CPUCfsQuota", True))),
        )

    async def mapped_ports(self, container: str, ports: Sequence[int]) -> dict[int, int]:
        """The port of this machine's loopback for each of these TCP ports of a container.
        EnvironmentUnavailable when one is not mapped."""
        lines = (await self.call("port", container)).splitlines()
        found = [re.match(r"(\d+)/tcp -> 127\.0\.0\.1:(\d+)$", line.strip()) for line in lines]
        mapped = {int(match[1]): int(match[2]) for match in found if match}
        if missing := [port for port in ports if port not in mapped]:
            raise EnvironmentUnavailable(
                f"The engine has not mapped the port {missing[0]} of the container.",
                "Use the transport relay, which needs no ports: docker.transport",
            )
        return mapped

    async def has_image(self, image: str) -> bool:
        try:
            await self.call("image", "inspect", "--format", "{{.Id}}", image)
        except EnvironmentUnavailable as error:
            if "image" in error.message.lower():
                return False
            raise
        return True

    async def images(self, label: str = "", *, deadline: float = 60.0) -> list[str]:
        """Names of the images that are here, or of those with a label `key=value`."""
        filters = ["--filter", f"label={label}"] if label else []
        form = ("--format", "{{.Repository}}:{{.Tag}}")
        listing = await self.call("image", "ls", *filters, *form, deadline=deadline)
        # Podman says of what was made here that it is of no registry.
        names = (line.strip().removeprefix("localhost/") for line in listing.splitlines())
        return [name for name in names if name and "<none>" not in name]

    async def pull(self, image: str) -> AsyncGenerator[Pull, None]:
        """Fetch an image; gives how far it has come, as often as that changes.

        EnvironmentUnavailable says why it failed. Given up, nothing of it goes on.
        """
        async with terminal() as (drawn, end):
            try:
                process = await self._spawn(("pull", image), terminal=end)
            finally:
                os.close(end)  # else nobody would see that the engine's CLI has gone
            reader, last = PullReader(), Pull()
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            try:
                while chunk := await _read(drawn):
                    reader.take(decode(chunk))
                    if (now := reader.pull) != last:
                        last = now
                        yield now
                code = await process.wait()
            finally:
                if process.returncode is None:
                    await process.end()
            reader.end()
            if code != 0:
                raise explain(self.name, code, reader.said, image)

    async def _spawn(
        self, arguments: Sequence[str], *, feed: bool = False, terminal: int | None = None
    ) -> Child:
        """The CLI, and what it runs by name (ssh, helpers), are none that code in a container put
        on PATH."""
        program = which(self.program)
        if program is None:
            raise _not_installed(self.name, FileNotFoundError())
        command = [program, *self.command(*arguments)[1:]]
        try:
            return await start(command, feed=feed, env=safe_environ(), terminal=terminal)
        except OSError as error:
            raise _not_installed(self.name, error) from error

    def _podman_info(self, info: Mapping[str, object]) -> EngineInfo:
        host = _mapping(info["host"])
        security = _mapping(host.get("security"))
        rootless = bool(security.get("rootless"))
        enforced = not rootless or host.get("cgroupVersion") == "v2"
        controllers = _list(host.get("cgroupControllers"))
        version = _mapping(info.get("version"))

        def limits(controller: str) -> bool:
            return enforced and (not controllers or controller in controllers)

        return EngineInfo(
            version=str(version.get("Version", "")),
            podman=True,
            rootless=rootless,
            local=not host.get("serviceIsRemote", False),
            shares_kernel=sys.platform == "linux",
            cpus=_count(host.get("cpus")) or 1,
            memory=_count(host.get("memTotal")),
            limits_memory=limits("memory"),
            limits_pids=limits("pids"),
            limits_cpus=limits("cpu"),
            # Podman asks for a million, which a host with less than that refuses even to root.
            nproc=min(32768, max(0, resource.getrlimit(resource.RLIMIT_NPROC)[1])),
        )

    async def _address(self) -> str:
        """Where the engine listens; empty for an engine of this machine whose CLI does not say."""
        address = "" if self.context else os.environ.get("DOCKER_HOST", "")
        if not address:
            command = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
            try:
                address = (
                    await self.call(*command, *([self.context] * bool(self.context)))
                ).strip()
            except CodeexecError:
                return ""  # a CLI without contexts reaches the engine of this machine
        return address


def installed() -> list[str]:
    """The engines whose command line is on PATH, the preferred one first."""
    return [program for program in ("docker", "podman") if which(program)]


def find_engine(program: str = "auto", context: str = "") -> Engine:
    """The engine of that command; `auto`: whichever is installed, docker first."""
    if program == "auto":
        program = next(iter(installed()), "docker")
    return Engine(program, context)


def _not_installed(name: str, error: OSError) -> EnvironmentUnavailable:
    if isinstance(error, FileNotFoundError):
        package = {"docker": "docker.io", "podman": "podman"}.get(name, name)
        return EnvironmentUnavailable(
            f"The command {name!r} is not installed.",
            f"Install it (Debian: apt install {package}), or name another engine.",
        )
    return EnvironmentUnavailable(
        f"The command {name!r} cannot be run: {error.strerror}.", "Check its file's mode."
    )


def _object(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable() from error
    if not isinstance(value, dict):
        raise _unreadable()
    return cast("Mapping[str, object]", value)


def _unreadable() -> EnvironmentUnavailable:
    return EnvironmentUnavailable(
        "The engine's description of itself cannot be read.",
        "Check that `docker info` (or `podman info`) works; update the engine's CLI.",
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _paths(*values: object) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str) and value.startswith("/"))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


@contextlib.asynccontextmanager
async def terminal() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """A terminal to draw on: what is drawn, and the descriptor of its other end, which belongs to
    the caller."""
    master, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    loop, drawn = asyncio.get_running_loop(), asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(drawn), os.fdopen(master, "rb", buffering=0)
    )
    try:
        yield drawn, end
    finally:
        transport.close()


async def _printed(stream: asyncio.StreamReader | None) -> bytes:
    """Everything that a command of the engine prints; see MOST_PRINTED."""
    return await collect(
        chunks(stream),
        MOST_PRINTED,
        (
            f"The engine's command printed more than {MOST_PRINTED >> 20} MB.",
            "Check that it is the engine's own command, and not something of the same name.",
        ),
    )


async def _read(drawn: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(PULL_DEADLINE):
            return await drawn.read(1 << 16)
    except TimeoutError:
        raise EnvironmentUnavailable(
            f"The engine has said nothing about the image for {PULL_DEADLINE:g} s.",
            "Check the network and the engine, and try again: what has arrived is kept.",
        ) from None
    except OSError:  # EIO: the last one who had the terminal open is gone
        return b""


async def merged(*streams: asyncio.StreamReader) -> AsyncIterator[str]:
    """The lines of several streams, as they come."""
    lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1000)

    async def read(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            await lines.put(line.decode(errors="replace").rstrip())
        await lines.put(None)

    readers = [asyncio.create_task(read(stream)) for stream in streams]
    try:
        open_ones = len(readers)
        while open_ones:
            line = await lines.get()
            if line is None:
                open_ones -= 1
            else:
                yield line
    finally:
        for reader in readers:
            reader.cancel()
