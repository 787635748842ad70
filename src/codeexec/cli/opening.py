"""From the command line into the workbench; nothing but that is loaded on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.tui.app import OpenOptions


def open_files(files: tuple[str, ...]) -> int:
    """The workbench with these files, all else as the settings say."""
    from codeexec.tui.app import OpenOptions

    return open_workbench(OpenOptions(files=files))


def open_workbench(options: OpenOptions) -> int:
    """Until the person leaves; returns the exit code."""
    from codeexec.tui.app import run

    try:
        return run(options)
    except Exception as error:
        from codeexec.domain.errors import CodeexecError

        if not isinstance(error, CodeexecError):
            raise
        from codeexec.cli.exits import of_error
        from codeexec.cli.style import show_error

        show_error(error)
        return of_error(error)
