"""What every place where code runs can do: run commands, keep files, tell whether it lives.

An Environment is a folder (the workspace) and the right to start processes beside it, on this
machine or in a container. All of it is asyncio; a cancelled call leaves nothing behind: a process
whose handle was being made is ended, a file that was being written is not there or is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct, field

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.environments.budget import Budget

MOST_COLLECTED = 256 << 20
"""Bytes of output that `run` collects of one command."""
TOO_MUCH_OUTPUT = (
    f"The command printed more than {MOST_COLLECTED >> 20} MB.",
    "Have it write to a file, and read that in parts.",
)
MOST_CELLS = 10_000
"""Columns or rows of a terminal."""
Location = str | PurePosixPath
"""A path relative to the workspace, or an absolute one inside it."""


Tell = Callable[[str, str], None]
"""Called on the loop with a title and sentences for the user."""


class BasePaths(Struct, frozen=True):
    """The folders that code finds, as the code itself sees them.

    `application` is for the runner scripts of an architecture, `bundled_tools` for the tools that
    come with it; both are made when something is put there.
    """

    workspace: PurePosixPath
    home: PurePosixPath
    temporary: PurePosixPath
    application: PurePosixPath

    @property
    def bundled_tools(self) -> PurePosixPath:
        return self.application / "tools"

    def variables(self) -> dict[str, str]:
        """Environment variables that tell a runner script the folders."""
        return {
            "APP_DIR": str(self.application),
            "WORKSPACE_DIR": str(self.workspace),
            "HOME_DIR": str(self.home),
            "BUNDLED_MCP_DIR": str(self.bundled_tools),
        }


class FileKind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"  # FIFO, socket, device: listed, never opened


class WorkspaceEntry(Struct, frozen=True):
    """One thing in the workspace; `path` is relative to it, `size` in bytes, `modified` in ns."""

    path: PurePosixPath
    kind: FileKind
    size: int
    modified: int


FileRow = tuple[str, int, int, int]
"""The same as path, mode, size and time: of 200,000 files that is ten times less to make, and for
the garbage collector (which stops all threads) nothing to look at."""


class OpenFile(Protocol):
    """A plain file, open for reading."""

    @property
    def size(self) -> int:
        """In bytes, when it was opened."""

    @property
    def version(self) -> str:
        """Changes with the content, and with the file that has this name."""

    async def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""

    async def close(self) -> None:
        """Can be repeated."""


class FileWrite(Struct, frozen=True):
    """A file to be written; missing folders are made."""

    path: Location
    content: bytes


class WriteOutcome(Struct, frozen=True):
    """What became of a batch: the files written, and for each of the others why not."""

    written: tuple[PurePosixPath, ...]
    refused: Mapping[str, str] = field(default_factory=dict)


class Change(StrEnum):
    CREATED = "created"
    MODIFIED = "modified"
    REMOVED = "removed"


class FileChange(Struct, frozen=True):
    """`path` is relative to the workspace. Folders are told by watches of this machine's folders
    alone: a new one, and one that is gone with all that was in it."""

    change: Change
    path: PurePosixPath
    is_folder: bool = False


class ExecHandle(Protocol):
    """A command that runs in its own process group.

    `stdout` and `stderr` give bytes as they come and end when the last writer has closed them; one
    that is not read holds only its writer back.
    """

    @property
    def stdout(self) -> AsyncIterator[bytes]: ...

    @property
    def stderr(self) -> AsyncIterator[bytes]: ...

    async def write(self, data: bytes) -> None:
        """Feed stdin; BrokenPipeError when the command has closed it."""

    async def close_stdin(self) -> None: ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""

    async def wait(self) -> int: ...

    async def signal(self, number: int) -> None:
        """Send a signal to the whole group; nothing happens when it is gone already."""

    async def kill(self) -> None:
        """End the group and wait for the command's end."""


class TerminalSize(Struct, frozen=True):
    """In characters. UsageError for one that no terminal has."""

    columns: int = 80
    rows: int = 24

    def __post_init__(self) -> None:
        if not (0 < self.columns <= MOST_CELLS and 0 < self.rows <= MOST_CELLS):
            raise UsageError(
                f"A terminal cannot have {self.columns} columns and {self.rows} rows.",
                f"Each is a number from 1 to {MOST_CELLS}.",
            )


class ProcessEnd(Struct, frozen=True):
    """How a process ended: `code` is negative for a signal. `peak_memory` (bytes, of the largest of
    it and the children that it waited for) and `cpu_seconds` are None where they are not known."""

    code: int
    peak_memory: int | None = None
    cpu_seconds: float | None = None


WaitKind = Literal["reads", "polls", "works"]
"""`reads`: a process stands in a read of its stdin. `polls`: one waits for descriptors, which may
be its stdin. `works`: none of both."""


class InputWait(NamedTuple):
    """What the processes of a terminal wait for. `token` names this one wait: it is another one
    once the process has woken up. `is_echoing`: the terminal shows what is typed; a program that
    asks for a password has switched that off. True where it is not known."""

    kind: WaitKind
    token: str = ""
    is_echoing: bool = True


class TerminalHandle(Protocol):
    """A command that leads a session of its own on a pseudo-terminal.

    Bytes go both ways as they are: what is typed is echoed or not, and Ctrl+C (0x03), Ctrl+D (0x04)
    mean what the command has set. `output` ends when the command has ended and has been read to its
    end, though a background process has the terminal open still; that one is hung up then.
    """

    @property
    def pid(self) -> int:
        """Of the command, where it runs."""

    @property
    def output(self) -> AsyncIterator[bytes]:
        """For one reader. Output that is not read holds only the command back."""

    async def write(self, data: bytes) -> None:
        """Type; waits while the terminal takes no more. BrokenPipeError when it is closed."""

    async def resize(self, size: TerminalSize) -> None:
        """The command is told by SIGWINCH. Nothing happens when it has ended."""

    async def signal(self, number: int) -> None:
        """To the process group in the foreground, or to the command's where there is none."""

    async def input_wait(self) -> InputWait:
        """Whether the command, or one that it has started, waits for what is typed.
        EnvironmentUnavailable when the environment has ended."""

    def poll(self) -> ProcessEnd | None: ...

    async def wait(self) -> ProcessEnd:
        """EnvironmentUnavailable when the environment has ended without a status."""

    async def kill(self) -> None:
        """End the command and all processes of its session, and let go of the terminal."""


class ExecOutcome(Struct, frozen=True):
    code: int
    stdout: bytes
    stderr: bytes


class CommandRunner(Protocol):
    """The part of an environment that starts commands; see EnvironmentPrimitive."""

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle: ...


class EnvironmentPrimitive(Protocol):
    """What every kind of place where code runs can do. A new kind is one class with these members.

    Errors: Denied (outside the workspace, or not a plain file), StorageError (disk full, not
    writable), EnvironmentUnavailable (it has ended, or the command is not there).
    """

    @property
    def id(self) -> str:
        """Unique among the environments of this machine."""

    @property
    def base_paths(self) -> BasePaths: ...

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> ExecHandle:
        """Start a command. With `stdin` given it is fed in full (text as UTF-8) and closed; else it
        stays open."""

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = TerminalSize(),  # noqa: B008  # frozen
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle:
        """Start a command on a pseudo-terminal; TERM is xterm-256color where `env` has none."""

    async def read_file(self, path: Location, *, limit: int | None = None) -> bytes | None:
        """The content, cut at `limit` bytes; None when there is no such file."""

    async def write_file(self, path: Location, content: bytes) -> None: ...

    async def write_files(self, files: Iterable[FileWrite]) -> WriteOutcome:
        """Write what can be written; one that is refused does not stop the others."""

    async def list_files(self, path: Location = "", pattern: str = "**") -> list[WorkspaceEntry]:
        """What is below `path` and matches (`*.py` in it, `**/*.py` at any depth), sorted."""

    def watch(
        self, path: Location = "", *, interval: float = 0.5, hide_ignored: bool = False
    ) -> AsyncIterator[tuple[FileChange, ...]]:
        """Batches of changes below `path`, for ever. The first is empty, and comes when the watch
        has begun.

        `interval` is how many seconds of quiet end a batch, or how often is looked. A batch has at
        most some 1,000 paths: `.` among them says that others have changed as well, so list what
        you show. A folder that is gone is one path. With `hide_ignored` what .gitignore files hide
        is left out, and folders whose name begins with a dot."""

    async def is_running(self) -> bool: ...

    def poll(self) -> int | None:
        """The exit code of the environment itself; None while it is there."""

    async def terminate(self) -> None:
        """End it and every process in it; files of the workspace stay. Can be repeated."""


class Environment(EnvironmentPrimitive, Protocol):
    """What a session needs of its place besides: files in parts, within budgets, and programs."""

    async def open_file(self, path: Location) -> OpenFile | None:
        """A file to be read in parts; None when there is no such file."""

    async def list_rows(self, path: Location, pattern: str, budget: Budget) -> list[FileRow]:
        """The same as `list_files` as rows, within a budget."""

    @property
    def machine(self) -> str:
        """What has the files, as users call it; empty: this machine."""

    async def file_digest(self, path: Location) -> str | None:
        """The SHA-256 of a plain file in hex; None when there is no such file."""

    async def make_folder(self, path: Location) -> None:
        """And those on the way to it. Conflict where there is something of that name."""

    async def rename_entry(self, path: Location, target: Location) -> None:
        """Of a file, link or folder. Conflict where there is something of that name; NotFound."""

    async def remove_entry(self, path: Location) -> None:
        """A file, a link, or a folder with all that it holds. NotFound."""

    async def changed_files(
        self, since: int, wanted: Callable[[str], bool], most: int
    ) -> list[WorkspaceEntry]:
        """Plain files of the workspace itself, of a `wanted` name, that were modified at `since`
        (ns since 1970) or later: the first `most` of them in order."""

    async def for_programs(self, tell: Tell) -> Environment:
        """Where programs run, ready for them: this one, or a container that is made for them.
        `tell` is called, then and later, with what the user should know of it.
        EnvironmentUnavailable when it cannot be made."""


async def run(
    environment: CommandRunner,
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    cwd: Location | None = None,
    env: Mapping[str, str] | None = None,
) -> ExecOutcome:
    """Run a command to its end and collect what it printed; ended when cancelled."""
    handle = await environment.exec(command, stdin=stdin, cwd=cwd, env=env)
    out = asyncio.ensure_future(collect(handle.stdout, MOST_COLLECTED, TOO_MUCH_OUTPUT))
    err = asyncio.ensure_future(collect(handle.stderr, MOST_COLLECTED, TOO_MUCH_OUTPUT))
    try:
        # Not a TaskGroup: that would wrap our errors, which nobody looks for in a group.
        code, printed, errors = await asyncio.gather(handle.wait(), out, err)
    except BaseException:
        out.cancel()
        err.cancel()
        await handle.kill()
        raise
    return ExecOutcome(code, printed, errors)


async def collect(chunks: AsyncIterator[bytes], most: int, too_much: tuple[str, str]) -> bytes:
    """All bytes of a stream, to its end. More than `most` bytes are an EnvironmentUnavailable with
    the message and the next step of `too_much`."""
    parts: list[bytes] = []
    total = 0
    async for chunk in chunks:
        parts.append(chunk)
        total += len(chunk)
        if total > most:
            raise EnvironmentUnavailable(*too_much)
    return b"".join(parts)
