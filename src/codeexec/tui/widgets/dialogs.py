"""Dialogs: choose from a list, type a line, confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

MOST = 300
"""Entries that are listed; more are found by typing."""

_PAUSE_AFTER_TEXT = 1.0
"""Seconds after a letter that is no answer in which letters are text, not answers."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Entry of a chooser: key, title and detail.

    `problem` says why it cannot be chosen.
    """

    key: str
    title: str
    detail: str = ""
    mark: str = ""
    problem: str = ""
    synonyms: tuple[str, ...] = ()
    """Other words that find it, in lower case."""


def fit(typed: str, title: str, detail: str = "") -> int | None:
    """How well an entry fits what was typed: 0 best, None not at all.

    Each word must be in it: best all of them side by side, then at the beginning of the title,
    then of a word of it, then anywhere, then among the details, and at last as letters in this
    order.
    """
    low, details = title.lower(), detail.lower()
    words = typed.lower().split()
    if len(words) > 1 and f" {' '.join(words)}" in f" {low}":
        return 0
    rank = 0
    for word in words:
        if low.startswith(word):
            continue
        if f" {word}" in low:
            rank += 1
        elif word in low:
            rank += 2
        elif word in details:
            rank += 4
        elif _in_order(word, low):
            rank += 8
        else:
            return None
    return rank


def _in_order(letters: str, text: str) -> bool:
    at = 0
    for letter in letters:
        at = text.find(letter, at) + 1
        if not at:
            return False
    return True


class Chooser(Modal[str | None]):
    """List filtered by typing; dismissed with the key of the chosen entry.

    With `free`, what was typed is an answer too, where nothing fits. With `preview`, it is told
    which entry is looked at (and None when the list is left without an answer).
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    DEFAULT_CSS = """
    Chooser { align: center top; background: $surface 55%; }
    Chooser > Vertical {
        width: 76; max-width: 94%; height: auto; max-height: 80%;
        margin-top: 2; padding: 1 2; background: $raised;
    }
    Chooser #title { color: $muted; height: 1; }
    Chooser Input { border: none; height: 1; padding: 0; margin: 0 0 1 0; background: $raised; }
    Chooser Input:focus { border: none; }
    Chooser OptionList {
        height: auto; max-height: 24; border: none; padding: 0; background: $raised;
        scrollbar-size-vertical: 1;
    }
    Chooser OptionList:focus { border: none; }
    Chooser #none { color: $muted; height: 1; display: none; }
    """

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        placeholder: str = "type to narrow down",
        free: bool = False,
        current: str = "",
        preview: Callable[[str | None], None] | None = None,
    ) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._placeholder = placeholder
        self._free = free
        self._current = current
        self._preview = preview
        self.set_class(preview is not None, "-previews")
        self._shown: list[Choice] = []

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(plain_words(self._title), id="title")
            yield Field(placeholder=self._placeholder, compact=True)
            yield OptionList()
            yield Label("Nothing fits.", id="none")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._fill("")
        keys = [choice.key for choice in self._shown]
        if self._current in keys:
            self.query_one(OptionList).highlighted = keys.index(self._current)
        self.query_one(Input).focus()

    def _fill(self, typed: str) -> None:
        if typed:
            ranked = [
                (rank, number, choice)
                for number, choice in enumerate(self._choices)
                if (rank := _rank(typed, choice)) is not None
            ]
            ranked.sort(key=lambda entry: entry[:2])
            self._shown = [choice for _, _, choice in ranked[:MOST]]
        else:
            self._shown = self._choices[:MOST]
        most = 76 if self._preview is None else 48
        width = max(min(self.size.width * 94 // 100, most) - 6, 20)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(choice, width)) for choice in self._shown])
        options.highlighted = 0 if self._shown else None
        self.query_one("#none").display = not self._shown

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        self._fill(event.value.strip())

    @on(OptionList.OptionHighlighted)
    def tell_preview(self, event: OptionList.OptionHighlighted) -> None:
        at = event.option_index
        # The first row is highlighted before the current one is, for no time.
        is_new = at == self.query_one(OptionList).highlighted and at < len(self._shown)
        if self._preview is not None and is_new and not self._shown[at].problem:
            self._preview(self._shown[at].key)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_step(self, by: int) -> None:
        options = self.query_one(OptionList)
        if self._shown:
            at = (options.highlighted or 0) + by
            single = abs(by) == 1
            options.highlighted = (
                at % len(self._shown) if single else min(max(at, 0), len(self._shown) - 1)
            )

    @on(Input.Submitted)
    def action_choose(self) -> None:
        at, typed = self.query_one(OptionList).highlighted, self.query_one(Input).value.strip()
        if at is not None and at < len(self._shown):
            self._answer(self._shown[at])
        elif self._free and typed:
            self.dismiss(typed)

    @on(OptionList.OptionSelected)
    def click(self, event: OptionList.OptionSelected) -> None:
        self._answer(self._shown[event.option_index])

    def _answer(self, choice: Choice) -> None:
        if choice.problem:
            self.notify(choice.problem, severity="warning")
        else:
            self.dismiss(choice.key)


def _rank(typed: str, choice: Choice) -> int | None:
    """How well a choice fits what is typed, the best first; None where it does not."""
    if any(word.startswith(typed.lower()) for word in choice.synonyms):
        return -1
    return fit(typed, choice.title, choice.detail)


def _line(choice: Choice, width: int) -> Text:
    """Title at the left, detail at the right."""
    title, detail = one_line(choice.title), one_line(choice.detail)
    mark = f"{choice.mark} " if choice.mark else ""
    room = max(width - len(mark) - 1, 10)
    detail = detail[: max(room - min(len(title), room // 2) - 2, 0)]
    if len(title) > room - len(detail) - 2:
        title = title[: max(room - len(detail) - 3, 4)] + "…"
    gap = " " * max(room - len(title) - len(detail), 1)
    style = "dim" if choice.problem else ""
    return Text.assemble(
        (mark, "bold"), (title, style), gap, (detail, "dim"), no_wrap=True, overflow="ellipsis"
    )


_ASKER_HINTS = (Hint("enter", "ok", "choose"), Hint("esc", "cancel", "leave"))


class Asker(Modal[str | None]):
    """Dialog to type one line."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]

    DEFAULT_CSS = """
    Asker { align: center middle; background: $surface 55%; }
    Asker > Vertical {
        width: 64; max-width: 94%; height: auto; padding: 1 2; background: $raised;
    }
    Asker Input { border: none; height: 1; padding: 0 1; background: $surface; }
    Asker Input:focus { border: none; }
    Asker Label { margin: 0 0 1 0; }
    Asker #hint { color: $muted; margin: 1 0 0 0; }
    Asker #hints { height: 1; margin: 1 0 0 0; color: $muted; LINKS }
    """.replace("LINKS", LINKS)

    def __init__(
        self, title: str, value: str = "", hint: str = "", *, with_suffix: bool = False
    ) -> None:
        """A name is selected, so that typing replaces it: with its suffix, where that is as
        likely to change."""
        super().__init__()
        self._title = title
        self._with_suffix = with_suffix
        self._value = value
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(plain_words(self._title))
            yield Field(self._value, compact=True)
            if self._hint:
                yield Label(plain_words(self._hint), id="hint")
            yield Static(hint_line(_ASKER_HINTS), id="hints")

    def on_mount(self) -> None:
        field = self.query_one(Input)
        field.focus()
        name, dot = self._value.rfind("/") + 1, self._value.rfind(".")
        end = dot if dot > name and not self._with_suffix else len(self._value)
        field.selection = type(field.selection)(name, end)

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def action_choose(self) -> None:
        self.dismiss(self.query_one(Input).value.strip() or None)


class Confirm(Modal[str | None]):
    """Dialog with a few answers; Enter chooses the first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog"), *bindings("question")]

    DEFAULT_CSS = """
    Confirm { align: center middle; background: $surface 55%; }
    Confirm > Vertical {
        width: 64; max-width: 94%; height: auto; padding: 1 2; background: $raised;
    }
    Confirm #title { text-style: bold; }
    Confirm #words { color: $muted; margin: 0 0 1 0; height: auto; }
    Confirm Horizontal { height: 1; }
    Confirm Button {
        border: none; height: 1; min-width: 0; width: auto; padding: 0 1; margin: 0 2 0 0;
        background: $surface; color: $text; text-style: none;
    }
    Confirm Button:focus { background: $accent; color: $surface; text-style: bold; }
    """

    def __init__(self, title: str, message: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._words = message
        self._answers = list(answers)
        self._last_text = -_PAUSE_AFTER_TEXT

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain_words(self._title), id="title")
            yield Static(plain_words(self._words), id="words")
            with Horizontal():
                for key, label in self._answers:
                    yield Button(plain_words(label), id=f"answer-{key}", compact=True)

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def answer(self, event: Button.Pressed) -> None:
        self.dismiss((event.button.id or "").removeprefix("answer-"))

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_step(self, by: int) -> None:
        (self.focus_next if by > 0 else self.focus_previous)(Button)

    def on_key(self, event: events.Key) -> None:
        """The first letter of an answer is enough, unless it comes within text that was
        begun before the dialog was there."""
        if not event.is_printable:
            return
        now = time.monotonic()
        is_in_text = now - self._last_text < _PAUSE_AFTER_TEXT
        for key, label in self._answers:
            if event.key == label[:1].lower() and not is_in_text:
                event.stop()
                self.dismiss(key)
                return
        self._last_text = now
