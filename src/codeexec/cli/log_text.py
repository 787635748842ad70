"""Log records of a command: printed on stderr with control characters made printable."""

from __future__ import annotations

import logging

from codeexec.domain.text.printable import printable


class _PrintableFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), lines=True)


def make_log_printable() -> None:
    """Format records of the last-resort handler; they quote file names and replies of kernels."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_PrintableFormatter())
