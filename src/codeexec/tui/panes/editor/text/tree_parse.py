"""One parse by tree-sitter: of the lines as they were when it began."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.columns import LONG

if TYPE_CHECKING:
    from tree_sitter import Parser, Point, Tree

_Point = tuple[int, int]
TreeEdit = tuple[int, int, int, _Point, _Point, _Point]
"""Start, old end and new end of an edit, as bytes of the text, then as points."""

_READ_LINES = 24
_READ_BYTES = 65_536
"""What the parser is given at once: of short lines, and of a long one."""
_TURN = 0.0005
"""Seconds after which a parse in a thread lets the thread of the keys go on."""
_REST = 0.00005
"""Seconds that it then sleeps: enough for the other thread to take the interpreter."""
_STAND_BACK = 0.002
"""Seconds that it sleeps while a key is handled."""
_PATIENCE = 2.0
"""Seconds after which it stands back no more: keys may come without end."""


class LineReader:
    """Reads lines for the parser; and, for the predicates of a query, for the nodes of its tree."""

    def __init__(self, lines: Callable[[], Sequence[str]]) -> None:
        self.lines = lines
        self._encoded: tuple[str, bytes] = ("", b"")

    def __call__(self, _offset: int, point: Point) -> bytes:
        row, column = point
        lines = self.lines()
        if row >= len(lines):
            return b""
        if column == 0 and len(lines[row]) <= LONG:
            part = "\n".join(lines[row : row + _READ_LINES])
            if row + _READ_LINES < len(lines):
                part += "\n"
            return part.encode("utf-8", "surrogatepass")
        line = lines[row]
        if self._encoded[0] is not line:
            self._encoded = (line, line.encode("utf-8", "surrogatepass"))
        tail = self._encoded[1][column : column + _READ_BYTES]
        ends = column + len(tail) == len(self._encoded[1]) and row + 1 < len(lines)
        return tail + b"\n" if ends else tail


class TreeParse:
    """A parse that edits do not disturb: they are made in its tree once it is done.

    One that were given up at an edit would take up to 15 ms to let go of, within a key.
    """

    def __init__(self, parser: Parser, lines: Sequence[str], known: Tree | None) -> None:
        """`known` is the tree of these lines as far as it is known; a copy is taken."""
        self._parser = parser
        self._known = known.copy() if known is not None else None
        self._reader = LineReader(lambda: lines)
        self._edits: list[TreeEdit] = []
        self._tree: Tree | None = None
        self._pause_at = 0.0
        self._is_running = False
        self.spent = 0.0
        """Seconds of processor time of all steps."""

    def note(self, edit: TreeEdit) -> None:
        """The text was edited meanwhile."""
        self._edits.append(edit)

    def step(self, seconds: float) -> bool:
        """Parse for about so long; whether it is done."""
        if self._tree is not None or self._is_running:
            # A thread goes on with it: the worker that began it was cancelled.
            return self._tree is not None
        until = time.perf_counter() + seconds
        return self._parse(lambda _offset, _error: time.perf_counter() > until)

    async def finish_in_thread(self, is_wanted: Callable[[], bool] = lambda: False) -> bool:
        """Parse to the end in a thread; whether it is done. `is_wanted` tells whether others want
        the interpreter for a moment.

        A parse that is stopped and continued reuses less of the known tree, and takes up to four
        times as long.
        """
        if self._tree is None and not self._is_running:
            self._is_running = True
            await asyncio.to_thread(self._run, is_wanted)
        return self._tree is not None

    def _run(self, is_wanted: Callable[[], bool]) -> None:
        stands_back_until = time.perf_counter() + _PATIENCE

        def let_others_go_on(_offset: int, _error: bool) -> bool:
            if (now := time.perf_counter()) > self._pause_at:
                time.sleep(_REST)
                while is_wanted() and now < stands_back_until:
                    time.sleep(_STAND_BACK)
                    now = time.perf_counter()
                self._pause_at = time.perf_counter() + _TURN
            return False

        try:
            self._parse(let_others_go_on)
        finally:
            self._is_running = False

    def _parse(self, is_over: Callable[[int, bool], bool]) -> bool:
        began = time.thread_time()
        try:
            if self._known is None:
                self._tree = self._parser.parse(self._reader, progress_callback=is_over)
            else:
                self._tree = self._parser.parse(
                    self._reader, self._known, progress_callback=is_over
                )
        except ValueError:
            return False  # Stopped; the parser keeps its place and goes on from there.
        finally:
            self.spent += time.thread_time() - began
        return True

    def result(self, lines: Callable[[], Sequence[str]]) -> tuple[Tree | None, bool]:
        """The tree, for the text as it is now in `lines`, and whether it was edited meanwhile."""
        if self._tree is not None:
            for edit in self._edits:
                self._tree.edit(*edit)
        self._reader.lines = lines
        return self._tree, bool(self._edits)
