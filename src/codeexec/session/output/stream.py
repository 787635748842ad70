"""One stream of terminal text: a cursor that writes, moves and erases in the rows of an execution.

It moves over its own rows alone. How its text was cut into writes makes no difference.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from codeexec.session.output.rows import LiveRows
from codeexec.session.output.terminal import (
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


class StreamState(Struct, frozen=True, omit_defaults=True):
    """Of a stream: the number of the cursor's row (-1: a fresh one), its column, its pen, and the
    beginning of a control sequence whose end has not come."""

    row: int = -1
    column: int = 0
    sgr: str = ""
    link: str = ""
    carry: str = ""
    swallowing: bool = False


class Stream:
    """Without a row the cursor is on a fresh one, which comes to be when something is written."""

    def __init__(self, kind: StreamName, rows: LiveRows) -> None:
        self.kind: StreamName = kind
        self._rows = rows
        self._carry = ""
        self._swallowing = False
        self.reset()

    def reset(self) -> None:
        """All rows are gone."""
        self._pen = PLAIN
        self._row: Row | None = None
        self._column = 0

    def state(self) -> StreamState:
        row = self._row.number if self._row is not None else -1
        carry = self._carry.encode("utf-8", "replace").decode()  # as JSON can hold it
        return StreamState(row, self._column, *self._pen, carry, self._swallowing)

    def resume(self, state: StreamState) -> None:
        """Go on from a state, over rows that were resumed before."""
        self._pen = Pen(state.sgr, state.link)
        self._carry, self._swallowing = state.carry, state.swallowing
        self._row = self._rows.numbered(state.row) if state.row >= 0 else None
        self._column = state.column if self._row is not None or state.row < 0 else 0

    @property
    def is_within_last(self) -> bool:
        """Whether the cursor is on the last row of the document."""
        return self._rows.is_last(self._row)

    def write(self, text: str) -> None:
        """Raw text, cut anywhere."""
        if not self._carry and not self._swallowing and is_plain(text):
            self._type(text)
        else:
            self._interpret(text)

    # -- text --------------------------------------------------------------------------

    def _type(self, text: str) -> None:
        """Text with newlines and SGR, at the cursor."""
        at = 0
        while at < len(text):
            row = self._row
            if (
                row is not None
                and row is not self._rows.last
                and not (self.kind in self._rows.claims and self._rows.is_live(row))
            ):
                if text[at] != "\n":
                    at = self._style_only(text, at)
                    if at == len(text):
                        return
                if text[at] != "\n":
                    self._leave_row()
                    row = None
            if row is None and self._column == 0:
                self._type_fresh(text[at:] if at else text)
                return
            end = text.find("\n", at)
            line = text[at:] if end < 0 else text[at:end]
            if line:
                self._type_line(line)
            if end < 0:
                return
            self._break_line()
            at = end + 1

    def _style_only(self, text: str, at: int) -> int:
        """Take the SGR that stands here; it draws nothing, so it decides nothing."""
        while match := SGR.match(text, at):
            self._pen = restyle(self._pen, match[1])
            at = match.end()
        return at

    def _type_fresh(self, text: str) -> None:
        """Text at the end of the document, on a row of its own: the way of floods."""
        joined, open_pen = self._compose(text)
        if not joined:
            return  # SGR alone makes no row
        if joined.endswith("\n"):
            self._rows.add_text(self.kind, joined[:-1])
            return
        self._rows.add_text(self.kind, joined)
        self._row, self._column = self._rows.last, END
        self._row.pen = open_pen
        self._row.is_open = True
        self._claim()

    def _compose(self, text: str) -> tuple[str, Pen]:
        """Rows in their finished spelling, the last one still open in the pen returned."""
        if "\x1b" not in text and self._pen == PLAIN:
            return text, PLAIN
        out: list[str] = []
        pen, drawn, began = self._pen, PLAIN, False
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
            first, newline, remainder = piece.partition("\n")
            if first:
                out.append(change(drawn, pen) + first)
                drawn, began = pen, True
            if not newline:
                continue
            out.append(change(drawn, PLAIN) + "\n")
            drawn = PLAIN
            began = bool(remainder) and not remainder.endswith("\n")
            if pen == PLAIN:
                out.append(remainder)
                continue
            opened, closed = change(PLAIN, pen), change(pen, PLAIN)
            *lines, last = remainder.split("\n")
            out += [f"{opened}{line}{closed}\n" if line else "\n" for line in lines]
            if last:
                out.append(opened + last)
                drawn = pen
        self._pen = pen
        return "".join(out), drawn

    def _type_line(self, line: str) -> None:
        """Text without newlines over what is there, or after it."""
        pieces = SGR.split(line)
        for number in range(0, len(pieces), 2):
            if number:
                self._pen = restyle(self._pen, pieces[number - 1])
            piece = pieces[number]
            if not piece:
                continue
            if self._row is None:
                self._row = self._rows.add(self.kind)
                self._row.is_open = True
                self._claim()
            row = self._row
            self._rows.touch(row)
            if self._column == END:
                row.append(piece, self._pen)
            else:
                self._column = row.put(self._column, piece, self._pen)
                if self._column == row.width:
                    self._column = END

    def _break_line(self) -> None:
        """Down to the stream's next row, or to a fresh one."""
        if self._row is None:
            self._column = 0
            self._rows.add_text(self.kind, "")
            return
        if self._row.is_open:
            self._row.is_open = False
            if self._rows.is_live(self._row):
                self._rows.touch(self._row)
        below = self._rows.of(self.kind, start=self._row)
        if below and self._rows.is_live(self._row):
            self._row, self._column = below[0], 0
        else:
            self._leave_row()

    # -- controls ----------------------------------------------------------------------

    def _interpret(self, text: str) -> None:
        if HARMLESS.fullmatch(text) is None:
            text = JUNK.sub("", text)
            text = ODD.sub(lambda match: " " if match[0] < "\u3000" else "\ufffd", text)
        text, self._carry = self._carry + text, ""
        at = self._swallow(text, 0)
        burst_from = 0
        while at < len(text):
            match = SPECIAL.search(text, at)
            stop = match.start() if match else len(text)
            if stop > at:
                self._type(text[at:stop])
            if match is None:
                return
            at = stop
            match text[at]:
                case "\r":
                    if at >= burst_from:
                        at, burst_from = self._skip_covered(text, at)
                    self._claim()
                    self._column = 0
                    at += 1
                case "\b":
                    self._claim()
                    self._column = max(self._column_number() - 1, 0)
                    at += 1
                case "\v" | "\f":
                    self._type("\n")
                    at += 1
                case "\x07" | "\x18" | "\x1a" | "\x9c":
                    at += 1
                case _:
                    at = self._escape(text, at)

    def _swallow(self, text: str, at: int) -> int:
        """Pass over the rest of a string sequence that is too long to be of use."""
        if not self._swallowing:
            return at
        match = STRING_STOP.search(text, at)
        if match is None:
            return len(text)
        self._swallowing = False
        return match.start() if match[0] in "\n\x1b" else match.end()

    def _escape(self, text: str, at: int) -> int:
        if moves := MOVES.match(text, at):
            # Many in a row are one move: a storm of them must not cost a step each.
            self._control(moves[1][-1], str((moves.end() - at) // 3))
            return moves.end()
        match = ESCAPE.match(text, at)
        assert match is not None, "every introducer begins a sequence"
        end, size = match.end(), len(text)
        if match["string"] is not None:
            if match["end"] is None and (end == size or text[end:] == "\x1b"):
                # Not over yet. A long one cannot be a hyperlink, and need not be kept.
                if len(match["string"]) > MAX_LINK:
                    self._swallowing, self._carry = True, text[end:]
                else:
                    self._carry = text[at:]
                return size
            is_command = text[at] == "\x9d" or text.startswith("\x1b]", at)
            address = (
                link_of(match["string"]) if is_command and match["end"] in _STRING_ENDS else None
            )
            if address is not None:
                self._pen = Pen(self._pen.sgr, address)
            return end
        if match["final"] is None and match["plain"] is None:
            if end == size:
                self._carry = text[at:]
            return end
        if match["final"] and not match["between"]:
            self._control(match["final"], match["parameters"])
        return end

    def _control(self, final: str, parameters: str) -> None:
        if final == "m":
            # The other spelling of the introducer; private ones set no style.
            if not parameters.strip("0123456789;:"):
                self._pen = restyle(self._pen, parameters)
            return
        number = parameter(parameters, 0 if final in "JK" else 1)
        if number is None or final not in "ABCDEFGJK":
            return
        self._claim()
        count = max(number, 1)
        match final:
            case "A" | "F":
                self._move(-count)
            case "B" | "E":
                self._move(count)
            case "C":
                self._go_to(self._column_number() + count)
            case "D":
                self._go_to(self._column_number() - count)
            case "G":
                self._go_to(count - 1)
            case "J" if number == 0:
                self._erase_below()
            case "K":
                self._erase_line(number)
        if final in "EF":
            self._column = 0

    def _claim(self) -> None:
        """A rewriting control brings the cursor back to its row, if that can still change."""
        if self._row is not None and not self._rows.is_live(self._row):
            self._leave_row()
        self._rows.claims.add(self.kind)

    def _leave_row(self) -> None:
        if self._row is not None and self.is_within_last:
            self._rows.touch(self._row)  # it is finished now
        self._row, self._column = None, 0

    def _column_number(self) -> int:
        if self._column == END:
            self._column = self._row.width if self._row else 0
        return self._column

    def _go_to(self, column: int) -> None:
        limit = max(MAX_COLUMN, self._row.width if self._row else 0)
        self._column = min(max(column, 0), limit)

    def _move(self, rows: int) -> None:
        """Up or down over the stream's own live rows; a fresh one is below the last."""
        column = self._column_number()
        own = self._rows.of(self.kind)
        at = len(own) if self._row is None else own.index(self._row)
        to = min(max(at + rows, 0), len(own))
        if to < len(own):
            self._row = own[to]
        else:
            self._leave_row()
        self._column = column

    def _erase_line(self, how: int) -> None:
        if self._row is None or how > 2:
            return
        column = self._column_number()
        self._rows.touch(self._row)
        if how == 1:
            self._row.erase_left(column)
        else:
            self._row.erase_right(column if how == 0 else 0)

    def _erase_below(self) -> None:
        self._erase_line(0)
        if self._row is not None:
            for row in self._rows.of(self.kind, start=self._row):
                if row.width:
                    self._rows.touch(row)
                    row.erase_right(0)

    def _skip_covered(self, text: str, at: int) -> tuple[int, int]:
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
        widest, covered, visible = max(widths), 0, []
        for number in range(len(lines) - 1, -1, -1):
            if widths[number] > covered:
                covered = widths[number]
                visible.append(number)
                if covered == widest:
                    break
        self._claim()
        done = 0
        for number in reversed(visible):
            if "\x1b" in drawn:
                self._pen = _pen_after(self._pen, "".join(lines[done:number]))
            self._column = 0
            self._type_line(lines[number])
            done = number + 1
        if "\x1b" in drawn:
            self._pen = _pen_after(self._pen, "".join(lines[done:]))
        return last, limit


def _pen_after(pen: Pen, text: str) -> Pen:
    reset = max(text.rfind("\x1b[0m"), text.rfind("\x1b[m"))
    for parameters in SGR.findall(text, max(reset, 0)):
        pen = restyle(pen, parameters)
    return pen
