"""Into a container and out again, paused and under another policy: all from the workbench."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.config.model import Docker, Settings
from codeexec.tui.screens.kernels import KernelsScreen
from codeexec.tui.screens.policies import PolicyScreen
from codeexec.tui.widgets.status import StatusLine
from support.bench import Bench, open_bench
from support.containers import ENGINE, IMAGE, containers, give_away

pytestmark = [pytest.mark.docker, pytest.mark.slow]

WHERE = "import os; print('it is', 'inside' if os.uname().nodename == 'kernel' else 'outside')"


async def test_a_session_moves_is_paused_and_gets_a_network(tmp_path: Path) -> None:
    settings = Settings(docker=Docker(image=IMAGE))
    async with open_bench(tmp_path, settings=settings) as bench:
        give_away(bench.folder)
        await _says(bench, "it is outside", 1)
        await bench.press("f12")
        await bench.until(lambda: isinstance(bench.program.screen, KernelsScreen), "the chooser")
        await bench.sees(f"Python 3 in {IMAGE}")
        await bench.write(f"in {IMAGE}")
        await bench.press("enter")
        await bench.sees(f"● idle  {Path(ENGINE).name} {IMAGE} · locked")
        await _says(bench, "it is inside", 2)

        await bench.choose("pause the container")
        await bench.sees("‖ paused")
        await bench.console.run("print('afterwards')")
        await bench.sees("1 queued")
        await bench.is_told("goes on")
        await _click(bench, "paused")
        await bench.console.card(3).shows("afterwards")

        before = containers(bench.snapshot.session_id)
        await _click(bench, "locked")
        await bench.until(lambda: isinstance(bench.program.screen, PolicyScreen), "the policies")
        await bench.press("down", "enter")
        await bench.sees(f"{IMAGE} · network")
        await bench.is_idle(3)
        assert not set(before) & set(containers(bench.snapshot.session_id))

        await bench.press("f12")
        await bench.until(lambda: isinstance(bench.program.screen, KernelsScreen), "the chooser")
        await bench.sees("in use")
        await bench.press("up", "enter")  # the default of this machine is the first
        await bench.sees("· local")
        await _says(bench, "it is outside", 4)
        assert not containers(bench.snapshot.session_id)


async def _says(bench: Bench, words: str, card: int) -> None:
    await bench.console.run(WHERE)
    await bench.console.card(card).shows(words)
    await bench.is_idle(card)


async def _click(bench: Bench, words: str) -> None:
    """On these words in the line at the bottom."""
    status = bench.workbench.query_one(StatusLine)
    await bench.click(status, status.render_line(0).text.index(words) + 1, 0)
