"""Entry point of `codeexec-tui`: dispatches to a command and imports only what it needs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


def main(arguments: list[str] | None = None) -> None:
    """`codeexec-tui`. Exits with a code of `codeexec.cli.exit_codes`."""
    try:
        _run_command(arguments)
    except KeyboardInterrupt:  # before a command listens to Ctrl+C
        from codeexec.cli.exit_codes import INTERRUPTED

        sys.exit(INTERRUPTED)


def _run_command(arguments: list[str] | None) -> None:
    argv = sys.argv[1:] if arguments is None else arguments
    _open_closed_streams()
    _drop_current_folder()
    if argv in (["--version"], ["-V"]):
        if code := _write_version():
            sys.exit(code)
        return
    sys.excepthook = _print_traceback
    if arguments is None and any("token=" in word for word in argv):
        _hide_tokens(argv)
    code = _flush(_dispatch(argv))
    if arguments is None and argv[:1] in (["run"], ["build"]):
        _exit_fast(code)
    sys.exit(code)


def _hide_tokens(argv: list[str]) -> None:
    """Start anew without the tokens of addresses in the arguments, which other users can see."""
    from codeexec.cli.servers.jupyter import hide_tokens
    from codeexec.domain.errors import CodeexecError

    try:
        hide_tokens(argv)
    except CodeexecError as error:
        from codeexec.cli.exit_codes import of_error
        from codeexec.cli.messages import show_error

        show_error(error)
        sys.exit(of_error(error))


def _open_closed_streams() -> None:
    """Open the null device for each closed standard stream, so that no other file gets its
    descriptor. Child processes do not inherit it: their stream stays closed."""
    import os

    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(fd)
        except OSError:
            handle = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            if handle == fd:
                setattr(sys, name, open(fd, mode))  # noqa: PTH123, SIM115 (until the end)
            else:
                os.close(handle)


def _write_version() -> int:
    """Print the version, and return the exit code."""
    from codeexec import __version__

    try:
        sys.stdout.write(f"codeexec-tui {__version__}\n")
    except OSError as error:  # already here if stdout is not buffered
        return _exit_code_of(error)
    return _flush(0)


def _flush(code: int) -> int:
    """Write what is left of our output, and return the exit code: another one if that fails."""
    try:
        sys.stdout.flush()
    except ValueError:
        return code  # it was closed
    except OSError as error:
        output_code = _exit_code_of(error)
        return code or output_code
    return code


def _exit_code_of(error: OSError) -> int:
    """Tell that stdout cannot be written, unless its reader has gone; returns the exit code."""
    from codeexec.cli import exit_codes as exits
    from codeexec.cli.failed_output import leave_quietly, output_error

    leave_quietly()
    if isinstance(error, BrokenPipeError):
        return exits.PIPE_CLOSED
    from codeexec.cli.messages import show_error

    show_error(output_error(error))
    return exits.FAILED


def _exit_fast(code: int) -> None:
    """Exit without tearing down the interpreter, which would add 15 ms to a short script; the
    run has already closed its files. Returns if stdout or stderr cannot be flushed."""
    import os

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # sys.exit reports it
    os._exit(code)


def _print_traceback(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> None:
    """`sys.excepthook` that makes the traceback printable: it quotes external names and text."""
    import traceback

    from codeexec.domain.text.printable import printable

    text = "".join(traceback.format_exception(kind, error, at))
    sys.stderr.write(printable(text, lines=True))


def _drop_current_folder() -> None:
    """Remove the current folder from `sys.path` and PATH: it may belong to another user.

    `python -m`, an empty entry of PYTHONPATH and `.` in PATH add it.
    """
    import os

    try:
        current_folder = os.getcwd()  # noqa: PTH109 (pathlib costs 5 ms)
    except OSError:
        current_folder = ""  # it was removed
    package_root = __file__.removesuffix("/codeexec/cli/main.py")
    if current_folder != package_root:
        sys.path[:] = [place for place in sys.path if place not in ("", ".", current_folder)]
    path = os.environ.get("PATH", "")
    plain = os.pathsep.join(place for place in path.split(os.pathsep) if place.startswith("/"))
    if plain != path:
        os.environ.setdefault("CODEEXEC_USER_PATH", path)  # restored for kernels
        os.environ["PATH"] = plain


def _dispatch(arguments: list[str]) -> int:
    if arguments == ["--relay"]:  # how `--ssh` starts us on another machine
        from codeexec.client.ssh.relay import relay

        return relay()
    if arguments[:1] == ["run"]:
        return _run(arguments)
    if arguments[:1] == ["build"]:
        return _build(arguments)
    if not _names_files_only(arguments):
        from codeexec.cli.group import invoke

        return invoke(arguments)
    # The workbench paints its first frame in less time than the option parser takes to import.
    return _open_files(arguments)


def _open_files(files: list[str]) -> int:
    """Open the workbench with these files; all options come from the settings."""
    if files:
        from codeexec.cli.typos import mistyped_command

        if mistyped_command(files[0]):
            from codeexec.cli.group import invoke

            return invoke(files)  # prints the suggestion
    from codeexec.cli.launch import open_workbench
    from codeexec.tui.options import OpenOptions

    return open_workbench(OpenOptions(files=tuple(files)))


def _run(arguments: list[str]) -> int:
    """The `run` command: its kernel boots while we import; a signal meanwhile ends both."""
    import gc
    import os
    import signal

    pending_signals: list[int] = []

    def leave(number: int, frame: object) -> None:
        pending_signals.append(number)
        if early is not SPAWNING:
            raise SystemExit(128 + (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM))

    # No exception while the kernel is being spawned: its process would be left behind.
    early: object = SPAWNING
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored under nohup
            signal.signal(number, leave)
    # Garbage collection takes a tenth of the import time; the run enables it again.
    gc.disable()
    from codeexec.cli.script.plain import plain_options, run_plain

    options = plain_options(arguments[1:], os.environ)
    if options is not None:
        early = None
        if pending_signals:
            leave(pending_signals[0], None)
        status = run_plain(options)
        if status is not None:
            return status
    early = SPAWNING
    from codeexec.cli.run.prestart import start

    kernel = start(arguments[1:])
    try:
        early = kernel
        if pending_signals:
            leave(pending_signals[0], None)
        from codeexec.cli.group import invoke

        return invoke(arguments, kernel)
    finally:
        if kernel is not None:
            kernel.end()


def _build(arguments: list[str]) -> int:
    """The `build` command: of a plain file, the compiler starts before the option parser would be
    imported."""
    import gc
    import os

    gc.disable()  # as in `_run`
    from codeexec.cli.script.plain import plain_build

    options = plain_build(arguments[1:], os.environ)
    if options is not None:
        from codeexec.cli.script.plain import run_plain_build

        status = run_plain_build(options)
        if status is not None:
            return status
    gc.enable()
    from codeexec.cli.group import invoke

    return invoke(arguments)


SPAWNING = object()


def _names_files_only(arguments: list[str]) -> bool:
    import os

    from codeexec.cli.command_table import COMMANDS

    asks_for_completion = "_CODEEXEC_TUI_COMPLETE" in os.environ
    plain = not any(word.startswith("-") for word in arguments)
    return plain and not asks_for_completion and not (arguments and arguments[0] in COMMANDS)


if __name__ == "__main__":
    main()
