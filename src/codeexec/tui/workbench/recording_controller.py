"""Screenshots, and recordings of the session, as files of the session's folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from textual.message import Message
from textual.screen import Screen

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import CodeexecError, Unavailable, UsageError
from codeexec.domain.text.printable import printable
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.widgets.dialogs import Asker, Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

R = TypeVar("R")

_SCREENSHOT = "Save the screenshot as .png, .svg or .txt"
_RECORDING = "Record this session as .html, .cast, .gif, .svg, .mp4, .txt or .ipynb"
_MOST_WORDS = 500


class RecordingController:
    """The screen is taken before the name is asked for. A recording is made by a process of its
    own (`codeexec-tui record`), as it draws as fast as it can."""

    def __init__(self, surface: Surface, state: WorkbenchState, screen: Screen[R]) -> None:
        self._surface = surface
        self._state = state
        self._screen = screen

    def actions(self) -> Mapping[str, Handler]:
        return {
            "screenshot": InWorker(self.save_screenshot),
            "record_session": InWorker(self.record_session, "record"),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def save_screenshot(self) -> None:
        """Write what the screen shows."""
        strips = self._screen.app.screen._compositor.render_strips()
        path = await self._path(_SCREENSHOT, "screenshot.png")
        if path is None:
            return
        theme = self._state.app_context.theme
        try:
            from codeexec.tui.recording.screenshot import screenshot  # not at the start

            content = await asyncio.to_thread(screenshot, strips, theme, path.suffix)
            await asyncio.to_thread(write_atomic, path, content)
        except CodeexecError as error:
            self._surface.show_error(error)
        else:
            self._surface.notify(f"Saved {path.name}.", timeout=3)

    async def record_session(self) -> None:
        """Write the session as a recording, with what it has until now."""
        if self._state.options.server is not None:
            self._surface.show_error(
                Unavailable(
                    "The journal of this session is on another machine.",
                    "In a shell: codeexec-tui record SESSION --server NAME -o recording.html",
                )
            )
            return
        path = await self._path(_RECORDING, "recording.html")
        if path is None:
            return
        self._surface.notify(f"Recording {path.name} …", timeout=3)
        theme = self._state.app_context.theme.key
        arguments = [self._state.session.session_id, "-o", str(path), "--force", "--theme", theme]
        problem = await _recorded(arguments)
        if problem:
            self._surface.show_error(UsageError(problem, "Choose another name, or a part of it."))
        else:
            self._surface.notify(f"Recorded {path.name}.", timeout=5)

    async def _path(self, title: str, name: str) -> Path | None:
        """The file that the user names, which may be overwritten."""
        if self._state.options.watch:
            self._surface.show_error(refusal())
            return None
        answer = await self._surface.ask_user(Asker(title, name, with_suffix=True))
        if not answer:
            return None
        path = (self._state.place.folder / Path(answer).expanduser()).absolute()
        if path.exists():
            answers = [("replace", "Replace"), ("cancel", "Cancel")]
            question = Confirm(f"Replace “{path.name}”?", "The file exists.", answers)
            if await self._surface.ask_user(question) != "replace":
                return None
        return path


async def _recorded(arguments: Sequence[str]) -> str:
    """Run `record`; why it failed, empty where it did not."""
    command = (sys.executable, "-m", "codeexec", "record", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if not process.returncode:
        return ""
    words = " ".join(errors.decode("utf-8", "replace").split())
    return printable(words)[-_MOST_WORDS:] or f"`record` ended with status {process.returncode}."
