"""`python -m codeexec` is `codeexec-tui`."""

import sys


def forget_current_folder() -> None:
    """Remove the current folder from `sys.path`, where `python -m` puts it first: its modules may
    come from an untrusted source.

    Modules that Python imported before this call may come from that folder. `python -P -m codeexec`
    and the command `codeexec-tui` import nothing from it.
    """
    source = __file__.removesuffix("/codeexec/__main__.py")
    if not sys.flags.safe_path and sys.path[0] != source:
        del sys.path[0]


if __name__ == "__main__":
    forget_current_folder()
    try:
        from codeexec.cli.main import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()
