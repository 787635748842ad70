"""What a process wrote last is quoted without acting on a terminal, here and from a container."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from codeexec.environments.relay.processes import Exit
from codeexec.kernels.jupyter.exit_reason import explain, printable_words, read_last_words
from codeexec.kernels.relay.kernel_exit import kernel_ended
from support.hostile import EVERYTHING, HOSTILE, acting, unseen


@pytest.mark.parametrize("text", [*HOSTILE, EVERYTHING])
def test_last_words_act_on_nothing(tmp_path: Path, text: str) -> None:
    log = tmp_path / "log"
    log.write_bytes(f"before {text} after\r\nend".encode("utf-8", "replace"))
    here = explain(1, last_words=read_last_words(log)).message
    away = kernel_ended(
        Exit(1, 0, 0, 0), printable_words(log.read_bytes().decode()), "image"
    ).death.message
    for message in (here, away):
        assert not acting(message) and not unseen(message)
        assert "after\nend" in message


def test_colours_are_left_out_and_direction_is_shown() -> None:
    assert printable_words("\x1b[31mred\x1b[0m \u202eright\rover\n") == "red ·right\nover"


def test_the_report_of_a_crash_is_the_thread_that_crashed(tmp_path: Path) -> None:
    others = "".join(f'  File "a.py", line {number} in f\n' for number in range(200))
    own = "".join(f'  File "own.py", line {number} in g\n' for number in range(200))
    log = tmp_path / "kernel.log"
    log.write_text(
        f"started\nFatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n"
        f"{others}\nCurrent thread 0x2 (most recent call first):\n{own}\nExtension modules: a\n"
    )
    words = read_last_words(log).split("\n")
    assert words[:3] == [
        "Fatal Python error: Segmentation fault",
        "Current thread 0x2 (most recent call first):",
        '  File "own.py", line 0 in g',
    ]
    assert words[-1].endswith("…")


PENDING = """
import asyncio
from codeexec.guest.launch import drop_requests

async def answer(started):
    await asyncio.sleep(0 if started else 600)

loop = asyncio.new_event_loop()
begun = loop.create_task(answer(False))
loop.run_until_complete(asyncio.sleep(0))
never = loop.create_task(answer(True))
{drop}
loop.close()
del begun, never, loop
"""


@pytest.mark.parametrize("drop", ["drop_requests(loop)", ""])
def test_a_request_that_comes_after_the_end_leaves_no_words(drop: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PENDING.format(drop=drop)],
        capture_output=True,
        text=True,
        check=True,
    )
    # Without it asyncio writes of both.
    assert ("never awaited" in done.stderr and "was destroyed" in done.stderr) == (not drop)
    assert bool(done.stderr) == (not drop)
