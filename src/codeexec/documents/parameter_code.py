"""Writes values of parameters as source code, for the languages of papermill.

https://papermill.readthedocs.io/en/latest/usage-languages.html
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from codeexec.domain.errors import UsageError

Pairs = Iterable[tuple[str, str]]
"""Keys and values as source code."""


def quoted(value: object) -> str:
    text = str(value).encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{text}"'


@dataclass(frozen=True, slots=True)
class ParameterLanguage:
    """Syntax of values in a language: `words` are None, True and False; `join` writes a list, and
    `map` a mapping (None: the language has no mappings)."""

    words: tuple[str, str, str]
    join: Callable[[Iterable[str]], str]
    map: Callable[[Pairs], str] | None
    quote: Callable[[object], str] = quoted
    number: Callable[[float], str] = str
    assign: str = "{} = {}"
    marks: str = ""
    """Characters of names besides those of identifiers."""

    def code(self, value: object) -> str:
        """The value as source code. UsageError for a mapping if the language has none."""
        match value:
            case None:
                return self.words[0]
            case bool():
                return self.words[1] if value else self.words[2]
            case int():
                return str(value)
            case float():
                return self.number(value)
            case dict():
                if self.map is None:
                    raise UsageError(
                        "A parameter that maps names to values cannot be written in this language.",
                        "Give the values as parameters of their own.",
                    )
                return self.map((self.quote(key), self.code(item)) for key, item in value.items())
            case list():
                return self.join(map(self.code, value))
            case _:
                return self.quote(value)

    def line(self, name: str, value: object) -> str:
        """An assignment. UsageError for an invalid name of a variable."""
        plain = name
        for mark in self.marks:
            plain = plain.replace(mark, "_")
        if not plain.isidentifier():
            raise UsageError(f"{name!r} is no name of a variable.", "Write it as -p NAME VALUE.")
        return self.assign.format(name, self.code(value))


def _python_number(value: float) -> str:
    return str(value) if math.isfinite(value) else f"float('{value}')"


class R(ParameterLanguage):
    """Names cannot begin with an underscore there; it is dropped, as in papermill."""

    def line(self, name: str, value: object) -> str:
        return super().line(name.lstrip("_"), value)


LANGUAGES: Mapping[str, ParameterLanguage] = {
    "python": ParameterLanguage(
        ("None", "True", "False"),
        lambda items: f"[{', '.join(items)}]",
        lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}",
        number=_python_number,
    ),
    "r": R(
        ("NULL", "TRUE", "FALSE"),
        lambda items: f"list({', '.join(items)})",
        lambda pairs: f"list({', '.join(f'{key} = {value}' for key, value in pairs)})",
        marks=".",
    ),
    "julia": ParameterLanguage(
        ("nothing", "true", "false"),
        lambda items: f"[{', '.join(items)}]",
        lambda pairs: f"Dict({', '.join(f'{key} => {value}' for key, value in pairs)})",
    ),
    "bash": ParameterLanguage(
        ("", "true", "false"),
        lambda items: f"({' '.join(items)})",
        None,
        quote=lambda value: shlex.quote(str(value)),
        assign="{}={}",
    ),
}
"""Languages by lower-case name. In each of them `#` begins a comment."""
