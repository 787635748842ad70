"""What a kernel of programs is asked to build and run for a headless run."""

from __future__ import annotations

from pathlib import Path

from codeexec.cli.run.source import LoadedProgram
from codeexec.cli.run_options import RunOptions
from codeexec.cli.script.build_words import built_by
from codeexec.domain.options import ProgramOptions, ProjectOptions
from codeexec.languages.catalog import by_name


def program_options(
    run: RunOptions, loaded: LoadedProgram, *, rows: int, echo: bool
) -> ProgramOptions:
    """For a file, or for the target of a project, whose program starts in the user's folder.
    UsageError for a profile that is not there."""
    file, project, folder = run.file, None, ""
    if loaded.target:
        file, project = "", ProjectOptions(target=loaded.target)
        folder = str((run.cwd or Path()).absolute())
    elif run.cwd is not None:
        file = str(Path(run.file).absolute())
    program = ProgramOptions(
        file, arguments=run.arguments, rows=rows, echo=echo, project=project, folder=folder
    )
    return built_by(run, program, None if loaded.target else by_name(loaded.language))
