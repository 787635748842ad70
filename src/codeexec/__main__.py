"""`python -m codeexec` is `codeexec-tui`."""

from codeexec.cli.main import main

if __name__ == "__main__":
    main()
