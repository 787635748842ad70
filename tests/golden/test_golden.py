"""The screens of SCENES look as their files in `data/` say, in each theme and colour depth.

`make golden` writes the files anew; what has changed is then seen in the diff, and in pictures by
`make golden-svg`. A test that fails writes both pictures to build/golden/.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

import pytest
from rich.segment import Segment

from codeexec.tui.theme.color_depth import DEPTHS
from golden.pictures import DATA, ROOT, Picture, differences, read, take, write
from golden.scenes import BEGIN, LOOKS, SCENES, SIZES, Look, Size, Still
from support.bench import Bench

pytestmark = pytest.mark.slow

INTO = ROOT / "build" / "golden"
UPDATE = os.environ.get("GOLDEN", "")
"""`update` writes the files, `svg` draws the pictures that there are."""

PATIENCE = 60.0 if os.environ.get("CI") else 10.0
"""Seconds for which a screen that looks otherwise is looked at again."""


@pytest.mark.timeout(300)  # many screens in three themes, also beside other work
@pytest.mark.parametrize("name", SCENES)
async def test_the_screen_looks_as_before(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = Still(monkeypatch)
    scene = SCENES[name]
    async with scene.story(tmp_path, BEGIN) as bench:
        still.without_user(tmp_path / "home-of-nobody")
        faults = await _look(bench, still, name, scene.looks)
        for act_name, act in scene.acts.items():
            await act(bench)
            faults += await _look(bench, still, act_name, scene.looks)
    assert not faults, "\n".join(faults)


async def _look(
    bench: Bench, still: Still, name: str, looks: Mapping[Size, tuple[Look, ...]]
) -> list[str]:
    """How the screen differs from its pictures at all sizes; ends at the size it begins with."""
    faults: list[str] = []
    for size in looks:
        await bench.pilot.resize_terminal(*size)
        still.hold(bench)
        file = f"{name}-{size[0]}x{size[1]}"
        faults += _compare(file, await _take_expected(bench, size, looks[size], file))
    await bench.pilot.resize_terminal(*BEGIN)
    return faults


async def _take_expected(bench: Bench, size: Size, looks: tuple[Look, ...], name: str) -> Picture:
    """The screen once it is as in its file: what comes late, such as a pane at the side or the
    memory of a kernel, is waited for. The screen as it is if that takes too long; ValueError if
    something on it still changes between its looks then."""
    ends = monotonic() + PATIENCE
    while True:
        try:
            picture = await _take(bench, size, looks)
            if monotonic() > ends or not _differences(name, picture):
                return picture
        except ValueError:
            if monotonic() > ends:
                raise
        await bench.pilot.pause(0.1)


async def _take(bench: Bench, size: Size, looks: tuple[Look, ...]) -> Picture:
    """The screen in the looks of its size."""
    program, strips = bench.program, {}
    for theme, depth in looks:
        program.show_theme(program.app_context.themes[theme].at(depth))
        before: list[list[Segment]] | None = None
        shot: list[list[Segment]] = []
        while before != shot or len(shot) != size[1] or _is_painting(bench):
            await bench.pilot.pause(0.02)
            before = shot
            shot = [list(strip) for strip in program.screen._compositor.render_strips()]
        strips[f"{theme} {depth}"] = shot
    return take(strips)


def _is_painting(bench: Bench) -> bool:
    """Whether pictures are being painted, which another theme may ask for anew."""
    groups = ("images", "page-pictures", "paint")
    return any(work.group in groups and not work.is_finished for work in bench.program.workers)


def _differences(name: str, picture: Picture) -> list[str]:
    """How the picture differs from its file; nothing where there is no file or it is written."""
    file = DATA / f"{name}.txt"
    if UPDATE or not file.exists():
        return []
    return differences(read(file.read_text("utf-8")), picture)


def _compare(name: str, picture: Picture) -> list[str]:
    file = DATA / f"{name}.txt"
    if UPDATE == "update":
        DATA.mkdir(exist_ok=True)
        file.write_text(write(picture), "utf-8")
    if UPDATE == "svg":
        _draw(name, "", picture)
    if not file.exists():
        return [f"There is no picture of {name} yet: make golden"]
    expected = read(file.read_text("utf-8"))
    found = differences(expected, picture)
    if not found:
        return []
    _draw(name, "-expected", expected)
    _draw(name, "-actual", picture)
    next_step = f"both in {INTO}; if that is meant: make golden ONLY=SCENE"
    return [f"{name} looks otherwise ({next_step})", *found]


def _draw(name: str, end: str, picture: Picture) -> None:
    INTO.mkdir(parents=True, exist_ok=True)
    for look in picture.looks:
        file = INTO / f"{name}-{look.replace(' ', '-')}{end}.svg"
        file.write_text(picture.svg(look), "utf-8")


def test_each_file_is_of_a_scene_and_each_look_is_in_it() -> None:
    scenes = [name for first, scene in SCENES.items() for name in (first, *scene.acts)]
    assert len(set(scenes)) == len(scenes) >= 10
    names = {f"{name}-{w}x{h}" for name in scenes for w, h in SIZES}
    assert {file.stem for file in DATA.glob("*.txt")} == names
    assert {depth for _, depth in LOOKS} < set(DEPTHS)
    looks_of = {
        f"{name}-{w}x{h}": looks
        for first, scene in SCENES.items()
        for name in (first, *scene.acts)
        for (w, h), looks in scene.looks.items()
    }
    for file in DATA.glob("*.txt"):
        picture = read(file.read_text("utf-8"))
        looks = looks_of[file.stem]
        assert picture.looks == tuple(" ".join(look) for look in looks)
        for cells in picture.cells:
            for cell in cells:
                _check_depths(picture.looks, cell)


def _check_depths(looks: tuple[str, ...], cell: tuple[str, ...]) -> None:
    for look, style in zip(looks, cell, strict=True):
        front, _, back, *_ = style.split(" ")
        sign = "color(" if look.endswith("256") else "#"
        assert {color.startswith(sign) or color == "default" for color in (front, back)} == {True}
