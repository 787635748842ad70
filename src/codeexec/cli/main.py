"""The first thing that runs: answers what needs nothing, and loads no more than is asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("codeexec.cli.run.command:run", "Run a script, a notebook or stdin without a screen."),
    "attach": (
        "codeexec.cli.commands.workbench:attach",
        "Open the workbench on a session that is running.",
    ),
    "demo": (
        "codeexec.cli.commands.workbench:demo",
        "Take the tour: a lesson in steps on a real kernel.",
    ),
    "sessions": (
        "codeexec.cli.commands.sessions:sessions",
        "List, show, stop, remove, export sessions.",
    ),
    "kernels": (
        "codeexec.cli.commands.kernels:kernels",
        "List kernels, and why one cannot be used.",
    ),
    "serve": (
        "codeexec.cli.commands.serve:serve",
        "Serve sessions in the foreground, on TCP if asked.",
    ),
    "docker": ("codeexec.cli.commands.docker:docker", "Build and check the image for containers."),
    "trust": (
        "codeexec.cli.commands.trust:trust",
        "Trust a folder, list those that are, take it back.",
    ),
    "config": (
        "codeexec.cli.commands.config:config",
        "Show and change settings; who said each.",
    ),
    "doctor": (
        "codeexec.cli.commands.doctor:doctor",
        "Check this machine, with the fix for each problem.",
    ),
    "completion": (
        "codeexec.cli.commands.completion:completion",
        "Print the completion script of a shell.",
    ),
}
"""Where each command lives, and its line in the help. Only the one that is asked for is loaded."""


def main(arguments: list[str] | None = None) -> None:
    """`codeexec-tui`. Exits with a code of `codeexec.cli.exit_codes`."""
    argv = sys.argv[1:] if arguments is None else arguments
    _open_closed_streams()
    _drop_current_folder()
    if argv in (["--version"], ["-V"]):
        from codeexec import __version__

        print(f"codeexec-tui {__version__}")
        return
    sys.excepthook = _print_traceback
    code = _dispatch(argv)
    if arguments is None and argv[:1] == ["run"]:
        _exit_fast(code)
    sys.exit(code)


def _open_closed_streams() -> None:
    """Where a standard stream is closed, open the null device, so that no file of ours gets its
    number. A program that we start has it closed still: the descriptor is not inherited."""
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


def _exit_fast(code: int) -> None:
    """End the process without taking the interpreter apart, which takes 15 ms of a short script:
    a run has closed and removed what is its own by now. Returns where stdout cannot be written."""
    import os

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # the ordinary end says so
    os._exit(code)


def _print_traceback(
    kind: type[BaseException], error: BaseException, at: TracebackType | None
) -> None:
    """A traceback of ours quotes names and texts that came from outside."""
    import traceback

    from codeexec.domain.printable import printable

    text = "".join(traceback.format_exception(kind, error, at))
    sys.stderr.write(printable(text, lines=True))


def _drop_current_folder() -> None:
    """Take the current folder out of where modules and programs are looked for: `python -m`, an
    empty entry of PYTHONPATH and `.` in PATH put it there, and it may be a stranger's."""
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
        os.environ.setdefault("CODEEXEC_USER_PATH", path)  # kernels are given theirs again
        os.environ["PATH"] = plain


def _dispatch(arguments: list[str]) -> int:
    if arguments[:1] == ["run"]:
        return _run(arguments)
    if not _names_files_only(arguments):
        from codeexec.cli.group import invoke

        return invoke(arguments)
    # The workbench paints its first frame before it would have loaded a parser of options.
    from codeexec.cli.launch import open_files

    return open_files(tuple(arguments))


def _run(arguments: list[str]) -> int:
    """`run`, whose kernel boots while we import; whatever ends us meanwhile ends it too."""
    import gc
    import os
    import signal

    pending_signals: list[int] = []

    def leave(number: int, frame: object) -> None:
        pending_signals.append(number)
        if early is not SPAWNING:
            raise SystemExit(128 + (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM))

    # While the kernel is being spawned nothing may be raised: nobody would know of it.
    early: object = SPAWNING
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it, and a program of ours
            signal.signal(number, leave)
    # Looking for garbage of imports takes a tenth of their time; the run turns it on again.
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


SPAWNING = object()


def _names_files_only(arguments: list[str]) -> bool:
    import os

    asks_for_completion = "_CODEEXEC_TUI_COMPLETE" in os.environ
    plain = not any(word.startswith("-") for word in arguments)
    return plain and not asks_for_completion and not (arguments and arguments[0] in COMMANDS)


if __name__ == "__main__":
    main()
