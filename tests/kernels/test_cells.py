"""Cells of C++ in a session: real compilers, one program for each cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from codeexec import open_session
from codeexec.domain.events import CellRef, ExecutionFinished, OutputChanged, StdinRequested
from codeexec.domain.options import CodeAbove, ExecuteOptions
from codeexec.domain.requests import Execute, Interrupt, ReadExecution
from codeexec.domain.result import ExecutionResult
from codeexec.program import RunningSession


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningSession]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    async with open_session(cwd=folder) as opened:
        yield opened


async def run(
    session: RunningSession,
    code: str,
    *above: CodeAbove,
    line: int = 100,
    answers: Sequence[str] = (),
) -> ExecutionResult:
    """Run a cell of C++ in the document `a.ipynb`."""
    cell = CellRef(f"{Path.cwd()}/a.ipynb", "key", line)
    options = ExecuteOptions(language="cpp", above=above)
    queued = await session.call(Execute(code, cell=cell, options=options))
    given = iter(answers)
    async for record in session.events():
        event = record.event
        if isinstance(event, StdinRequested) and event.execution_id == queued.execution_id:
            await session.answer(event, next(given, "\x04"))
        if isinstance(event, ExecutionFinished) and event.execution_id == queued.execution_id:
            break
    return await session.result(queued.execution_id)


FIRST = CodeAbove(
    """\
#include <cstdio>
#include <vector>
int count = 1;
int step = 2;
int next(int n) { return n + step; }
std::puts("statements of other cells are not run");
""",
    0,
    "Setup",
)


@pytest.mark.slow
async def test_a_cell_has_the_declarations_of_those_above(session: RunningSession) -> None:
    code = 'count = next(count);\nint step = 7;\nstd::printf("%d %d\\n", count, step);'
    for _ in range(2):  # nothing is defined twice, and no value lasts
        result = await run(session, code, FIRST)
        assert (result.error, result.stdout) == ("", ["3 7"])
        assert result.steps[0].renewed == ("count", "step")
    edited = CodeAbove(FIRST.code.replace("n + step", "10 * n"))
    assert (await run(session, code, edited)).stdout == ["10 7"]


async def test_an_error_has_the_line_of_its_cell(session: RunningSession) -> None:
    result = await run(session, "\n  int é = next(unknown);", FIRST, line=40)
    assert result.error == "BuildFailed: g++ ended with status 1."
    (problem,) = result.steps[0].diagnostics
    place = problem.place
    assert (place.file, place.line, place.column, place.end_column) == ("a.ipynb", 42, 16, 23)
    assert result.stderr[1].startswith("a.ipynb:42:17: error: ‘unknown’ was not declared")
    assert "   42 |   int é = next(unknown);" in result.stderr
    assert not any("cache" in row for row in result.stderr)


@pytest.mark.slow
async def test_an_error_above_names_its_cell(session: RunningSession) -> None:
    wrong = CodeAbove("int ok();\nint f() { return missing; }", 10, "Helpers")
    unclosed = CodeAbove("void g() {\n  if (", 20)
    result = await run(session, 'std::puts("own");', FIRST, wrong, unclosed)
    assert [problem.place.line for problem in result.steps[0].diagnostics] == [12]
    assert result.stderr[-2:] == [
        "note: Left out of the cell of line 21: what begins on line 21 has a syntax error.",
        "note: Line 12 is in a cell above: that of line 11 (Helpers).",
    ]
    # What a syntax error is in is left out, and the cell runs without it.
    assert (await run(session, 'std::puts("own");', FIRST, unclosed)).stdout == ["own"]


async def test_warnings_of_cells_above_are_not_repeated(session: RunningSession) -> None:
    warned = CodeAbove("#include <cstdio>\nint f(unsigned a, int b) { return a < b; }", 10)
    result = await run(session, "f(1, 2) == 3;", warned, line=20)
    assert [problem.place.line for problem in result.steps[0].diagnostics] == [21]


@pytest.mark.slow
async def test_a_crash_costs_its_cell_alone(session: RunningSession) -> None:
    crash = await run(session, "int* p = nullptr;\n*p = next(1);", FIRST, line=40)
    assert crash.error == "Signal: SIGSEGV"
    assert "a.ipynb:42" in "\n".join(crash.stderr)
    assert (await run(session, "std::abort();", CodeAbove("#include <cstdlib>"))).error == (
        "Signal: SIGABRT"
    )
    assert (await run(session, "return 3;", FIRST)).error == "SystemExit: 3"

    cell, options = CellRef("a"), ExecuteOptions(language="cpp", above=(FIRST,))
    loop = 'std::puts("looping"); std::fflush(stdout); for (;;) count++;'
    queued = await session.call(Execute(loop, cell=cell, options=options))
    loops = False
    async for record in session.events():
        event = record.event
        is_of_loop = getattr(event, "execution_id", "") == queued.execution_id
        if isinstance(event, OutputChanged) and is_of_loop and not loops:
            loops = True
            await session.call(Interrupt(kernel="cpp"))
        if isinstance(event, ExecutionFinished) and event.execution_id == queued.execution_id:
            assert event.status == "cancelled"
            break
    assert (await run(session, 'std::puts("well");', FIRST)).stdout == ["well"]


async def test_a_cell_reads_input(session: RunningSession) -> None:
    code = 'int n;\nstd::scanf("%d", &n);\nint twice = 2 * n;\nstd::printf("%d\\n", twice);'
    result = await run(session, code, FIRST, answers=["21"])
    assert result.stdout == ["21", "42"]


async def test_a_cell_with_a_main_is_a_whole_program(session: RunningSession) -> None:
    result = await run(session, "int count;\nint main() { return 4; }", FIRST)
    assert result.error == "SystemExit: 4"
    assert result.steps[0].renewed is None


async def test_headers_beside_the_document(session: RunningSession) -> None:
    Path("mine.h").write_text("inline int mine() { return 5; }\n")
    above = CodeAbove('#include "mine.h"')
    assert (await run(session, "return mine();", above)).error == "SystemExit: 5"
    Path("mine.h").write_text("inline int mine() { return 6; }\n")
    assert (await run(session, "return mine();", above)).error == "SystemExit: 6"


async def test_too_much_above_is_refused(session: RunningSession) -> None:
    result = await run(session, "f();", CodeAbove("int x;" * 200_000))
    assert "The cells above have more than 1,000,000 characters." in result.error


async def test_an_execution_that_has_ended_lets_go_of_the_cells_above(
    session: RunningSession,
) -> None:
    result = await run(session, "f(", FIRST)
    view = (await session.call(ReadExecution(result.execution_id))).execution
    assert view.options.above == ()
