"""Programs of other languages than Python on the command line: planned, built, then started."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.script.build_words import build_words
from codeexec.cli.script.prepared import (
    NotRun,
    Script,
    check_file,
    first_line_of,
    own_environment,
)
from codeexec.domain.errors import UsageError
from codeexec.kernels.process.steps.build import (
    NO_PROGRAM,
    BuildResult,
    BuiltProgram,
    build_program,
    plan_program,
)
from codeexec.kernels.process.steps.tools import ToolMissing
from codeexec.languages.plan import PlanOptions, Report, language_of_program

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.kernels.process.crashes.report import CrashReport
    from codeexec.kernels.process.kernel import BuildRecord
    from codeexec.kernels.process.spawn import SpawnedProgram
    from codeexec.languages.model import Language


class BuiltScript(Script):
    """A program that may have to be built before it starts."""

    __slots__ = ("build", "program")

    def __init__(self, program: BuiltProgram, cwd: str, remarks: tuple[str, ...]) -> None:
        first, *others = program.plan.run
        super().__init__(first, tuple(others), cwd, program.environ, remarks=remarks)
        self.program = program
        self.build: BuildResult | None = None
        self.has_hook = False

    def start(
        self, stdout: str, stderr: str, *, stdin: int | None = None, wants_variables: bool = False
    ) -> SpawnedProgram:
        # Here: a build alone needs no debugger.
        from codeexec.kernels.process.crashes.debugger import WATCHER, find_debugger

        language, environ = self.program.language, self.program.environ
        debugger = find_debugger(language, environ)
        self.watcher = str(WATCHER) if debugger else ""
        spawned = super().start(stdout, stderr, stdin=stdin, wants_variables=wants_variables)

        def read(folder: Path, code: int) -> CrashReport | None:
            from codeexec.kernels.process.crashes.watch import missing_debugger, read_crash

            if debugger is None:
                return None
            if not debugger:
                return missing_debugger(language, code)
            return read_crash(folder, debugger, code)

        spawned.read_crash = read
        return spawned

    @property
    def built(self) -> BuildRecord:
        """How it was built, to be recorded."""
        from codeexec.kernels.process.steps.report import BuiltStep

        assert self.build is not None, "it is built before it is recorded"
        return BuiltStep(self.program, self.build)


def language_of_file(file: str) -> Language | None:
    """The language in which the file is a program, unless that is Python. UsageError for a
    header."""
    return language_of_program(os.path.basename(file), first_line_of(file))  # noqa: PTH119


def find_program(
    options: RunOptions, language: Language, report: Report | None = None
) -> BuiltScript:
    """The program with its tools. NotRun if the file or every tool is missing."""
    check_file(options.file)
    if options.save is not None:
        raise UsageError(
            f"--save makes a notebook of Python code, and {options.file} is {language.title}.",
            "Redirect its output to a file, or take --json.",
        )
    cwd = Path(options.cwd or ".").absolute()
    file = str(Path(options.file).absolute()) if options.cwd else options.file
    environ = {**own_environment(), **options.env}
    words = build_words(options, language)
    choice = PlanOptions(
        words.profile,
        words.compiler,
        words.flags,
        options.arguments,
        report or ("color" if sys.stderr.isatty() else "plain"),
        words.standard,
    )
    try:
        program = plan_program(
            language, file, cwd, environ, choice, first_line=first_line_of(options.file)
        )
    except ToolMissing as error:
        raise NotRun(exits.NOT_FOUND, error.message, error.next_step) from error
    return BuiltScript(program, str(cwd), options.remarks)


def build_script(script: BuiltScript, options: RunOptions) -> BuildResult:
    """Build the program; the compiler's report goes to stderr, unless events carry it."""
    with ending_by_signals():
        script.build = build_program(
            script.program,
            (lambda data: None) if options.as_json else write_error,
            is_fresh=options.no_cache,
        )
    return script.build


@contextlib.contextmanager
def ending_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end us in order, so that the compiler is ended too."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(exits.TERMINATED)

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_built(script: BuiltScript, build: BuildResult) -> None:
    """NotRun where the build has failed, or has made no program."""
    if build.status:
        raise NotRun(exits.FAILED, f"{failure_words(script.program, build)} Nothing was run.")
    folder = script.program.folder
    if folder is not None and not os.access(folder.program, os.X_OK):
        raise NotRun(exits.CANNOT_EXECUTE, *NO_PROGRAM)


def failure_words(program: BuiltProgram, build: BuildResult) -> str:
    """How a build ended that did not succeed."""
    from codeexec.kernels.process.steps.report import build_error

    return build_error(program.plan.tool, build.status, build.report).value


def write_error(data: bytes) -> None:
    """Write all of it to stderr."""
    sys.stderr.flush()
    view = memoryview(data)
    while view:
        view = view[os.write(2, view) :]
