"""Pictures and text for the clipboard in what programs write, whole, in parts, and hostile."""

from __future__ import annotations

import io
import random
import zlib
from base64 import b64encode
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from codeexec.domain.terminals import PicturePart, picture_part
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import EmulatorKind
from codeexec.session.terminals.fallback.emulator import BITTTY
from codeexec.session.terminals.ghostty import GHOSTTY
from codeexec.session.terminals.pictures import sixel
from codeexec.session.terminals.pictures.emulator import (
    MOST_CLIPBOARD,
    MOST_PLACED,
    PictureEmulator,
    PictureKind,
)
from codeexec.session.terminals.pictures.scanner import MOST_BODY, ControlStringScanner
from codeexec.session.terminals.pictures.sixel import sixel_png, sixel_size

SIZE = TerminalSize(40, 6)
RED_SQUARE = b'\x1bPq"1;1;16;32#1;2;100;0;0#1' + b"!16~-" * 5 + b"!16B\x1b\\"
BLUE = b64encode(b"\x00\x00\xff" * 32 * 16)


@pytest.fixture(params=[GHOSTTY, BITTTY], ids=lambda kind: kind.name.split()[0])
def kind(request: pytest.FixtureRequest) -> PictureKind:
    inner: EmulatorKind = request.param
    return PictureKind(inner)


@pytest.fixture
def emulator(kind: PictureKind) -> PictureEmulator:
    return kind.make(SIZE)


def parts_of(emulator: PictureEmulator) -> list[tuple[int, PicturePart]]:
    """The rows of pictures on the screen, each with the row of the screen."""
    return [
        (number, part)
        for number, row in sorted(emulator.changed_rows().items())
        for span in row.spans
        if span.style is not None and (part := picture_part(span.style.link)) is not None
    ]


def test_a_sixel_picture_takes_the_cells_that_it_covers(emulator: PictureEmulator) -> None:
    effects = emulator.feed(b"ab" + RED_SQUARE + b"\r\nend")
    (picture,) = effects.pictures
    assert (picture.width, picture.height) == (16, 32)
    key = picture.key
    assert parts_of(emulator) == [(0, PicturePart(key, 0, 2, 2)), (1, PicturePart(key, 1, 2, 2))]
    image = Image.open(io.BytesIO(picture.png())).convert("RGBA")
    assert image.size == (16, 32)
    assert image.getpixel((0, 0)) == image.getpixel((15, 31)) == (255, 0, 0, 255)
    emulator.feed(b"\x1b[3;1H")
    assert emulator.state().cursor.row == 2


def test_the_cursor_stands_in_the_last_row_of_a_sixel_picture(emulator: PictureEmulator) -> None:
    emulator.feed(b"ab" + RED_SQUARE)
    cursor = emulator.state().cursor
    assert (cursor.row, cursor.column) == (1, 2)


def test_a_picture_scrolls_like_text(emulator: PictureEmulator) -> None:
    emulator.feed(b"\r\n" * 5 + RED_SQUARE)
    assert emulator.history == 1
    assert [row for row, _ in parts_of(emulator)] == [4, 5]


@given(st.lists(st.integers(1, len(RED_SQUARE) + 8), max_size=12))
def test_the_parts_in_which_it_comes_make_no_difference(cuts: list[int]) -> None:
    stream = b"\x1b[1mx" + RED_SQUARE + b"\x1b]52;c;aGk=\x07y\x1b[31mz"
    whole = list(ControlStringScanner().scan(stream))
    scanner = ControlStringScanner()
    places = [0, *sorted(cuts), len(stream)]
    parts = [part for start, end in pairwise(places) for part in scanner.scan(stream[start:end])]
    strings = [part for part in parts if not isinstance(part, bytes)]
    assert strings == [part for part in whole if not isinstance(part, bytes)]
    assert len(strings) == 2
    plain = b"".join(part for part in parts if isinstance(part, bytes))
    assert plain == b"\x1b[1mxy\x1b[31mz"


def test_a_saved_state_goes_on_in_the_middle_of_a_picture(
    kind: PictureKind, emulator: PictureEmulator
) -> None:
    emulator.feed(b"\x1b_Gi=3,a=t,f=24,s=16,v=32;" + BLUE + b"\x1b\\" + RED_SQUARE[:20])
    restored = kind.restore(emulator.save())
    (picture,) = restored.feed(RED_SQUARE[20:]).pictures
    assert (picture.width, picture.height) == (16, 32)
    assert restored.feed(b"\x1b_Ga=p,i=3\x1b\\").replies == [b"\x1b_Gi=3;OK\x1b\\"]


def test_kitty_pictures_come_in_chunks_and_are_placed(emulator: PictureEmulator) -> None:
    begin, end = BLUE[:1000], BLUE[1000:]
    emulator.feed(b"\x1b_Ga=T,f=24,s=16,v=32,i=5,m=1;" + begin + b"\x1b\\")
    effects = emulator.feed(b"\x1b_Gm=0;" + end + b"\x1b\\")
    assert effects.replies == [b"\x1b_Gi=5;OK\x1b\\"]
    (picture,) = effects.pictures
    image = Image.open(io.BytesIO(picture.png())).convert("RGB")
    assert image.size == (16, 32) and image.getpixel((3, 3)) == (0, 0, 255)
    assert [part.row for _, part in parts_of(emulator)] == [0, 1]


def test_a_picture_may_leave_the_cursor_and_is_cut_at_the_bottom(
    emulator: PictureEmulator,
) -> None:
    emulator.feed(b"\x1b[6;3H\x1b_Ga=T,f=24,s=16,v=32,C=1;" + BLUE + b"\x1b\\")
    cursor = emulator.state().cursor
    assert (cursor.row, cursor.column, emulator.history) == (5, 2, 0)
    assert [row for row, _ in parts_of(emulator)] == [5]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"a=q,i=1,f=24,s=1,v=1;AAAA", b"OK"),
        (b"a=q,i=1,t=f,f=100;L2V0Yy9wYXNzd2Q=", b"EINVAL:"),
        (b"a=T,i=1,t=s;eA==", b"EINVAL:"),
        (b"a=T,i=1,f=100;AAAA", b"EINVAL:"),
        (b"a=T,i=1,f=24,s=100000,v=100000;AAAA", b"EFBIG:"),
        (b"a=T,i=1,f=100;!!!!", b"EINVAL:"),
        (b"a=p,i=1", b"ENOENT:"),
        (b"a=a,i=1", b"EINVAL:"),
    ],
)
def test_what_kitty_programs_may_not_do_is_answered(
    emulator: PictureEmulator, command: bytes, reply: bytes
) -> None:
    effects = emulator.feed(b"\x1b_G" + command + b"\x1b\\")
    assert [answer.startswith(b"\x1b_Gi=1;" + reply) for answer in effects.replies] == [True]
    assert parts_of(emulator) == []


@pytest.mark.parametrize("options", [b"i=1,q=2", b"I=\xb2", b"i=1;x", b""])
def test_a_reply_says_nothing_that_the_program_chose(
    emulator: PictureEmulator, options: bytes
) -> None:
    replies = emulator.feed(b"\x1b_Ga=p," + options + b";\x1b\\").replies
    assert all(reply.startswith(b"\x1b_Gi=1;ENOENT:") for reply in replies)
    assert bool(replies) == (options == b"i=1;x")


def test_a_compressed_picture_is_read_no_further_than_its_pixels(
    emulator: PictureEmulator,
) -> None:
    bomb = b64encode(zlib.compress(b"\0" * 50_000_000))
    effects = emulator.feed(b"\x1b_Ga=T,f=32,o=z,s=2,v=2;" + bomb + b"\x1b\\")
    assert len(effects.pictures[0].png()) < 200
    effects = emulator.feed(b"\x1b_Ga=T,f=32,o=z,s=2,v=2;" + b64encode(b"no zlib") + b"\x1b\\")
    with pytest.raises(ValueError, match="damaged"):
        effects.pictures[0].png()


@pytest.mark.parametrize(
    "body",
    [
        b'"1;1;100000;100000~',
        b"!999999~",
        b"",
        b"-" * 100_000 + b"~",
        b"~" * (1 << 19),
        b'"1;1;0;0~',
    ],
)
def test_sixels_without_a_good_size_are_no_picture(body: bytes) -> None:
    assert sixel_size(body) is None


def test_a_picture_of_too_many_bytes_is_said_to_be_too_large(emulator: PictureEmulator) -> None:
    most = MOST_BODY["sixel"]
    emulator.feed(b'\x1bPq"1;1;8;8')
    for _ in range(most // (1 << 20) + 1):
        emulator.feed(b"~" * (1 << 20))
    effects = emulator.feed(b"\x1b\\after")
    rows = [row.text for _, row in sorted(emulator.changed_rows().items())]
    assert effects.pictures == []
    assert rows[:3] == ["[a picture that is too large to be shown", "]", "after"]


def test_a_flood_of_placements_takes_few_rows(emulator: PictureEmulator) -> None:
    emulator.feed(b"\x1b_Ga=t,f=24,s=32,v=16,i=1;" + BLUE + b"\x1b\\")
    emulator.feed(b"\x1b_Ga=p,i=1,r=200,c=30\x1b\\\r\n" * 300)
    assert MOST_PLACED <= emulator.history + SIZE.rows <= MOST_PLACED + 300


def test_a_picture_of_one_band_is_read_no_longer_than_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sixel, "SECONDS", -1.0)
    colors = b"".join(b"#1;2;%d;%d;0" % (n % 101, n // 101) for n in range(100))

    image = Image.open(io.BytesIO(sixel_png(b'"1;1;1;6' + colors + b"~", (1, 6))))

    assert image.convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]  # is a tuple


def test_random_sixels_are_read_in_bounds() -> None:
    generator = random.Random(1)
    letters = b'~?@A!#;0123456789$-"\x00\xff'
    for _ in range(50):
        body = bytes(generator.choices(letters, k=2000))
        size = sixel_size(body)
        if size is not None:
            assert Image.open(io.BytesIO(sixel_png(body, size))).size == size


def test_what_only_begins_like_a_picture_goes_to_the_emulator(emulator: PictureEmulator) -> None:
    assert emulator.feed(b"\x1bP$qm\x1b\\").replies
    emulator.feed(b"\x1b[1;1H\x1bPqxxxx\x18seen\x1b_Gzzz\x1b[1mtoo")
    assert emulator.changed_rows()[0].text == "seentoo"


def test_programs_are_told_that_sixels_are_shown(emulator: PictureEmulator) -> None:
    (reply,) = emulator.feed(b"\x1b[c").replies
    assert b"4" in reply.removeprefix(b"\x1b[?").removesuffix(b"c").split(b";")


def copied(emulator: PictureEmulator, payload: bytes) -> list[str]:
    effects = emulator.feed(b"\x1b]52;c;" + payload + b"\x07")
    assert effects.replies == []
    return effects.copied


def test_text_for_the_clipboard_is_bounded_and_nothing_is_read(emulator: PictureEmulator) -> None:
    assert copied(emulator, b64encode("naïve ☕".encode())) == ["naïve ☕"]
    assert copied(emulator, b64encode(b"x" * MOST_CLIPBOARD)) == ["x" * MOST_CLIPBOARD]
    for refused in (b"?", b"", b"!", b"\xff\xfe", b64encode(b"x" * (MOST_CLIPBOARD + 1))):
        assert copied(emulator, refused) == []
    assert copied(emulator, b"eHh4" * (1 << 20)) == []
    assert emulator.changed_rows()[0].text == ""


def test_random_bytes_leave_nothing_but_cells(kind: PictureKind) -> None:
    emulator, generator = kind.make(SIZE), random.Random(7)
    pieces = [b"\x1bPq", b"\x1b_G", b"\x1b]52;", b"\x1b\\", b"\x1b", b"\x07", b"a=T,f=24,s=9,v=9;"]
    for _ in range(300):
        noise = generator.randbytes(40)
        emulator.feed(b"".join(generator.choices([*pieces, noise], k=6)))
        for row in emulator.changed_rows().values():
            assert row.text.isprintable() or "\ufffd" in row.text
