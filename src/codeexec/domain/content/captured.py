"""What an Output widget has captured, as outputs of nbformat: as a display, or as text."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.domain.content.mime import is_binary, is_json
from codeexec.domain.outputs import Display, MimePart


def captured_display(output: object) -> Display | None:
    """The display in an output; None where it is text or an error."""
    forms = output.get("data") if isinstance(output, Mapping) else None
    if not isinstance(forms, Mapping):
        return None
    parts = tuple(
        MimePart(mime, len(text) * 3 // 4 if is_binary(mime) else len(text), text)
        for mime, value in forms.items()
        if isinstance(mime, str) and (text := _text(mime, value)) is not None
    )
    return Display("captured", parts) if parts else None


def captured_text(output: object) -> tuple[str, str]:
    """The meaning of a text, and the text; empty where there is none."""
    if not isinstance(output, Mapping):
        return "stream.stdout", ""
    lines = output.get("traceback")
    if isinstance(lines, list | tuple):
        return "stream.stderr", "\n".join(map(str, lines))
    meaning = "stream.stderr" if output.get("name") == "stderr" else "stream.stdout"
    text = _joined(output.get("text")).removesuffix("\n")
    # As a terminal leaves it: a carriage return goes back over the line.
    return meaning, "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _text(mime: str, value: object) -> str | None:
    if is_json(mime):
        import json  # not at the start

        return json.dumps(value)
    return _joined(value) if isinstance(value, str | list) else None


def _joined(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(str, value))
    return value if isinstance(value, str) else ""
