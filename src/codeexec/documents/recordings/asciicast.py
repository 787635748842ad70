"""Writes asciicast v2 and v3: https://docs.asciinema.org/manual/asciicast/v3/"""

from __future__ import annotations

import json
from typing import Literal

from codeexec.documents.recordings.model import Marker, RecordingInfo, ScreenFrame
from codeexec.documents.recordings.sgr import sgr_row
from codeexec.domain.text.printable import printable


class AsciicastWriter:
    """A `RecordingWriter`. Each frame is one event, which addresses the rows that change, so that
    the screen of a player is the screen that was recorded after each of them."""

    def __init__(self, info: RecordingInfo, version: Literal[2, 3]) -> None:
        self._version = version
        self._lines = [json.dumps(_header(info, version), ensure_ascii=False)]
        self._last = 0.0
        self._is_first = True

    def write(self, frame: ScreenFrame) -> None:
        rows = "".join(
            f"\x1b[{number + 1};1H\x1b[2K{sgr_row(row)}"
            for number, row in sorted(frame.changed.items())
        )
        if self._is_first:
            rows = f"\x1b[?25l\x1b[?7l\x1b[2J{rows}"
            self._is_first = False
        self._add(frame.at, "o", rows)

    def mark(self, marker: Marker) -> None:
        self._add(marker.at, "m", printable(marker.title))

    def finish(self, end: float) -> bytes:
        """The cursor and the wrapping of lines are as before at the end."""
        self._add(max(end, self._last), "o", "\x1b[?7h\x1b[?25h")
        if self._version == 3:
            self._add(self._last, "x", "0")
        return ("\n".join(self._lines) + "\n").encode("utf-8", "replace")

    def _add(self, at: float, code: str, text: str) -> None:
        # Rounded as they are written, so that intervals of v3 add up to the times.
        at = round(max(at, self._last), 6)
        time = at if self._version == 2 else round(at - self._last, 6)
        self._lines.append(json.dumps([time, code, text], ensure_ascii=False))
        self._last = at


def _header(info: RecordingInfo, version: int) -> dict[str, object]:
    theme = {
        "fg": info.colors.foreground,
        "bg": info.colors.background,
        "palette": ":".join(info.colors.palette),
    }
    header: dict[str, object] = {"version": version}
    if version == 2:
        header |= {"width": info.columns, "height": info.rows}
    else:
        term = {"cols": info.columns, "rows": info.rows, "type": "xterm-256color", "theme": theme}
        header["term"] = term
    header |= {"timestamp": int(info.started_at), "title": printable(info.title)}
    if version == 2:
        header |= {"env": {"TERM": "xterm-256color"}, "theme": theme}
    return header
