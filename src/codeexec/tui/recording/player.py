"""Plays an asciicast: its screen above a line with the time, the speed and the markers."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from typing import ClassVar, Protocol

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.geometry import clamp
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from codeexec.documents.recordings.looks import Look, Looks
from codeexec.documents.recordings.reading import Cast
from codeexec.domain.terminals import TerminalRow
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import fitted, one_line, without_controls

FRAME = 1 / 30
MOST_A_FRAME = 1 << 19
"""Characters that are played before keys are looked at again."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 25.0, 100.0)
_JUMP = 5.0
_KEYS = "Space pause · ←→ 5 s · , . step · [ ] marker · - + speed · Home End · q quit"


class PlayedScreen(Protocol):
    """The screen of a recording after its first `position` events."""

    columns: int
    rows_count: int
    position: int

    def advance(self, position: int) -> None: ...

    def rows(self) -> tuple[TerminalRow, ...]: ...

    @property
    def cursor(self) -> tuple[int, int] | None: ...


class Playback:
    """Where a recording is and where it goes. Knows no screen; `now` is a monotonic clock. `times`
    are those of the events."""

    def __init__(self, cast: Cast, times: tuple[float, ...], speed: float) -> None:
        self._events = cast.events
        self._times = times
        self.speed = speed
        self.is_paused = False
        self.at = 0.0
        self.target = 0
        """Number of the event that is to be played up to."""
        self.markers = tuple(
            (at, event.text)
            for at, event in zip(times, cast.events, strict=True)
            if event.code == "marker"
        )

    @property
    def seconds(self) -> float:
        return self._times[-1] if self._times else 0.0

    @property
    def is_over(self) -> bool:
        return self.at >= self.seconds

    def advance(self, seconds: float) -> None:
        """Let time pass; it stands still at the end."""
        if not self.is_paused:
            self.go_to(self.at + seconds * self.speed)

    def go_to(self, at: float) -> None:
        self.at = clamp(at, 0.0, self.seconds)
        self.target = bisect_right(self._times, self.at)

    def step(self, by: int) -> None:
        """Pause at the event after this one, or at the one before."""
        self.is_paused = True
        target = clamp(self.target + by, 0, len(self._times))
        self.target = target
        self.at = self._times[target - 1] if target else 0.0

    def go_to_marker(self, by: int) -> None:
        """The marker after this moment, or before it."""
        places = [at for at, _ in self.markers]
        number = bisect_right(places, self.at) if by > 0 else bisect_left(places, self.at) - 1
        if 0 <= number < len(places):
            self.go_to(places[number])
        elif by < 0:
            self.go_to(0.0)

    def change_speed(self, by: int) -> None:
        number = bisect_left(SPEEDS, self.speed)
        self.speed = SPEEDS[clamp(number + by, 0, len(SPEEDS) - 1)]

    def next_position(self, position: int) -> int:
        """How far to play in this frame: to the target, or as much as a frame may have."""
        if self.target < position:
            position = 0
        room = MOST_A_FRAME
        while position < self.target and room > 0:
            room -= len(self._events[position].text) + 1
            position += 1
        return position

    @property
    def marker(self) -> tuple[int, str]:
        """The number and the title of the marker that was passed last; 0 before the first."""
        number = bisect_right([at for at, _ in self.markers], self.at)
        return number, self.markers[number - 1][1] if number else ""


class CastView(Widget):
    """The rows of the recording's screen, from its top left cell on; those that do not fit are
    reached by scrolling."""

    DEFAULT_CSS = "CastView { height: 1fr; }"

    def __init__(self, screen: PlayedScreen, looks: Looks) -> None:
        super().__init__()
        self._played = screen
        self._looks = looks
        self._rows: tuple[TerminalRow, ...] = ()
        self._cursor: tuple[int, int] | None = None
        self._styles: dict[Look, Style] = {}
        self.left = self.top = 0
        self._ground = Style(bgcolor=f"#{looks.background:06x}")

    def follow(self) -> None:
        """Show the screen as it is now."""
        self._rows, self._cursor = self._played.rows(), self._played.cursor
        self.move(0, 0)

    def move(self, columns: int, rows: int) -> None:
        """Show another part of a screen that is larger than ours."""
        self.left = clamp(self.left + columns, 0, max(self._played.columns - self.size.width, 0))
        self.top = clamp(self.top + rows, 0, max(self._played.rows_count - self.size.height, 0))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number, width = self.top + y, self.size.width
        if number >= len(self._rows):
            return Strip([Segment(" " * width)], width)
        strip = self._strip(self._rows[number])
        strip = strip.adjust_cell_length(self._played.columns, self._ground)
        if self._cursor is not None and self._cursor[1] == number:
            column = self._cursor[0]
            cell = strip.crop(column, column + 1)
            lit = Strip([Segment(part.text, Style(reverse=True)) for part in cell])
            strip = Strip.join([strip.crop(0, column), lit, strip.crop(column + 1)])
        return strip.crop(self.left, self.left + width).adjust_cell_length(width)

    def _strip(self, row: TerminalRow) -> Strip:
        segments: list[Segment] = []
        for span in row.spans:
            style = self._style(self._looks.look(span.style))
            segment = Strip([Segment(span.text, style)]).adjust_cell_length(span.cells, style)
            segments += segment
        return without_controls(Strip(segments))

    def _style(self, look: Look) -> Style:
        style = self._styles.get(look)
        if style is None:
            ground = self._looks.background if look.background is None else look.background
            style = self._styles[look] = Style(
                color=f"#{look.foreground:06x}",
                bgcolor=f"#{ground:06x}",
                bold=look.bold,
                italic=look.italic,
                underline=look.underline,
                strike=look.strike,
                overline=look.overline,
                link=look.link or None,
            )
        return style


class PlayerApp(App[None]):
    """The player. What the recording prints is drawn from the rows of its emulator alone."""

    CSS = "Screen { layout: vertical; } #state { height: 1; } CastView { height: 1fr; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("player")]

    def __init__(self, cast: Cast, screen: PlayedScreen, playback: Playback) -> None:
        super().__init__()
        self._cast = cast
        self._played = screen
        self.playback = playback
        self._view = CastView(screen, Looks(cast.colors))
        self._state = Static(id="state", markup=False)
        self._last = time.monotonic()

    def compose(self) -> ComposeResult:
        yield self._view
        yield self._state

    def on_mount(self) -> None:
        if self._cast.problem:
            self.notify(one_line(self._cast.problem), severity="warning", markup=False)
        self._last = time.monotonic()
        self.set_interval(FRAME, self._turn)

    def _turn(self) -> None:
        now = time.monotonic()
        # While much is played at once, the clock of the recording waits for it.
        if self._played.position == self.playback.target:
            self.playback.advance(now - self._last)
        self._last = now
        self._follow()

    def _follow(self) -> None:
        position = self.playback.next_position(self._played.position)
        if position != self._played.position or not self._view.size:
            self._played.advance(position)
            self._view.follow()
        self._state.update(self._words())

    def _words(self) -> str:
        play, width = self.playback, max(self.size.width, 1)
        sign = "■" if play.is_over else "‖" if play.is_paused else "▶"
        text = f" {sign} {_clock(play.at)} / {_clock(play.seconds)}  {play.speed:g}×"
        if play.markers:
            number, title = play.marker
            text += f"  {number}/{len(play.markers)} {one_line(title)[:40]}"
        size = self._view.size
        if self._played.columns > size.width or self._played.rows_count > size.height:
            text += f"  {self._played.columns}x{self._played.rows_count} (↑↓, Shift+←→)"
        return fitted(f"{text}   {_KEYS}", width)

    # -- keys --------------------------------------------------------------------------------

    def action_pause(self) -> None:
        play = self.playback
        if play.is_over and not play.is_paused:
            play.go_to(0.0)  # once more from the beginning
        else:
            play.is_paused = not play.is_paused

    def action_jump(self, by: int) -> None:
        self.playback.go_to(self.playback.at + by * _JUMP)

    def action_step(self, by: int) -> None:
        self.playback.step(by)

    def action_marker(self, by: int) -> None:
        self.playback.go_to_marker(by)

    def action_speed(self, by: int) -> None:
        self.playback.change_speed(by)

    def action_edge(self, end: int) -> None:
        self.playback.go_to(self.playback.seconds if end else 0.0)

    def action_move(self, columns: int, rows: int) -> None:
        self._view.move(columns, rows)

    async def action_quit(self) -> None:
        self.exit()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
