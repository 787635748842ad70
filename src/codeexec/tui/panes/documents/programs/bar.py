"""Line over a program: build it and run it by a click, with which profile and arguments."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.panes.documents.programs.configurations import DEFAULT, RunConfiguration
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.theme.theme import Theme

Piece = tuple[str, str, str]
"""Words, their meaning in the theme, and the command that a click on them means."""


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """What the bar shows of a program: whether it has to be built (`has_build`); the name of the
    `binary` once a build succeeded; the `profile`, empty where nothing is built. `is_open`: it runs
    or waits. `has_project`: it belongs to a project that a build system builds."""

    has_build: bool = False
    binary: str = ""
    profile: str = ""
    configuration: RunConfiguration = DEFAULT
    is_open: bool = False
    has_project: bool = False


def actions_of(facts: ProgramFacts) -> list[Piece]:
    """What can be done, at the left of the bar."""
    stop = [("■ Stop", "run.failed", "program.stop")] if facts.is_open else []
    if not facts.has_build:
        return [("▷ Run", "action.run", "program.build_and_run"), *stop]
    pieces = [
        ("▷ Build & Run", "action.build_and_run", "program.build_and_run"),
        ("Build", "action.build", "program.build"),
    ]
    if facts.binary:
        pieces.append((f"▷ Run {one_line(facts.binary)}", "action.binary", "program.run"))
    pieces += stop
    if facts.has_project:
        pieces.append(("Project…", "action.build", "project.menu"))
    return pieces


def choices_of(facts: ProgramFacts) -> list[Piece]:
    """How it is built and run, at the right of the bar."""
    configuration = facts.configuration
    pieces = [(profile_words(facts), "text", "program.profile")] if facts.profile else []
    settings = [shlex.join(configuration.arguments)] if configuration.arguments else []
    settings += [f"< {configuration.stdin}"] if configuration.stdin else []
    settings += [f"in {configuration.folder}"] if configuration.folder else []
    settings += [f"{name}={value}" for name, value in configuration.environment.items()]
    settings = settings or ["arguments…"]
    return [*pieces, (one_line(" ".join(settings)), "muted", "program.configure")]


def profile_words(facts: ProgramFacts) -> str:
    """The profile with a sign for further flags, and the compiler and standard that are chosen."""
    configuration = facts.configuration
    profile = f"{facts.profile}+" if configuration.flags else facts.profile
    chosen = (configuration.compiler, configuration.standard)
    return one_line(" · ".join([profile, *filter(None, chosen)]))


class ProgramBar(Widget):
    """Not there while the document is no program."""

    DEFAULT_CSS = """
    ProgramBar { height: 1; display: none; background: $panel; }
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._facts: ProgramFacts | None = None
        self._spans: list[tuple[int, int, str]] = []

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def show(self, facts: ProgramFacts | None) -> None:
        """None: the document is no program."""
        if facts != self._facts:
            self._facts = facts
            self.display = facts is not None
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        for start, end, command in self._spans:
            if start <= event.x < end and event.button == 1:
                self.post_message(CommandRequested(command))

    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self._theme.style
        self._spans = []
        if self._facts is None or y:
            return Strip.blank(width, self.rich_style)
        actions, choices = actions_of(self._facts), choices_of(self._facts)
        segments = [Segment(" ")]
        at = 1
        for text, meaning, command in actions:
            at = self._add(segments, at, text, meaning, command)
        room = width - at - 1
        used = sum(cell_len(text) + 3 for text, _, _ in choices[:-1])
        text, meaning, command = choices[-1]
        choices = [*choices[:-1], (fitted(text, max(room - used, 0)), meaning, command)]
        choices = [piece for piece in choices if piece[0]]
        size = sum(cell_len(text) + 3 for text, _, _ in choices) - 3
        gap = max(width - at - size - 1, 0)
        segments.append(Segment(" " * gap))
        at += gap
        for text, meaning, command in choices:
            at = self._add(segments, at, text, meaning, command)
        strip = Strip([Segment(part.text, part.style or style("text")) for part in segments])
        return strip.adjust_cell_length(width).crop(0, width).apply_style(self.rich_style)

    def _add(self, segments: list[Segment], at: int, text: str, meaning: str, command: str) -> int:
        """Put a piece and the space after it; where the next one begins."""
        segments += [Segment(text, self._theme.style(meaning)), Segment("   ")]
        self._spans.append((at, at + cell_len(text), command))
        return at + cell_len(text) + 3
