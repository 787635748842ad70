"""Form of a program: profile, compiler, flags, arguments, environment, folder and input."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

from codeexec.domain.errors import UsageError
from codeexec.languages.model import Language
from codeexec.languages.plan import standard_words
from codeexec.languages.profiles import BuildProfile, profiles_of
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.documents.programs.configurations import RunConfiguration
from codeexec.tui.render.plain import plain_words
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

_HINTS = (
    Hint("enter", "save", "save"),
    Hint("tab", "next field", "step(1)"),
    Hint("esc", "cancel", "leave"),
)


class ProgramScreen(Modal[RunConfiguration | None]):
    """Dismissed with the configuration that the user has set."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("program")]

    DEFAULT_CSS = """
    ProgramScreen { align: center middle; background: $surface 60%; }
    ProgramScreen > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 100%; padding: 1 2;
        background: $raised-ground;
    }
    ProgramScreen Horizontal { height: 1; }
    ProgramScreen .name { width: 14; color: $text-muted; }
    ProgramScreen Input, ProgramScreen Input:focus, ProgramScreen Input.-textual-compact {
        width: 1fr; height: 1; border: none; padding: 0 1; background: $surface;
    }
    ProgramScreen #title { margin: 0 0 1 0; }
    ProgramScreen #problem { color: $text-error; display: none; height: auto; margin: 1 0 0 0; }
    ProgramScreen #hints { height: 1; margin: 1 0 0 0; color: $text-muted; LINKS_HERE }
    """.replace("LINKS_HERE", LINKS)

    def __init__(
        self,
        title: str,
        language: Language,
        configuration: RunConfiguration,
        own: Sequence[BuildProfile] = (),
    ) -> None:
        """`own` are the user's build profiles."""
        super().__init__()
        self._own = own
        self._title_words = f"How {title} {'is built and run' if language.build else 'is run'}"
        self._language = language
        self._fields = _fields(language, configuration, own)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(plain_words(self._title_words), id="title")
            for name, (label, value, placeholder) in self._fields.items():
                with Horizontal():
                    yield Label(label, classes="name", markup=False)
                    yield Field(value, placeholder=placeholder, id=f"field-{name}", compact=True)
            yield Static(id="problem", markup=False)
            yield Static(hint_line(_HINTS), id="hints")

    def on_mount(self) -> None:
        self.query_one("#field-arguments", Input).focus()

    def action_step(self, by: int) -> None:
        (self.focus_next if by > 0 else self.focus_previous)(Input)

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def action_save(self) -> None:
        """Dismiss with what is set; what cannot be is told, and the form stays."""
        texts = {name: self.query_one(f"#field-{name}", Input).value for name in self._fields}
        try:
            self.dismiss(configuration_of(texts, self._language, self._own))
        except UsageError as error:
            label = self.query_one("#problem", Static)
            label.update(plain_words(f"{error.message} {error.next_step}"))
            label.display = True


def _fields(
    language: Language, configuration: RunConfiguration, own: Sequence[BuildProfile]
) -> Mapping[str, tuple[str, str, str]]:
    """The label, the text and the placeholder of each field, by name."""
    fields = {
        "arguments": ("Arguments", shlex.join(configuration.arguments), "words as in a shell"),
        "environment": ("Environment", _assignments(configuration), "NAME=value NAME=value"),
        "folder": ("Folder", configuration.folder, "that of the session"),
        "stdin": ("Input file", configuration.stdin, "the keyboard"),
    }
    if language.build:
        profiles = ", ".join(profiles_of(language, own))
        tools = ", ".join(language.tools)
        fields |= {
            "profile": ("Profile", configuration.profile, profiles),
            "compiler": ("Compiler", configuration.compiler, tools),
            "standard": ("Standard", configuration.standard, ", ".join(language.standards)),
            "flags": ("Flags", shlex.join(configuration.flags), "as -std=c++23 -lm"),
        }
        if not language.standards:
            del fields["standard"]
    return fields


def _assignments(configuration: RunConfiguration) -> str:
    return shlex.join(f"{name}={value}" for name, value in configuration.environment.items())


def configuration_of(
    texts: Mapping[str, str], language: Language, own: Sequence[BuildProfile] = ()
) -> RunConfiguration:
    """What the texts of the fields say. UsageError for an open quotation mark, an assignment
    without a name, and a profile or a standard that the language has not."""
    profile, standard = texts.get("profile", "").strip(), texts.get("standard", "").strip()
    standard_words(language, standard)
    names = ", ".join(profiles_of(language, own))
    if profile and profile not in names.split(", "):
        raise UsageError(f"There is no profile {profile!r}.", f"{language.title} has {names}.")
    environment = {}
    for word in _words(texts["environment"], "Environment"):
        name, is_assignment, value = word.partition("=")
        if not is_assignment or not name:
            raise UsageError(f"Environment: {word!r} is no NAME=value.", "Write one word for each.")
        environment[name] = value
    return RunConfiguration(
        "" if profile == next(iter(language.profiles), "") else profile,
        texts.get("compiler", "").strip(),
        _words(texts.get("flags", ""), "Flags"),
        _words(texts["arguments"], "Arguments"),
        environment,
        texts["folder"].strip(),
        texts["stdin"].strip(),
        standard,
    )


def _words(text: str, label: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise UsageError(f"{label}: a quotation mark is open.", "Close it.") from None
