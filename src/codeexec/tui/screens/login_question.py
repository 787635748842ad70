"""Dialogs for what a login to another machine asks: a password, a code, whether a host key is
right."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from codeexec.domain.places.logins import NO, YES, LoginPrompt
from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

_NOT_KEPT = "The answer goes to that machine alone. Passwords and codes are kept nowhere."
_SEND = (Hint("enter", "send", "choose"), Hint("esc", "give the login up", "leave"))
_WAIT = (Hint("esc", "give the login up", "leave"),)


class LoginDialog(Modal[str | None]):
    """A question that another client may answer first; None where the user gives the login up."""

    is_withdrawn = False

    def withdraw(self) -> None:
        """Close the dialog, now or when it is on top: the question is not open any more."""
        self.is_withdrawn = True
        if self.is_current:
            self.dismiss(None)

    def on_screen_resume(self) -> None:
        if self.is_withdrawn:
            self.call_after_refresh(self.dismiss, None)

    def on_click(self, event: events.Click) -> None:
        """A click beside it does not give the login up."""


class LoginEntry(LoginDialog):
    """The answer is typed, and shown as dots; or there is nothing to type, and it waits."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dialog")]

    DEFAULT_CSS = """
    LoginEntry { align: center middle; background: $surface 55%; }
    LoginEntry > Vertical {
        width: 72; max-width: 94%; height: auto; padding: 1 2; background: $raised;
    }
    LoginEntry #title { text-style: bold; margin: 0 0 1 0; }
    LoginEntry #words { height: auto; margin: 0 0 1 0; }
    LoginEntry Input { border: none; height: 1; padding: 0 1; background: $surface; }
    LoginEntry Input:focus { border: none; }
    LoginEntry #hint { color: $muted; height: auto; margin: 1 0 0 0; }
    LoginEntry #hints { height: 1; margin: 1 0 0 0; color: $muted; LINKS }
    """.replace("LINKS", LINKS)

    def __init__(self, prompt: LoginPrompt) -> None:
        super().__init__()
        self._prompt = prompt

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(_title(self._prompt), id="title", markup=False)
            yield Static(_words(self._prompt), id="words", markup=False)
            if self._prompt.kind == "wait":
                yield Static(hint_line(_WAIT), id="hints")
            else:
                yield Field(compact=True, password=True)
                yield Static(plain_words(_NOT_KEPT), id="hint")
                yield Static(hint_line(_SEND), id="hints")

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def action_choose(self) -> None:
        """Send what is typed; it may be empty."""
        self.dismiss(self.query_one(Input).value)


class LoginConfirm(Confirm, LoginDialog):
    """Yes or no. Enter refuses, as it may have been meant for something else.

    Confirm is the first base: Textual takes the styles of that one alone.
    """

    DEFAULT_CSS = """
    LoginConfirm > Vertical { width: 84; }
    LoginConfirm #words { color: $text; margin: 1 0; }
    """

    def __init__(self, prompt: LoginPrompt) -> None:
        answers = ((NO, "No"), (YES, "Yes"))
        Confirm.__init__(self, _title(prompt), _words(prompt), answers)


def login_dialog(prompt: LoginPrompt) -> LoginDialog:
    """The dialog for a question."""
    return LoginConfirm(prompt) if prompt.kind == "confirm" else LoginEntry(prompt)


def _title(prompt: LoginPrompt) -> str:
    return f"Login to {one_line(printable(prompt.machine))}"


def _words(prompt: LoginPrompt) -> str:
    """What was said before, and the question."""
    return printable("\n".join(filter(None, (prompt.printed, prompt.text))), lines=True)
