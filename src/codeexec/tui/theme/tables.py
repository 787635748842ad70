"""Tables of a theme file for 256 and 16 colours, with their validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from codeexec.tui.theme.tokens import BASE_COMPLETED, BASE_REQUIRED, RULES, BadValue

Limited = Literal["256", "16"]

Table = Mapping[str, str]
"""What a theme file says of one depth: names of base colours, of EXTRA and of meanings."""

EXTRA = (
    *("raised", "line", "selection", "match", "bracket", "trace", "blurred"),
    *("soft", "number", "faint", "border", "guide"),
    *("bright-red", "bright-yellow", "bright-green", "bright-cyan", "bright-blue", "bright-violet"),
)
"""Names of a table beside the base colours and the meanings."""

_NAMES = frozenset([*RULES, *BASE_REQUIRED, *BASE_COMPLETED, *EXTRA])

NUMBER = re.compile(r"(?<![\w.#-])\d{1,3}(?![\w.%-])")
"""A number of the palette among the words of a value."""


def check_table(table: Table, depth: Limited) -> None:
    """Raise BadValue for a name or a number of a table that is none."""
    for name, value in table.items():
        key = f"colors-{depth}.{name}"
        if name not in _NAMES:
            raise BadValue(key, "is not the name of a colour or of a meaning")
        for number in NUMBER.findall(value):
            if int(number) not in range(16 if depth == "16" else 256):
                raise BadValue(key, f"has {number}, which is no colour of {depth}")
        if "#" in value or "%" in value:
            raise BadValue(key, f"has {value!r}: colours are numbers here")
