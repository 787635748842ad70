"""JSON and TOML of others: every fault is a ValueError in words."""

from __future__ import annotations

import json
import tomllib

import pytest

from codeexec.domain.text.parsing import LONG_NUMBER, MAX_DEPTH, TOO_DEEP, load_json, load_toml


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def test_what_is_right_is_read() -> None:
    assert load_json('{"a": [1, NaN]}')["a"][0] == 1
    assert load_json(nested(MAX_DEPTH)) is not None
    assert load_toml("a = {b = [1]}") == {"a": {"b": [1]}}


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 100_000])
def test_deep_nesting_is_refused(levels: int) -> None:
    with pytest.raises(ValueError, match=TOO_DEEP):
        load_json(nested(levels))
    with pytest.raises(ValueError, match=TOO_DEEP):
        load_json('{"a":' * levels + "1" + "}" * levels)
    with pytest.raises(ValueError, match=TOO_DEEP):
        load_toml(f"a = {nested(levels)}")


def test_numbers_of_thousands_of_digits_are_refused() -> None:
    with pytest.raises(ValueError, match=LONG_NUMBER):
        load_json("9" * 5000)
    with pytest.raises(ValueError, match=LONG_NUMBER):
        load_toml("a = " + "9" * 5000)


def test_broken_text_says_where() -> None:
    with pytest.raises(json.JSONDecodeError, match="line 2"):
        load_json("{\n1}")
    with pytest.raises(tomllib.TOMLDecodeError, match="line 1"):
        load_toml("a = \nb = 1")
    with pytest.raises(UnicodeDecodeError):
        load_json(b'"\xff"')
