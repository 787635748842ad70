"""Code that asks a Python kernel about its variables, and the parsing of its answers."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from codeexec.domain.errors import ProtocolError
from codeexec.domain.requests import ReadTable, Reply, TablePage, VariableDetail, Variables
from codeexec.kernels.jupyter.launch import GUEST

R = TypeVar("R", bound=Reply)


@cache
def _prelude() -> str:
    """Code that has the helpers at hand as `helpers`: compiled once in each kernel, in a module
    of its own that is named after its content, so that versions do not mix."""
    source = (Path(GUEST) / "prelude.py").read_text(encoding="utf-8")
    name = f"codeexec_prelude_{hashlib.sha256(source.encode()).hexdigest()[:12]}"
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


def table_code(request: ReadTable) -> str:
    return _call(
        "table", request.name, request.start, request.count, request.sort, request.descending
    )


def delete_code(name: str) -> str:
    return _call("delete", name)


def mend_completion_code() -> str:
    return _call("mend_completion")


def parse_variables(text: str) -> Variables:
    return _parse(text, Variables)


def parse_detail(text: str) -> VariableDetail:
    return _parse(text, VariableDetail)


def parse_table(text: str) -> TablePage:
    return _parse(text, TablePage)


def check_done(text: str) -> None:
    """ProtocolError where the answer is not that it was done."""
    _parse(text, Reply)


def parse_count(text: str) -> int:
    try:
        return msgspec.json.decode(text, type=int)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"The kernel's answer is no count: {error}.") from error


def _parse(text: str, kind: type[R]) -> R:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        raise ProtocolError(
            f"The kernel's answer about its variables cannot be read: {error}.",
            "Restart the kernel.",
        ) from error
