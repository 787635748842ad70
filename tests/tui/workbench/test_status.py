"""What the line at the bottom says of a container, and that it fits."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult

from codeexec.client.api import Link
from codeexec.domain.events import Death, KernelRef
from codeexec.domain.events.lines import LineCut
from codeexec.domain.events.starts import KernelStartAdvanced
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.requests import Usage
from codeexec.domain.snapshot import KernelState, KernelView, Snapshot
from codeexec.domain.text.glyphs import KERNELS
from codeexec.tui.theme.theme import built_in_folder, find_theme
from codeexec.tui.widgets import status
from codeexec.tui.widgets.status import Position, StatusLine

LONG = "registry.example.com/team/python-data:2026-11"


def container(
    image: str = "codeexec-kernel:1",
    *notices: str,
    state: KernelState = "idle",
    paused: bool = False,
    death: Death | None = None,
) -> Snapshot:
    ref = KernelRef(
        f"docker:{image}",
        f"Python 3 in {image}",
        "python",
        image,
        "docker",
        "locked · no network · 1 GB · 1 cpu",
        "docker",
    )
    view = KernelView(state, 1, ref, paused=paused, notices=notices, death=death)
    return Snapshot(kernels={DEFAULT_KERNEL: view})


class Line(App[None]):
    """The status line alone."""

    def __init__(self) -> None:
        super().__init__()
        self.status = StatusLine(find_theme("harbour", [built_in_folder()]))
        self.commands: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.status

    def on_status_line_command_clicked(self, event: StatusLine.CommandClicked) -> None:
        self.commands.append(event.command)

    def said(self) -> str:
        return self.status.render_line(0).text.strip()


@pytest.mark.parametrize("columns", [80, 150])
@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (container(), "● idle  docker codeexec-kernel:1 · locked"),
        (container(paused=True), "‖ paused  docker codeexec-kernel:1 · locked"),
        (container(LONG), "● idle  docker python-data:2026-11 · locked"),
        (container("a@sha256:" + 64 * "0"), "docker a@00000000 · locked"),
        (container("a", "No limit."), "● idle  docker a · locked, 1 notice"),
        (container("a", "No limit.", "None."), "● idle  docker a · locked, 2 notices"),
        (
            container(state="dead", death=Death("The image a is not here. Make it.")),
            "✗ dead: The image a is not here  docker",
        ),
    ],
)
async def test_it_names_image_and_policy_at_every_width(
    columns: int, snapshot: Snapshot, words: str
) -> None:
    app = Line()
    async with app.run_test(size=(columns, 3)):
        app.status.show(
            snapshot=snapshot,
            link=Link("connected"),
            usage=Usage(rss=120_000_000),
            position=Position(12, 40, "load"),
        )
        assert words in app.said()
        assert len(app.said()) <= columns


async def test_a_click_on_the_policy_leads_to_it_and_one_on_paused_goes_on() -> None:
    app = Line()
    async with app.run_test(size=(80, 3)) as pilot:
        app.status.show(snapshot=container(paused=True), link=Link("connected"))
        await pilot.pause()
        await pilot.click(StatusLine, offset=(app.said().index("locked") + 2, 0))
        await pilot.click(StatusLine, offset=(3, 0))
        assert app.commands == ["kernel.policy", "kernel.pause"]


async def test_a_lost_connection_counts_down_and_a_click_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(status, "time", SimpleNamespace(monotonic=lambda: now))
    app = Line()
    async with app.run_test(size=(80, 3)) as pilot:
        app.status.show(link=Link("reconnecting", 3, retry_at=108.4))
        assert app.said().startswith("⇄ reconnecting in 8 s · try now")
        now = 102.0
        assert app.said().startswith("⇄ reconnecting in 6 s · try now")
        await pilot.pause()
        await pilot.click(StatusLine, offset=(4, 0))
        assert app.commands == ["app.reconnect"]
        app.status.show(link=Link("reconnecting", 4, retry_at=now))
        assert app.said().startswith("⇄ reconnecting … · try now")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (80, "no ipykernel: /e/b"),
        (200, "no ipykernel: /e/bin/python -m pip install ipykernel"),
    ],
)
async def test_a_python_without_ipykernel_is_told_with_the_command(
    columns: int, words: str
) -> None:
    app = Line()
    async with app.run_test(size=(columns, 3)) as pilot:
        ref = KernelRef("/e/bin/python", "Python 3.12 (e)", "python", "/e/bin/python", "local")
        notice = "no ipykernel: /e/bin/python -m pip install ipykernel"
        view = KernelView("idle", 1, ref, pid=31723, notices=(notice,))
        app.status.show(snapshot=Snapshot(kernels={DEFAULT_KERNEL: view}), link=Link("connected"))
        await pilot.pause()
        assert words in app.said()
        assert app.said().startswith("● idle  Python 3.12 (e) · no ipykernel: ")
        assert len(app.said()) <= columns


async def test_the_key_of_the_help_stays_beside_a_long_title_and_watch_only() -> None:
    app = Line()
    async with app.run_test(size=(80, 3)):
        ref = KernelRef("python3", "Python 3.11 (ipykernel)", "python", "", "kernel")
        view = KernelView("idle", 1, ref, pid=31723)
        app.status.show(
            snapshot=Snapshot(kernels={DEFAULT_KERNEL: view}),
            link=Link("connected"),
            usage=Usage(rss=91_000_000),
            watching="watching only · following",
            position=Position(81, 1, "part 17 with a title that is longer than the line has room"),
        )
        assert app.said().startswith("● idle  watching only · following")
        assert app.said().endswith("part 17 with a titl…  81:1   F1 keys")
        app.status.show(watching="", presenting="Alt+P ends the presentation")
        assert app.said().startswith("● idle  Alt+P ends the presentation")


async def test_the_place_of_a_cursor_that_is_not_on_screen_is_not_told() -> None:
    app = Line()
    async with app.run_test(size=(80, 3)):
        app.status.show(position=Position(3, 31))
        assert "3:31" in app.said()
        app.status.show(shows_position=False)
        assert "3:31" not in app.said()


async def test_the_limits_of_a_kernel_of_this_machine_are_counted() -> None:
    app = Line()
    async with app.run_test(size=(120, 24)):
        ref = KernelRef("deno", "Deno", "typescript", "/kernels/deno", "local")
        for notices, words in (
            ((), ""),
            (("It cannot.",), "It cannot."),
            (("a.", "b."), "2 limits"),
        ):
            view = KernelView("idle", 1, ref, notices=notices)
            app.status.show(snapshot=Snapshot(kernels={DEFAULT_KERNEL: view}))
            assert words in app.said()
            assert ("limit" in app.said()) == (len(notices) == 2)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (160, "python + bash ▶, cpp ✗, ir ·"),
        (80, "python +3 (1 busy) ·"),
    ],
)
async def test_it_tells_all_kernels_of_a_session(columns: int, words: str) -> None:
    ref = KernelRef("python3", "Python 3", "python", "/usr/bin/python3", "local")
    states: dict[str, KernelState] = {"bash": "busy", "cpp": "dead", "ir": "idle"}
    kernels = {DEFAULT_KERNEL: KernelView("idle", 1, ref)}
    kernels |= {name: KernelView(state) for name, state in states.items()}
    app = Line()
    async with app.run_test(size=(columns, 3)):
        app.status.show(snapshot=Snapshot(kernels=kernels), link=Link("connected"))
        assert words in app.said()


@pytest.mark.parametrize("columns", [60, 120])
async def test_the_steps_of_a_start_stand_there_with_the_time(columns: int) -> None:
    app = Line()
    ref = KernelRef("remote:hub", "Python on hub", "python", backend="remote")
    async with app.run_test(size=(columns, 1)):
        start = KernelStartAdvanced("Pulling", time.time() - 65, 40)
        view = KernelView("starting", 1, ref, start=start)
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: view}), Link("connected"))
        assert re.match(rf"{KERNELS['starting']} Pulling 40 % \d:\d\d", app.said())
        # A long step leaves room for the time.
        long = replace(start, step="Waiting for the image of the machine", percent=40)
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: replace(view, start=long)}))
        assert re.search(r"Waiting for \S.* 40 % \d:\d\d", app.said())
        ready = replace(view, state="idle", start=None)
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: ready}))
        assert app.said().startswith(f"{KERNELS['idle']} idle")


async def test_clusters_of_code_stand_there() -> None:
    app = Line()
    async with app.run_test(size=(160, 1)):
        ref = KernelRef("python3", "Python 3", "python")
        cluster = ClusterState("Dask", 18, 40, 2, 1, 1_200_000_000)
        view = KernelView("busy", 1, ref, clusters=(cluster,))
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: view}), Link("connected"))
        assert "Dask 18/40 tasks, 2 failed · 1 worker · 1.2 GB" in app.said()
        silent = replace(view, clusters=(replace(cluster, failed=0, workers=4, is_silent=True),))
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: silent}))
        assert "Dask (no answer) 18/40 tasks · 4 workers · 1.2 GB" in app.said()


async def test_the_time_that_a_job_has_left_stands_there() -> None:
    app = Line()
    async with app.run_test(size=(120, 1)):
        ref = KernelRef("ssh:lab", "Python on lab", "python", backend="ssh")
        view = KernelView("idle", 1, ref, ends_at=time.time() + 3590)
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: view}), Link("connected"))
        assert "59 min left" in app.said()
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: replace(view, ends_at=0.0)}))
        assert " left" not in app.said()


@pytest.mark.parametrize("columns", [60, 120])
async def test_a_cut_line_to_the_kernel_stands_there_until_it_is_back(columns: int) -> None:
    app, cut = Line(), LineCut(time.time() - 65, "The line to lab.example broke.")
    async with app.run_test(size=(columns, 1)):
        ref = KernelRef("remote:lab", "Python on lab", "python", backend="remote")
        for state in ("idle", "busy"):
            view = KernelView(state, 1, ref, line_cut=cut)
            app.status.show(Snapshot(kernels={DEFAULT_KERNEL: view}), Link("connected"))
            assert re.match(r"⇄ line to the kernel cut \d:\d\d, trying again", app.said())
        back = replace(view, state="idle", line_cut=None)
        app.status.show(Snapshot(kernels={DEFAULT_KERNEL: back}))
        assert app.said().startswith(f"{KERNELS['idle']} idle")
        others = {DEFAULT_KERNEL: back, "r": replace(view, state="idle"), "bash": back}
        app.status.show(Snapshot(kernels=others))
        assert ("r ⇄, bash" in app.said()) is (columns == 120)
