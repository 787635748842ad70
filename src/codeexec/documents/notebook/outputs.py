"""Outputs in the notebook format: only its keys, text as lists of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from codeexec.domain.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]
"""A JSON object of the notebook format."""

_OUTPUT_KEYS = {
    "stream": ("output_type", "name", "text"),
    "display_data": ("output_type", "data", "metadata"),
    "execute_result": ("output_type", "execution_count", "data", "metadata"),
    "error": ("output_type", "ename", "evalue", "traceback"),
}
_TEXT_MIMES = ("application/javascript", "image/svg+xml")


def joined(value: object) -> str:
    """A multi-line string, which nbformat stores as a string or a list of lines."""
    if isinstance(value, list):
        return "".join(str(part) for part in value)
    return "" if value is None else str(value)


def split_lines(text: str) -> list[str]:
    """The opposite of `joined`: a list of lines, so that JSON diffs are small."""
    return text.splitlines(keepends=True)


def clean_output(output: Mapping[str, Any], execution_count: int | None) -> Json:
    """An output with exactly the keys of the format. DocumentError."""
    kind = output.get("output_type")
    if kind not in _OUTPUT_KEYS:
        raise DocumentError(f"There is no output of type {kind!r}.", "Use one of nbformat's.")
    defaults: Json = {
        "name": "stdout",
        "text": "",
        "data": {},
        "metadata": {},
        "execution_count": execution_count,
        "ename": "",
        "evalue": "",
        "traceback": [],
    }
    clean = {key: output.get(key, defaults.get(key)) for key in _OUTPUT_KEYS[str(kind)]}
    if kind == "stream":
        clean["text"] = split_lines(joined(clean["text"]))
    elif "data" in clean:
        clean["data"] = {mime: _mime_value(mime, v) for mime, v in clean["data"].items()}
    return clean


def _mime_value(mime: str, value: object) -> object:
    if mime.startswith("text/") or mime in _TEXT_MIMES:
        return split_lines(joined(value))
    return value
