"""Reads asciicasts of versions 1, 2 and 3, of which any may be damaged or hostile."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeGuard

from codeexec.documents.recordings.model import XTERM, ColorScheme
from codeexec.domain.errors import DocumentError
from codeexec.domain.plain_files import FileTooLarge, read_plain
from codeexec.domain.text.printable import printable

MOST_BYTES = 256 << 20
MOST_EVENTS = 2_000_000
MOST_COLUMNS, MOST_ROWS = 1000, 400
MOST_SECONDS = 10 * 365 * 86400
_MOST_TITLE = 200

EventCode = Literal["output", "resize", "marker", "exit"]
_CODES: dict[str, EventCode] = {"o": "output", "r": "resize", "m": "marker", "x": "exit"}
_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})")
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


class CastEvent(NamedTuple):
    """`at` in seconds since the beginning. `text` is what was printed, the title of a marker, or
    the new size as `COLUMNSxROWS`."""

    at: float
    code: EventCode
    text: str


class Cast(NamedTuple):
    """`problem` says what is missing of a file that was cut off."""

    version: int
    columns: int
    rows: int
    title: str
    started_at: float
    idle: float | None
    colors: ColorScheme
    events: tuple[CastEvent, ...]
    problem: str = ""

    @property
    def seconds(self) -> float:
        return self.events[-1].at if self.events else 0.0


def read_cast(path: Path) -> Cast:
    """The recording in a file; its screen is not run. DocumentError with the line at fault."""
    try:
        content = read_plain(path, MOST_BYTES)
    except FileTooLarge:
        raise DocumentError(
            f"{path} has more than {MOST_BYTES >> 20} MB.", "Cut the recording into shorter ones."
        ) from None
    except OSError as error:
        raise DocumentError(
            f"{path} cannot be read: {error.strerror}.", "Name an asciicast (.cast)."
        ) from None
    return parse_cast(content, str(path))


def parse_cast(content: bytes, name: str) -> Cast:
    """The recording in `content`; `name` stands in errors. DocumentError."""
    return _Parser(name).parse(content)


class _Parser:
    def __init__(self, name: str) -> None:
        self._name = name

    def parse(self, content: bytes) -> Cast:
        first, _, lines = content.partition(b"\n")
        if not first.strip():
            raise self._fault(1, "the header is missing")
        try:
            header = self._json(first, 1)
        except DocumentError:
            # Version 1 is one JSON object, which may be written over several lines.
            if not first.lstrip().startswith(b"{") or not lines.strip():
                raise
            header, lines = self._json(content, 1), b""
        if not isinstance(header, dict):
            raise self._fault(1, "the header is no JSON object")
        match header.get("version"):
            case 1 if not isinstance(header["version"], bool):
                return self._version_1(header)
            case 2:
                return self._lines(header, lines, 2)
            case 3:
                return self._lines(header, lines, 3)
            case version:
                named = printable(str(version))[:20]
                raise self._fault(1, f"version {named} is none of 1, 2 and 3")

    def _version_1(self, header: dict[str, Any]) -> Cast:
        frames = header.get("stdout")
        if not isinstance(frames, list):
            raise self._fault(1, "`stdout` is no list of frames")
        cast = self._head(header, 1, header.get("width"), header.get("height"), None)
        at, events = 0.0, []
        for number, frame in enumerate(frames, 1):
            where = f"frame {number}: "
            if not (isinstance(frame, list) and len(frame) == 2 and isinstance(frame[1], str)):
                raise self._fault(1, f"{where}it is no pair of a delay and a text")
            at += self._seconds(frame[0], 1, where)
            events.append(CastEvent(self._checked(at, 1), "output", frame[1]))
        self._limit(len(events), 1)
        return cast._replace(events=tuple(events))

    def _lines(self, header: dict[str, Any], lines: bytes, version: int) -> Cast:
        if version == 2:
            size, theme = (header.get("width"), header.get("height")), header.get("theme")
        else:
            term = header.get("term")
            if not isinstance(term, dict):
                raise self._fault(1, "`term` is no JSON object")
            size, theme = (term.get("cols"), term.get("rows")), term.get("theme")
        cast = self._head(header, version, *size, theme)
        events: list[CastEvent] = []
        at, problem = 0.0, ""
        for number, line, is_whole in _numbered(lines):
            if not line.strip() or line.startswith(b"#"):
                continue
            try:
                event = self._json(line, number)
            except DocumentError as error:
                if is_whole or not events:
                    raise
                problem = error.message  # its writer was killed: what came before is whole
                break
            if not (
                isinstance(event, list)
                and len(event) == 3
                and isinstance(event[1], str)
                and isinstance(event[2], str)
            ):
                raise self._fault(number, "it is no event of a time, a code and a text")
            seconds = self._seconds(event[0], number)
            at = self._checked(at + seconds if version == 3 else max(seconds, at), number)
            code = _CODES.get(event[1])
            if code == "resize":
                self._resized(event[2], number)
            if code is not None:
                events.append(CastEvent(at, code, event[2]))
                self._limit(len(events), number)
        return cast._replace(events=tuple(events), problem=problem)

    def _head(
        self, header: dict[str, Any], version: int, columns: object, rows: object, theme: object
    ) -> Cast:
        width = self._side(columns, MOST_COLUMNS, "columns")
        height = self._side(rows, MOST_ROWS, "rows")
        title, started = header.get("title"), header.get("timestamp")
        idle = header.get("idle_time_limit")
        return Cast(
            version,
            width,
            height,
            printable(title)[:_MOST_TITLE] if isinstance(title, str) else "",
            float(started) if _is_number(started) and 0 <= started < 1e11 else 0.0,
            float(idle) if _is_number(idle) and 0 < idle < MOST_SECONDS else None,
            _colors(theme),
            (),
        )

    def _side(self, number: object, most: int, what: str) -> int:
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
            raise self._fault(1, f"the number of {what} is none from 1 to {most}")
        return number

    def _resized(self, text: str, number: int) -> None:
        match = _SIZE.fullmatch(text)
        if match is None or int(match[1]) > MOST_COLUMNS or int(match[2]) > MOST_ROWS:
            raise self._fault(number, "it resizes the screen to no size that can be shown")

    def _seconds(self, number: object, line: int, where: str = "") -> float:
        if not _is_number(number) or float(number) < 0:
            raise self._fault(line, f"{where}its time is no number of seconds")
        return float(number)

    def _checked(self, at: float, line: int) -> float:
        if at > MOST_SECONDS:
            raise self._fault(line, "its time is more than ten years after the beginning")
        return at

    def _limit(self, count: int, line: int) -> None:
        if count > MOST_EVENTS:
            raise self._fault(line, f"it has more than {MOST_EVENTS:,} events")

    def _json(self, line: bytes, number: int) -> Any:
        try:
            return json.loads(line, parse_constant=_refuse)
        except RecursionError:
            raise self._fault(number, "its JSON is nested too deep") from None
        except ValueError:
            raise self._fault(number, "it is not JSON") from None

    def _fault(self, line: int, reason: str) -> DocumentError:
        return DocumentError(
            f"{self._name}:{line}: This is no asciicast: {reason}.",
            "Play another file, or repair that line.",
        )


def size_of(event: CastEvent) -> tuple[int, int]:
    """Columns and rows of a resize."""
    columns, _, rows = event.text.partition("x")
    return int(columns), int(rows)


def _numbered(lines: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Lines after the header with their numbers, and whether a line break ends them."""
    start, number = 0, 2
    while start < len(lines):
        end = lines.find(b"\n", start)
        is_whole = end >= 0
        end = end if is_whole else len(lines)
        yield number, lines[start:end], is_whole
        start, number = end + 1, number + 1


def _refuse(constant: str) -> Callable[[], None]:
    raise ValueError(constant)


def _is_number(number: object) -> TypeGuard[int | float]:
    if isinstance(number, bool) or not isinstance(number, int | float):
        return False
    try:
        return math.isfinite(float(number))
    except OverflowError:
        return False


def _colors(theme: object) -> ColorScheme:
    """The colours that a recording names; ours where it names none, or others than colours."""
    if not isinstance(theme, dict):
        return XTERM
    foreground, background, palette = theme.get("fg"), theme.get("bg"), theme.get("palette")
    if not all(isinstance(text, str) for text in (foreground, background, palette)):
        return XTERM
    colors = [str(foreground), str(background), *str(palette)[:200].split(":")]
    if len(colors) not in (10, 18) or not all(map(_COLOR.fullmatch, colors)):
        return XTERM
    sixteen = colors[2:] if len(colors) == 18 else colors[2:] * 2
    return ColorScheme(colors[0], colors[1], tuple(sixteen))
