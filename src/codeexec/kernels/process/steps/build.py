"""Builds a program on this machine, or finds that the one that was built before is still good."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.kernels.process.steps.cache import ProgramFolder
from codeexec.kernels.process.steps.tools import SARIF_SINCE, find_tool, gcc_version, locate_here
from codeexec.languages.model import Language
from codeexec.languages.plan import Plan, PlanOptions, make_plan

if TYPE_CHECKING:
    from codeexec.kernels.process.cells import CellFiles

CHUNK = 1 << 16
MOST_REPORT = 16 << 20
"""Bytes of a report that are kept; the compiler is ended when it writes more."""
NO_PROGRAM = (
    "The build has made no program that can be run.",
    "Leave out flags such as -c and -fsyntax-only, which make something else.",
)
"""Message and next step."""
TOO_LONG = b"\n(the report is longer, and the compiler was ended)\n"
"""Ends such a report."""


# No dataclasses here: importing what makes them would delay the compiler.
class BuiltProgram(NamedTuple):
    """A file that is ready to be built and run. `folder` is None where nothing is built; `cell` is
    the cell that it was made of."""

    language: Language
    plan: Plan
    cwd: Path
    environ: Mapping[str, str]
    folder: ProgramFolder | None
    cell: CellFiles | None = None


class BuildResult(NamedTuple):
    """How a build ended. `status` is that of the compiler (negative: a signal), 0 where the program
    was reused; `report` what the compiler wrote, also of the build that is reused."""

    status: int
    report: str
    seconds: float
    is_reused: bool = False
    peak_memory: int | None = None
    cpu_seconds: float | None = None


def plan_program(
    language: Language,
    file: str,
    cwd: Path,
    environ: Mapping[str, str],
    options: PlanOptions,
    *,
    first_line: str = "",
) -> BuiltProgram:
    """Find the tools of a file. `file` is as the user named it, relative to `cwd`. ToolMissing,
    UsageError (see `make_plan`), StorageError."""
    if language.name in ("c", "cpp"):
        from codeexec.kernels.process.projects.own_flags import with_project_flags

        options = with_project_flags(language, Path(cwd, file).absolute(), environ, options)
    locate = locate_here(environ)
    tool = find_tool(language, locate, chosen=options.tool, first_line=first_line)
    if not language.build:
        return BuiltProgram(
            language, make_plan(language, file, tool, {}, options), cwd, environ, None
        )
    plain = make_plan(language, file, tool, {}, options._replace(report="plain"))
    folder = ProgramFolder(Path(cwd, file).resolve(), plain.build, environ)
    places = folder.places
    if options.report == "parsed" and language.sarif and gcc_version(tool[0]) >= SARIF_SINCE:
        places["sarif"] = str(folder.sarif)
    plan = make_plan(language, file, tool, places, options)
    built = str(folder.program)
    run = tuple(built if word == folder.places["output"] else word for word in plan.run)
    return BuiltProgram(language, plan._replace(run=run), cwd, environ, folder)


def build_program(
    program: BuiltProgram, write: Callable[[bytes], None], *, is_fresh: bool = False
) -> BuildResult:
    """Build it unless it was built already, or `is_fresh`. The compiler's report goes to `write`
    as it comes. KeyboardInterrupt ends the compiler and all that it has started."""
    folder = program.folder
    if folder is None:
        return BuildResult(0, "", 0.0)
    began = time.monotonic()
    with folder.locked():
        report = None if is_fresh else folder.find_report()
        if report is not None:
            write(report.encode("utf-8", "surrogateescape"))
            return BuildResult(0, report, time.monotonic() - began, is_reused=True)
        end = _compile(program, write)
        report = end.output.decode("utf-8", "surrogateescape")
        if end.status == 0:
            if program.plan.inputs:
                folder.note_inputs(_list_inputs(program))
            folder.keep(report, program.cwd)
    seconds = time.monotonic() - began
    return BuildResult(
        end.status, report, seconds, peak_memory=end.peak_memory, cpu_seconds=end.cpu_seconds
    )


def _compile(program: BuiltProgram, write: Callable[[bytes], None]) -> CompilerEnd:
    folder = program.folder
    assert folder is not None, "what is built has one"
    if folder.has_precompiled():
        from codeexec.kernels.process.steps.precompiled import HeldReport, find_header  # of a build

        header = find_header(program)
        if header is not None and header.is_ready():
            held = HeldReport(write)
            end = run_compiler(program, held.write, header.words, meanwhile=folder.sweep)
            if held.is_final(header):
                return end

    def meanwhile() -> None:
        # Here: the compiler works while they are imported.
        import codeexec.languages.depfile  # noqa: F401  # for what keeps the program
        from codeexec.kernels.process.steps.precompiled import find_header

        header = find_header(program)
        if header is not None and not header.is_ready():
            header.note_build()
        folder.sweep()

    return run_compiler(program, write, meanwhile=meanwhile)


def _list_inputs(program: BuiltProgram) -> bytes:
    """What the build has read, one path a line; nothing where the tool cannot tell."""
    listing = program._replace(plan=program.plan._replace(build=program.plan.inputs))
    end = run_compiler(listing, lambda data: None)
    return end.output if end.status == 0 else b""


class CompilerEnd(NamedTuple):
    """`status` is negative for a signal, `output` all that it wrote; memory as in `ProcessEnd`."""

    status: int
    output: bytes
    peak_memory: int | None = None
    cpu_seconds: float | None = None


def run_compiler(
    program: BuiltProgram,
    write: Callable[[bytes], None],
    first_arguments: Sequence[str] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> CompilerEnd:
    """Run the command of the build, with `first_arguments` before its own. Its output is also
    passed to `write` as it comes. `meanwhile` is called once, while it runs.
    EnvironmentUnavailable when it cannot be started."""
    process: subprocess.Popen[bytes] | None = None
    report = bytearray()
    try:
        with _signals_held():
            # A group of its own: a killed driver would leave its compiler behind.
            process = _start(program, first_arguments)
        assert process.stdout is not None
        meanwhile()
        for chunk in _chunks(process.pid, process.stdout.fileno()):
            write(chunk)
            report += chunk
            if len(report) > MOST_REPORT:
                write(TOO_LONG)
                return CompilerEnd(1, bytes(report))
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        cpu_seconds = used.ru_utime + used.ru_stime
        return CompilerEnd(process.returncode, bytes(report), used.ru_maxrss * unit, cpu_seconds)
    finally:
        if process is not None:
            if process.returncode is None:
                _end_group(process.pid)
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _start(program: BuiltProgram, first_arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    tool, *own_words = program.plan.build
    try:
        return subprocess.Popen(
            (tool, *first_arguments, *own_words),
            cwd=program.cwd,
            env=compiler_environ(program.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentUnavailable(
            f"{program.plan.tool} cannot be started: {error.strerror or error}.",
            "Check that it can be executed, or name another one: --compiler",
        ) from error


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Call handlers of signals after the block: a process that is just being started is not
    registered yet, and would not be ended. Only in the main thread."""
    received: list[int] = []
    handlers = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):
            handlers[number] = signal.signal(
                number, lambda signal_number, _: received.append(signal_number)
            )
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for signal_number in received:
        signal.raise_signal(signal_number)


def _chunks(pid: int, output: int) -> Iterator[bytes]:
    """What the group of a compiler's driver writes. When the driver ends, its group is ended too:
    a driver that was killed has left its compiler."""
    with contextlib.ExitStack() as stack:
        poll = select.poll()
        poll.register(output, select.POLLIN)
        driver = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
        if driver >= 0:
            stack.callback(os.close, driver)
            poll.register(driver, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if driver in ready:
                poll.unregister(driver)
                _end_group(pid)
            if output in ready:
                chunk = os.read(output, CHUNK)
                if not chunk:
                    return
                yield chunk


def _end_group(leader: int) -> None:
    """Kill the group of a child that was not waited for yet: its number is still its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def compiler_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """For a compiler: its words are English, as the readers of reports expect."""
    return {**environ, "LC_ALL": "C.UTF-8"}
