"""Lists the tests of projects, goes to the line of one, and runs them again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.message import Message

from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.programs.project_controller import ProjectController
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class TestsController:
    """`show_card` goes to the card of an execution; `projects` runs the tests."""

    __test__ = False  # for pytest

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        layout: LayoutController,
        documents: DocumentsPane,
        show_card: Callable[[str], Awaitable[None]],
        projects: ProjectController,
    ) -> None:
        self._surface = surface
        self._state = state
        self._layout = layout
        self._documents = documents
        self._show_card = show_card
        self._projects = projects

    def actions(self) -> Mapping[str, Handler]:
        return {"list_tests": InWorker(self.choose)}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def choose(self) -> None:
        """List the tests; go to the line of the one that is chosen, or else to its output."""
        from codeexec.tui.screens.programs.test_results import (  # not at the start
            TestResultsScreen,
        )

        screen = TestResultsScreen(self._state.snapshot, self._state.place.folder, self._run)
        chosen = await self._surface.ask_user(screen)
        if chosen is None:
            return
        place = chosen.test.place
        if not place.line:
            await self._show_card(chosen.project.view.execution_id)
            return
        sheet = await self._documents.opener.open_named(place.file)
        if sheet is None:
            self._surface.notify(f"{place.file} is not on this machine.", severity="warning")
            return
        self._layout.go("editor")
        sheet.go_to(place.line - 1, max(place.column - 1, 0))

    def _run(self, folder: str, names: tuple[str, ...]) -> None:
        self._surface.start(partial(self._projects.run_tests, folder, names), "run")
