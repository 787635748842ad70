"""Line at the bottom of a table for a filter, a text to find, or the name of a file."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.widgets.field import Field


class TableEntry(Vertical):
    """`purpose` is what is typed; empty while it is closed. A fault points at its place."""

    DEFAULT_CSS = """
    TableEntry { height: auto; display: none; background: $panel; padding: 0 1; }
    TableEntry Horizontal { height: 1; }
    TableEntry Label { width: auto; color: $accent; padding: 0 1 0 0; }
    TableEntry Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    TableEntry Input:focus { border: none; }
    TableEntry #fault { display: none; height: auto; color: $text-error; }
    TableEntry #fault.-open { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.purpose = ""
        self._faulty = ""
        self._prompt = Label("")
        self._field = Field(compact=True, select_on_focus=False)
        self._fault = Static(id="fault")

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield self._prompt
            yield self._field
        yield self._fault

    def open(self, purpose: str, text: str, hint: str = "") -> None:
        self.purpose = purpose
        self._prompt.update(purpose)
        self._field.value = text
        self._field.placeholder = hint
        self._fault.remove_class("-open")
        self.display = True
        self._field.focus()
        self._field.cursor_position = len(text)
        if purpose != "filter":
            self._field.select_all()  # another text, more often than more of this one

    def close(self) -> None:
        self.purpose = ""
        self.display = False

    def show_fault(self, message: str, at: int) -> None:
        """What is wrong; below the place in the text, where there is one."""
        message, self._faulty = one_line(message), self._field.value
        margin = cell_len(self.purpose) + 1
        lines = []
        if 0 <= at <= len(self._field.value):
            self._field.cursor_position = at
            margin += cell_len(self._field.value[:at])
            lines.append(" " * min(margin, max(self.size.width - 4, 0)) + "▲")
        lines.append(fitted(message, max(self.app.size.width - 3, 20)))
        self._fault.update(Content("\n").join(map(Content, lines)))
        self._fault.add_class("-open")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._faulty:
            self._fault.remove_class("-open")  # it was about another text
