"""Formats of recordings by their names and suffixes."""

from __future__ import annotations

from pathlib import Path

from codeexec.documents.recordings.asciicast import AsciicastWriter
from codeexec.documents.recordings.model import RecordingInfo, RecordingWriter
from codeexec.domain.errors import UsageError

MOST_COLUMNS, MOST_ROWS = 300, 100

SCREEN_FORMATS = {
    "cast": "asciicast v2",
    "cast3": "asciicast v3",
    "html": "page with a player",
    "svg": "animated SVG",
    "gif": "animated GIF",
    "mp4": "video, by ffmpeg",
    "webm": "video, by ffmpeg",
}
"""Formats that show the screen."""
TEXT_FORMATS = {"txt": "transcript", "ipynb": "notebook"}
"""Formats that have code and output, without the screen."""
_ALIASES = {"asciicast": "cast", "cast2": "cast", "v2": "cast", "v3": "cast3"}


def format_of(name: str, out: str) -> str:
    """The format that an option names, else that of the suffix. UsageError."""
    named = name.lower().removeprefix(".")
    named = _ALIASES.get(named, named)
    suffix = Path(out).suffix.lower().removeprefix(".")
    form = named or suffix
    if form in SCREEN_FORMATS or form in TEXT_FORMATS:
        return form
    names = ", ".join((*SCREEN_FORMATS, *TEXT_FORMATS))
    raise UsageError(
        f"{name or suffix or out} is no format of recordings.", f"Formats (--format): {names}."
    )


def writer_of(form: str, info: RecordingInfo) -> RecordingWriter:
    """The writer of one of SCREEN_FORMATS."""
    # What draws is loaded where it is needed.
    if form == "html":
        from codeexec.documents.recordings.html import HtmlWriter

        return HtmlWriter(info)
    if form == "svg":
        from codeexec.documents.recordings.svg import SvgWriter

        return SvgWriter(info)
    if form == "gif":
        from codeexec.tui.recording.gif import GifWriter

        return GifWriter(info)
    if form in ("mp4", "webm"):
        from codeexec.cli.recording.video import VideoWriter

        return VideoWriter(info, form)
    return AsciicastWriter(info, 3 if form == "cast3" else 2)
