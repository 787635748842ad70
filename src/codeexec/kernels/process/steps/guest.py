"""Programs in a container: their tools, what is built of them, and what was built before.

Only commands of the container are used: sh, mkdir, mv, cat, ls, xargs, grep and sha256sum.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from codeexec.domain.errors import NotFound, StorageError, UsageError
from codeexec.environments.base import Environment, run
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.cache import DEPFILE
from codeexec.kernels.process.steps.store import PreparedProgram
from codeexec.kernels.process.steps.tools import Locate, candidates, find_tool
from codeexec.languages.depfile import read_depfile
from codeexec.languages.model import Language
from codeexec.languages.plan import PlanOptions, language_of_program, make_plan

VARIABLES = {"LANG": "C.UTF-8"}
"""What a program in a container finds of our environment."""
MOST_FIRST_LINE = 256
HOW_TO_INSTALL = "Use an image that has it, or install it in the image by its Dockerfile: "

_FIND = 'for name; do command -v "$name" || echo; done'
_HAS_MODULE = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
_WRITE = 'mkdir -p "$1" && cat > "$1/$2"'
_KEEP = 'mv -f "$1.new" "$1" && cat "$2" 2>/dev/null || :'
_HASH = """\
test -x "$1" || exit 1
shift
for folder; do printf '%s:\\n' "$folder"; ls -A -- "$folder" || exit 1; done
exec xargs -0 sha256sum --
"""
_FOLDERS = 'for path; do test ! -d "$path" || printf "%s\\0" "$path"; done'
_HAS_CLOCK = r'xargs -0 grep -lE "__(DATE|TIME|TIMESTAMP)__" -- /dev/null | grep -q .'
_PLAIN = re.compile(r"[\w./+@:=,-]+")


class GuestPrograms:
    """The programs of one kernel in one container. The container gets `env`, the variables of
    the session, and no other variable of this machine."""

    def __init__(self, environment: Environment, env: Mapping[str, str]) -> None:
        self.environment = environment
        self.environ: Mapping[str, str] = {**VARIABLES, **env}
        temporary = environment.base_paths.temporary
        self._root = temporary / f"codeexec-programs-{secrets.token_hex(4)}"
        self._stores: dict[str, GuestStore] = {}

    async def keep_code(self, code: str, name: str) -> str:
        """The path of a file of its own for code that has none. StorageError."""
        data = code.encode("utf-8", "surrogateescape")
        folder = self._root / hashlib.blake2b(data, digest_size=12).hexdigest()
        await _shell(self.environment, _WRITE, str(folder), name, stdin=data)
        return str(folder / name)

    async def make_folder(self, name: str, content: bytes) -> str:
        """The path of a new folder in the container that has this file. StorageError."""
        folder = str(self._root / f"private-{secrets.token_hex(4)}")
        await _shell(self.environment, _WRITE, folder, name, stdin=content)
        return folder

    async def plan(
        self, language: Language, file: str, folder: str, options: PlanOptions
    ) -> PreparedProgram:
        """`file` is a path in the folder of the session, `folder`, or one of `keep_code`. NotFound,
        ToolMissing, UsageError (see `make_plan`, and for a file that the container does not see).
        """
        named, first_line = await self._look_at(PurePosixPath(file), folder)
        language_of_program(named.name, first_line)  # a header is refused
        if language.name in ("c", "cpp") and not named.is_absolute():
            from codeexec.kernels.process.projects.guest_flags import with_guest_flags

            options = await with_guest_flags(self, language, Path(folder, named), options)
        locate = await self._locate(candidates(language, options.tool, first_line))
        tool = find_tool(
            language,
            locate,
            chosen=options.tool,
            first_line=first_line,
            how_to_install=HOW_TO_INSTALL,
        )
        cwd = Path(self.environment.base_paths.workspace)
        if not language.build:
            plan = make_plan(language, str(named), tool, {}, options)
            return PreparedProgram(BuiltProgram(language, plan, cwd, self.environ, None), None)
        plain = make_plan(language, str(named), tool, {}, options._replace(report="plain"))
        store = self._store([str(named), *plain.build], named.stem, tool[0])
        plan = make_plan(language, str(named), tool, store.places, options)
        output = store.places["output"]
        ran = tuple(str(store.program) if word == output else word for word in plan.run)
        program = BuiltProgram(language, plan._replace(run=ran), cwd, self.environ, None)
        return PreparedProgram(program, store)

    async def _look_at(self, path: PurePosixPath, folder: str) -> tuple[PurePosixPath, str]:
        """The path as the tools are given it, and the first line of the file."""
        if path.is_relative_to(self._root):
            return path, ""
        workspace = self.environment.base_paths.workspace
        absolute = PurePosixPath(folder) / path
        if not absolute.is_relative_to(folder):
            raise UsageError(
                f"{path} is outside of {folder}, which is all that the container sees.",
                "Open the session in its folder: --cwd FOLDER",
            )
        named = absolute.relative_to(folder)
        head = await self.environment.read_file(workspace / named, limit=MOST_FIRST_LINE)
        if head is None:
            raise NotFound(f"{path}: No such file.", "Save it, or check the name.")
        return named, head.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")

    async def find_paths(self, names: Sequence[str]) -> dict[str, str]:
        """Where the container has these programs; those that it does not have are left out."""
        names = sorted({name for name in names if _PLAIN.fullmatch(name)})
        command = ("/bin/sh", "-c", _FIND, "sh", *names)
        printed = await run(self.environment, command, env=self.environ)
        lines = printed.stdout.decode("utf-8", "replace").split("\n")
        paths = zip(names, lines, strict=False)
        return {name: path for name, path in paths if path.startswith("/")}

    async def _locate(self, tools: Sequence[tuple[str, ...]]) -> Locate:
        paths = await self.find_paths([tool_command[0] for tool_command in tools if tool_command])
        located: dict[tuple[str, ...], tuple[str, ...]] = {}
        for tool_command in tools:
            path = paths.get(tool_command[0], "") if tool_command else ""
            if path and await self._has_module((path, *tool_command[1:])):
                located[tuple(tool_command)] = (path, *tool_command[1:])
        return lambda tool_command: located.get(tuple(tool_command), ())

    async def _has_module(self, tool_command: Sequence[str]) -> bool:
        """Whether `python3 -m MODULE` has its module."""
        if "-m" not in tool_command:
            return True
        module = tool_command[tool_command.index("-m") + 1]
        command = (tool_command[0], "-c", _HAS_MODULE, module)
        return (await run(self.environment, command)).code == 0

    def _store(self, identity: Sequence[str], stem: str, tool: str) -> GuestStore:
        key = hashlib.blake2b(json.dumps(identity).encode(), digest_size=12).hexdigest()
        if key not in self._stores:
            self._stores[key] = GuestStore(self.environment, self._root / key, stem, tool)
        return self._stores[key]


class _Inputs(NamedTuple):
    """What a program was made from: `files` with a NUL after each, folders by the names in them,
    and the hashes of all as they are printed."""

    files: bytes
    folders: tuple[str, ...]
    hashes: bytes


class GuestStore:
    """A folder of the container, which goes with it; it is a BuildStore. That the program is still
    good is told by the hashes of all files that its compiler has read."""

    def __init__(
        self, environment: Environment, folder: PurePosixPath, stem: str, tool: str
    ) -> None:
        self.environment = environment
        self._folder = folder
        self.program = folder / stem
        self._tool = tool
        self._lock = asyncio.Lock()
        self._listed: list[str] = []
        """What the build has read, where its tool writes no depfile."""
        self._inputs: _Inputs | None = None
        self._report = ""

    @property
    def places(self) -> dict[str, str]:
        """See `ProgramFolder.places`."""
        return {"output": f"{self.program}.new", "depfile": str(self._folder / DEPFILE)}

    async def begin(self) -> Callable[[], None]:
        await self._lock.acquire()
        try:
            await _shell(self.environment, 'mkdir -p "$1"', str(self._folder))
        except BaseException:
            self._lock.release()
            raise
        return self._lock.release

    async def find_report(self) -> str | None:
        if self._inputs is None:
            return None
        found = await self._hashes(self._inputs.files, self._inputs.folders)
        return self._report if found == self._inputs.hashes else None

    async def note_inputs(self, listed: bytes) -> None:
        names = listed.decode("utf-8", "surrogateescape").splitlines()
        self._listed = list(dict.fromkeys(filter(None, names)))

    async def keep(self, report: str) -> None:
        self._inputs = None
        noted, self._listed = self._listed, []
        listed = await _shell(
            self.environment, _KEEP, str(self.program), str(self._folder / DEPFILE)
        )
        sources = noted or read_depfile(listed.decode("utf-8", "surrogateescape"))
        if not sources:
            return  # what it was made from is not known
        folders = await self._folders(noted)
        sources = [path for path in sources if path not in folders]
        own = [path for path in sources if not path.startswith("/usr/")]
        command = ("/bin/sh", "-c", _HAS_CLOCK)
        if (await run(self.environment, command, stdin=_with_nuls(own))).code == 0:
            return
        paths = _with_nuls([*sources, self._tool])
        if (hashes := await self._hashes(paths, folders)) is not None:
            self._inputs, self._report = _Inputs(paths, folders, hashes), report

    async def _folders(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of the paths that are folders."""
        if not paths:
            return ()
        found = await run(self.environment, ("/bin/sh", "-c", _FOLDERS, "sh", *paths))
        return tuple(filter(None, found.stdout.decode("utf-8", "surrogateescape").split("\0")))

    async def is_built(self) -> bool:
        command = ("/bin/sh", "-c", 'test -x "$1"', "sh", str(self.program))
        return (await run(self.environment, command)).code == 0

    async def _hashes(self, files: bytes, folders: Sequence[str]) -> bytes | None:
        """None where one of them, or the program, is not there."""
        command = ("/bin/sh", "-c", _HASH, "sh", str(self.program), *folders)
        outcome = await run(self.environment, command, stdin=files)
        return outcome.stdout if outcome.code == 0 else None


async def is_executable(environment: Environment, path: str) -> bool:
    """Whether the container has a program there."""
    command = ("/bin/sh", "-c", 'test -f "$1" && test -x "$1"', "sh", path)
    return (await run(environment, command)).code == 0


def _with_nuls(paths: Sequence[str]) -> bytes:
    return b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)


async def _shell(
    environment: Environment, script: str, *arguments: str, stdin: bytes = b""
) -> bytes:
    """What a short script prints. StorageError with its words when it fails."""
    outcome = await run(environment, ("/bin/sh", "-c", script, "sh", *arguments), stdin=stdin)
    if outcome.code:
        reason = outcome.stderr.decode("utf-8", "replace").strip() or f"status {outcome.code}"
        raise StorageError(
            f"The program cannot be kept in the container: {reason}.",
            "Restart the kernel, or give the container more room: docker.policy",
        )
    return outcome.stdout
