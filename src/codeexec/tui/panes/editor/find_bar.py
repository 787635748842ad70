"""Bar under an editor to find, replace and go to a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.widgets import Checkbox, Input, Label

from codeexec.domain.errors import UsageError
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.editor.text.search import Query
from codeexec.tui.panes.editor.text.text import Location
from codeexec.tui.render.plain import plain_words
from codeexec.tui.widgets.field import Field

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.search import CurrentMatch

_WORDS = {"find": "Find", "replace": "Find", "line": "Line"}


class Tick(Checkbox):
    """Checkbox that has a mark only while it is on, as not every terminal shows its colour."""

    BUTTON_INNER = " "

    def watch_value(self) -> None:
        self.BUTTON_INNER = "X" if self.value else " "
        super().watch_value()


class FindBar(Vertical):
    """Asks, and lets its editor find. Enter goes on, shift+enter or shift+f4 back, escape closes.

    `open` begins in one of the modes `find`, `replace` and `line`.
    """

    DEFAULT_CSS = """
    FindBar {
        height: auto;
        display: none;
        background: $panel;
    }
    FindBar Horizontal { height: 1; }
    FindBar Label { width: 9; padding: 0 1; color: $text-muted; }
    FindBar Label#keys { width: auto; }
    FindBar Label#count { width: auto; min-width: 12; }
    FindBar Input { width: 1fr; border: none; height: 1; padding: 0; background: $surface; }
    FindBar Input:focus { border: none; }
    FindBar Checkbox { width: auto; border: none; height: 1; padding: 0 1; background: $panel; }
    FindBar Checkbox:focus { border: none; }
    FindBar Tick > .toggle--button, FindBar Tick.-on > .toggle--button {
        color: $accent; background: $surface; text-style: bold;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("find")]

    def __init__(self, editor: CodeEditor, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._editor = editor
        self._mode = "find"

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label("Find", id="what")
            yield Field(id="text", compact=True)
            yield Tick("regex", id="regex", compact=True)
            yield Tick("word", id="word", compact=True)
            yield Tick("case", id="case", compact=True)
            yield Label("", id="count")
        with Horizontal(id="replacing"):
            yield Label("Replace")
            yield Field(id="replacement", compact=True)
            yield Label("Enter one · Alt+A all", id="keys")

    def open(self, mode: str, text: str = "") -> None:
        """Show the bar in a mode, with `text` to begin with (else what was looked for last)."""
        self._mode = mode
        self.display = True
        self.query_one("#what", Label).update(plain_words(_WORDS[mode]))
        self.query_one("#replacing").display = mode == "replace"
        for box in self.query(Checkbox):
            box.display = mode != "line"
        field = self.query_one("#text", Input)
        field.value = text if text or mode == "line" else self._editor.finder.query.text
        field.select_all()
        field.focus()
        self._say("")

    @property
    def search_query(self) -> Query:
        """What the fields say."""
        checked = {box.id: box.value for box in self.query(Checkbox)}
        text = self.query_one("#text", Input).value
        return Query(text, bool(checked["regex"]), bool(checked["case"]), bool(checked["word"]))

    def _say(self, message: str) -> None:
        self.query_one("#count", Label).update(plain_words(message))

    def _show(self, current: CurrentMatch | None) -> None:
        if current is not None:
            self._say(f"{current.number} of {current.count}")
        else:
            self._say("nothing found" if self.search_query.text else "")

    def _find(self, step: int = 1, *, at_selection: bool = False) -> None:
        try:
            self._show(self._editor.finder.find(self.search_query, step, at_selection=at_selection))
        except UsageError as error:
            self._say(error.message)

    @on(Input.Changed, "#text")
    @on(Checkbox.Changed)
    def look_while_typing(self) -> None:
        if not self.display:
            return
        if self._mode != "line":
            self._find(at_selection=True)
        elif (line := self._line()) is not None:
            self._editor.move_to(Location(line, 0))

    def _line(self) -> int | None:
        """The line that was typed, from 0; negative numbers count from the end."""
        text = self.query_one("#text", Input).value.strip()
        if not text.removeprefix("-").isdecimal():
            return None
        number = int(text)
        return len(self._editor.model.lines) + number if number < 0 else max(0, number - 1)

    @on(Input.Submitted, "#text")
    def go_on(self) -> None:
        if self._mode == "line":
            self.action_close()
        else:
            self._find()

    @on(Input.Submitted, "#replacement")
    def replace_and_go_on(self) -> None:
        try:
            self._show(self._editor.finder.replace(self.search_query, self._replacement))
        except UsageError as error:
            self._say(error.message)

    @property
    def _replacement(self) -> str:
        return self.query_one("#replacement", Input).value

    def action_step(self, step: int) -> None:
        if self._mode != "line":
            self._find(step)

    def action_replace_all(self) -> None:
        if self._mode == "replace":
            try:
                count = self._editor.finder.replace_all(self.search_query, self._replacement)
                self._say(f"{count} replaced")
            except UsageError as error:
                self._say(error.message)

    def on_key(self, event: events.Key) -> None:
        """Tab goes from what to find to what to put in its place, then to the boxes, which are one
        stop: left and right move among them."""
        focused, boxes = self.screen.focused, list(self.query(Checkbox))
        if focused in boxes and event.key in ("left", "right"):
            step = 1 if event.key == "right" else -1
            target: Widget = boxes[(boxes.index(focused) + step) % len(boxes)]
        elif self._mode == "replace" and event.key in ("tab", "shift+tab"):
            stops = [self.query_one("#text"), self.query_one("#replacement"), boxes[0]]
            at = stops.index(focused) if focused in stops else 2
            target = stops[(at + (1 if event.key == "tab" else -1)) % len(stops)]
        else:
            return
        event.stop()
        event.prevent_default()
        target.focus()

    def action_close(self) -> None:
        self.display = False
        self._editor.finder.stop()
        self._editor.focus()
