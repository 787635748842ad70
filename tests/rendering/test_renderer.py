"""The helper process that draws: its limits, its end, and what it must not do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.rendering.faults import Fault
from codeexec.rendering.renderer import Renderer

PNG = b"\x89PNG\r\n\x1a\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" '
SQUARE = SVG + b'width="9" height="9"><rect width="9" height="9"/></svg>'


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    renderer = Renderer(seconds=60)
    yield renderer
    renderer.end()


def draw_square(renderer: Renderer) -> bytes:
    return renderer.draw({"kind": "svg", "side": "width=20"}, SQUARE)


def test_one_process_draws_all_pictures(renderer: Renderer) -> None:
    assert renderer.pid is None
    assert draw_square(renderer).startswith(PNG)
    pid = renderer.pid
    assert draw_square(renderer).startswith(PNG)
    assert renderer.pid == pid


def test_a_process_that_is_killed_costs_at_most_one_picture(renderer: Renderer) -> None:
    draw_square(renderer)
    pid = renderer.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while renderer.pid is not None:
        time.sleep(0.01)
    assert draw_square(renderer).startswith(PNG)
    assert renderer.pid != pid


def test_a_picture_of_too_many_pixels_costs_itself_alone(renderer: Renderer) -> None:
    """The library ends its process where there is no memory."""
    tall = SVG + b'width="1" height="9000000"/>'
    with pytest.raises(Fault, match="memory"):
        renderer.draw({"kind": "svg", "side": "width=100000"}, tall)
    assert draw_square(renderer).startswith(PNG)


def test_a_deadline_costs_one_picture() -> None:
    renderer = Renderer(seconds=0.001)  # no process starts in that time
    with pytest.raises(Fault, match=r"more than 0\.001 s"):
        draw_square(renderer)
    assert renderer.pid is None


def test_damage_is_told_and_the_process_goes_on(renderer: Renderer) -> None:
    with pytest.raises(Fault) as told:
        renderer.draw({"kind": "svg", "side": "width=9"}, b"<svg \x1b[2J")
    assert "\x1b" not in str(told.value)
    pid = renderer.pid
    assert pid is not None
    draw_square(renderer)
    assert renderer.pid == pid


def test_the_process_ends_with_its_parent() -> None:
    code = (
        "from codeexec.rendering.renderer import renderer; import os, sys;"
        f"renderer.draw({{'kind': 'svg', 'side': 'width=9'}}, {SQUARE!r});"
        "print(renderer.pid, flush=True); os._exit(0)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    pid = int(parent.stdout)
    deadline = time.monotonic() + 60
    while _is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_a_picture_at_an_address_is_not_requested(renderer: Renderer) -> None:
    spec = {
        "data": {"values": [{"x": 1, "y": 2}]},
        "mark": {"type": "image", "width": 30, "height": 30},
        "encoding": {"x": {"field": "x"}, "y": {"field": "y"}, "url": {"value": ""}},
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        spec["encoding"]["url"] = {"value": f"http://127.0.0.1:{listener.getsockname()[1]}/a.png"}  # type: ignore[index]
        picture = renderer.draw(
            {"kind": "vega", "mime": "application/vnd.vegalite.v5+json", "ground": "#ffffff"},
            json.dumps(spec).encode(),
        )
        assert picture.startswith(PNG)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_data_at_an_address_are_not_requested(renderer: Renderer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/data.csv"
        for mime, spec in (
            ("application/vnd.vegalite.v5+json", {"data": {"url": address}, "mark": "point"}),
            ("application/vnd.vega.v5+json", {"data": [{"name": "a", "url": address}]}),
        ):
            with pytest.raises(Fault, match="its data are at http"):
                renderer.draw(
                    {"kind": "vega", "mime": mime, "ground": "#ffffff"}, json.dumps(spec).encode()
                )
        with pytest.raises(BlockingIOError):
            listener.accept()


def _is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
