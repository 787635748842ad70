"""The console of a journal, drawn at each moment of it: times, pauses, markers, what is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from codeexec.documents.recordings.model import Marker, ScreenFrame
from codeexec.domain.events import (
    AnyEvent,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    OutputChanged,
    Recorded,
    SessionOpened,
    StdinAnswered,
    StdinRequested,
)
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import Display, MimePart, Run
from codeexec.domain.terminals import TerminalRow
from codeexec.tui.recording.stage import LessonSteps, RecordingPlan, StepStart, record
from codeexec.tui.theme.theme import built_in_folder, find_theme

HARBOUR = find_theme("harbour", [built_in_folder()])
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


class Journal:
    """A `SessionSource` of events at given times."""

    def __init__(self, *timed: tuple[float, AnyEvent]) -> None:
        self._records = [Recorded(seq, at, event) for seq, (at, event) in enumerate(timed, 1)]

    def batches(self) -> Iterator[list[Recorded]]:
        for start in range(0, len(self._records), 7):
            yield self._records[start : start + 7]

    def rows(self, execution_id: str, start: int, count: int) -> tuple[Run, ...]:
        raise AssertionError("the end of the output is in hand")

    def blob(self, digest: str) -> bytes | None:
        return None


class Frames:
    """A `RecordingWriter` that keeps what it gets, and the screen after each frame."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.screens: list[str] = []
        self.markers: list[Marker] = []
        self._rows: dict[int, TerminalRow] = {}

    def write(self, frame: ScreenFrame) -> None:
        self._rows.update(frame.changed)
        self.times.append(frame.at)
        self.screens.append("\n".join(row.text for _, row in sorted(self._rows.items())))

    def mark(self, marker: Marker) -> None:
        self.markers.append(marker)

    def finish(self, end: float) -> bytes:
        return repr(end).encode()

    def shows(self, text: str) -> float:
        """The time from which on the screen shows a text."""
        return next(
            at for at, screen in zip(self.times, self.screens, strict=True) if text in screen
        )


OPENED = (100.0, SessionOpened("s1", "demo", "/work", 1))


def run_of(
    key: str, code: str, at: float, *rows: tuple[float, str]
) -> list[tuple[float, AnyEvent]]:
    events: list[tuple[float, AnyEvent]] = [
        (at, ExecutionQueued(key, code)),
        (at, ExecutionStarted(key)),
        (at, InputCounted(key, int(key))),
    ]
    for number, (when, text) in enumerate(rows):
        events.append((when, OutputChanged(key, number, number + 1, (Run("stdout", text),))))
    end = rows[-1][0] if rows else at
    return [*events, (end, ExecutionFinished(key, "ok"))]


PLAN = RecordingPlan(60, 16, HARBOUR, 100.0, 1e9)


async def frames_of(events: Sequence[tuple[float, AnyEvent]], plan: RecordingPlan = PLAN) -> Frames:
    frames = Frames()
    shares: list[float] = []
    await record(Journal(OPENED, *events), plan, frames, shares.append)
    assert shares[-1] == 1.0 and shares == sorted(shares)
    return frames


async def test_each_row_is_shown_at_its_time() -> None:
    rows = [(101.0 + 0.037 * number, f"row {number};") for number in range(40)]
    frames = await frames_of(run_of("1", "loop()", 101.0, *rows))
    for at, text in rows:
        assert 0 <= frames.shows(text) - (at - 100.0) <= 0.02
    assert "demo" in frames.screens[0]
    assert frames.times == sorted(frames.times)


async def test_pauses_are_cut_and_what_runs_is_seen_to_run() -> None:
    events = run_of("1", "sleep()", 101.0, (102.0, "begun"), (130.0, "done"))
    frames = await frames_of(events, replace(PLAN, idle=4.0))
    assert frames.shows("begun") == 2.0
    assert frames.shows("done") == 6.0  # 28 s became 4
    assert "2.0 s" in frames.screens[frames.times.index(3.0)]
    whole = await frames_of(events)
    assert whole.shows("done") == 30.0


async def test_executions_are_markers_and_silent_ones_are_not() -> None:
    silent: tuple[float, AnyEvent] = (
        101.5,
        ExecutionQueued("9", "secret = 1", options=ExecuteOptions(silent=True)),
    )
    events = [*run_of("1", "\n  first = 1\n", 101.0), silent, *run_of("2", "second()", 103.0)]
    frames = await frames_of(events)
    assert frames.markers == [Marker(1.0, "first = 1"), Marker(3.0, "second()")]
    assert all("secret" not in screen for screen in frames.screens)


async def test_a_part_begins_with_the_screen_as_it_was() -> None:
    events = [*run_of("1", "a()", 101.0, (101.0, "before")), *run_of("2", "b()", 105.0)]
    events += run_of("3", "c()", 109.0)
    frames = await frames_of(events, replace(PLAN, begin=104.0, end=107.0))
    assert "before" in frames.screens[0] and frames.times[0] == 0.0
    assert frames.shows("b()") == 1.0
    assert all("c()" not in screen for screen in frames.screens)
    assert frames.markers == [Marker(1.0, "b()")]


async def test_steps_of_a_lesson_stand_still_and_its_setup_is_hidden() -> None:
    events = [*run_of("1", "setup()", 101.0), *run_of("2", "one()", 102.0)]
    events += run_of("3", "two()", 103.0)
    steps = LessonSteps((StepStart(101.9, "First"), StepStart(102.9, "Second")), frozenset({"4"}))
    events += run_of("4", "hidden()", 103.5)
    frames = await frames_of(events, replace(PLAN, begin=101.9, lesson=steps, hold=5.0))
    assert all("setup()" not in screen for screen in frames.screens)
    assert all("hidden()" not in screen for screen in frames.screens)
    assert [marker.title for marker in frames.markers] == ["First", "Second"]
    assert frames.shows("two()") - frames.shows("one()") >= 5.9
    assert "2/2 Second" in frames.screens[-1].partition("\n")[0]


async def test_a_password_is_not_in_it() -> None:
    asked = StdinRequested("r1", "1", "Password: ", password=True)
    events: list[tuple[float, AnyEvent]] = run_of("1", "getpass()", 101.0)
    events[3:3] = [(102.0, asked), (103.0, StdinAnswered("r1", "1", ""))]
    frames = await frames_of(events)
    assert any("Password" in screen for screen in frames.screens)


async def test_hostile_text_is_made_harmless() -> None:
    evil = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\x00"
    rows = ((101.0, f"x{evil}y"),)
    events = run_of("1", f"print(1) # {evil}", 101.0, *rows)
    opened = SessionOpened("s1", evil, "/work", 1)
    frames = Frames()
    await record(Journal((100.0, opened), *events), PLAN, frames)
    for screen in frames.screens:
        assert all(line.isprintable() for line in screen.split("\n"))


async def test_pictures_are_drawn() -> None:
    picture = Display("d", parts=(MimePart("image/png", 70, text=PIXEL),))
    events = run_of("1", "plot()", 101.0)
    drawn = OutputChanged("1", 0, 1, (Run("display", display=picture),))
    frames = await frames_of([*events[:3], (102.0, drawn), *events[3:]])
    assert "png image" not in frames.screens[-1]


async def test_an_empty_session_has_one_screen() -> None:
    frames = await frames_of([])
    assert frames.times == [0.0]
    assert frames.screens[0].split()[0] == "demo"
