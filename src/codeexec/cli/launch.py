"""Opens the workbench from the command line and imports nothing else on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.client.wire import Address
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
        return _over_ssh(options, options.server.address)
    except Exception as error:
        from codeexec.domain.errors import CodeexecError

        if not isinstance(error, CodeexecError):
            raise
        from codeexec.cli.exit_codes import of_error
        from codeexec.cli.messages import show_error

        show_error(error)
        return of_error(error)


def _over_ssh(options: OpenOptions, address: Address) -> int:
    """On the session server of another machine; without one there, on this machine's with a kernel
    there."""
    import sys

    from codeexec.cli.messages import say
    from codeexec.client.ssh.master import after_questions
    from codeexec.client.ssh.relayed import in_jobs, or_relayed, relayed_kernel
    from codeexec.environments.ssh.command import ssh_command
    from codeexec.environments.ssh.failures import SshFailure
    from codeexec.tui.boot.entry import run

    def work() -> int:
        return after_questions(address, lambda: run(options), ssh_command)

    def relayed(sentence: str) -> int:
        say(sentence, file=sys.stderr)
        kernel = relayed_kernel(address, options.kernel)
        return run(options._replace(kernel=kernel, server=None))

    if not options.attach:
        sentence = in_jobs(address.ssh)
        return relayed(sentence) if sentence else or_relayed(work, relayed)
    try:
        return work()  # to attach means to come back to what runs there
    except SshFailure as error:
        if error.kind != "missing":
            raise
        step = (
            "Sessions whose kernels a relay runs there are on this machine: `codeexec-tui sessions`"
            f" lists them, and `codeexec-tui attach NAME` comes back to one. {error.next_step}"
        )
        raise SshFailure("missing", error.message, step) from error
