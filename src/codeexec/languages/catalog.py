"""The languages that we know, found by name, file name or first line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from codeexec.domain.errors import NotFound, UsageError
from codeexec.languages.model import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHEBANG = re.compile(r"^#!\s*(?P<program>\S+)(?P<rest>.*)")
_VERSION = "-.0123456789"
_FIELDS = {field.name for field in fields(Language)} - {"name"}
_ALIASES = {
    "c++": "cpp",
    "cc": "cpp",
    "py": "python",
    "ipython": "python",
    "sh": "bash",
    "shell": "bash",
    "js": "javascript",
    "node": "javascript",
    "ts": "typescript",
    "golang": "go",
    "rs": "rust",
    "rb": "ruby",
    "md": "markdown",
    "plain": "text",
}


@cache
def languages() -> Mapping[str, Language]:
    """Every language of the catalog by name, in its order."""
    # Not by importlib.resources, whose readers alone take 12 ms to import.
    return parse_catalog(Path(__file__).with_name("catalog.toml").read_text("utf-8"))


def parse_catalog(text: str) -> dict[str, Language]:
    """The languages that a TOML text describes; raises UsageError for a key we do not know."""
    catalog: dict[str, Language] = {}
    for name, entry in tomllib.loads(text).items():
        if unknown := set(entry) - _FIELDS:
            raise UsageError(
                f"The language {name} has unknown keys: {', '.join(sorted(unknown))}.",
                f"The known ones are {', '.join(sorted(_FIELDS))}.",
            )
        values: dict[str, Any] = {key: _frozen(value) for key, value in entry.items()}
        catalog[name] = Language(name=name, **values)
    return catalog


def _frozen(value: object) -> object:
    """Lists as tuples, also in tables."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def by_name(name: str) -> Language:
    """The language called `name`, also by its title or a common other name.

    Raises NotFound, and says which there are.
    """
    lowered = name.strip().lower()
    catalog = languages()
    if language_by_alias := catalog.get(_ALIASES.get(lowered, lowered)):
        return language_by_alias
    for language in catalog.values():
        if language.title.lower() == lowered:
            return language
    raise NotFound(f"There is no language {name!r}.", f"Known are {', '.join(catalog)}.")


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
