"""One execution's output as a document of rows: writes, displays and errors in, patches out.

Rows are counted through all streams and objects in the order in which they appear. Each stream
has a cursor of its own, which moves over that stream's rows among the last `LIVE_ROWS` of the
document; older rows are frozen, and let go with the next patch. How a stream's text was cut
into writes makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from codeexec.domain.outputs import LIVE_ROWS, Display, ErrorInfo, MimePart, Run, Runs, plain
from codeexec.session.terminal import (
    BURST,
    ESCAPE,
    HARMLESS,
    JUNK,
    MAX_COLUMN,
    MAX_LINK,
    MOVES,
    ODD,
    PLAIN,
    SGR,
    SPECIAL,
    STRING_STOP,
    Pen,
    Row,
    change,
    is_plain,
    link_of,
    parameter,
    restyle,
    zero_width_prefix,
)

StreamName = Literal["stdout", "stderr"]

END = -1
"""The column after the last character of the row, however wide the row is."""

_STRING_ENDS = ("\x07", "\x1b\\", "\x9c")

_BURST = 8
"""Carriage returns in a row of text from which it pays to look for those that are covered."""


@dataclass(frozen=True, slots=True)
class OutputPatch:
    """Rows from `start` on are now `runs`, `total` rows in all."""

    start: int
    total: int
    runs: Runs


class _Stream:
    """A cursor. `row` None: on a fresh row, which comes to be when something is written.
    `claimed`: rewriting controls have led it here since others last wrote."""

    __slots__ = ("carry", "claimed", "column", "kind", "pen", "row", "swallowing")

    def __init__(self, kind: StreamName) -> None:
        self.kind: StreamName = kind
        self.carry = ""
        self.swallowing = False
        self.go_home()

    def go_home(self) -> None:
        self.pen = PLAIN
        self.row: Row | None = None
        self.column = 0
        self.claimed = False

    def leave_row(self) -> None:
        self.row, self.column = None, 0


class OutputDocument:
    """`first_row` counts the rows that the execution has already, which are all frozen."""

    def __init__(self, first_row: int = 0) -> None:
        self._streams = {"stdout": _Stream("stdout"), "stderr": _Stream("stderr")}
        self._live: list[Row] = []
        self._frozen: list[Run] = []
        self._total = first_row
        self._dirty: int | None = None
        self._clear_waits = False

    @property
    def total(self) -> int:
        return self._total

    # -- what comes in -----------------------------------------------------------------

    def write(self, stream: StreamName, text: str) -> None:
        """Raw text of a stream, cut anywhere."""
        if not text:
            return
        self._clear_now_if_asked()
        state = self._streams[stream]
        if not state.carry and not state.swallowing and is_plain(text):
            self._type(state, text)
        else:
            self._interpret(state, text)

    def show(self, display: Display) -> None:
        row = self._add_object("display")
        row.display = display

    def fail(self, error: ErrorInfo) -> None:
        """An exception of the user's code; its text is made safe."""
        row = self._add_object("error")
        lines = tuple(safe_text(line) for line in error.traceback)
        row.error = ErrorInfo(plain(safe_text(error.name)), plain(safe_text(error.value)), lines)

    def clear(self, wait: bool) -> None:
        """Take all rows away; with `wait`, only when the next output comes."""
        self._clear_waits = wait
        if not wait:
            self._live.clear()
            self._frozen.clear()
            self._total = self._dirty = 0
            for stream in self._streams.values():
                stream.go_home()

    def update_display(
        self, display_id: str, parts: tuple[MimePart, ...], metadata: Mapping[str, object]
    ) -> None:
        """Displays that may be carried again show this from now on; a patch does not say so."""
        for row in self._live:
            if row.display is not None and row.display.display_id == display_id:
                row.display = replace(row.display, parts=parts, metadata=dict(metadata))

    def take_patch(self) -> OutputPatch | None:
        """All changes since the last patch, complete; None when there are none."""
        if self._dirty is None:
            return None
        start, self._dirty = self._dirty, None
        pending = self._frozen + [row.to_run() for row in self._live if row.number >= start]
        self._frozen = []
        return OutputPatch(start, self._total, _join(pending))

    # -- rows --------------------------------------------------------------------------

    def _clear_now_if_asked(self) -> None:
        if self._clear_waits:
            self.clear(False)

    def _add_object(self, kind: Literal["display", "error"]) -> Row:
        self._clear_now_if_asked()
        self._displace(None)
        row = Row(kind, self._total)
        self._add_rows([row])
        return row

    def _displace(self, writer: _Stream | None) -> None:
        """The end of the document is the writer's: others come back to their rows only by
        rewriting them."""
        for stream in self._streams.values():
            if stream is not writer:
                stream.claimed = False

    def _add_rows(self, rows: list[Row]) -> None:
        self._touch(rows[0])
        self._live += rows
        self._total += len(rows)
        if len(self._live) > LIVE_ROWS:
            self._freeze(len(self._live) - LIVE_ROWS)

    def _freeze(self, count: int) -> None:
        """Rows before the first change are known already, and are let go."""
        for row in self._live[:count]:
            if self._dirty is not None and row.number >= self._dirty:
                self._frozen.append(row.to_run())
        del self._live[:count]

    def _touch(self, row: Row) -> None:
        if self._dirty is None or row.number < self._dirty:
            self._dirty = row.number

    def _add_text(self, stream: _Stream, joined: str) -> None:
        """Rows of finished text, joined by newlines."""
        self._displace(stream)
        size = joined.count("\n") + 1
        if size > LIVE_ROWS:
            if self._dirty is None:
                self._dirty = self._total
            self._freeze(len(self._live))
            cut = len(joined)
            for _ in range(LIVE_ROWS):
                cut = joined.rfind("\n", 0, cut)
            self._frozen.append(Run(stream.kind, joined[:cut]))
            self._total += size - LIVE_ROWS
            joined = joined[cut + 1 :]
        rows = [
            Row(stream.kind, number, text)
            for number, text in enumerate(joined.split("\n"), self._total)
        ]
        self._add_rows(rows)

    def _is_live(self, row: Row) -> bool:
        return bool(self._live) and row.number >= self._live[0].number

    # -- text --------------------------------------------------------------------------

    def _type(self, stream: _Stream, text: str) -> None:
        """Text with newlines and SGR, at the cursor."""
        at = 0
        while at < len(text):
            row = stream.row
            if (
                row is not None
                and row is not self._live[-1]
                and not (stream.claimed and self._is_live(row))
            ):
                if text[at] != "\n":
                    at = self._style_only(stream, text, at)
                    if at == len(text):
                        return
                if text[at] != "\n":
                    stream.leave_row()
                    row = None
            if row is None and stream.column == 0:
                self._type_fresh(stream, text[at:] if at else text)
                return
            end = text.find("\n", at)
            line = text[at:] if end < 0 else text[at:end]
            if line:
                self._type_line(stream, line)
            if end < 0:
                return
            self._break_line(stream)
            at = end + 1

    def _style_only(self, stream: _Stream, text: str, at: int) -> int:
        """Take the SGR that stands here; it draws nothing, so it decides nothing."""
        while match := SGR.match(text, at):
            stream.pen = restyle(stream.pen, match[1])
            at = match.end()
        return at

    def _type_fresh(self, stream: _Stream, text: str) -> None:
        """Text at the end of the document, on a row of its own: the way of floods."""
        joined, open_pen = self._compose(stream, text)
        if not joined:
            return  # SGR alone makes no row
        if joined.endswith("\n"):
            self._add_text(stream, joined[:-1])
            return
        self._add_text(stream, joined)
        stream.row, stream.column, stream.claimed = self._live[-1], END, True
        stream.row.pen = open_pen

    def _compose(self, stream: _Stream, text: str) -> tuple[str, Pen]:
        """Rows in their finished spelling, the last one still open in the pen returned."""
        if "\x1b" not in text and stream.pen == PLAIN:
            return text, PLAIN
        out: list[str] = []
        pen, drawn, began = stream.pen, PLAIN, False
        pieces = SGR.split(text)
        for number in range(0, len(pieces), 2):
            if number:
                pen = restyle(pen, pieces[number - 1])
            piece = pieces[number]
            if not piece:
                continue
            if pen != drawn and began and piece[0] > "\xac":
                held = zero_width_prefix(piece)
                out.append(piece[:held])
                piece = piece[held:]
                if not piece:
                    continue
            first, newline, rest = piece.partition("\n")
            if first:
                out.append(change(drawn, pen) + first)
                drawn, began = pen, True
            if not newline:
                continue
            out.append(change(drawn, PLAIN) + "\n")
            drawn = PLAIN
            began = bool(rest) and not rest.endswith("\n")
            if pen == PLAIN:
                out.append(rest)
                continue
            opened, closed = change(PLAIN, pen), change(pen, PLAIN)
            *lines, last = rest.split("\n")
            out += [f"{opened}{line}{closed}\n" if line else "\n" for line in lines]
            if last:
                out.append(opened + last)
                drawn = pen
        stream.pen = pen
        return "".join(out), drawn

    def _type_line(self, stream: _Stream, line: str) -> None:
        """Text without newlines over what is there, or after it."""
        pieces = SGR.split(line)
        for number in range(0, len(pieces), 2):
            if number:
                stream.pen = restyle(stream.pen, pieces[number - 1])
            piece = pieces[number]
            if not piece:
                continue
            if stream.row is None:
                self._displace(stream)
                stream.row, stream.claimed = Row(stream.kind, self._total), True
                self._add_rows([stream.row])
            row = stream.row
            self._touch(row)
            if stream.column == END:
                row.append(piece, stream.pen)
            else:
                stream.column = row.put(stream.column, piece, stream.pen)
                if stream.column == row.width:
                    stream.column = END

    def _break_line(self, stream: _Stream) -> None:
        """Down to the stream's next row, or to a fresh one."""
        if stream.row is None:
            stream.column = 0
            self._add_text(stream, "")
            return
        below = self._own_rows(stream, after=stream.row)
        if below and self._is_live(stream.row):
            stream.row, stream.column = below[0], 0
        else:
            stream.leave_row()

    def _own_rows(self, stream: _Stream, after: Row | None = None) -> list[Row]:
        first = after.number + 1 - self._live[0].number if after and self._live else 0
        return [row for row in self._live[max(first, 0) :] if row.kind == stream.kind]

    # -- controls ----------------------------------------------------------------------

    def _interpret(self, stream: _Stream, text: str) -> None:
        if HARMLESS.fullmatch(text) is None:
            text = JUNK.sub("", text)
            text = ODD.sub(lambda match: " " if match[0] < "\u3000" else "\ufffd", text)
        text, stream.carry = stream.carry + text, ""
        at = self._swallow(stream, text, 0)
        burst_from = 0
        while at < len(text):
            match = SPECIAL.search(text, at)
            stop = match.start() if match else len(text)
            if stop > at:
                self._type(stream, text[at:stop])
            if match is None:
                return
            at = stop
            match text[at]:
                case "\r":
                    if at >= burst_from:
                        at, burst_from = self._skip_covered(stream, text, at)
                    self._claim(stream)
                    stream.column = 0
                    at += 1
                case "\b":
                    self._claim(stream)
                    stream.column = max(self._column(stream) - 1, 0)
                    at += 1
                case "\v" | "\f":
                    self._type(stream, "\n")
                    at += 1
                case "\x07" | "\x18" | "\x1a" | "\x9c":
                    at += 1
                case _:
                    at = self._escape(stream, text, at)

    def _swallow(self, stream: _Stream, text: str, at: int) -> int:
        """Pass over the rest of a string sequence that is too long to be of use."""
        if not stream.swallowing:
            return at
        match = STRING_STOP.search(text, at)
        if match is None:
            return len(text)
        stream.swallowing = False
        return match.start() if match[0] in "\n\x1b" else match.end()

    def _escape(self, stream: _Stream, text: str, at: int) -> int:
        if moves := MOVES.match(text, at):
            # Many in a row are one move: a storm of them must not cost a step each.
            self._control(stream, moves[1][-1], str((moves.end() - at) // 3))
            return moves.end()
        match = ESCAPE.match(text, at)
        assert match is not None, "every introducer begins a sequence"
        end, size = match.end(), len(text)
        if match["string"] is not None:
            if match["end"] is None and (end == size or text[end:] == "\x1b"):
                # Not over yet. A long one cannot be a hyperlink, and need not be kept.
                if len(match["string"]) > MAX_LINK:
                    stream.swallowing, stream.carry = True, text[end:]
                else:
                    stream.carry = text[at:]
                return size
            is_command = text[at] == "\x9d" or text.startswith("\x1b]", at)
            address = (
                link_of(match["string"]) if is_command and match["end"] in _STRING_ENDS else None
            )
            if address is not None:
                stream.pen = Pen(stream.pen.sgr, address)
            return end
        if match["final"] is None and match["plain"] is None:
            if end == size:
                stream.carry = text[at:]
            return end
        if match["final"] and not match["between"]:
            self._control(stream, match["final"], match["parameters"])
        return end

    def _control(self, stream: _Stream, final: str, parameters: str) -> None:
        if final == "m":
            # The other spelling of the introducer; private ones set no style.
            if not parameters.strip("0123456789;:"):
                stream.pen = restyle(stream.pen, parameters)
            return
        number = parameter(parameters, 0 if final in "JK" else 1)
        if number is None or final not in "ABCDEFGJK":
            return
        self._claim(stream)
        count = max(number, 1)
        match final:
            case "A" | "F":
                self._move(stream, -count)
            case "B" | "E":
                self._move(stream, count)
            case "C":
                self._go_to(stream, self._column(stream) + count)
            case "D":
                self._go_to(stream, self._column(stream) - count)
            case "G":
                self._go_to(stream, count - 1)
            case "J" if number == 0:
                self._erase_below(stream)
            case "K":
                self._erase_line(stream, number)
        if final in "EF":
            stream.column = 0

    def _claim(self, stream: _Stream) -> None:
        """A rewriting control brings the cursor back to its row, if that can still change."""
        if stream.row is not None and not self._is_live(stream.row):
            stream.leave_row()
        stream.claimed = True

    def _column(self, stream: _Stream) -> int:
        if stream.column == END:
            stream.column = stream.row.width if stream.row else 0
        return stream.column

    def _go_to(self, stream: _Stream, column: int) -> None:
        limit = max(MAX_COLUMN, stream.row.width if stream.row else 0)
        stream.column = min(max(column, 0), limit)

    def _move(self, stream: _Stream, rows: int) -> None:
        """Up or down over the stream's own live rows; a fresh one is below the last."""
        column = self._column(stream)
        own = self._own_rows(stream)
        at = len(own) if stream.row is None else own.index(stream.row)
        to = min(max(at + rows, 0), len(own))
        stream.row = own[to] if to < len(own) else None
        stream.column = column

    def _erase_line(self, stream: _Stream, how: int) -> None:
        if stream.row is None or how > 2:
            return
        column = self._column(stream)
        self._touch(stream.row)
        if how == 1:
            stream.row.erase_left(column)
        else:
            stream.row.erase_right(column if how == 0 else 0)

    def _erase_below(self, stream: _Stream) -> None:
        self._erase_line(stream, 0)
        if stream.row is not None:
            for row in self._own_rows(stream, after=stream.row):
                if row.width:
                    self._touch(row)
                    row.erase_right(0)

    def _skip_covered(self, stream: _Stream, text: str, at: int) -> tuple[int, int]:
        """Of many carriage returns in a row, draw only what later ones leave to be seen.

        Returns where the last of them stands, and from where on to look again.
        """
        stretch = BURST.match(text, at)
        limit = stretch.end() if stretch else at
        last = text.rfind("\r", at, limit)
        if text.count("\r", at, last) < _BURST:
            return at, limit
        drawn = text[at + 1 : last]
        lines = drawn.split("\r")
        bare = SGR.sub("", drawn).split("\r") if "\x1b" in drawn else lines
        widths = list(map(len, bare))
        widest, covered, seen = max(widths), 0, []
        for number in range(len(lines) - 1, -1, -1):
            if widths[number] > covered:
                covered = widths[number]
                seen.append(number)
                if covered == widest:
                    break
        self._claim(stream)
        done = 0
        for number in reversed(seen):
            if "\x1b" in drawn:
                stream.pen = _pen_after(stream.pen, "".join(lines[done:number]))
            stream.column = 0
            self._type_line(stream, lines[number])
            done = number + 1
        if "\x1b" in drawn:
            stream.pen = _pen_after(stream.pen, "".join(lines[done:]))
        return last, limit


def _pen_after(pen: Pen, text: str) -> Pen:
    reset = max(text.rfind("\x1b[0m"), text.rfind("\x1b[m"))
    for parameters in SGR.findall(text, max(reset, 0)):
        pen = restyle(pen, parameters)
    return pen


def _join(pending: list[Run]) -> Runs:
    """Neighbouring text of one stream as one run."""
    runs: list[Run] = []
    texts: list[str] = []
    for number, run in enumerate(pending):
        if not run.is_text:
            runs.append(run)
            continue
        texts.append(run.text)
        if number + 1 == len(pending) or pending[number + 1].kind != run.kind:
            runs.append(Run(run.kind, "\n".join(texts)))
            texts = []
    return tuple(runs)


def safe_text(text: str) -> str:
    """Text of any origin as a terminal would leave it, safe to show, row by row."""
    if is_plain(text):
        return text
    document = OutputDocument()
    document.write("stdout", text)
    patch = document.take_patch()
    body = "\n".join(run.text for run in patch.runs) if patch else ""
    ends = text.endswith("\n") and not body.endswith("\n")
    return body + "\n" if ends else body
