"""Builds a single file with the flags of the project that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.hostfiles.programs import which
from codeexec.languages.model import Language
from codeexec.languages.plan import PlanOptions
from codeexec.languages.projects.detect import Project, find_project

if TYPE_CHECKING:
    from codeexec.languages.projects.compile_commands import CompileFlags

NAME = "compile_commands.json"


def with_project_flags(
    language: Language, file: Path, environ: Mapping[str, str], options: PlanOptions
) -> PlanOptions:
    """The options of a file of C or C++ with the project's flags before the user's, and with its
    compiler where the user named none and that is installed; as they are where no database has the
    file."""
    project = find_project(file)
    if project is None:
        return options
    for database in filter(Path.is_file, _databases(project, environ)):
        from codeexec.languages.projects.compile_commands import flags_of  # not at the start

        flags = flags_of(file, database, keeps_profile=not options.profile)
        if flags is not None:
            is_usable = bool(flags.compiler) and which(flags.compiler, environ) is not None
            return merged(language, options, flags, is_usable=is_usable)
    return options


def merged(
    language: Language, options: PlanOptions, flags: CompileFlags, *, is_usable: bool
) -> PlanOptions:
    """The options with a project's flags before the user's. `is_usable`: its compiler is there."""
    tool, arguments = options.tool, flags.arguments
    if options.standard:
        arguments = tuple(word for word in arguments if not word.startswith("-std="))
    if not tool and is_usable and ("++" in flags.compiler) == (language.name == "cpp"):
        tool = flags.compiler
    return options._replace(flags=(*arguments, *options.flags), tool=tool)


def own_databases(project: Project) -> Iterator[Path]:
    """Where the folder of the project can have one."""
    yield project.folder / NAME
    yield project.folder / "build" / NAME


def _databases(project: Project, environ: Mapping[str, str]) -> Iterator[Path]:
    """Where the project can have one, the best first."""
    yield from own_databases(project)
    # Not at the start of each program: importing them takes longer than the rest.
    from codeexec.kernels.process.projects.folders import build_folder
    from codeexec.languages.projects.plan import BuildChoice
    from codeexec.languages.projects.presets import read_presets

    for preset in read_presets(project, environ):
        if preset.folder is not None:
            yield preset.folder / NAME
    yield build_folder(project, BuildChoice(), environ) / NAME
