"""The command and the variables with which a program of a session is started on its terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.options import ProgramOptions
from codeexec.domain.programs import ProgramStart
from codeexec.kernels.process.crashes.session import Watch
from codeexec.kernels.process.steps.build import BuiltProgram


def start_command(program: BuiltProgram, options: ProgramOptions, watch: Watch) -> tuple[str, ...]:
    run = program.plan.run
    if options.folder and not program.language.build:
        run = absolute_file(run, options.file, str(program.cwd))
    return prepared(
        watch.command(run), echo=options.echo, folder=options.folder, stdin=options.stdin
    )


def terminal_start(program: BuiltProgram, options: ProgramOptions) -> ProgramStart:
    """How the same program is started on a terminal of its own."""
    run = program.plan.run
    if options.folder and not program.language.build:
        run = absolute_file(run, options.file, str(program.cwd))
    folder = str(PurePosixPath(str(program.cwd), options.folder))
    if options.stdin:
        stdin = str(PurePosixPath(str(program.cwd), options.stdin))
        run = ("/bin/sh", "-c", 'exec < "$1" || exit; shift; exec "$@"', "sh", stdin, *run)
    return ProgramStart(tuple(run), folder, dict(options.environment))


def start_variables(inherited: Mapping[str, str], options: ProgramOptions) -> dict[str, str]:
    """What a program finds beside the environment of its place. Its terminal's size is told by
    the terminal."""
    own = {k: v for k, v in inherited.items() if k not in ("COLUMNS", "LINES")}
    return {**own, **options.environment}


def prepared(
    command: Sequence[str], *, echo: bool, folder: str = "", stdin: str = ""
) -> tuple[str, ...]:
    """Starts a command on a terminal that leaves newlines as they are; without `echo` it does not
    show what is typed. It starts in `folder`, with the file `stdin` as its input, where they are
    given; one that is missing is told by the shell, with status 1 or 2."""
    modes = "-onlcr" if echo else "-onlcr -echo"
    script, arguments = f"stty {modes} 2>/dev/null; ", list(command)
    if folder:
        script, arguments = f'{script}cd -- "$1" || exit; shift; ', [folder, *arguments]
    if stdin:
        # Before the change of the folder: the path is relative to where the command stands.
        script = script.replace("; ", '; exec < "$1" || exit; shift; ', 1)
        arguments = [stdin, *arguments]
    return ("/bin/sh", "-c", f'{script}exec "$@"', "sh", *arguments)


def absolute_file(command: Sequence[str], file: str, cwd: str) -> tuple[str, ...]:
    """The command with the path of its script below `cwd`, so that it can start in another folder.
    The script is the first word with the name of `file`."""
    arguments = list(command)
    for at, word in enumerate(arguments):
        if PurePosixPath(word).name == PurePosixPath(file).name:
            arguments[at] = str(PurePosixPath(cwd, word))
            break
    return tuple(arguments)
