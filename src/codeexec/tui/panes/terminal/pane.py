"""The terminal pane: tabs of the session's terminals, the screen of one, and where keys go."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from codeexec.client.terminals import follow_screen
from codeexec.domain.errors import CodeexecError, NotFound
from codeexec.domain.requests import RestartTerminal, TerminalAnswer
from codeexec.domain.terminals import FocusChanged, TerminalView
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.commands.table import bindings
from codeexec.tui.output.cell_pictures import CellPictures
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.panes.terminal.gutter import marks_of
from codeexec.tui.panes.terminal.messages import (
    Left,
    OpenRequested,
    PictureChosen,
    PlaceChosen,
    ProgramCopied,
    TerminalCloseRequested,
    TextSent,
)
from codeexec.tui.panes.terminal.mouse import MouseController
from codeexec.tui.panes.terminal.places import file_at, link_at, picture_at
from codeexec.tui.panes.terminal.program_input import ProgramInput
from codeexec.tui.panes.terminal.screen_view import ScreenView
from codeexec.tui.panes.terminal.scrolling import Reader, TerminalSearch
from codeexec.tui.panes.terminal.selection import Point
from codeexec.tui.panes.terminal.sending import InputSender
from codeexec.tui.panes.terminal.titles import (
    CONSOLE,
    end_words,
    folder_words,
    place_words,
    tab_of,
)
from codeexec.tui.session.ask import Failed, NoticePosted, focus_now
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.requester import Requester
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Tab, TabStrip
from codeexec.tui.widgets.search_bar import SearchBar

_WIDE, _NARROW = 70, 50
"""Columns from which the title has room for all that it says, and for a hint."""


def build(context: BuildContext) -> TerminalPane:
    return TerminalPane(context)


class TerminalPane(Vertical):
    """Shows one terminal at a time; `input` is what goes to its program."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("terminal"), *bindings("terminal_keys")]

    DEFAULT_CSS = """
    TerminalPane { height: 1fr; }
    """

    def __init__(self, context: BuildContext) -> None:
        super().__init__(id="terminal")
        self._session = context.session
        self._requester = Requester(self)
        self._requester.connect(context.session)
        self._sender = InputSender(context.session, self._show_failure)
        self.tabs = TabStrip(context.theme, id="terminal-tabs")
        self.view = ScreenView(context.theme, self._grab, lambda: self.input.is_inside)
        self.view.pictures = CellPictures(self._requester, context.graphics, self.view)
        self.reader = Reader(self._requester, self.view)
        self.input = ProgramInput(
            self, self._sender, self.reader, self._show_inside, watch_only=context.watch_only
        )
        self._mouse = MouseController(self.view, self.input, self)
        self._bar = SearchBar("search screen and scrollback")
        self._search = TerminalSearch(self._requester, self._bar, self.reader)
        self.terminals: dict[str, TerminalView] = {}
        self._answers: list[TerminalAnswer] = []
        """Answers that are newer than the newest frame."""
        self._followed = ""
        """The terminal whose screen is read."""

    def compose(self) -> ComposeResult:
        yield self.tabs
        yield self.view
        yield self._bar

    def on_mount(self) -> None:
        self._show_titles()

    def on_unmount(self) -> None:
        self._sender.close()

    def take_focus(self) -> None:
        if self.view.is_attached:  # else it is gone to again after it is mounted
            focus_now(self.view)

    def use(self, theme: Theme) -> None:
        """Paint with another theme."""
        self.view.use(theme)

    # -- which terminals there are ---------------------------------------------------------------

    @property
    def current(self) -> TerminalView | None:
        """The terminal that is shown."""
        return self.reader.terminal

    @property
    def size_for_program(self) -> tuple[int, int]:
        """Columns and rows that a program has here; a usual size while the pane is not shown."""
        columns, rows = self.view.columns, self.view.size.height
        return (columns, rows) if columns > 1 and rows > 1 else (80, 24)

    def show_frame(self, frame: Frame) -> None:
        """Take in what the session says of its terminals."""
        self.view.take_artifacts(frame.snapshot.artifacts)
        seq = frame.snapshot.seq
        self._answers = [answer for answer in self._answers if answer.seq > seq]
        newer = {answer.terminal.terminal_id: answer.terminal for answer in self._answers}
        terminals = frame.snapshot.terminals | newer
        if terminals != self.terminals:
            self.show_terminals(terminals)

    def show_terminals(self, terminals: Mapping[str, TerminalView]) -> None:
        for terminal_id in self.terminals.keys() - terminals:
            self._sender.forget(terminal_id)
        old_ids = list(self.terminals)
        self.terminals = dict(terminals)
        current = self.current
        if current is None or current.terminal_id not in terminals:
            self.choose(_neighbour(old_ids, current, list(terminals)))
        else:
            self._show_current(terminals[current.terminal_id])

    def add(self, answer: TerminalAnswer) -> None:
        """Show a terminal that was just opened, before the session's events tell of it."""
        terminal = answer.terminal
        self._answers.append(answer)
        self.show_terminals(self.terminals | {terminal.terminal_id: terminal})
        self.choose(terminal.terminal_id)

    def choose(self, terminal_id: str) -> None:
        """Show another terminal; none for an empty id."""
        terminal = self.terminals.get(terminal_id)
        if self.current is not None and self.current.terminal_id != terminal_id:
            self._sender.resize(self.current.terminal_id, 0, 0)
            self.input.stop()
        self.reader.terminal = terminal
        if terminal is None:
            self._stop_following()
            keys = named_keys("{terminal.enter}", self.app._keymap)
            self.view.show_words("No terminal", "", f"{keys} opens a shell of the session.")
            self._show_titles()
            return
        if self._followed != terminal_id:
            self.view.begin()
        self._show_current(terminal)
        self._fit()

    def step(self, by: int) -> None:
        """Show the next terminal, or the one before."""
        ids = list(self.terminals)
        if ids and self.current is not None:
            self.choose(ids[(ids.index(self.current.terminal_id) + by) % len(ids)])

    def _show_current(self, terminal: TerminalView) -> None:
        self.reader.terminal = terminal
        if terminal.state != "running":
            self.input.stop()
        self.view.show_marks(marks_of(terminal.commands))
        self._show_titles()

    # -- the screen ------------------------------------------------------------------------------

    @on(ScreenView.Resized)
    def _fit(self) -> None:
        """Follow the screen while it is in view, and tell its size; neither while it is hidden."""
        current = self.current
        if current is None:
            return
        is_shown = self.view.is_on_screen and self.view.columns > 1 and self.view.size.height > 0
        if not is_shown:
            self._stop_following()
            if not self.input.watch_only:
                self._sender.resize(current.terminal_id, 0, 0)
            return
        if not self.input.watch_only:
            self._sender.resize(current.terminal_id, self.view.columns, self.view.size.height)
        if self._followed != current.terminal_id:
            self._followed = current.terminal_id
            self.run_worker(self._follow(current.terminal_id), group="follow", exclusive=True)
        self._show_titles()

    def tell_size_again(self) -> None:
        """The session has forgotten the size that the terminal has here."""
        self._sender.forget_sizes()
        self._fit()

    def _stop_following(self) -> None:
        self._followed = ""
        self.workers.cancel_group(self, "follow")

    async def _follow(self, terminal_id: str) -> None:
        try:
            async for screen in follow_screen(self._session, terminal_id):
                self.view.take(screen)
                if screen.copied and self.input.is_inside:
                    self.post_message(ProgramCopied(screen.copied))
        except NotFound:
            pass  # it was closed
        except CodeexecError as error:
            self._show_failure(error)

    @on(ScreenView.RowsMissing)
    def _load_rows(self) -> None:
        if self.view.store.missing:
            self._requester.run(self.reader.load_missing(), "rows")

    def _show_failure(self, error: CodeexecError) -> None:
        self.post_message(Failed(error))

    def _show_titles(self) -> None:
        current = self.current
        tabs = [Tab(CONSOLE, "Console")]
        tabs += [
            tab_of(terminal, number) for number, terminal in enumerate(self.terminals.values(), 1)
        ]
        self.tabs.show(tabs, current.terminal_id if current is not None else "")
        self.tabs.say(*self._side_words())

    def _side_words(self) -> tuple[str, str]:
        current, room = self.current, self.size.width
        if current is None:
            return "", "muted"
        keymap = self.app._keymap
        if current.state != "running":
            # Of a narrow pane the tabs need a part: they say which terminal this is.
            enter = named_keys("{terminal.enter}", keymap)
            hint = f"{enter} starts it again" if room >= _NARROW else enter
            text = f"{end_words(current, with_time=room >= _WIDE)} · {hint}"
            return text, "run.ok" if current.exit_code == 0 else "run.failed"
        badge = place_words(current)
        if self.input.is_inside:
            text = named_keys("{terminal.leave} leaves", keymap)
            meaning = "accent"
        elif self.input.watch_only:
            text, meaning = "watching only", "muted"
        else:
            text, meaning = named_keys("{terminal.enter} types", keymap), "muted"
        if room >= _WIDE:
            folder = folder_words(current, room // 3)
            badge = f"{folder} · {badge}" if folder else badge
        return f"{badge} · {text}", meaning

    # -- keys ------------------------------------------------------------------------------------

    def _grab(self, event: events.Key | events.Paste) -> bool:
        return self.input.grab(event)

    def _show_inside(self) -> None:
        self.view.refresh()
        self._show_titles()

    @on(ScreenView.FocusMoved)
    def _note_focus(self) -> None:
        """Leave the program when the keys go elsewhere, and tell it where it wants to know."""
        has_focus = self.view.has_focus
        if not has_focus and self.screen.focused is not self.view:
            self.input.set_inside(False)
        if self.view.store.screen.modes.reports_focus:
            self.input.type(FocusChanged(has_focus))

    # -- mouse -----------------------------------------------------------------------------------

    @on(ScreenView.MouseUsed)
    def _use_mouse(self, message: ScreenView.MouseUsed) -> None:
        message.stop()
        self._mouse.handle(message.event, message.cell)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self.view and event.button == 1:
            self._mouse.choose(event.chain, self.view.cell_at(event.x, event.y))

    def enter_by_mouse(self) -> None:
        self.take_focus()
        self.input.enter()

    def open_at(self, cell: Point) -> bool:
        row = self.view.store.row(cell.row)
        if address := link_at(row, cell.column):
            self.app.open_url(address)
            return True
        if artifact_id := picture_at(row, cell.column):
            self.post_message(PictureChosen(artifact_id))
            return True
        place, current = file_at(row, cell.column), self.current
        if place is None or current is None:
            return False
        command = self.reader.command
        self.post_message(PlaceChosen(place, command.folder if command else current.folder))
        return True

    def copy_selected(self) -> None:
        self._requester.run(self.reader.copy(), "copy")

    @on(TabStrip.TabChosen)
    def _choose_tab(self, event: TabStrip.TabChosen) -> None:
        if event.key != CONSOLE:  # that of the console goes on to the workbench
            event.stop()
            self.choose(event.key)
            self.take_focus()

    @on(SearchBar.Sought)
    @on(SearchBar.Stepped)
    @on(SearchBar.Closed)
    def _follow_search(
        self, event: SearchBar.Sought | SearchBar.Stepped | SearchBar.Closed
    ) -> None:
        event.stop()
        self._search.follow(event, self.view)

    # -- actions ---------------------------------------------------------------------------------

    async def action_enter_terminal(self) -> None:
        """Type into the program; start it again where it has ended, open one where there is
        none."""
        current = self.current
        if current is None:
            self.post_message(OpenRequested())
        elif current.state != "running":
            answer = await self._requester.ask(RestartTerminal(current.terminal_id))
            if answer is not None:
                self.add(answer)
                self._fit()
                self.input.enter()
        else:
            self.input.enter()

    def action_leave(self) -> None:
        self.input.leave()

    def action_back(self) -> None:
        if not self.reader.stop():
            self.post_message(Left())

    async def action_read(
        self, name: str, first: int | None = None, second: int | None = None
    ) -> None:
        """Do one of the reader's actions. Textual cuts what is passed to `*arguments`."""
        arguments = (argument for argument in (first, second) if argument is not None)
        work = self.reader.actions[name](*arguments)
        if isinstance(work, Awaitable):
            await work

    def action_paste_terminal(self) -> None:
        if self.input.may_type:
            self.input.paste(self.app.clipboard)

    def action_search(self) -> None:
        self._bar.open()

    def action_search_step(self, by: int) -> None:
        self._search.step(by, self.view)

    def action_rerun_command(self) -> None:
        """Run the command at the cursor once more."""
        command = self.reader.command
        if command is None:
            self.post_message(NoticePosted("There is no command here."))
        else:
            self.input.run_line(command.text)

    async def action_send(self, target: Literal["editor", "console"]) -> None:
        self.post_message(TextSent(await self.reader.selected_text(), target))

    def action_take_size(self) -> None:
        """Make this client's size that of the terminal."""
        if self.current is not None and not self.input.watch_only:
            columns, rows = self.size_for_program
            self._sender.resize(self.current.terminal_id, columns, rows, takes_control=True)

    def action_close_terminal(self) -> None:
        if self.current is not None:
            self.post_message(TerminalCloseRequested(self.current))


def _neighbour(old_ids: list[str], current: TerminalView | None, now: list[str]) -> str:
    """The terminal to show when the current one is not there any more."""
    if not now:
        return ""
    if current is None or current.terminal_id not in old_ids:
        return now[-1]
    return now[min(old_ids.index(current.terminal_id), len(now) - 1)]
