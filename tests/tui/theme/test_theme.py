"""Theme files: completed from a few colours, overridden by the user, faults named by key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App

from codeexec.domain.errors import UsageError
from codeexec.tui.theme.colors import Color, contrast, readable
from codeexec.tui.theme.theme import (
    DEFAULT,
    MONOCHROME,
    built_in_folder,
    find_theme,
    load_theme,
    load_themes,
    names,
    preferred_theme,
    to_textual,
)

BASE = """
[base]
surface = "#101010"
text = "#f0f0f0"
accent = "#80c0ff"
red = "#ff8080"
yellow = "#ffe080"
green = "#80ff80"
cyan = "#80ffff"
blue = "#8080ff"
violet = "#c080ff"
"""


def _write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_nine_colours_are_a_whole_theme(tmp_path: Path) -> None:
    theme = load_theme(_write(tmp_path, BASE))
    assert theme.key == "mine"
    assert theme.title == "Mine"
    assert all(theme.color(name).startswith("#") for name in names())
    assert theme.color("run.running") == "#80c0ff"


def test_a_meaning_can_be_said(tmp_path: Path) -> None:
    file = _write(
        tmp_path,
        BASE + '[meaning]\n"run.ok" = "#fafbfc on surface 50% text bold"\nrun.failed = "run.ok"\n',
    )
    style = load_theme(file).style("run.ok")
    assert style.color is not None and style.color.name == "#fafbfc"
    assert style.bgcolor is not None and style.bgcolor.name == "#808080"
    assert style.bold
    assert load_theme(file).color("run.failed") == "#fafbfc"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[base]\nsurface = '#101010'\n", "base.text is missing"),
        (BASE + "teal = '#008080'\n", "base.teal is not the name"),
        (BASE + "[meaning]\n'run.fine' = 'red'\n", "meaning.run.fine is not the name"),
        (BASE + "[meaning]\n'run.ok' = 'crimson'\n", "'crimson'"),
        (BASE + "[meaning]\n'run.ok' = '#12'\n", "'#12'"),
        (BASE + "[meaning]\n'run.ok' = 'red green'\n", "'red green'"),
        (BASE + "[meaning]\n'run.ok' = 'red on'\n", "after 'on'"),
        (BASE + "[meaning]\n'run.ok' = 'run.failed'\n'run.failed' = 'run.ok'\n", "back to it"),
        (BASE + "[meaning]\n'run.ok' = 3\n", "must be text"),
        ("dark = 1\n" + BASE, "dark must be"),
        ("hue = 'x'\n" + BASE, "hue is not part"),
        ("contrast = 40\n" + BASE, "contrast must be"),
        ("[base\n", "not TOML"),
    ],
)
def test_a_fault_is_named_with_its_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    file = _write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_themes([tmp_path])
    assert says in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.next_step


def test_a_users_theme_replaces_ours(tmp_path: Path) -> None:
    _write(tmp_path, "title = 'My harbour'\n" + BASE, "harbour.toml")
    folders = [built_in_folder(), tmp_path, tmp_path / "absent"]
    assert load_themes(folders)["harbour"].title == "My harbour"
    assert find_theme("harbour", folders).title == "My harbour"
    assert len(load_themes(folders)) == len(load_themes(folders[:1]))


def test_an_unknown_theme_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="harbour"):
        find_theme("../harbour", [built_in_folder(), tmp_path])


def test_no_color_starts_without_colour() -> None:
    assert preferred_theme({}) == DEFAULT
    assert preferred_theme({"NO_COLOR": ""}) == DEFAULT
    assert preferred_theme({"NO_COLOR": "1"}) == MONOCHROME
    assert preferred_theme({"NO_COLOR": "1"}, "paper") == "paper"


async def test_textual_shows_every_meaning_as_a_variable() -> None:
    themes = load_themes([built_in_folder()])
    app: App[None] = App()
    async with app.run_test():
        for theme in themes.values():
            app.register_theme(to_textual(theme))
            app.theme = theme.key
            variables = app.get_css_variables()
            assert variables["run-running"] == theme.color("run.running")
            assert variables["selection-ground"] == variables["input-selection-background"]
            assert variables["background"].lower() == theme.color("surface")
            for name in names():
                assert name.replace(".", "-") in variables


colors = st.builds(Color, *[st.integers(0, 255)] * 3)


@given(colors, colors)
def test_contrast_is_symmetric_and_bounded(one: Color, other: Color) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.001
    assert Color.parse(one.hex) == one


@given(colors, colors)
def test_readable_reaches_the_ratio_or_the_end(color: Color, ground: Color) -> None:
    white = Color(255, 255, 255)
    moved = readable(color, (ground,), white, 4.5)
    assert contrast(moved, ground) >= 4.5 or moved == white
