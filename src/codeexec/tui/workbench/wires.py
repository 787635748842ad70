"""Message handlers that connect the panes with each other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from textual import events, on, work
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.geometry import Offset
from textual.widget import Widget

from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import RESTRICTED, NoticeLevel
from codeexec.domain.requests import SearchHistory
from codeexec.domain.snapshot import NO_KERNEL, Snapshot
from codeexec.tui.commands.command import Command
from codeexec.tui.commands.scopes import all_places, menu, places
from codeexec.tui.commands.table import BY_ID, menu_of, pane_scopes, scope_title
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.render.plain import one_line
from codeexec.tui.screens.palette import CommandChooser
from codeexec.tui.session.ask import CommandRequested, CopyRequested, Failed, NoticePosted, ask
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.chrome import TabStrip
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench import notify
from codeexec.tui.workbench.kernel_actions import KernelActions

if TYPE_CHECKING:
    from codeexec.tui.panes.artifacts.pane import ArtifactPane
    from codeexec.tui.panes.outline.pane import OutlinePane
    from codeexec.tui.panes.variables.pane import VariablesPane
    from codeexec.tui.workbench.panes import PaneSet

_SEVERITY: dict[NoticeLevel, Literal["information", "warning", "error"]] = {
    "info": "information",
    "warning": "warning",
    "error": "error",
}


def source_path(path: str, snapshot: Snapshot | None) -> Path | None:
    """The file of this machine that a traceback names; None when it is one of another place.

    Code in a container chooses the path: outside of the session's folder, which both have under
    the same name, it means nothing here.
    """
    if snapshot is None or "host_paths" in snapshot.kernel.capabilities:
        return Path(path).expanduser()
    inside = Path(os.path.normpath(Path(snapshot.cwd, path)))
    return inside if inside.is_relative_to(snapshot.cwd) else None


class Wires(KernelActions):
    """Message handlers that connect the panes; the subclass holds the state."""

    answer_waits: notify.AnswerWaits
    console_pane: ConsolePane
    panes: PaneSet
    status: StatusLine

    def show_code_once(self) -> None:
        """The document in front may be another one."""

    # -- words ------------------------------------------------------------------------------------

    @on(Failed)
    def show_failure(self, event: Failed) -> None:
        event.stop()
        self.say_failed(event.error)

    def say_failed(self, error: CodeexecError) -> None:
        """What went wrong, and what to do about it."""
        self.notify(str(error), title=error.title, severity="error", timeout=8, markup=False)

    @on(NoticePosted)
    def show_words(self, event: NoticePosted) -> None:
        event.stop()
        self.notify(event.message, timeout=3, markup=False)

    @on(CopyRequested)
    def copy(self, event: CopyRequested) -> None:
        event.stop()
        self.app.copy_to_clipboard(event.text)
        if event.label:
            self.notify(f"{event.label} copied.", timeout=2, markup=False)

    def take_next_inputs(self, frame: Frame) -> None:
        """What code asks for as the next input goes into its cell or the prompt; what is typed
        there stays."""
        for offer in frame.offers:
            view = frame.view(offer.execution_id)
            if view is None or self.documents.cells.take_next_input(offer, view):
                continue
            prompt = self.console_pane.prompt
            if prompt.text.strip():
                message = "It is not put into the prompt, where something is typed."
                self.notify(message, title="The code offers a next input", markup=False)
            else:
                prompt.put(offer.text.rstrip("\n"))

    def tell_news(self, frame: Frame) -> None:
        """Show notices of the session, and report long runs that ended out of the user's sight."""
        for notice in frame.notices:
            if notice.title == RESTRICTED:
                continue  # the status line has a mark, and there is a question
            message = f"{notice.message} {notice.next_step}".strip()
            severity = _SEVERITY[notice.level]
            self.notify(message, title=notice.title, severity=severity, timeout=8, markup=False)
        kernel = frame.snapshot.kernel
        for name, view_of_kernel in frame.snapshot.kernels.items():
            previous = frame.before.kernels.get(name, NO_KERNEL)
            is_new = bool(frame.before.seq) and name not in frame.before.kernels
            if view_of_kernel.death is not None and (previous.state == "starting" or is_new):
                kernel_label = (
                    f"The kernel {name}" if len(frame.snapshot.kernels) > 1 else "The kernel"
                )
                message = view_of_kernel.death.message
                if "F12" not in message:
                    message = f"{message} F12 chooses another kernel."
                self.notify(
                    message,
                    title=f"{one_line(kernel_label)} could not start",
                    severity="error",
                    timeout=12,
                    markup=False,
                )
        waiting, waited = len(frame.snapshot.queue), len(frame.before.queue)
        if kernel.paused and waiting > waited:
            self.notify("Paused: this runs when the container goes on.", timeout=4)
        settings = self.app_context.settings.notify
        self.answer_waits.note(frame, time.time())
        for view in notify.long_runs(frame, settings, self.answer_waits):
            message = notify.words_for(view, self.answer_waits)
            if not self.app.app_focus:
                self.write_terminal(
                    notify.sequence(message, settings, tmux=self.app_context.graphics.tmux)
                )
            if self.here != "console":
                level: NoticeLevel = "info" if view.status == "ok" else "warning"
                self.notify(message, severity=_SEVERITY[level], timeout=6, markup=False)

    def write_terminal(self, sequence: str) -> None:
        """Write to the terminal in order with the frames."""
        driver = self.app._driver
        if sequence and driver is not None:
            driver.write(sequence)

    # -- from pane to pane ------------------------------------------------------------------------

    @on(ConsolePane.SourceRequested)
    @work(group="choose", exclusive=True)
    async def show_source(self, event: ConsolePane.SourceRequested) -> None:
        """Go to where a frame of a traceback is: a file, or the cell that ran."""
        frame = event.frame
        snapshot = self.last.snapshot if self.last is not None else None
        if frame.cell is None:
            path = source_path(frame.path, snapshot)
            if path is None:
                message = f"{frame.path} is a file of the container, not of this machine."
                self.notify(message, severity="warning", markup=False)
            elif path.is_file():
                if await self.documents.opener.open(path, frame.line - 1) is not None:
                    self.action_go("editor")
            else:
                message = f"{frame.path} is not on this machine."
                self.notify(message, severity="warning", markup=False)
            return
        views = snapshot.executions.values() if snapshot is not None else ()
        cells = [view.cell for view in views if view.count == frame.cell and view.cell]
        cells = cells or self.documents.cells.counted(frame.cell)
        for sheet in self.documents.sheets:
            if cells and sheet.name_key == cells[-1].document:
                self.documents.front.bring(sheet)
                sheet.go_to(cells[-1].first_line + frame.line - 1)
                return
        self.notify("That code was typed into the console.", timeout=3)

    @on(ConsolePane.EditRequested)
    @work(group="choose", exclusive=True)
    async def edit_code(self, event: ConsolePane.EditRequested) -> None:
        """Put code of a card into the document in front, as a cell at its end."""
        sheet = self.documents.sheet
        if sheet is None:
            await self.documents.opener.new(event.code + "\n", self.place.folder)
        else:
            text = sheet.editor.text.rstrip("\n")
            cell = f"\n\n{sheet.document.marker} %%\n{event.code}\n" if text else event.code
            lines = sheet.editor.model.lines
            end = sheet.editor.model.cursor._replace(line=len(lines) - 1, column=len(lines[-1]))
            sheet.editor.perform(lambda model: model.edit([(end, end, cell)]))
            sheet.go_to(len(sheet.editor.model.lines) - 1)
        self.action_go("editor")

    @on(ConsolePane.DisplayOpened)
    def open_display(self, event: ConsolePane.DisplayOpened) -> None:
        artifacts = self.panes.artifacts
        if artifacts is None or not artifacts.select(event.display.key):
            return
        if event.outside:
            artifacts.action_outside()
        else:
            self.action_go("artifacts")

    @on(ConsolePane.InterruptRequested)
    def interrupt(self) -> None:
        self.action_interrupt()

    @on(ConsolePane.AnswerAwaited)
    def point_to_answer(self, event: ConsolePane.AnswerAwaited) -> None:
        """Lead the user to the answer bar if their own run asks and they are not typing; else
        notify."""
        front, sheet = self.here, self.documents.sheet
        if front == "console":
            if self.focused is None:  # the bar of the question before had it and was hidden
                self.console_pane.focus_prompt()
            return
        writes = sheet is not None and sheet.is_written
        if event.origin == self.app_context.me and self.is_current and not writes:
            self.reveal("console")
            self.console_pane.lead_to_answer(front)
        else:
            message = event.request.prompt.strip() or "input"
            self.notify(message, title="⌨ A cell waits for your answer (F2)", markup=False)

    @on(ConsolePane.AnswerOver)
    def go_back(self, event: ConsolePane.AnswerOver) -> None:
        if not self.console_pane.answer.waits:  # else the next question came in the meantime
            self.action_go(event.pane)

    @on(ConsolePane.HistoryRequested)
    @work(group="choose", exclusive=True)
    async def search_history(self) -> None:
        history = await ask(self, self.session, SearchHistory(limit=1000))
        if history is None:
            return
        choices = [
            Choice(str(number), entry.code.replace("\n", " ⏎ "))
            for number, entry in enumerate(history.entries)
        ]
        chosen = await self.app.push_screen_wait(Chooser("What was run before", choices))
        if chosen is not None:
            self.console_pane.prompt.put(history.entries[int(chosen)].code)
        self.console_pane.prompt.focus()

    @on(DocumentsPane.RestartRequested)
    def restart_and_run(self, event: DocumentsPane.RestartRequested) -> None:
        self.run_cells_afresh(event.cells)

    @on(DocumentsPane.StoredChanged)
    def show_stored(self, event: DocumentsPane.StoredChanged) -> None:
        event.stop()
        views = self.documents.stored.views
        self.console_pane.view.show_stored(views)
        self.panes.show_stored(views)

    @on(DocumentsPane.PositionChanged)
    def show_position(self, event: DocumentsPane.PositionChanged) -> None:
        self.status.show(position=event.position)
        self.show_code_once()
        self.panes.follow_document()

    @on(CodeEditor.ModeChanged)
    def show_mode(self, event: CodeEditor.ModeChanged) -> None:
        self.status.show(hint=event.mode.upper())

    # Named, not decorated: the classes of these panes are loaded after the first frame.

    def on_artifact_pane_item_open_requested(self) -> None:
        from codeexec.tui.screens.viewer import ViewerScreen  # seldom needed: not at the start

        pane = self.panes.artifacts
        if pane is not None and pane.selected is not None:
            graphics = self.app_context.graphics
            self.app.push_screen(
                ViewerScreen(pane.artifact_index, pane.store, pane.selected, graphics)
            )

    def on_preview_item_shown(self) -> None:
        """The artifacts pane shows another item; its class is not imported at the start."""
        self.show_code_once()

    def on_artifact_pane_table_requested(self, event: ArtifactPane.TableRequested) -> None:
        self._open_table(event.name)

    def on_variables_pane_variable_table_requested(
        self, event: VariablesPane.VariableTableRequested
    ) -> None:
        self._open_table(event.name)

    def on_outline_pane_jump_requested(self, event: OutlinePane.JumpRequested) -> None:
        self.documents.front.bring(event.sheet)
        event.sheet.go_to(event.line)
        self.action_go("editor")

    def on_outline_pane_leave_requested(self) -> None:
        self.action_go("editor")

    def _open_table(self, name: str) -> None:
        from codeexec.tui.screens.table_screen import TableScreen  # not at the start either

        kernel = self.last.snapshot.default_kernel if self.last is not None else ""
        self.app.push_screen(TableScreen(self.session, name, kernel))

    async def on_artifact_pane_card_requested(self, event: ArtifactPane.CardRequested) -> None:
        card = await self.console_pane.card_of(event.execution_id)
        if card is not None:
            self.action_go("console")
            self.console_pane.view.focus()
            self.console_pane.view.select(card)

    @on(TabStrip.TabChosen)
    def choose_pane(self, event: TabStrip.TabChosen) -> None:
        self.action_go(event.key)

    @on(StatusLine.CommandClicked)
    async def run_clicked(self, event: StatusLine.CommandClicked) -> None:
        await self.run_command(BY_ID[event.command])

    @on(CommandRequested)
    async def run_wanted(self, event: CommandRequested) -> None:
        event.stop()
        await self.run_command(BY_ID[event.command])

    def on_click(self, event: events.Click) -> None:
        """The right button tells what can be done where it is pressed."""
        if event.button == 3:
            widget = self.get_widget_at(event.screen_x, event.screen_y)[0]
            pane = self.pane_of(widget)
            if pane and pane != self.here:
                self.action_go(pane)
            is_prompt = widget is self.console_pane.prompt
            self.open_context_menu(
                "prompt" if is_prompt else pane or self.here, event.screen_offset
            )

    @work(group="choose", exclusive=True)
    async def open_context_menu(self, place: str, at: Offset) -> None:
        """What can be done in a pane, or at the prompt, in a small menu at the pointer."""
        from codeexec.tui.screens.context_menu import ContextMenu, entries  # not at the start

        pane_menu = menu_of(place)
        if pane_menu is None:
            return
        scopes = places(self)
        rows = entries(place, pane_menu, is_open=self.documents.sheet is not None)
        chosen = await self.app.push_screen_wait(ContextMenu(rows, self.app_context.keymap, at))
        if chosen is None:
            return
        selected = self.get_selected_text() if chosen.endswith(".copy") else None
        if selected:
            self.copy(CopyRequested(selected, "The selection"))
        else:
            await self.run_command(BY_ID[chosen], scopes)

    # -- going places -----------------------------------------------------------------------------

    def action_go(self, pane: str) -> None:
        if pane == "other":
            pane = "console" if self.here == "editor" else "editor"
        self.reveal(pane)
        match pane:
            case "editor":
                self.documents.front.focus()
            case "console":
                self.console_pane.focus_prompt()
            case _:
                self.panes.focus(pane)

    # -- commands ---------------------------------------------------------------------------------

    @work(group="choose", exclusive=True)
    async def action_palette(self) -> None:
        """Every command: those of where one is come first."""
        scopes = places(self)
        chosen = await self.app.push_screen_wait(
            CommandChooser("Commands", menu(tuple(scopes)), self.app_context.keymap, near=scopes)
        )
        if chosen is not None:
            await self.run_command(BY_ID[chosen], scopes)

    @work(group="choose", exclusive=True)
    async def action_menu(self) -> None:
        """The commands of the pane that has the keys."""
        scopes = places(self)
        near = tuple(place for place in scopes if place != "anywhere")
        commands = [command for command in menu(near) if command.where in near]
        title = " · ".join(scope_title(place) for place in near if place != "rows")
        chosen = await self.app.push_screen_wait(
            CommandChooser(title, commands, self.app_context.keymap, near=scopes)
        )
        if chosen is not None:
            await self.run_command(BY_ID[chosen], scopes)

    async def run_command(
        self, command: Command, scopes: Mapping[str, DOMNode] | None = None
    ) -> None:
        """Do what a command says, in its own pane, or in the part that is `scopes`."""
        if scopes and command.where in scopes and command.where not in pane_scopes():
            await self.app.run_action(command.action, default_namespace=scopes[command.where])
            return
        target = self._target(command.where)
        if target is not self:
            self.action_go("console" if command.where == "prompt" else command.where)
        if command.where == "console":
            self.console_pane.view.focus()
        await self.app.run_action(command.action, default_namespace=target)

    def _target(self, where: str) -> Widget:
        try:
            match where:
                case "editor":
                    sheet = self.documents.sheet
                    return sheet.editor if sheet is not None else self.query_one(CodeEditor)
                case "console":
                    return self.console_pane
                case "prompt":
                    return self.console_pane.prompt
                case _:
                    return self.panes.find(where) or self
        except NoMatches:
            return self

    @work(group="choose", exclusive=True)
    async def action_help(self) -> None:
        from codeexec.tui.screens.keys import KeysScreen  # not at the start

        scopes = places(self)
        keys = self.app_context.keymap.keys
        chosen = await self.app.push_screen_wait(KeysScreen(keys, all_places(tuple(scopes))))
        if chosen is not None:
            await self.run_command(BY_ID[chosen], scopes)
