"""Real kernels of several languages in one session, one of which cannot start."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.events import CellRef, ExecutionFinished
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Execute, ReadExecution
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels.jupyter import launch
from codeexec.program import RunningSession
from support.kernelspecs import install
from support.language_cases import ARGV

DIES = "import sys; print('no licence', file=sys.stderr); sys.exit(3)"


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    specs = tmp_path / "share"
    install(specs, "deno", ARGV["deno"])
    install(specs, "dies", [sys.executable, "-c", DIES, "{connection_file}"])
    async with open_session(cwd=tmp_path) as opened:
        yield opened


async def run_all(session: RunningSession, *cells: tuple[str, str]) -> list[ExecutionView]:
    """Queue all cells of one document at once, each for a kernel, and wait for their ends."""
    ids = []
    for at, (kernel, code) in enumerate(cells):
        cell = CellRef("a.ipynb", f"c{at}")
        request = Execute(code, cell=cell, options=ExecuteOptions(kernel=kernel))
        ids.append((await session.call(request)).execution_id)
    open_ids = set(ids)
    async for record in session.events():
        if isinstance(record.event, ExecutionFinished):
            open_ids.discard(record.event.execution_id)
        if not open_ids:
            break
    return [(await session.call(ReadExecution(each))).execution for each in ids]


@pytest.mark.slow
async def test_two_kernels_are_given_the_same_ports(
    session: RunningSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = launch._free_ports
    given: list[dict[str, int]] = []

    def same_ports() -> dict[str, int]:
        given.append(given[0] if len(given) == 1 else find())
        return dict(given[-1])

    monkeypatch.setattr(launch, "_free_ports", same_ports)
    one, two = await asyncio.gather(
        session.run("console.log(1)", kernel="deno"), session.run("console.log(2)", kernel="deno-2")
    )
    assert (one.error, one.stdout) == ("", ["1"])
    assert (two.error, two.stdout) == ("", ["2"])
    assert len(given) > 2


def test_no_port_is_given_twice() -> None:
    ports = [port for _ in range(20) for port in launch._free_ports().values()]
    assert len(set(ports)) == len(ports)


async def test_a_kernel_dies_at_its_start_in_the_middle_of_run_all(session: RunningSession) -> None:
    cells = (("python", "print(1)"), ("dies", "x"), ("python", "print(2)"))
    first, broken, last = await run_all(session, *cells)
    assert (first.status, broken.status, last.status) == ("ok", "cancelled", "cancelled")
    assert "no licence" in broken.reason
    assert last.reason.startswith("Skipped")
    # The other kernels go on.
    assert (await session.run("print(3)", kernel="python")).stdout == ["3"]


async def test_a_language_without_a_toolchain_in_the_middle_of_run_all(
    session: RunningSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cells = (("python", "print(1)"), ("programs:cpp", "int x;"), ("python", "print(2)"))
    first, broken, last = await run_all(session, *cells)
    assert (first.status, broken.status, last.status) == ("ok", "error", "cancelled")
    assert broken.error is not None
    assert broken.error.value.startswith("C++ needs g++, clang++ or zig")
    assert last.reason.startswith("Skipped")
    assert (await session.run("print(3)", kernel="python")).stdout == ["3"]
