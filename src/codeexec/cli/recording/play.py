"""`codeexec-tui play`: plays an asciicast back in this terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from codeexec.domain.errors import UsageError

_MOST_SPEED = 100.0


@click.command("play")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--speed", default=1.0, metavar="TIMES", help="How much faster (1).")
@click.option(
    "--idle", default="", metavar="SECONDS", help="Longest pause; `none` keeps all pauses."
)
def play(file: Path, speed: float, idle: str) -> None:
    """Play FILE, an asciicast of version 1, 2 or 3, back in this terminal.

    Space pauses, ← and → go 5 s, comma and full stop one event, [ and ] to the markers, - and +
    change the speed, q leaves. Without --idle pauses are as long as the recording says.
    """
    from codeexec.cli.recording.cast_screen import CastScreen
    from codeexec.documents.recordings.reading import read_cast
    from codeexec.documents.recordings.timing import Timeline, pause_of
    from codeexec.tui.recording.player import Playback, PlayerApp

    if not 0.1 <= speed <= _MOST_SPEED:
        raise UsageError(f"--speed {speed:g} is none.", f"Give 0.1 to {_MOST_SPEED:g}.")
    limit = pause_of(idle, "--idle") if idle else None
    cast = read_cast(file)
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_terminal or os.environ.get("TERM") in ("dumb", "unknown"):
        raise UsageError(
            "A recording is played in a terminal, and this is none.",
            f"Run `codeexec-tui play {file}` in one.",
        )
    timeline = Timeline(limit if idle else cast.idle)
    times = tuple(timeline.at(event.at) for event in cast.events)
    screen = CastScreen(cast)
    try:
        PlayerApp(cast, screen, Playback(cast, times, speed)).run()
    finally:
        screen.close()
