"""Opens and closes terminals, and leads from their output to documents and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace
from textual.message import Message
from textual.screen import Screen

from codeexec.domain.ids import TERMINAL, new_id
from codeexec.domain.requests import CloseTerminal, Interrupt, ListJoinableTerminals, OpenTerminal
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.printable import printable
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.session.ask import CopyRequested, NoticePosted, ask
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.widgets.chrome import Tab, TabStrip
from codeexec.tui.widgets.dialogs import Choice, Chooser, Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.terminal.messages import (
        PictureChosen,
        PlaceChosen,
        ProgramCopied,
        TerminalCloseRequested,
        TextSent,
    )
    from codeexec.tui.panes.terminal.pane import TerminalPane
    from codeexec.tui.theme.theme import Theme

R = TypeVar("R")

END_SECONDS = 3.0
"""Seconds that a program has to end before it is opened in a terminal."""

QUIET = 5.0
"""Seconds between two notifications of what programs put on the clipboard."""

GROUP = "terminal"
"""Group of the workers that open the pane: keys wait for them."""


class TerminalController:
    """`show_file` opens a file at a line; `screen` has the title of the console, which leads to the
    terminals."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        show_file: Callable[[str, int, int], Awaitable[None]],
        screen: Screen[R],
    ) -> None:
        self._surface = surface
        self._state = state
        self._panes = panes
        self._documents = panes.documents
        self._layout = layout
        self._show_file = show_file
        self._screen = screen
        self._told_of_copies = -QUIET
        self._first: OpenTerminal | None = None
        """The request for the first terminal, until it is answered: it may be repeated."""

    def actions(self) -> Mapping[str, Handler]:
        return {
            "go_to_terminal": InWorker(self.go, GROUP),
            "new_terminal": InWorker(self.open_another, GROUP),
            "join_terminal": InWorker(self.join, GROUP),
            "next_terminal": self.step,
            "full_terminal": InWorker(self.show_alone, GROUP),
            "run_in_shell": InWorker(self.run_in_shell, GROUP),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {ConsolePane.TerminalRequested: InWorker(self.take_over, GROUP)}

    def late_messages(self) -> Mapping[type[Message], Handler]:
        """Handlers of messages whose classes are loaded after the first frame."""
        from codeexec.tui.panes.terminal import messages

        return {
            messages.OpenRequested: InWorker(self.open_first, GROUP),
            messages.TerminalCloseRequested: InWorker(self.close),
            messages.PlaceChosen: InWorker(self.show_place),
            messages.PictureChosen: self.show_picture,
            messages.ProgramCopied: self.take_copied,
            messages.TextSent: self.take_text,
            messages.Left: lambda _: self._layout.go("editor"),
        }

    async def follow_link(self) -> None:
        """Tell the sizes again after a reconnection: the session forgets those of a connection."""
        was_away = False
        async for link in self._state.host.links():
            if link.state == "connected" and was_away and self._panes.terminal is not None:
                self._panes.terminal.tell_size_again()
            was_away = link.state == "reconnecting"

    # -- opening ---------------------------------------------------------------------------------

    async def _chosen_pane(self) -> TerminalPane:
        """The pane, with the keys; its box shows at once where the pane is not mounted yet."""
        self._layout.choose("terminal")
        await self._panes.wait_until_complete()
        self._layout.choose("terminal")
        assert self._panes.terminal is not None
        return self._panes.terminal

    async def go(self) -> TerminalPane:
        """Give the terminal the keys: those of its program. The first time, open a shell."""
        pane = await self._chosen_pane()
        pane.show_terminals(pane.terminals or self._state.snapshot.terminals)
        if pane.current is None and not self._state.options.watch:
            await self.open_first()
        else:
            pane.input.enter()
        return pane

    async def open_first(self, _: Message | None = None) -> None:
        """Open a shell where there is no terminal; the same one, when asked again meanwhile."""
        self._first = self._first or OpenTerminal(new_id(TERMINAL), folder=self._folder())
        await self._open(self._first)
        self._first = None

    async def open_another(self) -> None:
        """Open a shell in the folder of the document in front."""
        await self._open(OpenTerminal(new_id(TERMINAL), folder=self._folder()))

    async def join(self) -> None:
        """Show a terminal that others opened on the Jupyter server, which the user chooses."""
        answer = await ask(self._surface, self._state.session, ListJoinableTerminals())
        if answer is None:
            return
        if not answer.terminals:
            self._surface.post_message(NoticePosted("Nobody else has a terminal on the server."))
            return
        own = {terminal.name: terminal.terminal_id for terminal in answer.terminals}
        choices = [
            Choice(
                terminal.name,
                f"Terminal {terminal.name}",
                f"last output {terminal.last_activity}" if terminal.last_activity else "",
                "●" if terminal.terminal_id else " ",
            )
            for terminal in answer.terminals
        ]
        name = await self._surface.ask_user(Chooser("Terminals of the server", choices))
        if name is None:
            return
        if not own[name]:
            await self._open(OpenTerminal(new_id(TERMINAL), join=name))
            return
        pane = await self._chosen_pane()
        pane.show_terminals(self._state.snapshot.terminals)
        pane.choose(own[name])
        pane.input.enter()

    async def open_program(
        self, argv: tuple[str, ...], folder: str, env: dict[str, str], name: str
    ) -> None:
        """Run a program in a terminal of its own; `env` is added to the session's."""
        request = OpenTerminal(new_id(TERMINAL), argv=argv, folder=folder, env=env, name=name)
        await self._open(request)

    async def take_over(self, event: ConsolePane.TerminalRequested) -> None:
        """Open a program that uses the whole screen in a terminal; that in the console ends."""
        view = event.view
        start = view.screen
        if start is None:
            return
        if view.is_open:
            end = Interrupt(stage="terminate", kernel=view.kernel)
            if await ask(self._surface, self._state.session, end) is None:
                return
            await self._wait_for_end(view.execution_id)
        name = Path(start.argv[-1] if len(start.argv) == 1 else start.argv[0]).name
        await self.open_program(start.argv, start.folder, start.environment, name)

    async def _wait_for_end(self, execution_id: str) -> None:
        """Two may not have the same files open; one that does not end in time goes on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                while True:
                    view = self._state.snapshot.executions.get(execution_id)
                    if view is None or not view.is_open:
                        return
                    await asyncio.sleep(0.02)

    async def _open(self, request: OpenTerminal) -> None:
        if self._state.options.watch:
            self._surface.show_error(refusal())
            return
        pane = await self._chosen_pane()
        columns, rows = pane.size_for_program
        request = replace(request, columns=columns, rows=rows)
        pane.input.hold()
        answer = await ask(self._surface, self._state.session, request)
        if answer is None:
            pane.input.drop()
            return
        pane.add(answer)
        pane.input.enter()

    def _folder(self) -> str:
        """The folder of the document in front, relative to the session's where it is in there."""
        sheet, base = self._documents.sheet, self._state.place.folder
        path = sheet.path if sheet is not None else None
        if path is None:
            return ""
        folder = Path(path).parent
        if folder.is_relative_to(base):
            return str(folder.relative_to(base)) if folder != base else ""
        return str(folder) if "host_paths" in self._state.snapshot.kernel.capabilities else ""

    async def show_alone(self) -> None:
        """Show the terminal on the whole screen."""
        await self.go()
        # Not `maximise`: the pane that has the keys may still be another one for a moment.
        self._layout.alone = "terminal"
        self._layout.lay_out()

    async def come_back(self) -> None:
        """Give the terminal the keys, as the client before had it, unless the user is elsewhere."""
        await self._panes.wait_until_complete()
        if not self._layout.is_chosen:
            self._layout.choose("terminal")

    async def show_named(self, terminal_id: str) -> None:
        """Show one terminal alone, as the command line asked for."""
        pane = await self._chosen_pane()
        pane.show_terminals(self._state.snapshot.terminals)
        if terminal_id in pane.terminals:
            pane.choose(terminal_id)
        await self.show_alone()

    def step(self, by: int) -> None:
        """Show the next terminal, or the one before."""
        if (pane := self._panes.terminal) is not None:
            self._layout.choose("terminal")
            pane.step(by)

    async def close(self, event: TerminalCloseRequested) -> None:
        """End a terminal; what runs in it is asked about."""
        terminal = event.terminal
        running = terminal.running
        is_idle_shell = terminal.has_integration and not terminal.argv and running is None
        if terminal.state == "running" and not is_idle_shell and not terminal.joined:
            name = running.text if running is not None else " ".join(terminal.command)
            answers = [("keep", "Keep"), ("close", "Close")]
            dialog = Confirm("Close the terminal?", f"It ends what runs there: {name}", answers)
            if await self._surface.ask_user(dialog) != "close":
                return
        await ask(self._surface, self._state.session, CloseTerminal(terminal.terminal_id))

    # -- to and from documents -------------------------------------------------------------------

    async def run_in_shell(self) -> None:
        """Type the selection, or the line of the caret, into the shell and press Enter."""
        sheet = self._documents.sheet
        if sheet is None:
            self._surface.post_message(NoticePosted("No document is open."))
            return
        model = sheet.editor.model
        text = model.selected_text or model.line
        if not text.strip():
            self._surface.post_message(NoticePosted("The line is empty."))
            return
        pane = await self.go()
        pane.input.run_line(text)

    async def show_place(self, event: PlaceChosen) -> None:
        """Open a file that the output names, at its line and column."""
        place = event.place
        name = str(Path(event.folder, Path(place.path).expanduser()))
        await self._show_file(name, place.line - 1, max(place.column - 1, 0))

    def show_picture(self, event: PictureChosen) -> None:
        """Show a picture of a program among the artifacts."""
        artifacts = self._panes.artifacts
        if artifacts is not None and artifacts.select(event.artifact_id):
            self._layout.go("artifacts")
        else:
            self._surface.post_message(NoticePosted("The session does not keep this picture."))

    def take_copied(self, event: ProgramCopied) -> None:
        """Put text of a program on the clipboard, where the setting allows it."""
        is_quiet = monotonic() < self._told_of_copies + QUIET
        if self._state.settings.terminal.clipboard == "off":
            if not is_quiet:
                self._surface.notify(
                    "A program wanted to put text on the clipboard. "
                    'The setting terminal.clipboard = "write" allows it.',
                    timeout=6,
                )
        else:
            text = printable(event.text, lines=True)
            label = "" if is_quiet else f"{len(text):,} characters from the program"
            self._surface.post_message(CopyRequested(text, label))
        if not is_quiet:
            self._told_of_copies = monotonic()

    def take_text(self, event: TextSent) -> None:
        """Put text into the document in front at its caret, or at the prompt of the console."""
        if event.target == "console":
            self._layout.go("console")
            self._panes.console.prompt.put(event.text)
            return
        sheet = self._documents.sheet
        if sheet is None:
            opener, folder = self._documents.opener, self._state.place.folder
            self._surface.start(lambda: opener.new(event.text, folder), "choose")
        else:
            sheet.editor.insert(event.text)
        self._layout.go("editor")

    @property
    def shown_id(self) -> str:
        """Id of the terminal that is in view; empty for none."""
        pane = self._panes.terminal
        if pane is None or not pane.is_on_screen or pane.current is None:
            return ""
        return pane.current.terminal_id

    # -- what others see -------------------------------------------------------------------------

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        if self._panes.terminal is not None:
            self._panes.terminal.use(theme)

    def show_frame(self, frame: Frame) -> None:
        """Name the terminals in the title of the console, where they are not on screen."""
        if frame.snapshot.terminals is not frame.before.terminals:
            self.show_tabs(frame.snapshot)

    def show_tabs(self, snapshot: Snapshot) -> None:
        tabs = [Tab("console", "Console")]
        if count := len(snapshot.terminals):
            is_busy = any(each.running is not None for each in snapshot.terminals.values())
            title = "Terminal" if count == 1 else f"Terminals {count}"
            tabs.append(Tab("terminal", title, "▶" if is_busy else "", "run.running"))
        self._layout.note_content("terminal", is_empty=not count)
        self._screen.query_one("#console-title", TabStrip).show(tabs, "console")
