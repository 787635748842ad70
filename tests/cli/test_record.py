"""`record` of a session and of a lesson in every format, and what `record` and `play` refuse."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path

import pytest
from asciinema.asciicast import v2
from click.testing import CliRunner, Result
from PIL import Image

from codeexec.cli.recording.formats import SCREEN_FORMATS, TEXT_FORMATS
from codeexec.cli.recording.play import play
from codeexec.cli.recording.record import record
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.executing import run_to_end
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Unavailable
from codeexec.domain.events import OutputChanged
from codeexec.domain.ids import new_id
from codeexec.session.storage.journal import Journal
from codeexec.tui.recording import gif_frames

PASSWORD = "correct-horse-7"
CODE = (
    "import getpass, time\nsecret = getpass.getpass('Password: ')\nprint('it has', len(secret))",
    # In one piece: between two writes of a row the kernel may flush its output by its own clock.
    "for number in range(20): print(f'row {number};\\n', end='', flush=True); time.sleep(0.03)",
    # A picture, and an error.
    "import PIL.Image as image\ntime.sleep(1.2)\ndisplay(image.new('RGB', (80, 40), (250, 7, 9)))\n"
    "1 / 0",
)


async def _session(folder: Path) -> Path:
    async with EmbeddedHost(folder / "state") as host:
        (folder / "work").mkdir()
        opened = await host.call(q.OpenSession(cwd=str(folder / "work"), name="taught"))
        session = host.session(opened.session_id)
        for code in CODE:
            await run_to_end(session, q.Execute(code, execution_id=new_id("run")), (PASSWORD,))
        return folder / "state" / "sessions" / opened.session_id / "journal.db"


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of a session that has ended."""
    return asyncio.run(_session(tmp_path_factory.mktemp("recorded")))


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(record, [str(argument) for argument in arguments])


def written(journal: Path, out: Path, *options: object) -> bytes:
    result = invoke(journal, "-o", out, *options)
    assert result.exception is None, result.exception
    return out.read_bytes()


@pytest.mark.slow
def test_an_ended_session_has_its_own_times(journal: Path, tmp_path: Path) -> None:
    lines = written(journal, tmp_path / "a.cast", "--idle", "none").decode().splitlines()
    with v2.open_from_file(lines[0], io.StringIO("\n".join(lines[1:]))) as cast:
        events = list(cast.events())
    stored = Journal.open(journal, read_only=True)
    history = stored.read(0, 10_000, "full")
    stored.close()
    began = history[0].at
    journaled: dict[str, float] = {}
    """What stands in the cast for each row, and when the row came."""
    for recorded in history:
        if isinstance(recorded.event, OutputChanged):
            for run in recorded.event.runs:
                words = [word for word in run.text.split("\n") if word.startswith("row ")]
                words += ["8;2;250;7;9m"] if run.display is not None else []
                words += [run.error.name] if run.error is not None else []
                journaled.update(dict.fromkeys(words, recorded.at - began))
    assert len(journaled) == 22 and "ZeroDivisionError" in journaled
    for text, at in journaled.items():
        shown = next(event[0] for event in events if event[1] == "o" and text in event[2])
        assert abs(shown - at) <= 0.02, text
    markers = [event[2] for event in events if event[1] == "m"]
    assert markers == [code.splitlines()[0][:80] for code in CODE]


@pytest.mark.slow
def test_processes_encode_the_frames_of_a_long_gif(
    journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = written(journal, tmp_path / "alone.gif")
    monkeypatch.setattr(gif_frames, "_ALONE", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    beside = written(journal, tmp_path / "beside.gif")
    with Image.open(io.BytesIO(alone)) as one, Image.open(io.BytesIO(beside)) as other:
        frames = getattr(other, "n_frames", 1)
        assert frames == getattr(one, "n_frames", 1) > 3
        for at in range(frames):
            one.seek(at)
            other.seek(at)
            assert one.convert("RGB").tobytes() == other.convert("RGB").tobytes(), at


@pytest.mark.slow
def test_pauses_are_capped(journal: Path, tmp_path: Path) -> None:
    def seconds(idle: str) -> float:
        content = written(journal, tmp_path / f"{idle}.cast", "--idle", idle)
        return float(json.loads(content.splitlines()[-1])[0])

    # The pause is that between two events of the journal, which may come late.
    assert seconds("none") - seconds("0.3") >= 0.4


VIDEOS = {"mp4", "webm"}
"""They are made of the GIF, by a program that is not here."""


@pytest.mark.parametrize("form", sorted((SCREEN_FORMATS | TEXT_FORMATS).keys() - VIDEOS))
def test_a_password_is_in_no_format(journal: Path, tmp_path: Path, form: str) -> None:
    content = written(journal, tmp_path / "out", "--format", form)
    assert content
    encoded = base64.b64encode(PASSWORD.encode())
    for secret in (PASSWORD.encode(), PASSWORD.encode("utf-16-le"), encoded[:-4]):
        assert secret not in content


def test_a_part_at_another_size_and_theme(journal: Path, tmp_path: Path) -> None:
    options = ("--size", "60x12", "--theme", "paper", "--from", "[2]", "--to", "[3]")
    content = written(journal, tmp_path / "a.cast", *options)
    header, *events = [json.loads(line) for line in content.splitlines()]
    assert (header["width"], header["height"]) == (60, 12)
    assert int(header["theme"]["bg"][1:3], 16) > 200
    assert "1 / 0" not in [event[2] for event in events if event[1] == "m"]
    assert json.loads(content.splitlines()[1])[0] == 0.0


@pytest.mark.slow
def test_a_cast_is_cut_and_written_anew(journal: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.cast", tmp_path / "b.cast"
    written(journal, first)
    again = written(first, second, "--format", "v3")
    header, *events = [json.loads(line) for line in again.splitlines()]
    assert header["term"]["cols"] == 100
    assert [event[1] for event in events].count("m") == 3
    assert "row 19" in "".join(event[2] for event in events)


@pytest.mark.slow
def test_a_lesson_is_run_for_it(tmp_path: Path) -> None:
    lesson = tmp_path / "l.md"
    lesson.write_text("# One\n\n```python\nprint(6 * 7)\n```\n\n# Two\n\n```python\nx = 1\n```\n")
    events = [json.loads(line) for line in written(lesson, tmp_path / "l.cast").splitlines()[1:]]
    markers = [(event[0], event[2]) for event in events if event[1] == "m"]
    assert [title for _, title in markers] == ["One", "Two"]
    assert markers[1][0] - markers[0][0] >= 2.0
    assert "42" in "".join(event[2] for event in events)
    lesson.write_text("# One\n\n```python\n1 / 0\n```\n")
    result = invoke(lesson, "-o", tmp_path / "broken.cast")
    assert isinstance(result.exception, CodeexecError)
    assert result.exception.message.startswith(f"{lesson}:3: ZeroDivisionError")
    assert not (tmp_path / "broken.cast").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "x.doc"),
        ("-o", "x.cast", "--format", "avi"),
        ("-o", "x.cast", "--size", "0x0"),
        ("-o", "x.cast", "--size", "9999x9999"),
        ("-o", "x.cast", "--theme", "none-such"),
        ("-o", "x.cast", "--idle", "-1"),
        ("-o", "x.cast", "--hold", "-1"),
        ("-o", "x.cast", "--from", "noon"),
        ("-o", "x.cast", "--from", "[77]"),
        ("-o", "x.cast", "--from", "99:99:99"),
        ("-o", "x.txt", "--to", "3"),
    ],
)
def test_what_cannot_be_recorded(
    journal: Path, tmp_path: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(journal, *options)
    assert isinstance(result.exception, CodeexecError)
    assert result.exception.next_step
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", sorted(VIDEOS))
def test_a_video_without_ffmpeg_says_what_to_install(
    journal: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = invoke(journal, "-o", tmp_path / f"x.{form}")
    assert isinstance(result.exception, Unavailable)
    assert "ffmpeg" in result.exception.message and "apt install" in result.exception.next_step
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_overwritten(journal: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.cast"
    out.write_text("mine")
    assert isinstance(invoke(journal, "-o", out).exception, CodeexecError)
    assert out.read_text() == "mine"
    written(journal, out, "--force")


def test_play_needs_a_terminal_and_an_asciicast(tmp_path: Path) -> None:
    file = tmp_path / "x.cast"
    file.write_text('{"version": 2, "width": 80, "height": 24}\n[0, "o", "a"]\n')
    for arguments in ([str(file)], [str(tmp_path)], [str(file), "--speed", "0"]):
        result = CliRunner().invoke(play, arguments)
        assert isinstance(result.exception, CodeexecError) or result.exit_code == 2
