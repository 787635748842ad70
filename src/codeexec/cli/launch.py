"""Opens the workbench from the command line and imports nothing else on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.tui.options import OpenOptions


def open_workbench(options: OpenOptions) -> int:
    """Run the workbench until the user quits; returns the exit code."""
    import os

    try:
        if os.environ.get("TERM") in ("dumb", "unknown"):
            from codeexec.domain.errors import UsageError

            raise UsageError(
                f"This terminal cannot show the workbench (TERM={os.environ['TERM']}).",
                "`codeexec-tui run FILE` works here. Terminals that can more set TERM.",
            )
        from codeexec.tui.boot.entry import run

        if options.server is None or not options.server.address.ssh:
            return run(options)
        from codeexec.client.ssh.line import ssh_command
        from codeexec.client.ssh.master import after_questions

        return after_questions(options.server.address, lambda: run(options), ssh_command)
    except Exception as error:
        from codeexec.domain.errors import CodeexecError

        if not isinstance(error, CodeexecError):
            raise
        from codeexec.cli.exit_codes import of_error
        from codeexec.cli.messages import show_error

        show_error(error)
        return of_error(error)
