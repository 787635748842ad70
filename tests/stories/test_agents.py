"""An agent's code in the workbench: marked, shown until the user answers by one key."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.tui.widgets.agent_bar import AgentBar
from support.bench import Bench, open_bench

AGENT = q.ClientInfo("Claude", is_agent=True)


def bar(bench: Bench) -> AgentBar:
    return bench.workbench.query_one(AgentBar)


async def ask_to_run(bench: Bench, code: str) -> str:
    host = bench.workbench.state.host
    assert isinstance(host, EmbeddedHost)
    session = host._host.session(bench.snapshot.session_id)
    person = q.ClientInfo("ada", can_confirm=True)
    with session.join(person):
        return (await session.call(q.Execute(code), AGENT)).execution_id


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 200])
async def test_a_key_answers_what_an_agent_asks(tmp_path: Path, width: int) -> None:
    async with open_bench(tmp_path, size=(width, 24)) as bench:
        await bench.until(lambda: bench.snapshot.session_id)
        first = await ask_to_run(bench, "import os\nos.rename('no', 'such')\n# 3\n# 4")
        second = await ask_to_run(bench, "import subprocess")
        await bench.sees("✦ Claude asks to run code. The code deletes or moves files (line 2:")
        await bench.sees("os.rename('no', 'such')")
        await bench.sees("Run: Alt+'   Refuse: Alt+End   show 1 more line")
        await bench.press("alt+apostrophe")
        await bench.until(lambda: bench.snapshot.executions[first].status == "error")
        await bench.sees("The code starts or ends processes (line 1:")
        await bench.press("alt+end")
        await bench.until(lambda: bench.snapshot.executions[second].status == "cancelled")
        await bench.until(lambda: not bar(bench).display)
        await bench.sees("✦ Claude (agent)")
        await bench.sees("The user refused to run it.")
        await bench.press("alt+apostrophe")
        await bench.is_told("No agent asks to run anything.")
