"""Prints the output of an execution: rows as they change, displays as text or pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.cli.outcome import EXIT, PROGRAM_FAILED
from codeexec.cli.streams.live_rows import REMEMBERED_ROWS, PipeSink, Sink
from codeexec.cli.streams.parts import ReadPart
from codeexec.domain.events import DisplayUpdated, OutputChanged
from codeexec.domain.outputs import (
    Display,
    ErrorInfo,
    Run,
    count_rows,
    plain,
    slice_runs,
)
from codeexec.domain.result import error_text
from codeexec.domain.text.printable import printable, printable_row

if TYPE_CHECKING:
    from codeexec.cli.streams.artifacts import ArtifactFolder
    from codeexec.cli.streams.pictures import TerminalPictures

_NOWHERE = PipeSink(lambda _: None)
"""Sink of rows that are counted but not written."""


@dataclass(slots=True)
class _PrintedRow:
    sink: Sink
    text: str
    display: Display | None = None


class OutputPrinter:
    """Prints the output of one execution. `out` gets stdout and displays, `err` stderr and
    errors; both are the same sink if both are the same terminal."""

    def __init__(
        self,
        out: Sink,
        err: Sink,
        read: ReadPart,
        *,
        color: tuple[bool, bool],
        artifacts: ArtifactFolder | None = None,
        pictures: TerminalPictures | None = None,
    ) -> None:
        self._out, self._err = out, err
        self._read = read
        self._color_out, self._color_err = color
        self._artifacts = artifacts
        self._pictures = pictures
        self._drawn: dict[str, bool] = {}
        """Displays whose picture was tried, and whether it was drawn."""
        self._rows: list[_PrintedRow] = []
        self.shows_answers = False
        """Whether to print answers to input(): those typed in this terminal were echoed already."""
        self._first = 0  # number of the first remembered row
        self._open_row: _PrintedRow | None = (
            None  # that came after the end, without its newline yet
        )

    async def take(self, event: OutputChanged) -> None:
        """Print the rows of an event, which replace those from `event.start` on."""
        fresh: list[_PrintedRow] = []
        # Rows that were dropped can no longer be rewritten.
        keep = max(event.start - self._first, 0)
        for run in event.runs:
            if run.display is not None and (picture := await self._picture(run.display)):
                self._replace(keep, fresh)
                keep, fresh = len(self._rows), []
                self._out.draw(picture)
            fresh += await self._rows_of(run)
        self._replace(keep, fresh)
        last = self._rows[-1].sink if self._rows else None
        for sink in (self._out, self._err):
            # Rows above the last are complete, even without a newline.
            if not (event.unfinished and sink is last):
                sink.finish_row()

    async def update(self, event: DisplayUpdated) -> None:
        """Print a display again in place, if it is still within reach."""
        for number, row in enumerate(self._rows):
            if row.display is not None and row.display.display_id == event.display_id:
                display = Display(
                    row.display.key,
                    event.parts,
                    row.display.role,
                    event.display_id,
                    row.display.count,
                    event.metadata,
                )
                text = await self._text_of(display)
                if text != row.text:
                    following = self._rows[number + 1 :]
                    self._replace(number, [_PrintedRow(row.sink, text, display), *following])

    def end(self) -> None:
        self._out.end()
        if self._err is not self._out:
            self._err.end()

    async def take_late(self, event: OutputChanged) -> None:
        """Print rows that come after `end`, from a task or a thread: each once, when complete,
        below the output of other executions."""
        written = self._first + len(self._rows)
        stop = event.start + count_rows(event.runs)
        runs = slice_runs(event.runs, max(written - event.start, 0), stop - event.start)
        rows = [fresh for run in runs for fresh in await self._rows_of(run)]
        self._open_row = rows.pop() if rows and event.unfinished else None
        for row in rows:
            _write_whole(row)
        self._rows += rows
        self._drop_old_rows()

    def end_late(self) -> None:
        """Print the last late row, if it has no newline yet."""
        if self._open_row is not None:
            _write_whole(self._open_row)

    def _replace(self, keep: int, fresh: list[_PrintedRow]) -> None:
        old = self._rows[keep:]
        for sink in {id(s): s for s in (self._out, self._err)}.values():
            count = sum(row.sink is sink for row in old)
            texts = [row.text for row in fresh if row.sink is sink]
            if count or texts:
                sink.replace(count, texts)
        self._rows[keep:] = fresh
        self._drop_old_rows()

    def _drop_old_rows(self) -> None:
        dropped = max(len(self._rows) - REMEMBERED_ROWS, 0)
        del self._rows[:dropped]
        self._first += dropped

    async def _rows_of(self, run: Run) -> list[_PrintedRow]:
        if run.display is not None:
            return [_PrintedRow(self._out, await self._text_of(run.display), run.display)]
        if run.error is not None:
            if run.error.name in (EXIT, PROGRAM_FAILED):
                return []  # the exit status tells it
            return [_PrintedRow(self._err, self._error(run.error))]
        if run.kind == "stdin" and not self.shows_answers:
            return [_PrintedRow(_NOWHERE, line) for line in run.text.split("\n")]
        to_err = run.kind == "stderr"
        sink = self._err if to_err else self._out
        color = self._color_err if to_err else self._color_out
        text = _printable_text(run.text, color)
        return [_PrintedRow(sink, line) for line in text.split("\n")]

    async def _picture(self, display: Display) -> str:
        """Text that draws the display as a picture, the first time; else empty."""
        if self._pictures is None or display.key in self._drawn:
            return ""
        from codeexec.documents.displays.text import drawn_part  # not at the start

        image = drawn_part(display)
        if image is None:
            return ""
        drawing = await self._pictures.draw(image, await self._read(image))
        self._drawn[display.key] = bool(drawing)
        return drawing

    def _error(self, error: ErrorInfo) -> str:
        if self._color_err and error.traceback:
            return printable_row("\n".join(error.traceback).rstrip("\n"))
        return printable(_printable_text(error_text(error).rstrip("\n"), color=False), lines=True)

    async def _text_of(self, display: Display) -> str:
        saved = None
        if self._artifacts is not None:
            saved = await self._artifacts.keep(display, self._read)
        return _printable_text(
            await self._read_display(display, printable(str(saved or ""))), self._color_out
        )

    async def _read_display(self, display: Display, saved: str) -> str:
        from codeexec.documents.displays.text import read_display  # not at the start

        reading = read_display(display, saved, is_drawn=self._drawn.get(display.key, False))
        try:
            part = next(reading)
            while True:
                part = reading.send(await self._read(part))
        except StopIteration as end:
            text: str = end.value
            return text


def _write_whole(row: _PrintedRow) -> None:
    row.sink.say(f"{row.text}\n")
    row.sink.answered()


def _printable_text(text: str, color: bool) -> str:
    row = printable_row(text)
    return row if color else plain(row)
