"""Parse JSON and TOML that others wrote: every fault is a ValueError in words.

The parsers of the standard library also raise RecursionError for deep nesting and a bare
ValueError for numbers of thousands of digits.
"""

from __future__ import annotations

from typing import Any

TOO_DEEP = "it is nested too deeply"
LONG_NUMBER = "it holds a number of too many digits"

MAX_DEPTH = 200
"""Levels of JSON that we read and can surely write again: the indenting encoder of Python's
`json` fails at a third of its recursion limit."""

_CONTAINERS = frozenset((dict, list))


def load_json(text: str | bytes) -> Any:
    """The value. Raises ValueError (JSONDecodeError where it is no JSON, UnicodeDecodeError)."""
    import json

    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError as error:
        raise ValueError(LONG_NUMBER) from error  # Python limits digits: `sys.int_info`
    check_depth(value)
    return value


def load_toml(text: str) -> dict[str, Any]:
    """The table. Raises ValueError (TOMLDecodeError where it is no TOML)."""
    import tomllib

    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        raise ValueError(LONG_NUMBER) from error
    check_depth(table)
    return table


def check_depth(value: object) -> None:
    """Raise ValueError where lists and objects are nested more than MAX_DEPTH deep."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for each in level:
            children = each.values() if isinstance(each, dict) else each
            # Most lists hold lines of text: those are passed over at once.
            if isinstance(each, dict | list) and not _CONTAINERS.isdisjoint(map(type, children)):
                below += [child for child in children if isinstance(child, dict | list)]
        if not below:
            return
        level = below
    raise ValueError(TOO_DEEP)
