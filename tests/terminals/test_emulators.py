"""The emulators, libghostty and its fallback: rows, counts, input, saved states, any bytes."""

from __future__ import annotations

import random

import pytest

from codeexec.domain.terminals import (
    BOLD,
    RGB,
    CellStyle,
    Cursor,
    FocusChanged,
    KeyPress,
    MouseAction,
    Pasted,
    Span,
)
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import WINDOW, Emulator, EmulatorKind, Mark
from codeexec.session.terminals.fallback.emulator import BITTTY
from codeexec.session.terminals.ghostty import GHOSTTY

SIZE = TerminalSize(20, 5)


@pytest.fixture(params=[GHOSTTY, BITTTY], ids=["ghostty", "bittty"])
def kind(request: pytest.FixtureRequest) -> EmulatorKind:
    kind: EmulatorKind = request.param
    return kind


@pytest.fixture
def emulator(kind: EmulatorKind) -> Emulator:
    return kind.make(SIZE)


def text(emulator: Emulator) -> list[str]:
    rows = emulator.changed_rows()
    return [rows[number].text for number in sorted(rows)]


def test_rows_have_text_styles_links_and_wide_characters(emulator: Emulator) -> None:
    emulator.feed(
        "a \x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mx\x1b[0m 宽 e\u0301\r\n"
        "\x1b]8;;http://a\x07l1\x1b]8;;http://b\x07l2\x1b]8;;\x07\r\n"
        "\x1b[44m\x1b[K\x1b[0m\r\nplain  ".encode()
    )
    rows = emulator.changed_rows()
    assert rows[0].spans == (
        Span("a ", 2),
        Span("red", 3, CellStyle(1, flags=BOLD)),
        Span(" ", 1),
        Span("x", 1, CellStyle(RGB + 0x010203)),
        Span(" 宽 e\u0301", 5),
    )
    assert rows[1].spans == (
        Span("l1", 2, CellStyle(link="http://a")),
        Span("l2", 2, CellStyle(link="http://b")),
    )
    assert rows[2].spans == (Span(" " * 20, 20, CellStyle(background=4)),)
    assert rows[3].spans == (Span("plain", 5),)


def test_only_rows_that_changed_are_given(emulator: Emulator) -> None:
    emulator.feed(b"one\r\ntwo\r\n")
    assert len(emulator.changed_rows()) == 5
    emulator.state()
    emulator.feed(b"three")
    assert emulator.changed_rows()[2].text == "three"
    assert emulator.changed_rows() == {}


def test_a_wrapped_row_says_so(emulator: Emulator) -> None:
    emulator.feed(b"x" * 25)
    rows = emulator.changed_rows()
    assert rows[0].is_wrapped
    assert not rows[1].is_wrapped
    assert rows[1].text == "xxxxx"


def test_rows_that_scroll_off_are_counted_and_can_be_read(emulator: Emulator) -> None:
    emulator.feed(b"".join(b"%d\r\n" % number for number in range(300)))
    assert emulator.history == 296
    assert [row.text for row in emulator.scrolled(3)] == ["293", "294", "295"]
    emulator.feed(b"\x1b[?1049h" + b"z\r\n" * 50)
    assert emulator.history == 296
    emulator.feed(b"\x1b[?1049l" + b"more\r\n" * 2)
    assert emulator.history == 298


def test_counting_is_exact_beyond_the_window() -> None:
    emulator = GHOSTTY.make(TerminalSize(200, 50))
    count = 3 * WINDOW // (8 * 200)
    emulator.feed(b"".join(b"%d\r\n" % number for number in range(count)))
    assert emulator.history == count - 49
    assert [row.text for row in emulator.scrolled(2)] == [str(count - 51), str(count - 50)]


def test_clearing_the_scrollback_moves_the_first_row(emulator: Emulator) -> None:
    emulator.feed(b"x\r\n" * 20)
    assert (emulator.first, emulator.history) == (0, 16)
    emulator.feed(b"\x1b[3J")
    assert (emulator.first, emulator.history) == (16, 16)


def test_resizing_keeps_scrolled_rows_scrolled(emulator: Emulator) -> None:
    emulator.feed(b"".join(b"%d\r\n" % number for number in range(10)))
    assert emulator.history == 6
    emulator.resize(TerminalSize(20, 10))
    assert emulator.history == 6
    emulator.resize(TerminalSize(20, 2))
    assert emulator.history >= 6
    assert emulator.state().size == TerminalSize(20, 2)


def test_questions_are_answered_in_order(emulator: Emulator) -> None:
    effects = emulator.feed(b"ab\x1b[6n\x1b[c\x1b[18t\x07\x07")
    assert effects.replies[0] == b"\x1b[1;3R"
    assert effects.replies[1].startswith(b"\x1b[?6")
    assert effects.replies[1].endswith(b"c")
    assert effects.replies[2:] == [b"\x1b[8;5;20t"]
    assert effects.bells == 2


def test_marks_have_the_row_of_the_cursor(emulator: Emulator) -> None:
    effects = emulator.feed(b"a\r\n" * 10 + b"\x1b]7733;n;C;x\xe2\x9c\x93\x07" + b"b\r\n" * 2)
    assert effects.marks == [Mark("n;C;x✓", 10, 0)]


def test_modes_title_folder_and_cursor_are_told(emulator: Emulator) -> None:
    emulator.feed(
        b"\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b[?1004h\x1b[>1u\x1b]2;title\x07"
        b"\x1b]7;file://host/tmp/a%20b\x07\x1b[?25l\x1b[3;4H\x1b[?2026h"
    )
    emulator.changed_rows()
    state = emulator.state()
    assert state.cursor == Cursor(3, 2, is_visible=False)
    assert (state.title, state.folder) == ("title", "file://host/tmp/a%20b")
    assert state.is_held
    modes = state.modes
    assert (modes.mouse, modes.keyboard) == ("drag", 1)
    assert modes.is_application_cursor
    assert modes.is_bracketed_paste
    assert modes.reports_focus


@pytest.mark.parametrize(
    ("press", "typed"),
    [
        (KeyPress("a"), b"a"),
        (KeyPress("a", shift=True), b"A"),
        (KeyPress("A"), b"A"),
        (KeyPress("?"), b"?"),
        (KeyPress("é"), "é".encode()),
        (KeyPress("c", ctrl=True), b"\x03"),
        (KeyPress("space", ctrl=True), b"\0"),
        (KeyPress("]", ctrl=True), b"\x1d"),
        (KeyPress("x", alt=True), b"\x1bx"),
        (KeyPress("enter"), b"\r"),
        (KeyPress("tab", shift=True), b"\x1b[Z"),
        (KeyPress("backspace"), b"\x7f"),
        (KeyPress("left", ctrl=True), b"\x1b[1;5D"),
        (KeyPress("f5"), b"\x1b[15~"),
        (KeyPress("up"), b"\x1b[A"),
        (KeyPress("nonsense"), b""),
    ],
)
def test_keys_are_encoded(emulator: Emulator, press: KeyPress, typed: bytes) -> None:
    assert emulator.encode(press) == typed


def test_input_follows_the_modes_of_the_program(emulator: Emulator) -> None:
    click = MouseAction("press", 3, 4, "left")
    assert emulator.encode(click) == emulator.encode(FocusChanged(True)) == b""
    assert emulator.encode(Pasted("a\nb\x1b[201~")) == b"a\rb [201~"
    emulator.feed(b"\x1b[?1h\x1b[?2004h\x1b[?1000h\x1b[?1006h\x1b[?1004h")
    assert emulator.encode(KeyPress("up")) == b"\x1bOA"
    assert emulator.encode(click) == b"\x1b[<0;4;5M"
    assert emulator.encode(MouseAction("press", 0, 0, "wheel_down")) == b"\x1b[<65;1;1M"
    assert emulator.encode(FocusChanged(False)) == b"\x1b[O"
    assert emulator.encode(Pasted("a\x1b[201~b")) == b"\x1b[200~a [201~b\x1b[201~"
    emulator.feed(b"\x1b[>1u")
    assert emulator.encode(KeyPress("i", ctrl=True)) == b"\x1b[105;5u"


@pytest.mark.parametrize(
    ("modes", "pressed", "dragged", "released"),
    [
        ("1000;1006", b"\x1b[<0;4;5M", b"", b"\x1b[<0;5;5m"),
        ("1002;1006", b"\x1b[<0;4;5M", b"\x1b[<32;5;5M", b"\x1b[<0;5;5m"),
        ("1002;1015", b"\x1b[32;4;5M", b"\x1b[64;5;5M", b"\x1b[35;5;5M"),
        ("1002", b"\x1b[M $%", b"\x1b[M@%%", b"\x1b[M#%%"),
    ],
)
def test_a_drag_is_told_in_the_encoding_that_the_program_chose(
    emulator: Emulator, modes: str, pressed: bytes, dragged: bytes, released: bytes
) -> None:
    emulator.feed(f"\x1b[?{modes}h".encode())
    for _ in range(2):
        assert emulator.encode(MouseAction("press", 3, 4, "left")) == pressed
        assert emulator.encode(MouseAction("move", 4, 4, "left")) == dragged
        assert emulator.encode(MouseAction("release", 4, 4, "left")) == released


def test_a_saved_state_goes_on_in_the_middle_of_a_sequence(
    kind: EmulatorKind, emulator: Emulator
) -> None:
    emulator.feed(b"x\r\n" * 30 + b"\x1b[?1049hab\x1b[3")
    other = kind.restore(emulator.save())
    for each in (emulator, other):
        each.feed(b"1mred\x1b[?1049l" + b"y\r\n" * 3)
    assert text(other) == text(emulator)
    assert (other.history, other.first) == (emulator.history, emulator.first) == (29, 0)


def test_a_damaged_state_is_refused(kind: EmulatorKind, emulator: Emulator) -> None:
    saved = emulator.save()
    for damaged in (b"", saved[:10], saved[:-5], saved[:40] + b"\xff" + saved[41:]):
        with pytest.raises(ValueError, match="state of a terminal"):
            kind.restore(damaged)


@pytest.mark.parametrize(
    "sequence",
    [
        b"\x1bPq#0;2;0;0;0#0~~@@vv@@~~$-\x1b\\",  # a sixel picture
        b"\x1b_Ga=T,f=24,s=1,v=1;AAAA\x1b\\",  # a kitty picture
        b"\x1b_Ga=t,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",  # one of a file
        b"\x1b]1337;File=inline=1:aGVsbG8=\x07",  # an iTerm picture
        b"\x1b]52;c;aGVsbG8=\x07",  # to the clipboard
        b"\x1b]52;c;?\x07",  # from the clipboard
        b"\x1b]2;evil\x07\x1b[21t\x1b[20t",  # the title as input
        b"\x1bP0;1|17/6563686f\x1b\\",  # a key is redefined
        b"\x1bP1;0;0!z6563686f\x1b\\\x1b[1*z",  # a macro that types
        b"\x1b[5i secret\x1b[4i",  # to the printer
        b"\x1b[8;99;99t\x1b[3;5;5t\x1b[2t",  # the window
    ],
)
def test_what_programs_may_not_do_types_nothing_and_leaves_cells_alone(
    emulator: Emulator, sequence: bytes
) -> None:
    effects = emulator.feed(b"ab" + sequence + b"\r\ncd")
    assert not any(b"evil" in reply or b"echo" in reply for reply in effects.replies)
    assert not any(b"aGVs" in reply or reply.startswith(b"\x1b]52") for reply in effects.replies)
    assert emulator.state().size == SIZE
    assert "ab" in text(emulator)[0]
    assert not any(character in "\x1b\x07" for row in text(emulator) for character in row)
    assert emulator.encode(KeyPress("f6")) == b"\x1b[17~"


@pytest.mark.slow
def test_random_bytes_and_sizes_leave_nothing_but_cells(kind: EmulatorKind) -> None:
    chance = random.Random(7)
    emulator = kind.make(SIZE)
    parts = [b"\x1b[", b"\x1b]", b"\x1bP", b"\x07", b"\x1b\\", b"\x9b", b";", b"5", b"h", b"m"]
    parts += [b"J", b"S", b"\r\n", b"\xe2\x80\xae", b"\x1b_G", b"0;", b"999999999", b"\x1b[?"]
    for turn in range(600 if kind is GHOSTTY else 100):
        if turn % 2:
            emulator.feed(chance.randbytes(1000))
        else:
            emulator.feed(b"".join(chance.choices(parts, k=400)))
        if turn % 10 == 0:
            emulator.resize(TerminalSize(chance.randint(1, 300), chance.randint(1, 100)))
        for row in emulator.changed_rows().values():
            assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in row.text)
            assert sum(span.cells for span in row.spans) <= emulator.state().size.columns
    emulator.close()
