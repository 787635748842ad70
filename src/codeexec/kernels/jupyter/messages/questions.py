"""Code that asks a Python kernel about its variables, and the parsing of its answers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from codeexec.domain.errors import ProtocolError
from codeexec.domain.requests import (
    QueryTable,
    Reply,
    TableAnswer,
    VariableDetail,
    Variables,
    VariableSize,
)
from codeexec.kernels.jupyter.launch import GUEST

R = TypeVar("R", bound=msgspec.Struct)


_TABLES = (
    *("filters", "work", "columns", "sources", "polars_categories", "polars_top", "polars_tables"),
    *("duckdb_tables", "estimates", "views", "facts", "code", "answers"),
)
"""Modules below `guest/tables`, each after those that it imports."""


class SizesAnswer(msgspec.Struct, frozen=True):
    """The answer of `guest/memory/sizes.py`. `is_working`: ask again; `is_busy`: a cell runs."""

    sizes: tuple[VariableSize, ...] = ()
    rest: tuple[str, ...] = ()
    is_working: bool = False
    is_busy: bool = False


_OWN_IMPORT = re.compile(
    r"^from codeexec\.guest[.\w]* import (?:\([^)]*\)|[^\n(]*)\n", re.MULTILINE
)
_FUTURE = "from __future__ import annotations\n"


@cache
def _prelude() -> str:
    """Code that has the helpers at hand as `helpers`: compiled once in each kernel, in a module
    of its own that is named after its content, so that versions do not mix."""
    source = _source("prelude.py")
    return _load(_module_name("prelude", source), source)


@cache
def _table_helpers() -> tuple[str, str]:
    """Name and source of one module that is all of `guest/tables`: kernels cannot import it."""
    return _one_module("tables", ("prelude.py", *(f"tables/{name}.py" for name in _TABLES)))


@cache
def _size_helpers() -> tuple[str, str]:
    """The same of `guest/memory`."""
    files = ("prelude.py", "tables/work.py", "memory/walk.py", "memory/sizes.py")
    return _one_module("memory", files)


def _one_module(stem: str, files: tuple[str, ...]) -> tuple[str, str]:
    parts = [_OWN_IMPORT.sub("", _source(file)).replace(_FUTURE, "") for file in files]
    source = "\n".join([_FUTURE, *parts])
    return _module_name(stem, source), source


def _source(file: str) -> str:
    return (Path(GUEST) / file).read_text(encoding="utf-8")


def _module_name(stem: str, source: str) -> str:
    return f"codeexec_{stem}_{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def _load(name: str, source: str) -> str:
    return f"""
import sys, types
helpers = sys.modules.get({name!r})
if helpers is None:
    helpers = types.ModuleType({name!r})
    exec(compile({source!r}, {name!r}, "exec"), helpers.__dict__)
    sys.modules[{name!r}] = helpers
"""


def _call(function: str, *arguments: object) -> str:
    text = "".join(f", {argument!r}" for argument in arguments)
    return f"{_prelude()}answer(helpers.{function}(user{text}))\n"


def variables_code() -> str:
    return _call("variables")


def detail_code(name: str) -> str:
    return _call("detail", name)


def table_code(request: QueryTable, *, with_source: bool) -> str:
    """The answer is empty where the kernel has not got the source of the helpers yet."""
    text = msgspec.json.encode(request).decode()
    return _call_module(_table_helpers(), "table_answer", text, with_source)


def sizes_code(names: Sequence[str], *, with_source: bool) -> str:
    """As `table_code`: how much memory these variables hold, or all where none is named."""
    text = msgspec.json.encode(names).decode()
    return _call_module(_size_helpers(), "measure", text, with_source)


def _call_module(module: tuple[str, str], function: str, text: str, with_source: bool) -> str:
    name, source = module
    load = _load(name, source) if with_source else ""
    return f"""{load}
import sys
helpers = sys.modules.get({name!r})
answer(helpers.{function}(user, {text!r}) if helpers is not None else "")
"""


def delete_code(name: str) -> str:
    return _call("delete", name)


def mend_completion_code() -> str:
    return _call("mend_completion")


def parse_variables(text: str) -> Variables:
    return _parse(text, Variables)


def parse_detail(text: str) -> VariableDetail:
    return _parse(text, VariableDetail)


def parse_table_answer(text: str) -> TableAnswer:
    return _parse(text, TableAnswer)


def parse_sizes(text: str) -> SizesAnswer:
    return _parse(text, SizesAnswer)


def check_done(text: str) -> None:
    """ProtocolError where the answer is not that it was done."""
    _parse(text, Reply)


def parse_count(text: str) -> int:
    try:
        return msgspec.json.decode(text, type=int)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"The kernel's answer is no count: {error}.") from error


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][\da-fA-F]{2})|.)"
)
"""An escape in JSON: a pair of surrogates, half of one, or any other."""


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]


def _parse(text: str, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        pass  # perhaps for half a character alone, which a string of Python may hold
    try:
        return msgspec.json.decode(_ESCAPE.sub(_whole, text), type=kind)
    except msgspec.MsgspecError as error:
        raise ProtocolError(
            f"The kernel's answer about its variables cannot be read: {error}.",
            "Restart the kernel.",
        ) from error
