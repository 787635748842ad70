"""One terminal on the screens of several clients, and one in a container under `locked`."""

from __future__ import annotations

import os
import re
import signal
from itertools import count

import pytest

from support.containers import IMAGE, require_engine
from support.terminal_bench import (
    ENTER,
    attach,
    kill_server,
    leave,
    terminal_bench,
    wait_beside,
)
from support.tty import Tty

pytestmark = pytest.mark.slow

_numbers = count(1)


def size_told(tty: Tty) -> tuple[int, int]:
    """Rows and columns as the shell tells them now."""
    pattern = re.compile(rf"size{next(_numbers)}: (\d+) (\d+)")
    tty.press(f"clear; echo {pattern.pattern.partition(' ')[0]} $(stty size)\r")
    tty.until(lambda: pattern.search(tty.text))
    match = pattern.search(tty.text)
    assert match is not None
    return int(match[1]), int(match[2])


def test_the_smaller_client_has_the_size_until_one_takes_control() -> None:
    with terminal_bench(columns=200, lines=60) as (tty, apart):
        tty.press(f"{ENTER}echo ready\r")
        tty.shows("│ ready")
        large = size_told(tty)
        with attach(apart, columns=80, lines=24) as other:
            other.shows("Enter types")
            wait_beside(other, lambda: size_told(tty) < large, "the size of the smaller client")
            small = size_told(tty)
            assert small[0] < large[0] and small[1] < large[1]
            other.press("\recho typed by the other $((40 + 2))\r")
            tty.shows("typed by the other 42")
            leave(tty)
            tty.press("z\r")
            wait_beside(other, lambda: size_told(tty) == large, "the size of who took control")
        with attach(apart, "--watch", columns=80, lines=24) as watcher:
            watcher.shows("watching only")
            watcher.shows("size")
            watcher.press("\r")
            watcher.shows("This workbench only watches")
            tty.press("echo by the user $((40 + 2))\r")
            watcher.shows("by the user 42")
            watcher.press("echo by a watcher\r")  # its letters may go to another pane
            tty.press("echo after the watcher $((40 + 3))\r")
            tty.shows("after the watcher 43")
            assert "by a watcher" not in tty.text
            assert size_told(tty) == large


EDITOR = (
    "python3 -c 'import curses, curses.textpad as t; "
    'open("notes.txt", "w").write(curses.wrapper(lambda s: t.Textbox(s).edit()))\'\r'
)


@pytest.mark.docker
def test_a_shell_in_a_container_outlives_its_client() -> None:
    require_engine()
    settings = {
        "CODEEXEC_KERNEL_BACKEND": "docker",
        "CODEEXEC_DOCKER_POLICY": "locked",
        "CODEEXEC_DOCKER_IMAGE": IMAGE,
    }
    with terminal_bench(columns=120, lines=36, environ=settings) as (tty, apart):
        tty.press(f"{ENTER}WORD=kept; printf '%s\\n' b a | sort | tr ab AB; echo r$((40 + 2))\r")
        tty.shows("r42", 60.0)
        tty.shows("container")
        tty.press("sh -c 'echo be''gun; exec sleep 100'\r")
        tty.shows("begun")
        tty.press("\x1a")
        tty.shows("Stopped")
        tty.press("jobs; kill %1; echo $WORD-$(id -u)\r")
        tty.shows("kept-1000")
        tty.press("clear; seq 500\r")
        tty.shows("│ 500 ")
        tty.press(EDITOR)
        tty.until(lambda: "│ 500 " not in tty.text)
        tty.press("words that are not saved")
        tty.shows("words that are not saved")
        os.kill(tty.pid, signal.SIGKILL)
        with attach(apart, columns=120, lines=36) as again:
            again.shows("Enter types")
            again.shows("words that are not saved")
            again.press("\r yet")
            again.shows("words that are not saved yet")
            again.press("\x07")  # Ctrl+G: it is done
            again.shows("│ 500 ")
            again.press("cat notes.txt; echo $WORD\r")
            again.shows("│ words that are not saved yet")
            again.shows("│ kept")
            kill_server(again, apart)
            again.shows("ended; how is not known")  # containers end with their server
            again.shows("│ words that are not saved yet")
            again.press("\recho new $((40 + 2))\r")
            again.shows("│ new 42", 60.0)
