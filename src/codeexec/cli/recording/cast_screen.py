"""Screens of an asciicast, by the emulator of the terminals: it alone reads what a recording
prints, and nothing of that reaches the terminal but the rows of its screen."""

from __future__ import annotations

from collections.abc import Iterator

from codeexec.documents.recordings.model import Marker, RecordingInfo, RecordingWriter, ScreenFrame
from codeexec.documents.recordings.reading import Cast, CastEvent, size_of
from codeexec.documents.recordings.timing import Timeline
from codeexec.domain.terminals import EMPTY_ROW, TerminalRow
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import Emulator, emulator_kind


class CastScreen:
    """The screen of a recording after its first events. Its size is that of the recording; bells,
    titles, questions and texts for the clipboard go nowhere."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self._kind = emulator_kind()
        self._emulator: Emulator | None = None
        self.reset()

    def reset(self) -> None:
        """Go back to before the first event."""
        self.close()
        self.columns, self.rows_count = self.cast.columns, self.cast.rows
        self._emulator = self._kind.make(TerminalSize(self.columns, self.rows_count))
        self._rows: list[TerminalRow] = [EMPTY_ROW] * self.rows_count
        self.position = 0

    def advance(self, position: int) -> None:
        """Play up to event number `position`, without it; an earlier one is played to anew."""
        if position < self.position:
            self.reset()
        text: list[str] = []
        for event in self.cast.events[self.position : position]:
            if event.code == "output":
                text.append(event.text)
            elif event.code == "resize":
                self._feed(text)
                self._resize(event)
        self._feed(text)
        self.position = position

    def _feed(self, text: list[str]) -> None:
        assert self._emulator is not None
        if text:
            self._emulator.feed("".join(text).encode("utf-8", "replace"))
            text.clear()

    def _resize(self, event: CastEvent) -> None:
        assert self._emulator is not None
        self.columns, self.rows_count = size_of(event)
        self._emulator.resize(TerminalSize(self.columns, self.rows_count))
        self._rows = [EMPTY_ROW] * self.rows_count

    def rows(self) -> tuple[TerminalRow, ...]:
        """The rows as they are now."""
        assert self._emulator is not None
        for number, row in self._emulator.changed_rows().items():
            if number < len(self._rows):
                self._rows[number] = row
        return tuple(self._rows)

    @property
    def cursor(self) -> tuple[int, int] | None:
        """Column and row of the cursor; None where it is hidden."""
        assert self._emulator is not None
        cursor = self._emulator.state().cursor
        return (cursor.column, cursor.row) if cursor.is_visible else None

    def close(self) -> None:
        if self._emulator is not None:
            self._emulator.close()
            self._emulator = None


def cast_info(cast: Cast) -> RecordingInfo:
    return RecordingInfo(cast.columns, cast.rows, cast.title, cast.started_at, cast.colors)


def convert(
    cast: Cast, writer: RecordingWriter, idle: float | None, begin: float, end: float
) -> bytes:
    """Write the screens of an asciicast as another kind of recording, in its own size."""
    screen = CastScreen(cast)
    timeline = Timeline(idle)
    shown: tuple[TerminalRow, ...] = ()
    try:
        for event, last in _steps(cast, end):
            if event.code == "marker" and event.at >= begin:
                writer.mark(Marker(timeline.at(event.at), event.text))
            screen.advance(last)
            if event.at < begin:
                continue
            rows = screen.rows()[: cast.rows]
            changed = {
                number: row
                for number, row in enumerate(rows)
                if number >= len(shown) or shown[number] != row
            }
            at = timeline.at(event.at)
            if changed:
                writer.write(ScreenFrame(at, changed))
            shown = rows
        return writer.finish(timeline.now)
    finally:
        screen.close()


def _steps(cast: Cast, end: float) -> Iterator[tuple[CastEvent, int]]:
    """Events up to `end`, each with the number of the event behind it."""
    for number, event in enumerate(cast.events, 1):
        if event.at > end:
            return
        yield event, number
