"""Change one setting in the user's file and leave the rest of it as written."""

from __future__ import annotations

import copy
import re
from pathlib import Path

from codeexec.config.keys import Key, to_toml
from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError, UsageError
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_toml

_HEADER = re.compile(r"\s*\[")
_VALUE = r"""("(?:\\.|[^"\\])*"|'[^']*'|[^#"'\[{]*?)"""


def change(path: Path, key: Key, value: object) -> None:
    """Say a setting in the file, or with None let its default count again.

    The file is made when there is none. Raises UsageError where it is no TOML, or written in a
    way that we cannot change with confidence, and StorageError.
    """
    try:
        text = read_plain_text(path) if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"{path} cannot be read: {reason}.", "Make it a readable UTF-8 file."
        ) from error
    write_atomic(path, changed(text, key, value, str(path)).encode())


def changed(text: str, key: Key, value: object, place: str) -> str:
    """The text of a file with that setting in it; UsageError as `change` does."""
    by_hand = f"Change {key.name} in {place} by hand."
    try:
        tables = load_toml(text)
    except ValueError as error:
        raise UsageError(f"{place} is not TOML: {error}.", "Correct that line first.") from error
    made = _edited(text, key, value)
    expected = copy.deepcopy(tables)
    table, _, name = key.name.partition(".")
    if value is None:
        _table(expected, table).pop(name, None)
    else:
        _table(expected, table)[name] = value
    try:
        is_right = _without_empty(load_toml(made)) == _without_empty(expected)
    except ValueError:
        is_right = False
    if not is_right:
        raise UsageError(f"{place} is written in a way that we do not change.", by_hand)
    return made


def _table(tables: dict[str, object], name: str) -> dict[str, object]:
    entries = tables.setdefault(name, {})
    return entries if isinstance(entries, dict) else {}


def _without_empty(tables: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in tables.items() if value != {}}


def _edited(text: str, key: Key, value: object) -> str:
    table, _, name = key.name.partition(".")
    lines = text.splitlines()
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?")
    start = next((n for n, line in enumerate(lines) if header.fullmatch(line)), None)
    assignment = f"{name} = {to_toml(value)}"
    if start is None:
        if value is not None:
            gap = [""] if lines and lines[-1].strip() else []
            lines += [*gap, f"[{table}]", assignment]
    else:
        following = range(start + 1, len(lines))
        end = next((n for n in following if _HEADER.match(lines[n])), len(lines))
        _edit_table(lines, start + 1, end, name, None if value is None else assignment)
    return "\n".join(lines) + "\n" if lines else ""


def _edit_table(lines: list[str], start: int, end: int, name: str, assignment: str | None) -> None:
    """Replace, add or remove the line of a setting between two lines of the file."""
    own = re.compile(rf"(\s*){re.escape(name)}\s*=\s*{_VALUE}(\s*(?:#.*)?)")
    for number in range(start, end):
        match = own.fullmatch(lines[number])
        if match is not None:
            if assignment is None:
                del lines[number]
            else:
                lines[number] = f"{match[1]}{assignment}{match[3]}"
            return
    if assignment is None:
        return
    # The manual has each setting commented out: what is said goes below that.
    manual = re.compile(rf"\s*#\s*{re.escape(name)}\s*=.*")
    for number in range(start, end):
        if manual.fullmatch(lines[number]):
            lines.insert(number + 1, assignment)
            return
    while end > start and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, assignment)
