"""Prompt of the console: multi-line input with highlighting and history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from codeexec.domain.text.printable import printable
from codeexec.languages.completeness import completeness
from codeexec.tui.commands.exit_words import leaves
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.render.highlight import highlight
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.theme.theme import Theme

MOST_LINES = 12
"""Lines that the prompt grows to before it scrolls."""


def _ignore(code: str) -> None:
    """For a prompt without a session."""


class _Look(TextAreaTheme):
    """Styles that are known beforehand: Textual's own are worked out from CSS at every key."""

    def apply_css(self, text_area: TextArea) -> None:
        pass


class Prompt(TextArea):
    """Utters what is typed; what becomes of it is the pane's business."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]

    DEFAULT_CSS = """
    Prompt {
        height: auto;
        max-height: 14;
        border: none;
        padding: 0;
        background: transparent;
        scrollbar-size-vertical: 1;
    }
    Prompt:focus { border: none; }
    """

    @dataclass
    class Submitted(Message):
        """Code was given to `run`."""

        code: str

    @dataclass
    class Undecided(Message):
        """Enter was pressed and only the kernel can say whether the code is complete."""

        code: str

    @dataclass
    class PromptCompletionRequested(Message):
        code: str
        cursor: int

    @dataclass
    class DocsRequested(Message):
        code: str
        cursor: int

    @dataclass
    class ScrollRequested(Message):
        """Scroll the cards above by so many pages."""

        pages: int

    @dataclass
    class CardsRequested(Message):
        """Give the keys to the cards above."""

    @dataclass
    class EmptySubmitted(Message):
        """Enter in an empty prompt."""

    @dataclass
    class PopupKey(Message):
        """A key that belongs to the list of completions while that is open."""

        key: str

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, tab_behavior="focus")
        # Nobody asks where the cursor is; it would pass each widget above at each key.
        self.disable_messages(TextArea.SelectionChanged)
        self.cursor_blink = False
        self.highlight_cursor_line = False
        self.run: Callable[[str], None] = _ignore
        """What runs the code that is submitted."""
        self._colors = theme
        self._put_on(theme)
        self.language_name = "python"
        self.in_color = True
        self.has_popup = False
        self._shown_key = ("", "", "")
        self._shown: list[list[Segment]] = [[]]
        self._history: list[str] = []
        self._at = 0
        self._draft = ""

    def use(self, theme: Theme) -> None:
        self._colors = theme
        self._put_on(theme)
        self._line_cache.clear()
        self.refresh()

    def _put_on(self, theme: Theme) -> None:
        surface = theme.style("surface")
        look = _Look(
            name=theme.key,
            base_style=surface + theme.style("text"),
            gutter_style=theme.style("muted"),
            cursor_style=theme.style("cursor"),
            cursor_line_style=Style.null(),
            cursor_line_gutter_style=Style.null(),
            bracket_matching_style=theme.style("bracket.match"),
            selection_style=theme.style("selection"),
        )
        self.register_theme(look)
        self.theme = theme.key

    # -- what is typed -------------------------------------------------------------------------

    @property
    def cursor_offset(self) -> int:
        """The cursor in characters of the text."""
        row, column = self.cursor_location
        return sum(len(line) + 1 for line in self.document.lines[:row]) + column

    def put(self, text: str) -> None:
        """Replace all that is typed, the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def get_line(self, line_index: int) -> Text:
        # As many characters as typed, so that the cursor stands where it did.
        text = printable(self.document.get_line(line_index), lines=True)
        plain = Text(text, end="", no_wrap=True)
        if not self.in_color or not text.strip():
            return plain
        lines = self._highlighted(self.text)
        line = Text(end="", no_wrap=True)
        if line_index < len(lines):
            for segment in lines[line_index]:
                line.append(segment.text, segment.style)
        # A lexer may see other lines than the document does: never another text.
        return line if line.plain == text else plain

    def show_colors(self) -> None:
        """The lexer is ready: colour what is typed."""
        self.in_color = True
        self._line_cache.clear()
        self.refresh()

    def _highlighted(self, code: str) -> list[list[Segment]]:
        key = (code, self.language_name, self._colors.key)
        if key != self._shown_key:
            self._shown_key = key
            self._shown = highlight(code, self.language_name, self._colors)
        return self._shown

    def remember(self, entries: list[str]) -> None:
        """What was run before, oldest first."""
        self._history = entries
        self._at = len(entries)

    def action_submit(self) -> None:
        code = self.text
        if not code.strip():
            self.post_message(self.EmptySubmitted())
            return
        if self.cursor_location[0] < self.document.line_count - 1:
            self.break_line()
            return
        match completeness(code, self.language_name):
            case "complete":
                self.submit()
            case "incomplete":
                self.break_line()
            case _:
                self.post_message(self.Undecided(code))

    def action_submit_now(self) -> None:
        if self.text.strip():
            self.submit()

    def submit(self) -> None:
        """Run what is typed, and be empty again; words that leave a shell ask to leave."""
        code = self.text.rstrip()
        if self.language_name == "python" and leaves(code):
            self.put("")
            self.post_message(CommandRequested("app.leave"))
            return
        if not self._history or self._history[-1] != code:
            self._history.append(code)
        self._at = len(self._history)
        # The kernel works while the prompt is emptied and painted, which takes a millisecond.
        self.run(code)
        self.put("")
        self.post_message(self.Submitted(code))

    def break_line(self, indent: str | None = None) -> None:
        """A new line, indented as the one above, or deeper after a colon."""
        row, column = self.cursor_location
        above = self.document.get_line(row)[:column]
        if indent is None:
            indent = above[: len(above) - len(above.lstrip())]
            if above.rstrip().endswith(":"):
                indent += "    "
        self.insert(f"\n{indent}")

    def action_newline(self) -> None:
        self.break_line()

    def action_complete(self) -> None:
        row, column = self.cursor_location
        head = self.document.get_line(row)[:column]
        if head.strip():
            self.post_message(self.PromptCompletionRequested(self.text, self.cursor_offset))
        else:
            self.insert("    ")

    def action_copy(self) -> None:
        """Copy what is selected; without a selection the key clears what is typed, and in an empty
        prompt it means interrupt, as in a shell."""
        if self.selected_text:
            super().action_copy()
        elif self.text:
            self._at = len(self._history)
            self.put("")
        else:
            self.post_message(ConsoleMessages.InterruptRequested())

    def action_docs(self) -> None:
        self.post_message(self.DocsRequested(self.text, self.cursor_offset))

    def action_search_history(self) -> None:
        self.post_message(ConsoleMessages.HistoryRequested())

    def action_scroll_cards(self, pages: int) -> None:
        self.post_message(self.ScrollRequested(pages))

    def action_to_cards(self) -> None:
        self.post_message(self.CardsRequested())

    def action_history_or_up(self) -> None:
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
        elif self._at > 0:
            if self._at == len(self._history):
                self._draft = self.text
            self._at -= 1
            self.put(self._history[self._at])

    def action_history_or_down(self) -> None:
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif self._at < len(self._history):
            self._at += 1
            at_end = self._at == len(self._history)
            self.put(self._draft if at_end else self._history[self._at])

    async def _on_key(self, event: events.Key) -> None:
        if self.has_popup and event.key in ("up", "down", "enter", "tab", "escape"):
            event.stop()
            event.prevent_default()
            self.post_message(self.PopupKey(event.key))
        elif event.key in ("enter", "tab", "shift+tab", "backspace", "escape"):
            # TextArea would take these before any binding is asked; a binding for backspace
            # would be asked only after the keys that were pressed with it, Enter among them.
            event.prevent_default()
            event.stop()
            match event.key:
                case "enter":
                    self.action_submit()
                case "tab":
                    self.action_complete()
                case "backspace":
                    self.action_delete_left()
                case "escape":
                    self.action_to_cards()
                case _:
                    self.action_docs()
        elif event.key == "ctrl+d" and not self.text:
            event.stop()
            event.prevent_default()
            self.post_message(CommandRequested("app.leave"))
        else:
            await super()._on_key(event)
