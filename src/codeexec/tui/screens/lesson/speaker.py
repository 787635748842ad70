"""The speaker's view: what the audience sees, notes, the clock, and what comes next."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.screens.lesson.bars import clock, minutes_since
from codeexec.tui.screens.lesson.screen import LessonConductor, LessonScreen
from codeexec.tui.screens.lesson.text import LessonText
from codeexec.tui.session.lessons.progress import LessonProgress, NextThing
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient

BESIDE = 110
"""Columns from which the notes stand beside what the audience sees."""

_STAGE_SHARE = 62
"""Per cent of the width, or of the height, that shows what the audience sees."""

_MARKS = re.compile(r"[\\`*_\[\]<>]")
"""Characters that would be taken for Markdown."""

_NEXT: dict[NextThing, str] = {
    "type": "The next key types the code.",
    "run": "The next key runs the code.",
    "block": "The next key types the next code of this step.",
    "step": "The next key goes to the next step.",
    "end": "This is the end.",
}


class SpeakerScreen(LessonScreen):
    """A client that follows: its keys are pressed in the terminal that the audience sees."""

    blanks: ClassVar[bool] = False
    least_output: ClassVar[int] = 3

    DEFAULT_CSS = """
    SpeakerScreen #speaker { layout: vertical; height: 1fr; }
    SpeakerScreen #speaker-stage { height: 62%; }
    SpeakerScreen #speaker-notes { height: 1fr; padding: 1 2; background: $panel; }
    SpeakerScreen.-beside #speaker { layout: horizontal; }
    SpeakerScreen.-beside #speaker-stage { width: 62%; height: 1fr; }
    SpeakerScreen.-beside #speaker-notes { width: 1fr; }
    """

    def __init__(
        self,
        theme: Theme,
        graphics: Graphics,
        progress: LessonProgress,
        conductor: LessonConductor,
        session: SessionClient,
    ) -> None:
        super().__init__(theme, graphics, progress, conductor, session, watches=True)
        self._notes = LessonText(theme, id="speaker-notes")

    def use(self, theme: Theme) -> None:
        super().use(theme)
        self._notes.use(theme)

    def compose(self) -> ComposeResult:
        with Container(id="speaker"):
            with Container(id="speaker-stage"):
                yield from self._compose_stage()
            yield self._notes
        yield from self._compose_bars()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._show_notes)

    @property
    def _stage_size(self) -> tuple[int, int]:
        width, height = self.size
        if width >= BESIDE:
            return width * _STAGE_SHARE // 100, height
        return width, height * _STAGE_SHARE // 100 + 1

    def _arrange(self) -> None:
        self.set_class(self.size.width >= BESIDE, "-beside")
        super()._arrange()
        self._show_notes()

    def _show_notes(self) -> None:
        width, stage = self.size.width, self._stage_size[0]
        columns = (width - stage if width >= BESIDE else width) - 6
        self._notes.show(speaker_markdown(self.progress, time.time()), columns)


def speaker_markdown(progress: LessonProgress, now: float) -> str:
    """What the speaker is told, as Markdown; `now` in seconds since the epoch."""
    view, step = progress.view, progress.step
    minutes = minutes_since(view.began, now)
    parts = [f"# {clock(now)} · {minutes} min · {view.step + 1} of {progress.count}"]
    if view.is_blank:
        parts.append("**The audience's screen is blank.**")
    following = progress.next_step
    # Above the notes: a small terminal may have no room for more.
    label = _MARKS.sub(r"\\\g<0>", following.label) if following is not None else ""
    parts.append(f"{_NEXT[progress.next_thing]}{f' **Next step: {label}**' if label else ''}")
    parts += step.notes or ("*No notes for this step.*",)
    if following is not None:
        parts += ["---", *following.notes]
        parts += [
            f"````{block.language}\n{block.given.rstrip()}\n````"
            for block in following.blocks
            if not block.is_hidden
        ]
    return "\n\n".join(parts)
