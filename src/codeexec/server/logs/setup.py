"""Opens the log of the server: a private file, and standard error where that is asked for."""

from __future__ import annotations

import logging
import os
from io import FileIO, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

from codeexec.server.logs.lines import JsonLines, TextLines

LogForm = Literal["text", "json"]
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")

_LOG_BYTES, _LOG_FILES = 2**20, 2


class _PrivateLog(RotatingFileHandler):
    """0600, and never more than a few megabytes. It counts what it writes: the class that it is
    made from formats each line twice, and asks the system for the size of the file."""

    _size = 0

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        descriptor = os.open(self.baseFilename, flags, 0o600)
        self._size = os.fstat(descriptor).st_size
        return TextIOWrapper(FileIO(descriptor, "a"), encoding="utf-8")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        self._size += len(line) + 1
        return line

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # of logging
        return self._size >= self.maxBytes


def set_up_log(
    path: Path, level: str = "INFO", form: LogForm = "text", *, on_stderr: bool = False
) -> None:
    """All that the engine says goes to this file; `on_stderr`: and to standard error."""
    handlers: list[logging.Handler] = [
        _PrivateLog(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES)
    ]
    if on_stderr:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(JsonLines() if form == "json" else TextLines())
    number = logging.getLevelNamesMapping()[level]
    logging.basicConfig(level=number, handlers=handlers, force=True)
    logging.getLogger("uvicorn.error").addFilter(_lower_faults_of_clients)
    # At DEBUG it would write headers, and the token with them.
    logging.getLogger("websockets").setLevel(max(number, logging.WARNING))


def _lower_faults_of_clients(record: logging.LogRecord) -> bool:
    """Log malformed requests of clients below the level of a warning."""
    if record.msg == "Invalid HTTP request received.":
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True
