"""Forms of a log line: one JSON object, or text for people. A message cannot begin a line."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import datetime

from codeexec.domain.text.printable import printable
from codeexec.server.logs.request_id import current_request_id

_SECRETS = re.compile(
    r"(?i)(?<![a-z0-9_])(bearer\s+|token=)[^\s&\"'<>]+"
    r"|\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]+"  # a JSON Web Token
    r"|\bcxt_[0-9a-f]{8}_[\w-]{20,}"  # of `token create`
)
_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR"}


class Redaction:
    """Takes tokens out of what is logged: those that are known, and what looks like one."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def hide(self, secret: str) -> None:
        """Never log this text."""
        if secret:
            self._known.add(secret)

    def redact(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, "[hidden]")
        return _SECRETS.sub(lambda match: f"{match[1] or ''}[hidden]", text)


redaction = Redaction()
"""Of this process."""


def meta_of(record: logging.LogRecord) -> dict[str, object]:
    """What was given as `extra={"meta": {...}}`, with the id of the request."""
    given = getattr(record, "meta", None)
    meta: dict[str, object] = dict(given) if isinstance(given, Mapping) else {}
    meta.setdefault("request_id", current_request_id() or None)
    return meta


class JsonLines(logging.Formatter):
    """One JSON object a line: ts (ISO 8601 with zone), level, scope, message, meta."""

    def format(self, record: logging.LogRecord) -> str:
        meta = meta_of(record)
        if record.exc_info:
            meta["exception"] = self.formatException(record.exc_info)
        line = {
            "ts": datetime.fromtimestamp(record.created).astimezone().isoformat(),
            "level": _LEVELS.get(record.levelname, record.levelname),
            "scope": record.name.removeprefix("codeexec."),
            "message": record.getMessage(),
            "meta": meta,
        }
        return json.dumps(_redacted(line), default=str)


def _redacted(value: object) -> object:
    """The value with no secret in any of its texts."""
    if isinstance(value, str):
        return redaction.redact(value)
    if isinstance(value, Mapping):
        return {str(key): _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value


class TextLines(logging.Formatter):
    """Time, level, scope, message and `name=value`; printable, as it is shown in terminals."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._second = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second = int(record.created)
        if self._second[0] != second:
            self._second = second, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        return f"{self._second[1]},{int(record.msecs):03d}"

    def format(self, record: logging.LogRecord) -> str:
        message = printable(record.getMessage().replace("\r\n", "\n").replace("\n", "\\n"))
        meta = {name: value for name, value in meta_of(record).items() if value is not None}
        pairs = "".join(f" {name}={_shown(value)}" for name, value in meta.items())
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {message}{pairs}"
        if record.exc_info:
            trace = printable(self.formatException(record.exc_info), lines=True)
            # Indented: a line of an exception's text cannot be taken for one of the log.
            line += "".join(f"\n    {row}" for row in trace.splitlines())
        return redaction.redact(line)


def _shown(value: object) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() and " " not in text else ascii(text)
