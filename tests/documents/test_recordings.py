"""Recordings as files: asciicasts that are written and read, hostile ones, and times."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from asciinema.asciicast import v2

from codeexec.documents.recordings.asciicast import AsciicastWriter
from codeexec.documents.recordings.looks import Looks
from codeexec.documents.recordings.model import XTERM, Marker, RecordingInfo, ScreenFrame
from codeexec.documents.recordings.reading import parse_cast, read_cast
from codeexec.documents.recordings.sgr import sgr_row
from codeexec.documents.recordings.timing import Timeline, pause_of, seconds_of
from codeexec.domain.errors import DocumentError, UsageError
from codeexec.domain.terminals import (
    BOLD,
    DIM,
    HIDDEN,
    REVERSE,
    RGB,
    CellStyle,
    Span,
    TerminalRow,
)

INFO = RecordingInfo(20, 3, "a title", 1_700_000_000.5, XTERM)
RED = CellStyle(foreground=RGB + 0xFF0000, background=12, flags=BOLD)


def row(text: str, style: CellStyle | None = None) -> TerminalRow:
    return TerminalRow((Span(text, len(text), style),))


def written(version: int) -> list[str]:
    writer = AsciicastWriter(INFO, 3 if version == 3 else 2)
    writer.mark(Marker(0.0, "first"))
    writer.write(ScreenFrame(0.25, {0: row("one"), 2: row("red", RED)}))
    writer.write(ScreenFrame(1.0000004, {1: row("two \u2028 ü")}))
    writer.mark(Marker(1.5, "second"))
    return writer.finish(2.0).decode().split("\n")


def test_asciicast_2_is_read_by_another_reader() -> None:
    head, *rest = written(2)
    with v2.open_from_file(head + "\n", io.StringIO("\n".join(rest))) as cast:
        events = list(cast.events())
    assert cast.v2_header["width"] == 20 and cast.v2_header["height"] == 3
    assert cast.v2_header["timestamp"] == 1_700_000_000
    assert [event[1] for event in events] == ["m", "o", "o", "m", "o"]
    assert [event[0] for event in events] == [0.0, 0.25, 1.0, 1.5, 2.0]
    assert "\x1b[3;1H\x1b[2K\x1b[1;38;2;255;0;0;104mred\x1b[m" in events[1][2]


def test_asciicast_3_is_as_the_format_says() -> None:
    lines = written(3)
    assert lines[-1] == ""
    header = json.loads(lines[0])
    assert header["version"] == 3
    assert header["term"]["cols"] == 20 and header["term"]["rows"] == 3
    assert len(header["term"]["theme"]["palette"].split(":")) == 16
    events = [json.loads(line) for line in lines[1:-1]]
    assert [event[1] for event in events] == ["m", "o", "o", "m", "o", "x"]
    assert [event[0] for event in events] == [0.0, 0.25, 0.75, 0.5, 0.5, 0.0]  # intervals
    assert events[-1][2] == "0"


@pytest.mark.parametrize("version", [2, 3])
def test_what_is_written_is_read(version: int) -> None:
    cast = parse_cast("\n".join(written(version)).encode(), "a.cast")
    assert (cast.version, cast.columns, cast.rows, cast.title) == (version, 20, 3, "a title")
    assert cast.colors == XTERM
    assert [event.at for event in cast.events if event.code == "marker"] == [0.0, 1.5]
    assert cast.seconds == 2.0 and not cast.problem


def test_asciicast_1_has_delays() -> None:
    text = '{"version": 1, "width": 80,\n "height": 24, "stdout": [[0.5, "a"], [1, "b"]]}'
    cast = parse_cast(text.encode(), "old.json")
    assert [(event.at, event.text) for event in cast.events] == [(0.5, "a"), (1.5, "b")]


HEAD = b'{"version": 2, "width": 80, "height": 24}\n'


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "x:1: "),
        (b"\x00\xff\xfe", "x:1: "),
        (b"not json", "x:1: "),
        (b"[1]", "x:1: "),
        (b'{"version": true}', "x:1: "),
        (b'{"version": 4}', "x:1: "),
        (b'{"version": "\\u001b[2J"}', "x:1: "),
        (b'{"version": 2, "width": 80}', "x:1: "),
        (b'{"version": 2, "width": 100000, "height": 24}', "x:1: "),
        (b'{"version": 2, "width": 80.5, "height": 24}', "x:1: "),
        (b'{"version": 3, "term": []}', "x:1: "),
        (b'{"version": 1, "width": 8, "height": 2, "stdout": {}}', "x:1: "),
        (b'{"version": 1, "width": 8, "height": 2, "stdout": [[-1, "a"]]}', "x:1: "),
        (b"[" * 100_000, "x:1: "),
        (HEAD + b'[0, "o", "a"]\n{"a": 1}\n', "x:3: "),
        (HEAD + b'\n# no event\n[0, "o"]\n', "x:4: "),
        (HEAD + b'[-1, "o", "a"]\n', "x:2: "),
        (HEAD + b'[NaN, "o", "a"]\n', "x:2: "),
        (HEAD + b'[1e999, "o", "a"]\n', "x:2: "),
        (HEAD + b'[1e300, "o", "a"]\n', "x:2: "),
        (HEAD + b"[1" + b"0" * 400 + b', "o", "a"]\n', "x:2: "),
        (HEAD + b'[0, "o", "a"]\n' + b"[" * 100_000 + b"\n", "x:3: "),
        (HEAD + b'[0, "r", "99999x1"]\n', "x:2: "),
        (HEAD + b'[0, "r", "0x0"]\n', "x:2: "),
        (HEAD + b"[0, ", "x:2: "),
    ],
)
def test_damage_is_told_with_its_line(content: bytes, place: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_cast(content, "x")
    assert caught.value.message.startswith(place)
    assert caught.value.message.isprintable() and caught.value.next_step


def test_a_cast_that_is_cut_off_is_played_to_there() -> None:
    cast = parse_cast(HEAD + b'[0, "o", "a"]\n[1, "i", "key"]\n[2, "o", "b', "x")
    assert [event.text for event in cast.events] == ["a"]
    assert cast.problem.startswith("x:4: ")


def test_times_never_go_back() -> None:
    cast = parse_cast(HEAD + b'[5, "o", "a"]\n[1, "o", "b"]\n', "x")
    assert [event.at for event in cast.events] == [5.0, 5.0]


def test_files_that_are_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.cast", Path("/dev/zero")):
        with pytest.raises(DocumentError):
            read_cast(path)


def test_pauses_are_cut_short() -> None:
    line = Timeline(2.0)
    assert [line.at(time) for time in (100.0, 101.5, 111.5, 111.0, 112.0)] == [
        0,
        1.5,
        3.5,
        3.5,
        4.5,
    ]
    assert line.between(113.0) == 5.5 and line.between(999.0) == 6.5
    assert line.at(113.0) == 5.5
    line.hold(3.0)
    assert line.at(113.0) == 8.5


def test_times_in_words() -> None:
    assert [seconds_of(text, "--to") for text in ("90", "1:30", "1:00:01.5")] == [90, 90, 3601.5]
    assert pause_of("none", "--idle") is None and pause_of("0.5", "--idle") == 0.5
    for text in ("", "x", "-1", "1:2:3:4", "1e9"):
        with pytest.raises(UsageError):
            seconds_of(text, "--to")
    for text in ("0", "-1", "nan", "inf", "x"):
        with pytest.raises(UsageError):
            pause_of(text, "--idle")


def test_links_in_a_row_lead_to_the_web_alone() -> None:
    web, evil = CellStyle(link="https://a.b/"), CellStyle(link="x\x1b]52;c;aGk=\x07")
    assert "\x1b]8;;https://a.b/\x1b\\" in sgr_row(row("a", web))
    assert "52" not in sgr_row(row("a", evil))


def test_looks_have_no_palette() -> None:
    looks = Looks(XTERM)
    assert looks.look(None).foreground == 0xE5E5E5
    assert looks.look(CellStyle(foreground=196)).foreground == 0xFF0000
    assert looks.look(CellStyle(foreground=255)).foreground == 0xEEEEEE
    turned = looks.look(CellStyle(flags=REVERSE))
    assert (turned.foreground, turned.background) == (0x121212, 0xE5E5E5)
    assert looks.look(CellStyle(flags=HIDDEN)).foreground == 0x121212
    assert 0x121212 < looks.look(CellStyle(flags=DIM)).foreground < 0xE5E5E5
