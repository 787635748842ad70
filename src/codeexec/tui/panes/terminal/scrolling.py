"""Reading in the scrollback: the cursor of the reader, selection, commands, search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.message import Message

from codeexec.domain.requests import (
    ReadTerminalRows,
    ReadTerminalText,
    SearchTerminal,
    TerminalMatch,
)
from codeexec.domain.terminals import TerminalCommand, TerminalView
from codeexec.tui.panes.terminal.gutter import command_at, next_command
from codeexec.tui.panes.terminal.painting import Highlight
from codeexec.tui.panes.terminal.rows import PAGE
from codeexec.tui.panes.terminal.screen_view import ScreenView
from codeexec.tui.panes.terminal.selection import Point
from codeexec.tui.session.ask import CopyRequested, NoticePosted, SaveRequested
from codeexec.tui.session.requester import Requester
from codeexec.tui.widgets.search_bar import SearchBar


class Reader:
    """Acts on the view of one terminal at a time, `terminal`."""

    def __init__(self, requester: Requester, view: ScreenView) -> None:
        self._requester = requester
        self._view = view
        self.terminal: TerminalView | None = None
        self.actions: Mapping[str, Callable[..., object]] = {
            "move": self.move,
            "page": self.page,
            "first": self.first,
            "last": self.last,
            "mark": self.mark,
            "copy": self.copy,
            "export": self.export,
            "jump": self.jump,
            "copy_output": self.copy_output,
        }
        """What commands do (`read('NAME', …)`), by its name."""

    # -- cursor ----------------------------------------------------------------------------------

    @property
    def at(self) -> Point:
        """Where the reader is: where they went, else the cursor of the program."""
        if self._view.selection.cursor is not None:
            return self._view.selection.cursor
        screen = self._view.store.screen
        return Point(screen.history + screen.cursor.row, screen.cursor.column)

    def go_to(self, row: int, column: int | None = None) -> None:
        """Have the reader's cursor on a row, and that in view."""
        view = self._view
        at, store = self.at, view.store
        row = min(max(row, store.first), max(store.end - 1, 0))
        column = at.column if column is None else column
        last = max(view.columns - 1, 0)
        view.selection.cursor = Point(row, min(max(column, 0), last))
        view.port.reveal(row)
        view.refresh()

    def move(self, right: int, down: int) -> None:
        at = self.at
        self.go_to(at.row + down, at.column + right)

    def page(self, by: int) -> None:
        step = max(self._view.size.height - 1, 1) * by
        self._view.port.scroll(step)
        self.move(0, step)

    def first(self) -> None:
        self.go_to(self._view.store.first, 0)

    def last(self) -> None:
        self.go_to(self._view.store.end)

    def mark(self) -> None:
        """Begin to select at the cursor, or stop selecting."""
        selection = self._view.selection
        if selection.anchor is not None:
            selection.anchor = None
        else:
            selection.cursor = selection.anchor = self.at
        self._view.refresh()

    def stop(self) -> bool:
        """Forget cursor and selection, and show the screen; whether there were any."""
        view = self._view
        was_reading = view.selection.cursor is not None or not view.port.follows
        view.selection.clear()
        view.match_marks = {}
        view.port.follow()
        view.refresh()
        return was_reading

    # -- text ------------------------------------------------------------------------------------

    async def selected_text(self) -> str:
        """What is selected, else the row of the cursor; rows that are not here are read first."""
        selection = self._view.selection
        ends = selection.ends()
        if ends is None:
            at = self.at
            return self._view.store.row(at.row).text.rstrip()
        await self.load(ends[0].row, ends[1].row + 1)
        return selection.text()

    async def load(self, start: int, end: int) -> None:
        """Have rows here."""
        store = self._view.store
        for page in range(start // PAGE, (end - 1) // PAGE + 1):
            rows = range(max(page * PAGE, start), min((page + 1) * PAGE, end))
            if self.terminal is not None and not all(map(store.has, rows)):
                await self._read_page(page)

    async def load_missing(self) -> None:
        """Read the pages that are in view and not here."""
        while self._view.store.missing:
            page = self._view.store.missing.pop()
            await self._read_page(page)

    async def _read_page(self, page: int) -> None:
        if self.terminal is None:
            return
        request = ReadTerminalRows(self.terminal.terminal_id, page * PAGE, PAGE)
        reply = await self._requester.ask_quietly(request)
        if reply is not None:
            self._view.put(reply.start, reply.rows)

    async def copy(self) -> None:
        """Copy the selection, or the row of the cursor where nothing is selected."""
        label = "The line" if self._view.selection.is_empty else "The selection"
        if text := await self.selected_text():
            self._requester.post(CopyRequested(text, label))
        self._view.selection.anchor = None
        self._view.refresh()

    async def export(self) -> None:
        """Write screen and scrollback to a file that the user chooses."""
        if self.terminal is None:
            return
        request = ReadTerminalText(self.terminal.terminal_id)
        reply = await self._requester.ask(request)
        if reply is not None:
            data = reply.text.encode("utf-8", "surrogateescape")
            self._requester.post(SaveRequested("terminal.txt", data))

    # -- commands --------------------------------------------------------------------------------

    @property
    def commands(self) -> Sequence[TerminalCommand]:
        return self.terminal.commands if self.terminal is not None else ()

    @property
    def command(self) -> TerminalCommand | None:
        """The command line that the cursor is at; while the reader is nowhere, the last one."""
        return command_at(self.commands, self.at.row)

    def jump(self, by: int) -> None:
        """Go to the command line above or below."""
        command = next_command(self.commands, self.at.row, by)
        if command is not None:
            self.go_to(command.row, 0)
            self._view.port.go_to(command.row)
            self._view.refresh()
        elif self.commands:
            self._requester.post(NoticePosted("There is no other command."))
        else:
            self._requester.post(NoticePosted("This program does not tell its commands."))

    async def copy_output(self) -> None:
        """Copy what the command at the cursor has put out."""
        command = self.command
        if command is None or self.terminal is None:
            self._requester.post(NoticePosted("There is no command here."))
            return
        end = command.end_row if command.end_row is not None else self._view.store.end
        if end <= command.output_row:
            self._requester.post(NoticePosted("The command has put out nothing."))
            return
        request = ReadTerminalText(self.terminal.terminal_id, command.output_row, end)
        reply = await self._requester.ask(request)
        if reply is not None:
            self._requester.post(
                CopyRequested(reply.text.rstrip("\n"), f"The output of {command.text!r}")
            )


class TerminalSearch:
    """Acts on the search bar, and marks matches in the view."""

    def __init__(self, requester: Requester, bar: SearchBar, reader: Reader) -> None:
        self._requester = requester
        self._bar = bar
        self._reader = reader
        self._matches: tuple[TerminalMatch, ...] = ()
        self._at = 0
        self._pattern = ""

    def follow(self, message: Message, view: ScreenView) -> None:
        """Do what the user does in the bar."""
        match message:
            case SearchBar.Sought():
                work = self.search(message.pattern, view)
                self._requester.run(work, "search", exclusive=True)
            case SearchBar.Stepped():
                self.step(message.by, view)
            case SearchBar.Closed():
                view.focus()

    async def search(self, pattern: str, view: ScreenView) -> None:
        """Go to the last match of a pattern."""
        terminal = self._reader.terminal
        if terminal is None:
            return
        self._pattern, self._matches = pattern, ()
        if pattern:
            # The newest matches are looked for: what was printed last is what one searches.
            reply = await self._requester.ask(SearchTerminal(terminal.terminal_id, pattern))
            self._matches = reply.matches if reply is not None else ()
        self._at = len(self._matches) - 1
        self._show(view)

    def step(self, by: int, view: ScreenView) -> None:
        if self._matches:
            self._at = (self._at + by) % len(self._matches)
            self._show(view)

    def _show(self, view: ScreenView) -> None:
        marks: dict[int, list[Highlight]] = {}
        for number, match in enumerate(self._matches):
            meaning = "search.current" if number == self._at else "search.match"
            end = match.column + len(self._pattern)
            marks.setdefault(match.row, []).append(Highlight(match.column, end, meaning))
        view.match_marks = marks
        if self._matches:
            match = self._matches[self._at]
            self._bar.say(f"{self._at + 1:,} of {len(self._matches):,}")
            self._reader.go_to(match.row, match.column)
        else:
            self._bar.say("nothing found" if self._pattern else "")
        view.refresh()
