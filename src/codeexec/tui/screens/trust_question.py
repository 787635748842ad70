"""Dialog that asks whether a folder may choose what is executed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from codeexec.config.trust import Standing
from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

ALONE = 0.25
"""Seconds without another key after which `t` is an answer, and not the beginning of a word."""

MOST_FINDINGS = 4

_HINTS = (
    Hint("t", "trust it", "choose('trust')"),
    Hint("n", "keep it restricted", "choose('restrict')"),
)


class TrustQuestion(Modal[str | None]):
    """Answers `trust` or `restrict`; None where it was clicked away, and nothing was decided."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("trust")]

    DEFAULT_CSS = """
    TrustQuestion { align: center middle; background: $surface 55%; }
    TrustQuestion > Vertical {
        width: 72; max-width: 94%; height: auto; padding: 1 2; background: $raised;
    }
    TrustQuestion #title { text-style: bold; }
    TrustQuestion #words { margin: 1 0; height: auto; color: $muted; }
    TrustQuestion #hints { height: 1; color: $text; LINKS }
    """.replace("LINKS", LINKS)

    def __init__(self, standing: Standing, interpreter: str) -> None:
        """`interpreter` is what runs code until the folder is trusted."""
        super().__init__()
        self._standing = standing
        self._interpreter = interpreter
        self._pending: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Trust this folder?", id="title")
            yield Static(printable(self._words(), lines=True), id="words", markup=False)
            yield Static(hint_line(_HINTS), id="hints")

    def _words(self) -> str:
        standing = self._standing
        lines = [str(standing.folder)]
        if standing.findings:
            lines += ["", "Trusted, it chooses what is executed:"]
            lines += [f"  {finding.words}" for finding in standing.findings[:MOST_FINDINGS]]
            if (more := len(standing.findings) - MOST_FINDINGS) > 0:
                lines.append(f"  and {more} more")
            lines.append(f"Until then code runs with {self._interpreter}.")
        if standing.was_mounted:
            lines += ["", "Code in a container could change files of this folder."]
        return "\n".join(lines)

    def on_key(self, event: events.Key) -> None:
        """Ignore letters: the user may be typing a word, not answering."""
        if event.key != "t":
            self._take_back()

    def action_answer(self, answer: str) -> None:
        """By key: `t` counts when no other key follows it at once."""
        if answer != "trust":
            self.dismiss(answer)
        elif self._pending is None:
            self._pending = call_after(self, ALONE, self._trust)
        else:
            self._take_back()

    def action_choose(self, answer: str) -> None:
        """By mouse."""
        self.dismiss(answer)

    def _trust(self) -> None:
        self.dismiss("trust")

    def _take_back(self) -> None:
        if self._pending is not None:
            self._pending.stop()
            self._pending = None
