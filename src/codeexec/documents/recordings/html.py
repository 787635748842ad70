"""A recording as one HTML page with a player: no network, and no script but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files

from codeexec.documents.recordings.blocks import BLOCKS
from codeexec.documents.recordings.looks import Look, Looks
from codeexec.documents.recordings.model import Marker, RecordingInfo, ScreenFrame
from codeexec.domain.terminals import TerminalRow
from codeexec.domain.text.printable import printable


class HtmlWriter:
    """A `RecordingWriter`. Rows and looks that repeat are in the page once."""

    def __init__(self, info: RecordingInfo) -> None:
        self._info = info
        self._looks = Looks(info.colors)
        self._look_numbers: dict[Look, int] = {}
        self._row_numbers: dict[TerminalRow, int] = {}
        self._rows: list[list[tuple[str, int, int]]] = []
        self._frames: list[tuple[float, list[tuple[int, int]]]] = []
        self._markers: list[tuple[float, str]] = []

    def write(self, frame: ScreenFrame) -> None:
        changed = [(number, self._row(row)) for number, row in sorted(frame.changed.items())]
        self._frames.append((round(frame.at, 3), changed))

    def mark(self, marker: Marker) -> None:
        self._markers.append((round(marker.at, 3), printable(marker.title)))

    def _row(self, row: TerminalRow) -> int:
        number = self._row_numbers.get(row)
        if number is None:
            number = self._row_numbers[row] = len(self._rows)
            self._rows.append(
                [
                    (printable(span.text), span.cells, self._look(self._looks.look(span.style)))
                    for span in row.spans
                ]
            )
        return number

    def _look(self, look: Look) -> int:
        return self._look_numbers.setdefault(look, len(self._look_numbers))

    def finish(self, end: float) -> bytes:
        recording = {
            "columns": self._info.columns,
            "rows": self._info.rows,
            "end": round(end, 3),
            "background": f"#{self._looks.background:06x}",
            "looks": [_look(look) for look in self._look_numbers],
            "lines": self._rows,
            "frames": self._frames,
            "markers": self._markers,
            "blocks": BLOCKS,
        }
        # Nothing in it can end the element.
        text = json.dumps(recording, ensure_ascii=False, separators=(",", ":"))
        text = text.replace("<", "\\u003c").replace("&", "\\u0026")
        return _page(self._info, text).encode("utf-8", "replace")


def _look(look: Look) -> list[object]:
    ground = "" if look.background is None else f"#{look.background:06x}"
    flags = look.bold | look.italic << 1 | look.underline << 2 | look.strike << 3
    return [f"#{look.foreground:06x}", ground, flags]


def _asset(name: str) -> str:
    return files("codeexec.documents.recordings").joinpath(name).read_text("utf-8")


def _page(info: RecordingInfo, recording: str) -> str:
    script, sheet = _asset("player.js"), _asset("player.css")
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, sheet)
    ]
    policy = (
        f"default-src 'none'; script-src 'sha256-{digests[0]}'; style-src 'sha256-{digests[1]}'"
    )
    title = escape(printable(info.title) or "Recording")
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{sheet}</style></head><body>\n"
        f'<main><canvas id="screen" tabindex="0" role="img" aria-label="{title}"></canvas>\n'
        '<div id="bar"><button id="play" type="button">Play</button>'
        '<input id="place" type="range" min="0" max="1" step="0.001" value="0" aria-label="Time">'
        '<output id="time"></output>'
        '<select id="speed" aria-label="Speed"><option value="0.5">0.5×</option>'
        '<option value="1" selected>1×</option><option value="2">2×</option>'
        '<option value="5">5×</option></select>'
        '<select id="marker" aria-label="Marker"></select></div></main>\n'
        f'<script type="application/json" id="recording">{recording}</script>\n'
        f"<script>{script}</script></body></html>\n"
    )
