"""The player: pause, speed, steps, markers, and hostile recordings that reach no terminal."""

from __future__ import annotations

from textual.strip import Strip

from codeexec.cli.recording.cast_screen import CastScreen
from codeexec.documents.recordings.reading import Cast, parse_cast
from codeexec.tui.recording.player import MOST_A_FRAME, Playback, PlayerApp
from support.pane_app import until

HEAD = b'{"version": 2, "width": 20, "height": 4}\n'
CAST = parse_cast(
    HEAD
    + b'[0, "o", "one"]\n[1, "m", "first"]\n[1, "o", "\\r\\ntwo"]\n'
    + b'[60, "m", "second"]\n[60, "r", "30x2"]\n[61, "o", "\\r\\nthree"]\n',
    "x",
)


def playback(cast: Cast = CAST, speed: float = 1.0) -> Playback:
    return Playback(cast, tuple(event.at for event in cast.events), speed)


def test_time_passes_at_a_speed_and_stands_still_while_it_is_paused() -> None:
    play = playback()
    play.advance(0.5)
    assert (play.at, play.target) == (0.5, 1)
    play.change_speed(1)
    assert play.speed == 1.5
    play.advance(1.0)
    assert (play.at, play.target) == (2.0, 3)
    play.is_paused = True
    play.advance(100.0)
    assert play.at == 2.0
    play.is_paused = False
    play.advance(100.0)
    assert play.at == 61.0 and play.is_over


def test_steps_and_markers() -> None:
    play = playback()
    play.step(1)
    assert (play.at, play.target, play.is_paused) == (0.0, 1, True)
    play.go_to_marker(1)
    assert (play.at, play.marker) == (1.0, (1, "first"))
    play.go_to_marker(1)
    assert (play.at, play.marker) == (60.0, (2, "second"))
    play.go_to_marker(1)
    assert play.at == 60.0
    play.go_to_marker(-1)
    play.go_to_marker(-1)
    assert play.at == 0.0
    for _ in range(20):
        play.step(-1)
        play.change_speed(-1)
    assert (play.target, play.speed) == (0, 0.1)


def test_a_frame_plays_so_much_and_no_more() -> None:
    line = b'[0, "o", "' + b"x" * 100_000 + b'"]\n'
    cast = parse_cast(HEAD + line * 50, "x")
    play = playback(cast)
    play.go_to(0.0)
    assert play.target == 50
    assert play.next_position(0) * 100_000 <= MOST_A_FRAME + 100_000


def test_the_screen_goes_back_and_takes_another_size() -> None:
    screen = CastScreen(CAST)
    try:
        screen.advance(6)
        assert screen.columns == 30 and [row.text for row in screen.rows()] == ["two", "three"]
        screen.advance(1)
        assert screen.columns == 20 and [row.text for row in screen.rows()][:2] == ["one", ""]
    finally:
        screen.close()


EVIL = (
    b'[0, "o", "\\u001b]52;c;aGk=\\u0007\\u001b]0;title\\u0007\\u001b[6n\\u001b[c\\u001bP+q544e'
    b"\\u001b\\\\\\\\\\u001b[?1049h\\u001b[?1003h\\u009b31m\\ud800\\u202e\\u0000ok"
    b'\\u001b]8;;javascript:x\\u0007link\\u001b]8;;\\u0007"]\n'
)


async def test_only_rows_of_its_screen_are_drawn() -> None:
    cast = parse_cast(HEAD + EVIL, "x")
    screen = CastScreen(cast)
    app = PlayerApp(cast, screen, playback(cast))
    try:
        async with app.run_test(size=(40, 8)) as pilot:
            view = app._view

            def text_of(lines: list[Strip]) -> str:
                return "\n".join(line.text for line in lines)

            def is_drawn() -> bool:
                text = text_of([view.render_line(y) for y in range(6)])
                return "oklink" in text.replace("\ufffd", "").replace("\u00b7", "")

            await until(pilot, lambda: screen.position >= 1 and is_drawn())
            lines = [view.render_line(y) for y in range(6)]
            text = text_of(lines)
            assert all(character.isprintable() or character == "\n" for character in text)
            links = {part.style.link for line in lines for part in line if part.style}
            assert links == {None}
            assert view.render_line(0).cell_length == 40
    finally:
        screen.close()


async def test_keys_lead_through_it() -> None:
    screen = CastScreen(CAST)
    app = PlayerApp(CAST, screen, playback())
    try:
        async with app.run_test(size=(60, 8)) as pilot:
            await pilot.press("space", "right_square_bracket", "right_square_bracket")
            await until(pilot, lambda: screen.position >= 5)
            assert "2/2 second" in app._words() and "‖" in app._words()
            await pilot.press("comma", "home", "plus")
            assert app.playback.at == 0.0 and app.playback.speed == 1.5
            await pilot.press("end", "space")
            assert app.playback.is_over
            await pilot.press("q")
        assert app.return_code == 0
    finally:
        screen.close()
