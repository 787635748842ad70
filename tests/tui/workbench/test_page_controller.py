"""The page of the session from the workbench: a browser, an address, the way to it over ssh."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from codeexec.client.browser import forward_command, open_in_browser, page_url
from codeexec.client.wire import Address, parse_ssh
from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.documents.percent.cells import split_cells
from codeexec.domain.errors import Unavailable
from codeexec.domain.requests import OpenSession, PageAddress
from codeexec.tui.commands.keymap import Keymap
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.session.ask import CopyRequested
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import DEFAULT, built_in_folder, find_theme
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.workbench.session.page_controller import FrontCells, PageController
from codeexec.tui.workbench.surface import WorkbenchState
from support.servers import DEADLINE, serve_here, short_folder
from support.surface import QuietSurface

THEME = find_theme(DEFAULT, [built_in_folder()])
PAGE = PageAddress("/page/x/enter?code=y", "http://127.0.0.1:4000", 0.0, 4000)


def words_of(dialog: object) -> str:
    assert isinstance(dialog, Confirm)
    return dialog._words


async def test_addresses_are_opened_shown_and_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface = QuietSurface(answers=["copy", "open", "close"])
    opened: list[str] = []
    with short_folder() as folder:
        async with serve_here(folder) as here, here.client() as host:
            summary = await host.call(OpenSession(cwd=str(tmp_path), start_kernel=False))
            context = AppContext("me", tmp_path, Loaded(Settings(), {}), {}, THEME, Keymap({}))
            session = DeferredSession(lambda: 80)
            session.become(host.session(summary.session_id))
            place = Workspace(tmp_path, ())

            lesson_file = ""
            front: FrontCells | None = None

            def controller(*, watch: bool = False) -> PageController:
                state = WorkbenchState(host, session, OpenOptions(watch=watch), place, context)
                return PageController(
                    surface, state, lambda: lesson_file, lambda: front, opened.append
                )

            monkeypatch.delenv("SSH_CONNECTION", raising=False)
            monkeypatch.setenv("DISPLAY", ":0")
            await controller().open_page()
            assert surface.notices == ["The session is shown in the browser."]
            assert opened[0].startswith("http://127.0.0.1:") and "/enter?code=" in opened[0]

            await controller().show_execution(ConsoleMessages.BrowserRequested("exec-1"))
            assert opened.pop().endswith("#exec-1")
            await controller().use_page()
            assert opened[-1].startswith("http://127.0.0.1:")
            async with httpx.AsyncClient(timeout=DEADLINE) as web:
                assert (await web.get(opened[-1])).status_code == 303
                page = opened.pop().partition("enter")[0]
                async with web.stream("GET", f"{page}events") as answer:
                    first = await anext(answer.aiter_lines())
            assert json.loads(first) == {"interactive": True, "control": True}

            # Of a session that gives a lesson the page shows its text too.
            lesson_file = str(tmp_path / "lesson.md")
            await controller().open_page()
            opened.pop()
            assert "lesson.md" in surface.errors.pop().message  # and the page is shown without it
            Path(lesson_file).write_text("# A step\n\n```python\n1 + 1\n```\n")
            await controller().open_page()
            async with httpx.AsyncClient(timeout=DEADLINE) as web:
                assert (await web.get(opened[-1])).status_code == 303
                page = opened.pop().partition("enter")[0]
                shown = (await web.get(f"{page}lesson")).json()
            assert [part.get("cell", "") for part in shown["parts"]] == ["", "lesson 0.0"]
            # Else the cells of the document in front.
            lesson_file = ""
            cells = split_cells("# %% [markdown]\n# Text\n# %% a\nx = 1\n# %%\n\n", "#")
            front = FrontCells(cells, "/w/a.py", "a.py", None, {1: "key@1"}, {})
            await controller().open_page()
            async with httpx.AsyncClient(timeout=DEADLINE) as web:
                assert (await web.get(opened[-1])).status_code == 303
                page = opened.pop().partition("enter")[0]
                shown = (await web.get(f"{page}lesson")).json()
            assert shown["is_document"] and shown["title"] == "a.py"
            assert shown["parts"][1:] == [{"text": "x = 1", "cell": "key@1", "title": "a"}]
            long = split_cells(f"# %% a\nx = '{'y' * 1_000_000}'\n# %%\n1\n", "#")
            front = FrontCells(long, "/w/a.py", "a.py", None, {}, {})
            await controller().open_page()
            assert "up to 1,000,000" in surface.errors.pop().message
            assert opened.pop()  # the page shows the runs alone
            front = None
            await controller().share_page()
            assert "until you revoke it" in words_of(surface.dialogs[0])
            (copied,) = surface.posted
            assert isinstance(copied, CopyRequested)
            assert copied.text in words_of(surface.dialogs[0])
            await controller().share_page()
            assert opened[1] in words_of(surface.dialogs[1])

            monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.1 22")
            await controller().open_page()
            assert "ssh -N -L " in words_of(surface.dialogs[2])
            assert "@10.0.0.1" in words_of(surface.dialogs[2])

            await controller().close_pages()
            assert surface.notices[-1] == "Revoked 10 addresses of this session's page."
            await controller(watch=True).share_page()
            await controller(watch=True).close_pages()
            assert [error.message for error in surface.errors] == [
                "This workbench only watches."
            ] * 2


def test_a_browser_is_opened_by_the_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no xdg-open"):
        open_in_browser("http://127.0.0.1:1/")
    program = tmp_path / "xdg-open"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    program.chmod(0o755)
    open_in_browser("http://127.0.0.1:1/?a=b&c")
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:1/?a=b&c\n"
    program.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(Unavailable, match="exit code 3"):
        open_in_browser("http://127.0.0.1:1/")


def test_the_way_to_a_page() -> None:
    elsewhere = Address("", "lab.example", 443, tls=True, prefix="/lab")
    remote = PageAddress("/page/x/enter?code=y", "", 0.0)
    assert page_url(remote, elsewhere) == "https://lab.example:443/lab/page/x/enter?code=y"
    assert page_url(PAGE) == "http://127.0.0.1:4000/page/x/enter?code=y"
    over_ssh = {"SSH_CONNECTION": "fe80::1 50000 fe80::2 2222"}
    assert forward_command(remote, over_ssh, elsewhere) == ""
    assert forward_command(PAGE, {}, None) == ""
    command = forward_command(PAGE, over_ssh, None)
    assert command.startswith("ssh -N -L 4000:127.0.0.1:4000 -p 2222 ")
    assert command.endswith("@fe80::2")
    machine = parse_ssh("ssh://anna@gpu:22022/work")
    assert forward_command(PAGE, {}, machine) == ("ssh -N -L 4000:127.0.0.1:4000 -p 22022 anna@gpu")
