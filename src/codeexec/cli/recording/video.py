"""MP4 and WebM, made of a GIF by ffmpeg where that is installed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from codeexec.documents.recordings.model import Marker, RecordingInfo, ScreenFrame
from codeexec.domain.errors import CodeexecError, Unavailable
from codeexec.domain.text.printable import printable
from codeexec.hostfiles.programs import which
from codeexec.tui.recording.gif import GifWriter

_EVEN = "fps=50,pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p"
_CODECS = {
    "mp4": ("-c:v", "libx264", "-crf", "20", "-preset", "veryfast", "-movflags", "+faststart"),
    "webm": ("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "realtime"),
}
_LONGEST = 3600


class VideoWriter:
    """A `RecordingWriter`. Unavailable where there is no ffmpeg, before anything is drawn."""

    def __init__(self, info: RecordingInfo, form: str) -> None:
        program = which("ffmpeg", os.environ)
        if program is None:
            raise Unavailable(
                f"{form} is made by ffmpeg, which is not installed.",
                "Install it (apt install ffmpeg, brew install ffmpeg), or write GIF or HTML.",
            )
        self._program = program
        self._form = form
        self._gif = GifWriter(info)

    def write(self, frame: ScreenFrame) -> None:
        self._gif.write(frame)

    def mark(self, marker: Marker) -> None:
        """It has no markers."""

    def finish(self, end: float) -> bytes:
        with tempfile.TemporaryDirectory(prefix="codeexec-video-") as folder:
            source, target = Path(folder, "in.gif"), Path(folder, f"out.{self._form}")
            source.write_bytes(self._gif.finish(end))
            codec = _CODECS[self._form]
            command = [self._program, "-loglevel", "error", "-nostdin", "-y", "-i", str(source)]
            try:
                ended = subprocess.run(
                    [*command, "-vf", _EVEN, "-an", *codec, str(target)],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_LONGEST,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise CodeexecError(f"ffmpeg failed: {error}.", "Write GIF or HTML.") from None
            if ended.returncode:
                last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
                reason = printable(last[0])[:200] if last else f"status {ended.returncode}"
                raise CodeexecError(f"ffmpeg failed: {reason}.", "Write GIF or HTML.")
            return target.read_bytes()
