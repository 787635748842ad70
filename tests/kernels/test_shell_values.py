"""`%%bash -i NAME`: variables for the shell of a cell, with and without ipykernel."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import codeexec
from support.kernel_cases import runner_case, talking_to

ATTACK = "'\"`$(touch hacked) $HOME ! \\n\n {x} 日本"
SETTING = f"text = {ATTACK!r}; n = 42; yes = True; names = ['a b', 'c']"
SETTING += "; ages = {'Ada': 36}; it = 3j"
CELLS = {
    '%%bash -i text\nprintf "%s" "$text" > told': "",
    "%%bash -i n,yes -i names\necho $n $yes ${#names[@]} \"${names[0]}\"; bash -c 'echo $n'": (
        "42 true 2 a b\n42\n"
    ),
    "%%bash -i ages\necho ${ages[Ada]}": "36\n",
    "%%sh -i n\necho $n": "42\n",
    "lines = !printf 'a\\nb'\nprint(lines, lines.n == 'a\\nb')": "['a', 'b'] True\n",
}
REFUSED = {
    "%%bash -i missing\necho no": "There is no variable missing to pass on to bash.",
    "%%bash -i it\necho no": "it holds a complex: a shell has text, numbers and arrays of them.",
    "%%sh -i names\necho no": "names is a list: sh has no arrays.",
}


async def check(run: Callable[[str], Awaitable[tuple[str, str]]], folder: Path) -> None:
    """`run` returns what a cell prints, and its error."""
    assert await run(SETTING) == ("", "")
    for code, printed in CELLS.items():
        assert await run(code) == (printed, "")
    for code, problem in REFUSED.items():
        printed, error = await run(code)
        assert printed == ""
        assert problem in error
    assert (folder / "told").read_text() == ATTACK
    assert not (folder / "hacked").exists()


async def test_in_ipykernel(tmp_path: Path) -> None:
    async with codeexec.open_session(cwd=tmp_path) as session:

        async def run(code: str) -> tuple[str, str]:
            result = await session.run(code)
            return "".join(f"{line}\n" for line in result.stdout), result.error

        await check(run, tmp_path)


@pytest.mark.slow
async def test_without_ipykernel(tmp_path: Path) -> None:
    async with talking_to(runner_case(sys.executable), tmp_path) as partner:

        async def run(code: str) -> tuple[str, str]:
            end = await partner.run(code)
            return partner.text(end.execution), end.error.value if end.error else ""

        await check(run, tmp_path)
