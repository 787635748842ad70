"""How a command writes what is logged in its process: on standard error, harmless to a terminal."""

from __future__ import annotations

import logging

from codeexec.domain.printable import printable


class _PrintableFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), lines=True)


def make_log_printable() -> None:
    """Warnings that no handler takes quote names of files and answers of kernels."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_PrintableFormatter())
