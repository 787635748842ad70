"""The languages that we know, found by name, file name or first line."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.language_words import LANGUAGE_WORDS
from codeexec.languages.model import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

# Compiled when used, if at all: that takes longer than reading the catalog.
_SHEBANG = r"^#!\s*(?P<program>\S+)(?P<rest>.*)"
_VERSION = "-.0123456789"
_FIELDS = frozenset(Language._fields) - {"name"}


@cache
def languages() -> Mapping[str, Language]:
    """Every language of the catalog by name, in its order."""
    # Not by importlib.resources, whose readers alone take 12 ms to import.
    return parse_catalog(Path(__file__).with_name("catalog.toml").read_text("utf-8"))


def parse_catalog(text: str) -> dict[str, Language]:
    """The languages that a TOML text describes; raises UsageError for a key we do not know."""
    catalog: dict[str, Language] = {}
    for name, entry in read_tables(text).items():
        if unknown := set(entry) - _FIELDS:
            raise UsageError(
                f"The language {name} has unknown keys: {', '.join(sorted(unknown))}.",
                f"The known ones are {', '.join(sorted(_FIELDS))}.",
            )
        catalog[name] = Language(name=name, **entry)
    return catalog


def read_tables(text: str) -> dict[str, dict[str, Any]]:
    """The tables of a TOML text by their names; lists are tuples.

    Of TOML the catalog uses tables, strings and lists of strings. With `tomllib`, which has to be
    imported besides, each command that starts a program would take some milliseconds longer.
    ValueError for a string or a list without an end.
    """
    tables: dict[str, dict[str, Any]] = {}
    table: dict[str, Any] = tables
    line = 0
    while line < len(text):
        end = text.find("\n", line)
        end = len(text) if end < 0 else end
        if text[line] == "[":
            table = tables
            for name in text[line + 1 : text.index("]", line)].split("."):
                table = table.setdefault(name, {})
        elif text[line] != "#" and (equals := text.find(" = ", line, end)) >= 0:
            value, end = _read_value(text, equals + 3)
            table[text[line:equals].strip('"')] = value
        line = text.find("\n", end) + 1 or len(text)
    return tables


def _read_value(text: str, start: int) -> tuple[str | tuple[str, ...], int]:
    """The string or the list that begins there, and where it ends."""
    if text[start] != "[":
        return _read_string(text, start)
    strings: list[str] = []
    at = start + 1
    while text[at : at + 1] != "]":
        if text[at : at + 1] in ("'", '"'):
            string, at = _read_string(text, at)
            strings.append(string)
        elif at < len(text):
            at += 1
        else:
            raise ValueError("a list has no end")
    return tuple(strings), at + 1


def _read_string(text: str, start: int) -> tuple[str, int]:
    for quotes in ("'''", "'"):
        if text.startswith(quotes, start):
            end = text.index(quotes, start + len(quotes))
            return text[start + len(quotes) : end], end + len(quotes)
    end = text.index('"', start + 1)
    quoted = text[start : end + 1]
    if "\\" not in quoted:
        return quoted[1:-1], end + 1
    from json import JSONDecoder  # seldom needed

    string, end = JSONDecoder().raw_decode(text, start)
    return str(string), end


def by_name(name: str) -> Language:
    """The language called `name`, also by its title or a common other name.

    Raises NotFound, and says which there are.
    """
    lowered = name.strip().lower()
    catalog = languages()
    if language_by_alias := catalog.get(LANGUAGE_WORDS.get(lowered, lowered)):
        return language_by_alias
    for language in catalog.values():
        if language.title.lower() == lowered:
            return language
    raise NotFound(f"There is no language {name!r}.", f"Known are {', '.join(catalog)}.")


@lru_cache(maxsize=256)
def running_language(word: str) -> str:
    """The name of the language that a word means, if code in it can be run; else empty."""
    try:
        language = by_name(word)
    except NotFound:
        return ""
    return language.name if language.runs else ""


def by_file(name: str, first_line: str = "") -> Language | None:
    """The language of a file by its name, else by the `#!` on its first line; None if unknown."""
    path = PurePath(name)
    catalog = languages().values()
    for language in catalog:
        if path.name in language.names:
            return language
    suffix = path.suffix
    for extension in (suffix, suffix.lower()):
        for language in catalog:
            if extension and extension in language.extensions:
                return language
    return by_shebang(first_line)


def by_shebang(line: str) -> Language | None:
    """The language of `#!/usr/bin/env python3 -u`; None when the line says nothing we know."""
    shebang = re.match(_SHEBANG, line)
    if shebang is None:
        return None
    program = PurePath(shebang["program"]).name
    if program == "env":
        command = [w for w in shebang["rest"].split() if not w.startswith("-") and "=" not in w]
        program = PurePath(command[0]).name if command else ""
    bare = program.rstrip(_VERSION)
    for language in languages().values():
        if program in language.shebangs or bare in language.shebangs:
            return language
    return None


def text() -> Language:
    """What a file is when nothing else is known of it."""
    return languages()["text"]
