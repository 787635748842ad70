"""Fast paths for `run SCRIPT ARGUMENTS` and `build FILE` without options and settings.

The script starts before the option parser and the settings are imported, which takes several times
as long as the start of an interpreter. All other command lines are parsed by click.
"""

# Importing pathlib and contextlib would delay the start of the program.
# ruff: noqa: PTH109, PTH118, PTH120, PTH122

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions


def plain_options(arguments: list[str], environ: Mapping[str, str]) -> RunOptions | None:
    """The options of `run ARGUMENTS`; None if an option or a setting could change them."""
    if not arguments or not arguments[0] or any(word.startswith("-") for word in arguments):
        return None
    suffix = os.path.splitext(arguments[0])[1]
    if suffix in ("", ".ipynb") or has_settings(environ):
        return None
    from codeexec.cli.run_options import RunOptions
    from codeexec.environments.trust.store import RunTrust

    return RunOptions(arguments[0], tuple(arguments[1:]), trust=RunTrust(arguments[0]))


def plain_build(arguments: list[str], environ: Mapping[str, str]) -> RunOptions | None:
    """The options of `build FILE [--json] [--no-cache]` for a file that is built by itself; None
    for all other words, and if a setting could change them."""
    flags = [word for word in arguments if word in ("--json", "--no-cache")]
    files = [word for word in arguments if word not in flags]
    if len(files) != 1 or files[0].startswith("-") or has_settings(environ):
        return None
    if not os.path.isfile(files[0]):  # noqa: PTH113
        return None
    from codeexec.cli.run_options import RunOptions

    return RunOptions(files[0], as_json="--json" in flags, no_cache="--no-cache" in flags)


def run_plain_build(options: RunOptions) -> int | None:
    """Build the file; returns the exit status. None: it needs the parsed command line."""
    from codeexec.cli.script.prepared import NotRun
    from codeexec.cli.script.steps import language_of_file
    from codeexec.domain.errors import CodeexecError, UsageError

    try:
        language = language_of_file(options.file)
    except UsageError:
        return None
    if language is None or not language.build:
        return None
    from codeexec.cli import exit_codes as exits
    from codeexec.cli.messages import show_error
    from codeexec.cli.script.file_build import build_file

    try:
        return build_file(options, language)
    except NotRun as error:
        show_error(error, options.as_json)
        return error.status
    except CodeexecError as error:
        show_error(error, options.as_json)
        return exits.of_error(error)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        from codeexec.cli.failed_output import leave_quietly

        leave_quietly()
        return exits.PIPE_CLOSED


def has_settings(environ: Mapping[str, str]) -> bool:
    """Whether an environment variable or a file has settings for the current folder."""
    from codeexec.hostfiles.state import PROJECT_FILE, SETTING_PREFIX, USER_FILE, config_folder

    if any(name.startswith(SETTING_PREFIX) for name in environ):
        return True
    try:
        files = [os.path.join(folder, PROJECT_FILE) for folder in _upward(os.getcwd())]
    except OSError:
        return True  # the folder was removed: click's path reports it
    files.append(os.path.join(config_folder(environ), USER_FILE))
    return any(map(os.path.lexists, files))


def _upward(folder: str) -> Iterator[str]:
    """The folder and its parents."""
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        yield folder


def run_plain(options: RunOptions) -> int | None:
    """Run the script; returns its exit status. None: it needs the parsed command line."""
    from codeexec.cli import exit_codes as exits
    from codeexec.cli.script.launch import run_script, runs_as_program
    from codeexec.domain.errors import UsageError

    try:
        return run_script(options) if runs_as_program(options) else None
    except UsageError as error:
        from codeexec.cli.messages import show_error

        show_error(error, as_json=False)
        return exits.USAGE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        from codeexec.cli.failed_output import leave_quietly

        leave_quietly()
        return exits.PIPE_CLOSED
