"""`python -m codeexec` is `codeexec-tui`."""

import sys


def forget_current_folder() -> None:
    """`python -m` looks for modules in the current folder first, which may be a stranger's.

    Only what Python needed to get here came from there. `python -P -m codeexec` and the command
    `codeexec-tui` import nothing of it.
    """
    source = __file__.removesuffix("/codeexec/__main__.py")
    if not sys.flags.safe_path and sys.path[0] != source:
        del sys.path[0]


if __name__ == "__main__":
    forget_current_folder()
    from codeexec.cli.main import main

    main()
