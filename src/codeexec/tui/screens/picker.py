"""Base of modal panels with a list, used by choosers, sessions and settings."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import fitted, one_line, plain_words
from codeexec.tui.session.ask import focus_now
from codeexec.tui.widgets.click_rows import ClickRows
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal
from codeexec.tui.widgets.row_list import ListRow, Pieces, RowList

R = TypeVar("R")

Tone = Literal["muted", "warn", "error", "ok"]


@dataclass(frozen=True, slots=True)
class HeadingRow:
    """A row between others that cannot be chosen."""

    text: str
    side: str = ""

    def pieces(self, width: int) -> Pieces:
        return spread([(self.text, "title")], [(self.side, "muted")], width)


def spread(label: Pieces, right: Pieces, width: int) -> Pieces:
    """The one at the left, the other at the right end; what has no room is cut, the right last."""
    right = [(one_line(text), ink) for text, ink in right]
    side = sum(cell_len(text) for text, _ in right)
    if side > width * 2 // 3:
        right = [(fitted("".join(text for text, _ in right), width * 2 // 3), right[0][1])]
        side = sum(cell_len(text) for text, _ in right)
    room = width - side - (2 if side else 0)
    made: Pieces = []
    for text, ink in label:
        text = fitted(text, room)
        made.append((text, ink))
        room -= cell_len(text)
    return [*made, (" " * (room + (2 if side else 0)), "text"), *right]


class Picker(Modal[R]):
    """A title, a field, rows, words about them, keys. A subclass fills it by `show` and answers
    `narrow` (something was typed) and `choose` (a row was).

    With `typing` the field has the keys from the beginning; else `/` opens it.
    """

    typing: ClassVar[bool] = True
    placeholder: ClassVar[str] = "type to narrow down"
    word_rows: ClassVar[int] = 0
    """Rows that are kept for the words under the list; 0: as many as they need."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    DEFAULT_CSS = """
    Picker { align: center top; background: $surface 55%; }
    Picker > Vertical {
        width: 92; max-width: 96%; height: auto; max-height: 90%;
        margin-top: 1; padding: 1 2; background: $raised-ground;
    }
    Picker #title { height: 1; color: $text-muted; text-style: none; }
    Picker Input, Picker Input:focus {
        border: none; height: 1; padding: 0; margin: 0 0 1 0; background: $raised-ground;
    }
    Picker.-quiet #title { margin-bottom: 1; }
    Picker RowList { height: auto; background: $raised-ground; }
    Picker RowList > .rows--cursor { background: $selection-ground; }
    Picker #word { height: auto; display: none; color: $text-muted; padding: 0 1; }
    Picker.-quiet #word { margin-top: 1; }
    Picker #word.warn { color: $text-warning; }
    Picker #word.error { color: $text-error; }
    Picker #word.ok { color: $text-success; }
    Picker #hints { height: 1; margin-top: 1; color: $text-muted; LINKS_HERE }
    Picker.-low > Vertical { margin-top: 0; padding: 0 1; max-height: 100%; }
    Picker.-low Input, Picker.-low #title, Picker.-low #word, Picker.-low #hints { margin: 0; }
    """.replace("LINKS_HERE", LINKS)

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title_words = title

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain_words(self._title_words), id="title")
            yield Field(placeholder=self.placeholder, compact=True)
            yield ClickRows()
            yield Static(id="word", markup=False)
            yield Static(id="hints")

    def on_mount(self) -> None:
        self.list = self.query_one(ClickRows)
        self.field = self.query_one(Input)
        self.list.can_focus = not self.typing
        self.field.display = self.typing
        self.set_class(not self.typing, "-quiet")
        (self.field if self.typing else self.list).focus()
        self.begin()
        self.refresh_hints()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 20, "-low")
        self._make_room()

    def _make_room(self) -> None:
        """The list takes what the panel has left, so that the last line is always seen."""
        width, height = self.size
        label = self.query_one("#word", Static)
        room = max(min(92, width * 96 // 100) - 6, 10)
        lines = str(label.content).split("\n") if label.display else []
        rows = sum(max(len(textwrap.wrap(line, room)), 1) for line in lines)
        rows = min(self.word_rows or rows, max(height // 3, 2))
        label.styles.height = rows
        low = self.has_class("-low")
        fixed_rows = 3 if low else 8 + (bool(rows) and not self.typing)
        whole = height if low else height * 9 // 10
        self.query_one(ClickRows).styles.max_height = max(whole - fixed_rows - rows, 3)
        self.call_after_refresh(self._show_heading)

    def _show_heading(self) -> None:
        """On the first row, the heading above it is seen as well."""
        rows = self.list.rows
        if rows and all(isinstance(row, HeadingRow) for row in rows[: self.list.cursor]):
            self.list.scroll_home(animate=False, immediate=True)

    # -- for the subclass ------------------------------------------------------------------------

    def begin(self) -> None:
        """The screen is there: show rows, or ask for them."""

    def hints(self) -> Sequence[Hint]:
        """Keys in the last line; asked for once `begin` was called."""
        return ()

    def narrow(self, typed: str) -> None:
        """The field says something else."""

    def choose(self, at: int) -> None:
        """This row was chosen."""

    def nothing(self) -> None:
        """Enter was pressed where there is no row."""

    def show(self, rows: Sequence[ListRow], cursor: int = 0) -> None:
        """Show rows; the cursor never stands on a heading."""
        at = min(max(cursor, 0), max(len(rows) - 1, 0))
        next_rows = [i for i in range(at, len(rows)) if not isinstance(rows[i], HeadingRow)]
        earlier_rows = [i for i in range(at) if not isinstance(rows[i], HeadingRow)]
        self.list.show(rows, (next_rows or earlier_rows[::-1] or [0])[0])
        self.list.display = bool(rows)

    def say(self, text: str, tone: Tone = "muted") -> None:
        """Words under the list: that it is being read, that nothing fits, what went wrong."""
        label = self.query_one("#word", Static)
        label.update(plain_words(text))
        label.set_classes(tone)
        label.display = bool(text)
        self._make_room()

    def title_words(self, title: str) -> None:
        self.query_one("#title", Static).update(plain_words(title))

    def refresh_hints(self) -> None:
        self.query_one("#hints", Static).update(hint_line(self.hints()))

    # -- keys and mouse ------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """To another row; at an end, round to the other."""
        rows = self.list.rows
        if not rows:
            return
        at, way = self.list.cursor, 1 if by > 0 else -1
        target = (at + by) % len(rows) if abs(by) == 1 else min(max(at + by, 0), len(rows) - 1)
        while isinstance(rows[target], HeadingRow):
            target = (target + way) % len(rows)
        self.list.go(target)
        self._show_heading()

    def is_reading(self) -> bool:
        """Whether the rows are still to come: Enter waits for them."""
        return False

    def choose_if_waiting(self) -> None:
        """The rows have come: do what Enter was pressed for before that."""
        if self.is_deciding:
            self.is_deciding = False
            self.action_choose()

    def action_choose(self) -> None:
        if self.is_reading():
            self.is_deciding = True
        elif self.list.rows and not isinstance(self.list.rows[self.list.cursor], HeadingRow):
            self.choose(self.list.cursor)
        else:
            self.nothing()

    def action_leave(self) -> None:
        """Close the field that `/` opened, then the screen."""
        if not self.typing and self.field.display:
            self.field.value = ""
            self.field.display = False
            self.list.focus()
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        self.field.display = True
        focus_now(self.field)

    @on(Input.Changed)
    def field_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.narrow(event.value.strip())

    @on(Input.Submitted)
    def field_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()

    @on(RowList.RowChosen)
    def row_chosen(self, event: RowList.RowChosen) -> None:
        event.stop()
        self.action_choose()

    @on(RowList.Moved)
    def row_moved(self, event: RowList.Moved) -> None:
        event.stop()
        self.moved(event.at)

    def moved(self, at: int) -> None:
        """The cursor is on another row."""
