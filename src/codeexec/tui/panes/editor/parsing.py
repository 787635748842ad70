"""Parsing of an editor's text in the pauses of typing."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from codeexec.tui.textual_ext.timers import call_after

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.syntax import Syntax, TreeSyntax

SLICE = 0.002
"""Seconds of parsing between two looks at the keyboard."""
_PAUSE = 0.04
"""Seconds without a key before a slice of a parse."""
_PATIENCE = 0.5
"""Seconds after which colours are caught up with even while keys keep coming."""


_KEY, _RUN = 0.01, 0.03
"""Seconds in which a key is shown, and the output of a short run: a thread stands back so long."""

_SLOW_PAUSE = 0.12
_SLOW_PATIENCE = 10.0
"""The same for a text whose parse takes long: a thread parses beside the keys. At the end of 50,000
lines the parser holds the interpreter for 5 ms, whatever waits."""
_IDLE = 1.0
"""Seconds without a key after which memory of former parses is freed."""


class BackgroundParser:
    """Brings the syntax of one text up to date, and has the lines drawn that look different then.

    `typed_at` is the monotonic time of the last change.
    """

    def __init__(self, editor: CodeEditor, syntax: Syntax) -> None:
        self._editor = editor
        self._syntax = syntax
        self._is_scheduled = False
        self._is_freeing = False
        self._is_closed = False
        self.typed_at = self._stale_since = self._ran_at = 0.0

    @property
    def is_parsing(self) -> bool:
        """Whether colours and symbols are not yet those of the text as it is."""
        return self._is_scheduled or not self._editor.is_attached

    def schedule(self) -> None:
        """Parse as soon as no key comes for a moment."""
        self.typed_at = monotonic()
        if not self._is_scheduled and self._editor.is_attached:
            self._is_scheduled = True
            self._stale_since = self.typed_at
            call_after(self._editor, _PAUSE, self._parse)

    def stand_back(self) -> None:
        """Code is about to run: its output is wanted before the colours of what was typed."""
        self._ran_at = monotonic()

    def _is_wanted(self) -> bool:
        """Whether a key or a run wants the interpreter now."""
        return monotonic() < max(self.typed_at + _KEY, self._ran_at + _RUN)

    def close(self) -> None:
        """Parse no more: the editor shows another text."""
        self._is_closed = True

    def _parse(self) -> None:
        if self._is_closed:
            return
        now = monotonic()
        slow_syntax = self._slow_syntax()
        pause, patience = (_SLOW_PAUSE, _SLOW_PATIENCE) if slow_syntax else (_PAUSE, _PATIENCE)
        wait = max(self.typed_at, self._ran_at) + pause - now
        if wait > 0 and now < self._stale_since + patience:
            call_after(self._editor, wait, self._parse)
        elif slow_syntax is not None:
            self._editor.run_worker(self._parse_in_thread(slow_syntax), group="parse")
        elif self._syntax.work(SLICE):
            self._show_colors()
        else:
            call_after(self._editor, 0.001, self._parse)

    def _slow_syntax(self) -> TreeSyntax | None:
        from codeexec.tui.panes.editor.text.syntax import TreeSyntax

        syntax = self._syntax
        return syntax if isinstance(syntax, TreeSyntax) and syntax.is_slow else None

    async def _parse_in_thread(self, syntax: TreeSyntax) -> None:
        is_done = await syntax.work_in_thread(self._is_wanted)
        if not self._is_freeing:
            self._free_when_idle(syntax)
        if is_done:
            self._show_colors()
        else:
            self._stale_since = monotonic()
            call_after(self._editor, _SLOW_PAUSE, self._parse)

    def _free_when_idle(self, syntax: TreeSyntax) -> None:
        wait = max(self.typed_at, self._ran_at) + _IDLE - monotonic()
        self._is_freeing = wait > 0 and not self._is_closed
        if self._is_freeing:
            call_after(self._editor, wait, lambda: self._free_when_idle(syntax))
        else:
            syntax.free_old_trees()

    def _show_colors(self) -> None:
        self._is_scheduled = False
        for line in self._editor.painter.recolor():
            self._editor.viewport.refresh_lines(line, line)
