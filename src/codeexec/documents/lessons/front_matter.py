"""Reads the YAML at the top of a lesson."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codeexec.documents.lessons.model import FrontMatter
from codeexec.domain.errors import DocumentError

_MOST = 64 * 1024
_PATH = re.compile(r" - at `\$\.?(?P<key>[^.\[`]*)[^`]*`$")
_FIELDS = ", ".join(FrontMatter.__struct_fields__)


def read_front_matter(text: str, name: str) -> tuple[FrontMatter, int]:
    """What is between `---` at the top of `text`, and the number of lines that it takes. Raises
    DocumentError with file and line."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return FrontMatter(), 0
    ends = (number for number, line in enumerate(lines) if number and line.rstrip() == "---")
    end = next(ends, None)
    if end is None:
        raise DocumentError(f"{name}:1: The front matter does not end.", "Close it by a line ---")
    content = _load(lines[1:end], name)
    try:
        return msgspec.convert(content, FrontMatter), end + 1
    except msgspec.ValidationError as error:
        raise _refused(str(error), lines[:end], name) from None


def field_lines(text: str, end: int) -> dict[str, int]:
    """The line of each field, from 1, of a front matter that takes `end` lines."""
    heads = ((line.partition(":")[0], number) for number, line in enumerate(text.split("\n"), 1))
    return {
        name: number
        for name, number in heads
        if number <= end and name in FrontMatter.__struct_fields__
    }


def _load(lines: list[str], name: str) -> Any:
    import yaml  # imported only if needed

    text = "\n".join(lines)
    if len(text) > _MOST:
        raise DocumentError(
            f"{name}:1: The front matter is over {_MOST // 1024} kB.", "Shorten it."
        )
    try:
        # A few lines of aliases can make gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise DocumentError(
                f"{name}:1: The front matter has an alias (*name).", "Write the value itself."
            )
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark is not None else 1
        raise DocumentError(
            f"{name}:{line}: The front matter is not YAML: {error.problem or error.context}.",
            "Quote values that have a colon or begin with a special character.",
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise DocumentError(
            f"{name}:1: The front matter is not YAML: {reason}", "Check its characters."
        ) from None
    return {} if content is None else content


def _refused(reason: str, lines: list[str], name: str) -> DocumentError:
    path = _PATH.search(reason)
    key = path["key"] if path is not None else ""
    if unknown := re.search(r"unknown field `([^`]*)`", reason):
        key = unknown[1]
        reason = f"there is no field {key[:40]!r}"
    else:
        reason = _PATH.sub("", reason)
    numbers = (number for number, line in enumerate(lines, 1) if key and line.startswith(key))
    where = f"{key[:40]}: " if key and not unknown else ""
    return DocumentError(
        f"{name}:{next(numbers, 1)}: Front matter: {where}{reason}.", f"It may have {_FIELDS}."
    )
