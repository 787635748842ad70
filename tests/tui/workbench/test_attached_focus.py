"""Which pane has the keys after attaching, also where keys come before the session is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from codeexec.client.api import HostClient
from codeexec.config.model import Settings
from codeexec.domain.requests import SessionSummary
from codeexec.tui.options import OpenOptions
from codeexec.tui.session import attach
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.workbench.session import session_controller
from support.bench import engine_in, open_bench

SIZE = (80, 24)
"""One pane at a time is on screen there."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "pane"),
    [
        ((), "editor"),
        (("alt+2",), "console"),
        (("7",), "console"),
        (("alt+1",), "editor"),
        (("alt+5",), "files"),
    ],
)
async def test_a_pane_that_is_chosen_before_the_documents_are_open_keeps_the_keys(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: tuple[str, ...],
    pane: str,
) -> None:
    may_open = asyncio.Event()

    async def find_later(
        host: HostClient,
        options: OpenOptions,
        place: Workspace,
        settings: Callable[[], Settings],
    ) -> SessionSummary:
        if options.attach:
            await may_open.wait()
        return await attach.find_session(host, options, place, settings)

    monkeypatch.setattr(session_controller, "find_session", find_later)
    host = engine_in(tmp_path / "state")
    try:
        async with open_bench(tmp_path, {"a.py": "x = 1\n"}, host=host, size=SIZE) as bench:
            await bench.until(lambda: bench.workbench.state.session.session_id, "a session")
            bench.workbench.leaving.detach()  # Pilot.press waits for widgets that are gone
            await bench.until(lambda: bench.program._exit, "it has left")
        options = OpenOptions(attach=True)
        async with open_bench(tmp_path, host=host, options=options, size=SIZE) as bench:
            workbench = bench.workbench
            await bench.until(lambda: workbench.focused is workbench.console_pane.prompt, "keys")
            await bench.press(*keys)
            may_open.set()
            await bench.until(lambda: workbench.panes.are_complete, "all panes")
            await bench.until(lambda: workbench.pane_layout.here == pane, f"the keys in {pane}")
            await bench.press("ctrl+p", "escape")  # whatever would move the focus later has come
            await bench.until(lambda: bench.program.screen is workbench, "no dialog")
            assert workbench.pane_layout.here == pane
            assert workbench.console_pane.prompt.text == ("7" if keys == ("7",) else "")
            assert [sheet.editor.text for sheet in workbench.documents.sheets] == ["x = 1\n"]
    finally:
        await host.close()
