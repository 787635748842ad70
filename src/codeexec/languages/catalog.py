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

_SHEBANG = re.compile(r"^#!\s*(?P<program>\S+)(?P<rest>.*)")
_VERSION = "-.0123456789"
_FIELDS = frozenset(Language._fields) - {"name"}
_TEXT = r"""\'{3}[\s\S]*?\'{3}|'[^'\n]*'|"(?:[^"\\\n]+|\\.)*\""""
_STRING = re.compile(_TEXT)
_ENTRY = re.compile(
    rf"""^(?:\[([\w.]+)\]|(\w+|"[^"\n]+")[ ]=[ ](\[(?:{_TEXT}|[\s,])*\]|{_TEXT}))""", re.MULTILINE
)
"""The name of a table; or a key and its value."""


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
    """
    tables: dict[str, dict[str, Any]] = {}
    table: dict[str, Any] = tables
    for names, key, value in _ENTRY.findall(text):
        if names:
            table = tables
            for name in names.split("."):
                table = table.setdefault(name, {})
            continue
        strings = tuple(map(_string, _STRING.findall(value)))
        table[key.strip('"')] = strings if value[0] == "[" else strings[0]
    return tables


def _string(quoted: str) -> str:
    """The value of a string of TOML."""
    if quoted[0] == '"' and "\\" in quoted:
        from json import loads  # seldom needed

        return str(loads(quoted))
    return quoted[3:-3] if quoted.startswith("'''") else quoted[1:-1]


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
    shebang = _SHEBANG.match(line)
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
