"""`run SCRIPT` without options: started before the parser is loaded, and then left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codeexec.cli.run_options import RunOptions
from codeexec.cli.script import short as script_short
from codeexec.cli.script.plain import plain_options
from codeexec.cli.script.short import wait_short
from codeexec.config.model import Settings
from codeexec.kernels.process.spawn import PTY, SAME, SpawnedProgram, spawn_program
from support.programs import Desk, environment


@contextmanager
def program(code: str) -> Iterator[SpawnedProgram]:
    """`python -c CODE` in a pseudo-terminal of ours."""
    spawned = spawn_program(
        [sys.executable, "-c", code],
        str(Path.cwd()),
        os.environ,
        stdin=subprocess.DEVNULL,
        stdout=PTY,
        stderr=SAME,
    )
    yield spawned
    if spawned.process.returncode is None:
        spawned.process.kill()
        spawned.process.wait()
        spawned.close()


@pytest.fixture
def signals() -> Iterator[int]:
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_short, "SHORT", 30.0)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("print(1)", "1\n"),
        ("print('a'); print('b', end='')", "a\nb\n"),
        ("pass", ""),
        ("import sys; print('x', file=sys.stderr); print('y', flush=True)", "x\ny\n"),
    ],
)
def test_plain_lines_are_written_as_they_are(
    signals: int, capfd: pytest.CaptureFixture[str], code: str, shown: str
) -> None:
    with program(code) as spawned:
        assert wait_short(spawned, signals) == 0
    assert capfd.readouterr().out == shown


def test_its_status_is_the_programs(signals: int) -> None:
    with program("raise SystemExit(7)") as spawned:
        assert wait_short(spawned, signals) == 7


@pytest.mark.parametrize(
    ("code", "shown", "unread"),
    [
        ("print('a', flush=True); print('\\x1b[31mred')", "a\n", b"\x1b[31mred\n"),
        ("print('50%', end='\\r'); import time; time.sleep(30)", "", b"50%\r"),
        ("print('\\xe9')", "", "\xe9".encode()),
        ("print('x' * 10_000)", "", b"x" * 4096),
    ],
    ids=["styles", "a row that is written again", "other characters", "much at once"],
)
def test_what_is_not_plain_is_handed_over_unshown(
    signals: int, capfd: pytest.CaptureFixture[str], code: str, shown: str, unread: bytes
) -> None:
    with program(code) as spawned:
        assert wait_short(spawned, signals) is None
        both = capfd.readouterr().out.encode() + spawned.unread
        assert both.startswith(shown.encode() + unread[:4])


def test_a_program_that_takes_longer_is_handed_over(
    signals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script_short, "SHORT", 0.0)
    with program("input()") as spawned:
        assert wait_short(spawned, signals) is None


def test_a_crash_is_handed_over(signals: int) -> None:
    with program("import os; os.kill(os.getpid(), 9)") as spawned:
        assert wait_short(spawned, signals) is None
        assert spawned.process.returncode == -9


# -- without the parser of options -------------------------------------------------------------


def test_plain_words_mean_what_the_parser_makes_of_them(desk: Desk) -> None:
    options = plain_options(["a.py", "x", "y z"], environment(desk.home))
    assert options is not None
    settings = Settings()
    assert options == RunOptions(
        "a.py",
        ("x", "y z"),
        kernel=settings.kernel.name,
        color=settings.run.color,
        progress=settings.run.progress,
        images=settings.appearance.images,
        backend=settings.kernel.backend,
        trust=options.trust,
    )


@pytest.mark.parametrize(
    "words",
    [[], [""], ["-"], ["a.ipynb"], ["a.py", "--cells"], ["--json", "a.py"], ["a.py", "--", "x"]],
)
def test_other_words_go_to_the_parser(desk: Desk, words: list[str]) -> None:
    assert plain_options(words, environment(desk.home)) is None


def test_settings_are_read(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment(desk.home)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert plain_options(["a.py"], env) is not None
    assert plain_options(["a.py"], {**env, "CODEEXEC_KERNEL_NAME": "x"}) is None
    (tmp_path / ".codeexec.toml").write_text("")
    assert plain_options(["a.py"], env) is None
    (tmp_path / ".codeexec.toml").unlink()
    folder = desk.home / ".config/codeexec-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("")
    assert plain_options(["a.py"], env) is None


def test_a_script_loads_no_parser_and_no_loop(desk: Desk) -> None:
    desk.file("a.py", "print(1)\n")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "codeexec", "run", "a.py"],
        cwd=desk.folder,
        env=environment(desk.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert (done.stdout, done.returncode) == ("1\n", 0)
    assert "codeexec.cli.script.launch" in modules
    assert not modules & {"click", "asyncio", "dataclasses", "inspect", "codeexec.config.load"}
