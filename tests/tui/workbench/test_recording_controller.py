"""Screenshots and recordings from the workbench: the dialog, the file, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.config.paths import find_paths
from codeexec.domain.requests import OpenSession
from codeexec.tui.commands.keymap import Keymap
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import DEFAULT, built_in_folder, find_theme
from codeexec.tui.workbench.recording_controller import RecordingController
from codeexec.tui.workbench.surface import WorkbenchState
from support.surface import QuietSurface

THEME = find_theme(DEFAULT, [built_in_folder()])


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("what is on the screen")


def state_of(host: EmbeddedHost, folder: Path, *, watch: bool = False) -> WorkbenchState:
    context = AppContext("me", folder, Loaded(Settings(), {}), {}, THEME, Keymap({}))
    session = DeferredSession(lambda: 80)
    options = OpenOptions(watch=watch)
    return WorkbenchState(host, session, options, Workspace(folder, ()), context)


async def test_a_screenshot_is_a_file_of_the_folder(tmp_path: Path) -> None:
    surface = QuietSurface(answers=["a.txt", "a.txt", "cancel", "b.bmp", None])
    app = Shown()
    async with EmbeddedHost(tmp_path / "state") as host, app.run_test(size=(40, 4)):
        controller = RecordingController(surface, state_of(host, tmp_path), app.screen)
        await controller.save_screenshot()
        shot = tmp_path / "a.txt"
        assert shot.read_text().split("\n")[0].rstrip() == "what is on the screen"
        assert surface.notices == ["Saved a.txt."]
        shot.write_text("mine")
        await controller.save_screenshot()
        assert shot.read_text() == "mine"
        await controller.save_screenshot()
        assert surface.errors[0].message == ".bmp is no format of screenshots."
        await controller.save_screenshot()
        assert not (tmp_path / "b.bmp").exists()
        watching = RecordingController(surface, state_of(host, tmp_path, watch=True), app.screen)
        await watching.save_screenshot()
        assert surface.errors[1].message == "This workbench only watches."


@pytest.mark.slow
async def test_a_session_is_recorded_by_a_process(tmp_path: Path) -> None:
    surface = QuietSurface(answers=["r.cast", "r.doc"])
    app = Shown()
    async with EmbeddedHost(find_paths().state) as host, app.run_test(size=(40, 4)):
        opened = await host.call(OpenSession(cwd=str(tmp_path), name="to-record"))
        state = state_of(host, tmp_path)
        state.session.become(host.session(opened.session_id))
        controller = RecordingController(surface, state, app.screen)
        await controller.record_session()
        assert surface.errors == []
        assert surface.notices == ["Recording r.cast …", "Recorded r.cast."]
        header = json.loads((tmp_path / "r.cast").read_text().split("\n")[0])
        assert header["version"] == 2 and header["title"] == "to-record"
        await controller.record_session()
        assert "doc is no format of recordings" in surface.errors[0].message
