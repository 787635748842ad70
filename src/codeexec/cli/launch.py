"""From the command line into the workbench; nothing but that is loaded on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.tui.options import OpenOptions


def open_files(files: tuple[str, ...]) -> int:
    """The workbench with these files, all else as the settings say."""
    if files:
        from codeexec.cli.typos import mistyped_command

        if mistyped_command(files[0]):
            from codeexec.cli.group import invoke

            return invoke(list(files))  # which says so
    from codeexec.tui.options import OpenOptions

    return open_workbench(OpenOptions(files=files))


def open_workbench(options: OpenOptions) -> int:
    """Until the person leaves; returns the exit code."""
    import os

    try:
        if os.environ.get("TERM") in ("dumb", "unknown"):
            from codeexec.domain.errors import UsageError

            raise UsageError(
                f"This terminal cannot show the workbench (TERM={os.environ['TERM']}).",
                "`codeexec-tui run FILE` works here. Terminals that can more set TERM.",
            )
        from codeexec.tui.boot.entry import run

        return run(options)
    except Exception as error:
        from codeexec.domain.errors import CodeexecError

        if not isinstance(error, CodeexecError):
            raise
        from codeexec.cli.exit_codes import of_error
        from codeexec.cli.messages import show_error

        show_error(error)
        return of_error(error)
