"""Paint the lines of a card above and below its output, for one theme and width."""

from __future__ import annotations

import re
import time

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.printable import printable
from codeexec.domain.text.words import duration
from codeexec.tui.output.statuses import GLYPHS
from codeexec.tui.output.step_facts import failure_words, step_facts
from codeexec.tui.panes.console.cards.card import Card, Fold, Line
from codeexec.tui.render.ansi import wrap_words
from codeexec.tui.render.counts import counted
from codeexec.tui.render.highlight import highlight
from codeexec.tui.render.kernel_words import kernel_words, language_title
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.stored_outputs import is_stored
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.status import SHOW_BUSY_AFTER

_KEPT_SOURCES = 200
"""Cards whose colours are kept."""

_SKIPPED = "Skipped: "
"""How a reason begins that says all by itself."""

_NOTES = {
    "cancelled": "cancelled",
    "timed_out": "out of time",
    "lost": "lost",
}

_FACT = re.compile(r".+?(?: · |   |$)")
"""A fact of a note with what parts it from the next one."""

TAB = 4
"""Cells of a tab in code."""


class CardPainter:
    """Paints with one theme; make a new one when the theme changes."""

    def __init__(self, theme: Theme, me: str = "") -> None:
        self.theme = theme
        self._me = me
        self.others: frozenset[str] = frozenset()
        """Names of the other clients that the session has at the moment."""
        self._sources: dict[tuple[str, str, bool], list[list[Segment]]] = {}
        self.language = "python"
        self._languages: dict[str, str] = {}
        self._ready_at: dict[tuple[str, int], float] = {}
        self._shows_kernels = False
        self.colors = True
        self.timestamps = False
        self.now = time.time
        """The clock that the times of what runs are read from."""

    def in_theme(self, theme: Theme) -> CardPainter:
        """The same with another theme."""
        painter = CardPainter(theme, self._me)
        painter.language, painter.timestamps = self.language, self.timestamps
        painter.colors, painter.others, painter.now = self.colors, self.others, self.now
        painter._languages, painter._shows_kernels = self._languages, self._shows_kernels
        painter._ready_at = self._ready_at
        return painter

    # -- lines -------------------------------------------------------------------------------

    def code(self, card: Card, number: int, width: int) -> Strip:
        """A line of the code; the first has the prompt at its left and the state at its right."""
        view = card.view
        label = f"[{view.count}] " if view.count is not None else "[·] "
        language = self._languages.get(view.kernel, self.language)
        lines = self._source(view.code, language)
        source = lines[number] if number < len(lines) else []
        if card.has_title_for_code:
            source, lines = [Segment(_place(card), self.theme.style("muted"))], [[]]
        if number:
            return self._cut([Segment(" " * len(label)), *source], width)
        side = self._side(card)
        room = max(width - len(label) - sum(cell_len(part.text) for part in side) - 2, 0)
        if view.origin and (view.is_agent or not self._is_own(view.origin)):
            origin = self._origin(view, room - Strip(source).cell_length)
            side = [origin, *side]
            room = max(room - cell_len(origin.text), 0)
        if card.fold is Fold.CLOSED and len(lines) > 1:
            source = [*source, Segment(" …", self.theme.style("muted"))]
        body = self._cut(source, room).adjust_cell_length(room + 2)
        prompt = Segment(label, self.theme.style("prompt"))
        return Strip([prompt, *body, *side])

    def _cut(self, segments: list[Segment], width: int) -> Strip:
        """A line that ends in an ellipsis where it does not fit."""
        strip = Strip(segments)
        if strip.cell_length <= width:
            return strip
        ellipsis = Segment("…", self.theme.style("muted"))
        return Strip([*strip.crop(0, max(width - 1, 0)), ellipsis])

    def _source(self, code: str, language: str) -> list[list[Segment]]:
        """The lines of the code, which is looked at as a whole once, and not for each line."""
        key = (code, language, self.colors)
        rows = self._sources.get(key)
        if rows is None:
            if len(self._sources) >= _KEPT_SOURCES:
                self._sources.clear()
            rows = self._sources[key] = self._painted(code.expandtabs(TAB), language)
        return rows

    def _painted(self, code: str, language: str) -> list[list[Segment]]:
        if self.colors:
            return highlight(code, language, self.theme)
        style = self.theme.style("syntax.text")
        return [[Segment(line, style)] for line in printable(code, lines=True).split("\n")]

    def follow_kernels(self, snapshot: Snapshot) -> bool:
        """Highlight code in the language of its kernel, and name kernels where there are several.
        Whether that changes what is painted."""
        languages = {name: view.language for name, view in snapshot.kernels.items()}
        languages = {name: language for name, language in languages.items() if language}
        for name, view in snapshot.kernels.items():
            if view.ready_at is not None:
                self._ready_at[name, view.generation] = view.ready_at
        previous = self._languages, self._shows_kernels
        self._languages, self._shows_kernels = languages, len(snapshot.kernels) > 1
        return previous != (self._languages, self._shows_kernels)

    def restarted(self, view: ExecutionView) -> str:
        """The rule above the first card of a new process: when that was ready, as far as known."""
        return restarted(self._ready_at.get((view.kernel, view.generation), view.started_at))

    def _is_own(self, origin: str) -> bool:
        """Whether we ran it: here, or before in another terminal that is no longer connected."""
        if origin == self._me:
            return True
        user, at, _ = self._me.partition("@")
        return bool(at) and origin.startswith(f"{user}@") and origin not in self.others

    def _origin(self, view: ExecutionView, room: int) -> Segment:
        """Label of the client that ran the code, agents with a sign of their own; only the sign
        where the code leaves too little room."""
        sign = "✦" if view.is_agent else "⇄"
        label = f"{sign} {one_line(view.origin)}{' (agent)' if view.is_agent else ''}  "
        label = label if cell_len(label) <= room else f"{sign} "
        return Segment(label, self.theme.style("run.origin"))

    def _side(self, card: Card) -> list[Segment]:
        view, style = card.view, self.theme.style
        side: list[Segment] = []
        if self._shows_kernels and view.options.kernel:
            language = view.options.language
            is_of_language = bool(language) and view.kernel == language
            words = language_title(language) if is_of_language else kernel_words(view.kernel)
            side.append(Segment(f"{words}  ", style("muted")))
        if view.cell is not None and view.cell.title and not card.has_title_for_code:
            side.append(Segment(f"{one_line(view.cell.title[:24])}  ", style("muted")))
        if self.timestamps and view.started_at:
            side.append(
                Segment(
                    time.strftime("%H:%M:%S  ", time.localtime(view.started_at)), style("muted")
                )
            )
        if is_stored(view.execution_id):
            side.append(Segment("stored", style("muted")))
            return side
        glyph, meaning = GLYPHS[view.status]
        taken = None
        if view.started_at is not None:
            taken = max((view.finished_at or self.now()) - view.started_at, 0.0)
        if view.status == "running" and (taken or 0.0) < SHOW_BUSY_AFTER:
            return side
        side.append(Segment(glyph, style(meaning)))
        label = duration(taken) if taken is not None else view.status
        side.append(Segment(f" {label}", style("muted")))
        return side

    def rule(self, text: str, width: int) -> Strip:
        """A line with words about the kernel."""
        text = f"── {text} "
        return Strip([Segment(text.ljust(width, "─")[:width], self.theme.style("muted"))])

    def rule_lines(self, text: str, width: int) -> list[Strip]:
        """The same, folded to several lines where the words do not fit on one."""
        if cell_len(text) + 4 <= width:
            return [self.rule(text, width)]
        return wrap_words([Segment(text, self.theme.style("muted"))], width)

    def queue(self, card: Card) -> Strip:
        """The cards that wait, in words."""
        glyph, meaning = GLYPHS["queued"]
        return Strip(
            [
                Segment(f"{glyph} {card.queue:,} queued", self.theme.style(meaning)),
                Segment(" · Space shows them", self.theme.style("muted")),
            ]
        )

    def more(self, card: Card, count: int) -> Strip:
        """What is folded away, in words."""
        if card.fold is Fold.CLOSED:
            label = f"    ▸ {counted(card.view.total, 'row')}"
        else:
            label = f"    ▸ {counted(count, 'more line')} of code"
        return Strip([Segment(label, self.theme.style("muted"))])

    def note(self, card: Card, width: int) -> list[Strip]:
        """Why a card stands still: what it waits for, or how it ended."""
        view = card.view
        if view.stdin is not None:
            prompt = one_line(view.stdin.prompt.strip()) or "input"
            message, meaning = f"⌨ waiting for an answer: {prompt}", "stream.stdin"
        elif view.confirm:
            message, meaning = f"Waits until you allow it. {view.confirm}", "stream.stdin"
        elif view.screen is not None and (view.is_open or not view.steps):
            message, meaning = "This program uses the whole screen", "stream.stdin"
            if card.offers_terminal:
                message += ": Enter opens it in a terminal"
        elif view.status in ("ok", "error"):
            message = "   ".join(filter(None, (failure_words(view), step_facts(view))))
            meaning = GLYPHS[view.status][1] if view.status == "error" else "muted"
            if card.offers_terminal:
                message += " · Enter opens it in a terminal"
        else:
            message, meaning = _NOTES.get(view.status, view.status), GLYPHS[view.status][1]
            if view.reason.startswith(_SKIPPED):
                message = view.reason
            elif view.reason:
                message = f"{message}: {view.reason}"
            if view.ended_by and not self._is_own(view.ended_by):
                message = f"{message} By {view.ended_by}."
            if view.steps:
                message = f"{message} · {step_facts(view)}"
        style = self.theme.style(meaning)
        return [
            strip
            for line in _lines_of_facts(one_line(message), width)
            for strip in wrap_words([Segment(line, style)], width)
        ]

    def is_continued(self, card: Card, line: Line) -> bool:
        """Whether a line goes on the line above it, as it did not fit there."""
        if line.part == "note":
            return line.sub > 0
        return line.part == "row" and card.output.is_continued(line.index, line.sub)

    def plain_text(self, card: Card, line: Line, width: int) -> str:
        """The text of a line, for copying."""
        match line.part:
            case "rule":
                return self.rule(self.restarted(card.view), width).text
            case "code":
                lines = card.view.code.split("\n")
                return lines[line.index] if line.index < len(lines) else ""
            case "row":
                return card.output.text(line.index, line.sub)
            case "queue":
                return self.queue(card).text
            case "note":
                note = self.note(card, width)
                return note[line.sub].text if line.sub < len(note) else ""
            case _:
                return ""


def _lines_of_facts(message: str, width: int) -> list[str]:
    """Facts on lines of a width, each fact whole where it fits on one: no time without its unit."""
    lines = [""]
    for fact in _FACT.findall(message):
        if lines[-1] and cell_len(f"{lines[-1]}{fact}".rstrip()) > width:
            lines.append("")
        lines[-1] += fact
    return [line.rstrip() for line in lines]


def _place(card: Card) -> str:
    """What stands in place of code that the editor shows: the title of its cell, or its line."""
    cell = card.view.cell
    if cell is None:
        return ""
    return one_line(cell.title) or f"line {cell.first_line + 1}"


def restarted(at: float | None) -> str:
    """What stands between the cards of two kernels; `at` in seconds since 1970."""
    clock = f" · {time.strftime('%H:%M', time.localtime(at))}" if at is not None else ""
    return f"kernel restarted{clock}"
