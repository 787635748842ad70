"""Sessions that end while they are looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.requests import StopSession
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.workbench import Workbench
from support.bench import open_bench

pytestmark = pytest.mark.slow


async def test_a_session_that_was_stopped_elsewhere_says_so_and_a_click_begins_a_new_one(
    tmp_path: Path,
) -> None:
    async with open_bench(tmp_path, {"a.py": "# %% one\nprint('from the file')\n"}) as bench:
        await bench.console.run("print('before')")
        await bench.console.card(1).shows("before")
        first = bench.workbench
        await first.state.host.call(StopSession(first.state.session.session_id))
        await bench.sees("○ session ended · begin a new one")
        await bench.sees("before")  # what it put out is still there to read

        await bench.click(bench.workbench.query_one(StatusLine), x=6)
        await bench.until(lambda: isinstance(bench.program.screen, Workbench), "a workbench")
        await bench.until(lambda: bench.workbench is not first, "another workbench")
        await bench.until(lambda: bench.workbench.state.last is not None, "its session")
        await bench.is_idle()
        assert bench.workbench.state.session.session_id != first.state.session.session_id
        await bench.until(lambda: bench.editor.text, "the file")
        await bench.editor.at("# %% one").run()
        await bench.console.card(1).shows("from the file")


async def test_open_files_are_there_again_after_a_workbench_that_was_killed(tmp_path: Path) -> None:
    async with open_bench(tmp_path, {"a.py": "1\n", "b.py": "2\n"}) as bench:
        await bench.until(lambda: len(bench.workbench.state.open_paths) == 2, "both files")
        # And then it is gone without a word.
    async with open_bench(tmp_path) as bench:
        await bench.sees("a.py ×  b.py")
