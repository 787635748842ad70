"""All settings by name: their types, words and values as text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cache
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct

from codeexec.config.docs import field_docs
from codeexec.config.model import Settings
from codeexec.config.remotes import SECTION as REMOTES
from codeexec.config.servers import SECTION as SERVERS
from codeexec.domain.errors import UsageError
from codeexec.hostfiles.state import SETTING_PREFIX

MOST = 2**53
"""The largest number that a setting may be: the seconds and bytes of it can be counted with."""

N = TypeVar("N", int, float)


class Key(Struct, frozen=True):
    """One setting: `name` with its dots, and its default; `table` is its table's class."""

    name: str
    default: object
    table: type[Struct]

    @property
    def type(self) -> object:
        """The type of its values."""
        return _types(self.table)[self.name.partition(".")[2]]

    @property
    def doc(self) -> str:
        """The manual's words."""
        return field_docs().get((self.table.__name__, self.name.partition(".")[2]), "")

    @property
    def variable(self) -> str:
        return SETTING_PREFIX + self.name.replace(".", "_").upper()

    @property
    def accepts(self) -> str:
        """What may be said, in words."""
        if get_origin(self.type) is Literal:
            return "one of " + ", ".join(map(str, get_args(self.type)))
        kinds: dict[object, str] = {
            bool: "true or false",
            int: "a whole number of 0 or more",
            float: "a number of 0 or more",
            str: "text",
        }
        return kinds[self.type]

    @property
    def example(self) -> str:
        """What to give instead of something that is not accepted, in words."""
        if self.type in (int, float):
            # What is accepted is in the fault already.
            return f"a number, for example {to_toml(self.default)}"
        return self.accepts


@cache
def keys() -> tuple[Key, ...]:
    """All settings in the order of the manual."""
    return tuple(_keys())


def _keys() -> Iterator[Key]:
    defaults = Settings()
    for section in Settings.__struct_fields__:
        if section in ("programs", SERVERS, REMOTES):
            # Their tables have names of the user's choice: see `profiles`, `servers` and `remotes`.
            continue
        table = getattr(defaults, section)
        for name in table.__struct_fields__:
            yield Key(f"{section}.{name}", getattr(table, name), type(table))


@cache
def _types(table: type[Struct]) -> dict[str, object]:
    """The types of a table's settings. Reading the annotations takes milliseconds: only when one
    of them is set or shown."""
    return get_type_hints(table)


def find_key(name: str) -> Key:
    """The setting of this name. UsageError with the nearest one."""
    key_by_name = {key.name: key for key in keys()}
    if name.startswith(f"{SERVERS}."):
        raise UsageError(
            "Servers are tables [servers.NAME] of your settings file.",
            "Write them there: codeexec-tui config edit",
        )
    if name.startswith(f"{REMOTES}."):
        raise UsageError(
            "Jupyter servers are tables [remote.NAME] of your settings file.",
            "Write them there: codeexec-tui config edit",
        )
    if name.startswith("programs."):
        raise UsageError(
            "Build profiles are tables [programs.profiles.NAME] of the settings file.",
            "Write them there: codeexec-tui config edit",
        )
    if name not in key_by_name:
        raise UsageError(f"There is no setting {name}.", likely_name(name))
    return key_by_name[name]


def choices_of(name: str) -> tuple[str, ...]:
    """The values of a setting, where it is a choice among some; else none."""
    key = next((key for key in keys() if key.name == name), None)
    if key is None:
        return ()
    if get_origin(key.type) is Literal:
        return tuple(map(str, get_args(key.type)))
    return ("true", "false") if key.type is bool else ()


def likely_name(name: str) -> str:
    """What to do about a setting that there is not: the nearest name, in words."""
    import difflib

    near = difflib.get_close_matches(name, [key.name for key in keys()], 1)
    return f"Did you mean {near[0]}?" if near else "`codeexec-tui config show` lists all settings."


_LISTS = frozenset({"session.plugins", "kernel.hide_env"})
"""Settings of several words, which may be a list of texts as well."""


def convert(key: Key, value: object, *, textual: bool) -> object:
    """The value as the setting has it; text from the environment is read. ValueError if not."""
    kind = key.type
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise ValueError
    if kind is bool:
        if textual:
            word = str(value).strip().lower()
            if word in ("1", "true", "yes", "on"):
                return True
            if word in ("0", "false", "no", "off", ""):
                return False
        elif isinstance(value, bool):
            return value
        raise ValueError
    if kind is int and (textual or (isinstance(value, int) and not isinstance(value, bool))):
        return _not_negative(int(str(value)))
    if kind is float and (
        textual or (isinstance(value, int | float) and not isinstance(value, bool))
    ):
        return _not_negative(float(str(value)))
    if kind is str and isinstance(value, str):
        return value
    if key.name in _LISTS and isinstance(value, list):
        words = [word for word in value if isinstance(word, str)]
        if len(words) == len(value):
            return shlex.join(words)
    raise ValueError


def _not_negative(number: N) -> N:
    if 0 <= number <= MOST:  # not a number is neither
        return number
    raise ValueError


def value_of(settings: Settings, name: str) -> object:
    """The value of a key such as `editor.tab_size`."""
    section, _, own = name.partition(".")
    value: object = getattr(getattr(settings, section), own)
    return value


def to_toml(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return repr(value)
