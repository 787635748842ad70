"""Builds and runs the document in front, and sets how: profile, arguments, environment, input."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.options import ProgramSteps
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.documents.programs.controller import program_language
from codeexec.tui.session.ask import CopyRequested, ask
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class BuildController:
    """Commands on programs; the editor pane sends the requests to run them, `interrupt` ends
    what a kernel runs."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        interrupt: Callable[[str], None],
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._interrupt = interrupt

    def actions(self) -> Mapping[str, Handler]:
        return {
            "run_program": self.run,
            "stop_program": self.stop,
            "next_profile": self.next_profile,
            "configure_program": InWorker(self.configure),
            "show_commands": InWorker(self.show_commands),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    def _program(self) -> DocumentView | None:
        """The document in front, where it is a program; else None, and the user is told."""
        sheet = self._documents.sheet
        if sheet is not None and program_language(sheet) is not None:
            return sheet
        name = sheet.title if sheet is not None else "No file is open, and nothing"
        self._surface.show_error(
            UsageError(
                f"{name} is not built or run as a program.",
                "Open a file of C++, Rust, Go, shell, JavaScript or another such language.",
            )
        )
        return None

    def run(self, steps: ProgramSteps) -> None:
        if (sheet := self._program()) is not None:
            self._documents.runner.run_program(sheet, steps)

    def stop(self) -> None:
        """End what runs and waits of the document in front; what is being interrupted already is
        terminated, then killed."""
        if (sheet := self._program()) is None:
            return
        executions = self._documents.programs.state_of(sheet).open
        if not executions:
            self._surface.notify(f"{sheet.title} does not run.", timeout=3)
        for execution_id, kernel in executions.items():
            view = self._state.snapshot.executions.get(execution_id)
            if view is not None and view.status == "running":
                self._interrupt(kernel)
            else:
                request = q.CancelExecution(execution_id)
                self._surface.start(
                    partial(ask, self._surface, self._state.session, request), "tell"
                )

    def next_profile(self) -> None:
        if (sheet := self._program()) is None:
            return
        try:
            self._documents.programs.next_profile(sheet)
        except UsageError as error:
            self._surface.show_error(error)

    async def configure(self) -> None:
        """Let the user set how the document is built and run."""
        from codeexec.tui.screens.programs.program import ProgramScreen  # not at the start

        sheet = self._program()
        language = program_language(sheet) if sheet is not None else None
        if sheet is None or language is None:
            return
        programs = self._documents.programs
        configuration = programs.configuration_of(sheet)
        own = self._documents.context.profiles
        screen = ProgramScreen(sheet.title, language, configuration, own)
        chosen = await self._surface.ask_user(screen)
        if chosen is not None:
            programs.configure(sheet, chosen)

    async def show_commands(self) -> None:
        """Show the command lines of the last build and run; they can be copied."""
        sheet = self._program()
        if sheet is None:
            return
        steps = self._documents.programs.state_of(sheet).steps
        if not steps:
            self._surface.notify(f"{sheet.title} was not built yet. F5 builds it.", timeout=4)
            return
        words = "\n\n".join(f"{step.name}: {shlex.join(step.command)}" for step in steps)
        answers = [("copy", "Copy"), ("close", "Close")]
        dialog = Confirm("Command lines of the last build and run", words, answers)
        if await self._surface.ask_user(dialog) == "copy":
            lines = "\n".join(shlex.join(step.command) for step in steps)
            self._surface.post_message(CopyRequested(lines, "The command lines"))
