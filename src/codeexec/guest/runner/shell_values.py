"""Variables for the shell of a cell: `%%bash -i NAME`, here and in each ipykernel of ours."""

from __future__ import annotations

import re
import shlex
from typing import Any

MOST_EXPORTED = 100_000
"""Characters of a variable of the environment; Linux allows 128 KiB for each."""

_NAMES = r"[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*"
_OPTION = re.compile(rf"(?:^|\s)-i\s+({_NAMES})(?=\s|$)", re.ASCII)


def take_names(rest: str) -> tuple[list[str], str]:
    """The names of `-i NAME, NAME`, and the other words of the line."""
    names = [name.strip() for match in _OPTION.finditer(rest) for name in match[1].split(",")]
    return list(dict.fromkeys(names)), _OPTION.sub("", rest).strip()


def assignments(names: list[str], user: dict[str, Any], shell: str) -> str:
    """Code of the shell, on the line before the cell's first one, that sets these variables.
    ValueError for a value that it cannot have."""
    return "".join(_assignment(name, user, shell) + "; " for name in names)


def _assignment(name: str, user: dict[str, Any], shell: str) -> str:
    if name not in user:
        raise ValueError(f"There is no variable {name} to pass on to {shell}.")
    value = user[name]
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, dict)):
        if shell != "bash":
            raise ValueError(f"{name} is a {type(value).__name__}: {shell} has no arrays.")
        if isinstance(value, dict):
            if "" in value:
                raise ValueError(f"{name} has an empty key, which an array of bash cannot have.")
            pairs = (f"[{_word(name, k)}]={_word(name, v)}" for k, v in value.items())
            return f"declare -A {name}=({' '.join(pairs)})"
        return f"{name}=({' '.join(_word(name, part) for part in value)})"
    word = _word(name, value)
    return f"{name}={word}" if len(word) > MOST_EXPORTED else f"export {name}={word}"


def _word(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None:
        return "''"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise ValueError(
            f"{name} holds a {type(value).__name__}: a shell has text, numbers and arrays of them."
        )
    text = str(value)
    if "\0" in text:
        raise ValueError(f"{name} has a NUL in it, which no text of a shell can have.")
    return shlex.quote(text)
