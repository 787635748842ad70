"""The machine of bittty that a terminal runs on: what it may do, and what it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bittty import Board
from bittty.present import Bell, RowsScrolledOff, ScrollbackCleared

from codeexec.session.terminals.emulator import MARK, MOST_MARK, Effects

if TYPE_CHECKING:
    from collections.abc import Callable

    from bittty.operations import Operation
    from bittty.present import PresentEvent
    from bittty.video import Line

_REFUSED = ("DECUDK", "DECDMAC", "DECINVM", "MC", "OSC_CLIPBOARD", "DECSCPP", "XTGETTCAP")
"""Programs may not redefine keys or type text by macros, print, use the clipboard, or size us."""
_SIZE_QUERIES = (14, 16, 18)
_TITLE_STACK = (22, 23)
_MARK_PREFIX = f"\x1b]{MARK};"


class TerminalBoard(Board):  # type: ignore[misc]  # bittty has no types
    """A Board without a process. `effects` collects what the bytes cause; `on_rows` is called with
    rows that scroll off, `on_cleared` when the scrollback is cleared."""

    keeps_scrollback = True

    def __init__(
        self,
        columns: int,
        rows: int,
        on_rows: Callable[[tuple[Line, ...]], object],
        on_cleared: Callable[[], object],
        note_mark: Callable[[str], object],
    ) -> None:
        super().__init__(width=columns, height=rows)
        self.effects = Effects()
        self._on_rows = on_rows
        self._on_cleared = on_cleared
        self._note_mark = note_mark
        for name in _REFUSED:
            self.registry.pop(name, None)
        self._window_operation = self.registry.pop("XTWINOPS")
        self.line = ProgramLine(lambda: self.effects)
        self.host.attach(self.line)
        self.attach_display(self)
        self.title.title = ""
        self.blitter.set_grapheme_clustering(True)

    def reset(self, hard: bool = True) -> None:
        """Clusters of characters share a cell from the start, as in the other emulator."""
        super().reset(hard)
        if hard:
            self.blitter.set_grapheme_clustering(True)

    # -- what the parser finds --------------------------------------------------------------------

    def handle_operation(self, operation: Operation) -> None:
        """Called for what has no handler in the registry, too."""
        if operation.name == "XTWINOPS":
            kind = operation.args[0] if operation.args else None
            kind = kind[0] if isinstance(kind, tuple | list) and kind else kind
            if kind in _SIZE_QUERIES or kind in _TITLE_STACK:
                self._window_operation(operation)
        elif operation.raw.startswith(_MARK_PREFIX):
            text = operation.raw.removeprefix(_MARK_PREFIX)
            text = text.removesuffix("\x07").removesuffix("\x1b\\")
            if len(text) <= MOST_MARK:
                self._note_mark(text)
        else:
            super().handle_operation(operation)

    # -- a display --------------------------------------------------------------------------------

    def present(self, event: PresentEvent) -> None:
        """A side effect of what was fed."""
        if isinstance(event, RowsScrolledOff):
            self._on_rows(event.lines)
        elif isinstance(event, ScrollbackCleared):
            self._on_cleared()
        elif isinstance(event, Bell):
            self.effects.bells += 1


class ProgramLine:
    """The Connection of a board: what it writes is for the program. `effects` gives the place."""

    closed = False

    def __init__(self, effects: Callable[[], Effects]) -> None:
        self._effects = effects

    def write(self, data: str) -> int:
        """An answer to the program, or input for it."""
        return self.write_bytes(data.encode("utf-8", "replace"))

    def write_bytes(self, data: bytes) -> int:
        self._effects().replies.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """All is written at once."""

    def configure_line(self, line: object) -> None:
        """There is no modem."""

    def resize(self, rows: int, cols: int) -> None:
        """The program is told its size elsewhere."""
