"""Types the code of a lesson: at a speed, a character for each key, or at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.timer import Timer

from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.workbench.surface import Surface

if TYPE_CHECKING:
    from codeexec.documents.lessons.model import Typing

_TICK = 1 / 30
"""Seconds between two looks at how much is typed."""


class CodeTyping:
    """`show` is called when more is typed, `say` with what the keys do."""

    def __init__(
        self,
        surface: Surface,
        progress: LessonProgress,
        typing: Typing,
        show: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._surface = surface
        self._progress = progress
        self._typing = typing
        self._show = show
        self._say = say
        self._timer: Timer | None = None
        self._since = 0.0
        self._typed_at_start = 0

    @property
    def is_typing(self) -> bool:
        """It types by itself."""
        return self._timer is not None

    @property
    def takes_key(self) -> bool:
        """The next key of text types a character."""
        progress = self._progress
        return self._typing == "keys" and bool(progress.view.typed) and not progress.is_typed

    def begin(self) -> None:
        """Begin to type the code in front."""
        if self._typing == "once" or (self._typing == "keys" and self._progress.view.typed):
            self._progress.type_all()
        elif self._typing == "keys":
            self._type_some(1)
            self._say("each key types · → types the rest")
        else:
            self._since = time.monotonic()
            self._typed_at_start = self._progress.view.typed
            self._timer = self._surface.repeat(_TICK, self._tick)
        self._show()

    def _tick(self) -> None:
        assert isinstance(self._typing, int)
        elapsed = time.monotonic() - self._since
        self._progress.type(self._typed_at_start + int(elapsed * self._typing))
        if self._progress.is_typed:
            self.stop()
        self._show()

    def stop(self) -> None:
        """Leave it at what is typed."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def finish(self) -> None:
        """Type the rest at once."""
        self.stop()
        if not self._progress.is_typed:
            self._progress.type_all()
            self._show()

    def type_key(self) -> None:
        """Type a character; only where `takes_key`."""
        self._type_some(1)
        if self._progress.is_typed:
            self._say("Enter runs it")
        self._show()

    def _type_some(self, count: int) -> None:
        """Type so many characters; blanks at the beginning of a line come with the line."""
        code, at = self._progress.code, self._progress.view.typed + count
        while at < len(code) and code[at] in " \t" and not code[:at].rsplit("\n", 1)[-1].strip():
            at += 1
        self._progress.type(at)
