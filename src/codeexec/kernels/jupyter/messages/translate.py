"""Translation of one Jupyter message into kernel events; keeps no state."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, cast

from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.wire.checks import MAX_INTEGER
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    Finished,
    InputRequested,
    KernelEvent,
    NextInput,
    Notice,
    OutputCleared,
    Started,
    StreamWritten,
)
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.messages.reports import report_events

log = logging.getLogger(__name__)

LONGEST_INPUT = 1 << 20
"""Characters that code may ask for as the next input."""

IGNORED = frozenset(
    {"status", "comm_open", "comm_msg", "comm_close", "iopub_welcome", "debug_event",
     "shutdown_reply", "input_reply"}
)  # fmt: skip
"""Known, and not part of what an execution puts out."""

_NO_EXCEPTION = "NoneType"
"""What ipykernel names as the exception of code that raised none: a method that shows its value
did, as that of plotly where nbformat is missing. Its error came as output, and the code went on."""

NOTHING: tuple[KernelEvent, ...] = ()


def translate(message: Message, execution: str) -> tuple[KernelEvent, ...]:
    """The events that a message of iopub or stdin tells of `execution`; unknown ones tell none."""
    content = message.content
    match message.type:
        case "stream":
            text = content.get("text")
            if not isinstance(text, str) or not text:
                return NOTHING
            stream: Literal["stdout", "stderr"] = (
                "stderr" if content.get("name") == "stderr" else "stdout"
            )
            return (StreamWritten(execution, stream, text),)
        case "display_data" | "execute_result":
            return (
                Displayed(
                    execution,
                    _mapping(content.get("data")),
                    _mapping(content.get("metadata")),
                    "result" if message.type == "execute_result" else "display",
                    _display_id(content),
                    _count(content),
                ),
            )
        case "update_display_data":
            display_id = _display_id(content)
            if display_id is None:
                log.debug("update_display_data without a display_id")
                return NOTHING
            data, metadata = _mapping(content.get("data")), _mapping(content.get("metadata"))
            return (DisplayRefreshed(display_id, data, metadata),)
        case "clear_output":
            return (OutputCleared(execution, bool(content.get("wait"))),)
        case "error":
            return (ErrorRaised(execution, error_info(content)),)
        case "execute_input":
            return (Started(execution, _count(content)),)
        case "input_request":
            prompt = _text(content.get("prompt"))
            hidden = bool(content.get("password"))
            return (InputRequested(execution, prompt, hidden, message.id),)
        case "codeexec_report":
            return report_events(content, execution)
        case kind:
            if kind not in IGNORED:
                log.debug("a message of unknown type %s was passed over", kind)
            return NOTHING


def finished(reply: Message, execution: str) -> tuple[Finished, tuple[KernelEvent, ...]]:
    """What an execute_reply says: the end, and what comes before it (a pager's text, the next
    input)."""
    content = reply.content
    status = content.get("status")
    payloads = content.get("payload")
    events = tuple(
        event
        for payload in (payloads if isinstance(payloads, list) else ())
        if isinstance(payload, dict)
        for event in _of_payload(payload, execution)
    )
    if status == "ok" or (status == "error" and content.get("ename") == _NO_EXCEPTION):
        return Finished(execution, "ok", None, _count(content)), events
    if status in ("aborted", "abort"):
        return Finished(execution, "aborted"), ()
    return Finished(execution, "error", error_info(content), _count(content)), events


def _of_payload(payload: Mapping[str, object], execution: str) -> tuple[KernelEvent, ...]:
    text = payload.get("text")
    match payload.get("source"):
        case "page":
            return (Displayed(execution, _mapping(payload.get("data")), {}, "display"),)
        case "set_next_input" if isinstance(text, str) and len(text) <= LONGEST_INPUT:
            return (NextInput(execution, text, payload.get("replace") is True),)
        case "set_next_input" if isinstance(text, str):
            advice = f"It has {len(text):,} characters; open the file instead."
            return (Notice("warning", "The next input is too long", advice),)
    return NOTHING


def error_info(content: Mapping[str, object]) -> ErrorInfo:
    lines = content.get("traceback")
    value = _text(content.get("evalue"))
    return ErrorInfo(
        _error_name(_text(content.get("ename")), value),
        value,
        tuple(map(str, lines)) if isinstance(lines, list) else (),
    )


def _display_id(content: Mapping[str, object]) -> str | None:
    display_id = _mapping(content.get("transient")).get("display_id")
    return display_id if isinstance(display_id, str) and display_id else None


def _error_name(name: str, value: str) -> str:
    """The name of a Python class where a kernel sends its repr, as xeus-python does; for
    bash_kernel, which sends a number alone, what that is."""
    if not name and value.isdecimal():
        return "exit status"
    is_repr = name.startswith("<class '") and name.endswith("'>")
    return name[len("<class '") : -len("'>")].rpartition(".")[2] if is_repr else name


def _count(content: Mapping[str, object]) -> int | None:
    """The prompt number. Clients refuse a whole frame for a bool or a too large number."""
    count = content.get("execution_count")
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    return count if 0 <= count <= MAX_INTEGER else None


def _mapping(value: object) -> Mapping[str, object]:
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
