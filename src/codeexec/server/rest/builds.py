"""Compiles C and C++ files of a session to a program at a path that the client chooses."""

from __future__ import annotations

import asyncio
import re
from typing import Literal

from msgspec import Struct

from codeexec.domain.errors import UsageError
from codeexec.domain.ids import new_id
from codeexec.environments.base import ExecOutcome, run
from codeexec.server.rest.workspace_paths import file_path
from codeexec.session.session import Session

_COMPILER = re.compile(r"(g\+\+|clang\+\+|gcc|clang)(-\d{1,2}(\.\d)?)?")


class BuildRequest(Struct, frozen=True):
    """Paths lie in the session's folder, which is also called `/workspace`. The session is opened
    when there is none of this name. `compiler` is g++, clang++, gcc or clang, as `g++-12` too."""

    session_id: str
    source_files: tuple[str, ...]
    output_binary: str
    compiler: str = "g++"
    flags: tuple[str, ...] = ()


class BuildAnswer(Struct, frozen=True):
    """A build that fails is an answer, too: its errors stand in `stderr`."""

    build_id: str
    status: Literal["success", "failed"]
    stdout: str
    stderr: str
    artifacts: tuple[str, ...]


async def build(session: Session, request: BuildRequest, timeout: float) -> BuildAnswer:
    """Compile and link within `timeout` seconds (0: no limit). UsageError for a compiler that is
    none, Denied for a path outside, EnvironmentUnavailable where there is no such compiler."""
    if not _COMPILER.fullmatch(request.compiler):
        raise UsageError(
            f"There is no compiler {request.compiler[:40]!a}.",
            "Choose g++, clang++, gcc or clang, or one with a version as g++-12.",
        )
    if not request.source_files:
        raise UsageError("There is nothing to build.", "Name `source_files`.")
    if any("\0" in flag for flag in request.flags):
        raise UsageError("A flag holds a NUL character.", "Remove it.")
    root = str(session.environment.base_paths.workspace)
    # With `./` before it no path can be taken for an option.
    sources = [f"./{file_path(path, root)}" for path in request.source_files]
    output = file_path(request.output_binary, root)
    # A library serves what stands before it.
    libraries = [flag for flag in request.flags if flag.startswith(("-l", "-Wl,"))]
    flags = [flag for flag in request.flags if flag not in libraries]
    command = [request.compiler, *flags, *sources, "-o", f"./{output}", *libraries]
    folder = output.rpartition("/")[0]
    try:
        async with asyncio.timeout(timeout or None):
            if folder:
                await run(session.environment, ["mkdir", "-p", "--", folder])
            outcome = await run(session.environment, command)
    except TimeoutError:
        message = f"The build took more than {timeout:g} s (CPP_BUILD_TIMEOUT) and was ended.\n"
        return BuildAnswer(new_id("build"), "failed", "", message, ())
    return _answer(outcome, request.output_binary)


def _answer(outcome: ExecOutcome, output: str) -> BuildAnswer:
    printed = outcome.stdout.decode("utf-8", "replace")
    errors = outcome.stderr.decode("utf-8", "replace")
    if outcome.code:
        return BuildAnswer(new_id("build"), "failed", printed, errors, ())
    printed = printed or "Compiled successfully"
    return BuildAnswer(new_id("build"), "success", printed, errors, (output,))
