"""A kernel is told the width of the screen that shows an execution's output, and only that."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from codeexec.domain.events import CellRef
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.requests import AnswerStdin, Execute, ResizeTerminals
from support.sessions import finished, open_host, open_session, rows, run, submit, text, until

IMPORTS = """
import os
import sys
os.environ.pop("COLUMNS", None)
"""
FRAME = """
import pandas
frame = pandas.DataFrame({f"column {n}": [n * 1.5] * 2 for n in range(9)})
print(frame)
"""
RICH = "from rich.console import Console; print(Console().width, Console(width=33).width)"
GLOBAL = "import rich; print(rich.get_console().width)"
VARIABLES = """
import os
print(os.environ.get("COLUMNS"), os.environ.get("POLARS_TABLE_WIDTH"))
"""


@pytest.mark.slow
async def test_each_execution_has_the_width_of_the_screen_that_it_is_for(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, env={"COLUMNS": ""})
        await run(session, IMPORTS)

        async def widest(code: str, columns: int) -> int:
            view = await run(session, code, columns=columns)
            assert view.status == "ok", view.error
            return max(map(len, await text(session, view)))

        # Imported within the execution that shows it, and told of another width afterwards.
        assert 38 < await widest(FRAME, 50) <= 50
        assert 80 < await widest("print(frame)", 110) <= 110
        # A program that asks for no width gets what it gets without us.
        plain = await text(session, await run(session, "print(frame)"))
        expected = await run(session, "print(frame.to_string(line_width=80))")
        assert plain == await text(session, expected)
        # The numbers of executions are counted as if nothing had been done.
        counted = await run(session, "print(frame)", columns=70)
        assert counted.count == 6


async def test_rich_and_ipython_and_the_environment_have_the_width(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, IMPORTS)

        async def printed(code: str, columns: int) -> list[str]:
            return await text(session, await run(session, code, columns=columns))

        assert await printed(RICH, 61) == ["61 33"]
        assert await printed(GLOBAL, 61) == ["61"]
        assert await printed(GLOBAL, 97) == ["97"]
        assert await printed(VARIABLES, 61) == ["61 61"]
        assert await printed(VARIABLES, 0) == ["None None"]
        assert await printed(GLOBAL, 0) == ["80"]
        result = await run(session, "['a' * 15] * 8", columns=40)
        (row,) = await rows(session, result)
        assert row.display is not None
        part = row.display.part("text/plain")
        assert part is not None and part.text is not None
        assert max(map(len, part.text.split("\n"))) <= 40


@pytest.mark.slow
async def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, IMPORTS)
        await run(session, "import pandas; pandas.set_option('display.width', 200)", columns=50)
        await run(session, "os.environ['COLUMNS'] = '33'", columns=50)
        for columns in (50, 60, 0):
            view = await run(
                session,
                "print(pandas.get_option('display.width'), os.environ['COLUMNS'])",
                columns=columns,
            )
            assert await text(session, view) == ["200 33"]


@pytest.mark.slow
async def test_a_queued_execution_keeps_the_width_that_it_was_sent_with(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, IMPORTS)
        sent = [await submit(session, VARIABLES, columns=each) for each in (40, 120, 0, 77)]
        views = [await finished(session, each) for each in sent]
        assert [(await text(session, each))[0].split()[0] for each in views] == [
            "40",
            "120",
            "None",
            "77",
        ]


@pytest.mark.slow
async def test_a_kernel_that_somebody_else_started_has_the_width_too(tmp_path: Path) -> None:
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        async with open_host(tmp_path / "state") as host:
            session = await open_session(
                host, tmp_path, connection_file=manager.connection_file, backend="local"
            )
            for columns, expected in ((61, "61 61"), (0, "None None"), (90, "90 90")):
                view = await run(session, VARIABLES, columns=columns)
                assert await text(session, view) == [expected]
            # What its own clients run is as without us.
            printed: list[str] = []
            client.execute_interactive(
                VARIABLES, timeout=90, output_hook=lambda m: printed.append(str(m["content"]))
            )
            assert any("None None" in one for one in printed)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


async def test_what_waits_starts_with_the_size_that_the_screen_has_by_then(tmp_path: Path) -> None:
    script = ExecuteOptions(language="bash", program=ProgramOptions(rows=30), columns=90)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        place = CellRef("a.md")
        asking = (await session.call(Execute("input()", cell=place))).execution_id
        waiting = await session.call(Execute("stty size", cell=place, options=script))
        width = await submit(session, "import os; print(os.environ['COLUMNS'])", columns=90)
        await until(session, lambda s: s.executions[asking].stdin is not None)
        await session.call(ResizeTerminals(66, 17))
        later = await session.call(Execute("stty size", options=script))
        stdin = session.snapshot.executions[asking].stdin
        assert stdin is not None
        await session.call(AnswerStdin(stdin.request_id, "go on"))
        assert await text(session, await finished(session, waiting.execution_id)) == ["17 66"]
        assert await text(session, await finished(session, width)) == ["66"]
        assert await text(session, await finished(session, later.execution_id)) == ["30 90"]


async def test_a_program_starts_with_the_size_that_came_while_it_was_built(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "late.hpp")
    code = (
        '#include <cstdlib>\n#include "late.hpp"\nint main() { return std::system("stty size"); }\n'
    )
    (tmp_path / "main.cpp").write_text(code)
    program = ProgramOptions(file="main.cpp", rows=30)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        options = ExecuteOptions(language="cpp", program=program, columns=90)
        built = await session.call(Execute("", options=options))
        # The compiler waits for a header: opening it waits until the compiler has opened it.
        header = await asyncio.to_thread((tmp_path / "late.hpp").open, "w")
        await session.call(ResizeTerminals(66, 17))
        header.close()
        view = await finished(session, built.execution_id)
        assert (await text(session, view))[-1] == "17 66", view.error
