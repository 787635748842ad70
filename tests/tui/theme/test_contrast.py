"""Every theme we ship can be read: WCAG AA for each text on each ground it may lie on."""

from __future__ import annotations

import pytest

from codeexec.tui.theme.colors import Color, contrast, luminance
from codeexec.tui.theme.theme import Theme, built_in_folder, load_themes
from codeexec.tui.theme.tokens import DECORATION, GROUNDS, RULES, ansi_contrast, is_text

THEMES = load_themes([built_in_folder()])
AA = 4.5
AAA = 7.0


def _ground(theme: Theme, name: str) -> Color:
    ground = theme.meaning(name).ground
    assert ground is not None, f"{theme.key}: {name} has no ground"
    return ground


@pytest.fixture(params=sorted(THEMES))
def theme(request: pytest.FixtureRequest) -> Theme:
    return THEMES[request.param]


def test_there_are_the_themes_that_were_promised() -> None:
    assert len(THEMES) >= 7
    assert sum(theme.dark and not theme.monochrome for theme in THEMES.values()) >= 3
    assert sum(not theme.dark for theme in THEMES.values()) >= 2
    assert any(theme.monochrome for theme in THEMES.values())
    assert any(theme.contrast >= AAA for theme in THEMES.values())


def test_text_is_readable_on_every_ground(theme: Theme) -> None:
    faint = {
        f"{name} on {ground}: {contrast(color, _ground(theme, ground)):.2f}"
        for name in RULES
        if is_text(name)
        and theme.meaning(name).ground is None
        and (color := theme.meaning(name).color) is not None
        for ground in GROUNDS
        if contrast(color, _ground(theme, ground)) < max(AA, theme.contrast)
    }
    assert not faint


def test_text_with_a_ground_of_its_own_is_readable_on_it(theme: Theme) -> None:
    text = theme.meaning("text").color
    assert text is not None
    faint = {
        f"{name}: {contrast(meaning.color or text, meaning.ground):.2f}"
        for name, meaning in theme.meanings.items()
        if meaning.ground is not None
        and name not in DECORATION
        and contrast(meaning.color or text, meaning.ground) < max(AA, theme.contrast)
    }
    assert not faint


def test_ansi_colours_show_on_the_surface(theme: Theme) -> None:
    surface = _ground(theme, "surface")
    faint = {
        f"ansi.{number}: {contrast(color, surface):.2f}"
        for number, color in enumerate(theme.ansi)
        if contrast(color, surface) < ansi_contrast(theme.contrast)
    }
    assert not faint


def test_ends_of_an_execution_look_different(theme: Theme) -> None:
    ends = ["run.queued", "run.running", "run.ok", "run.failed", "run.cancelled", "run.lost"]
    assert len({theme.meaning(name) for name in ends}) == len(ends)


def test_monochrome_themes_have_no_hue(theme: Theme) -> None:
    if theme.monochrome:
        for name in RULES:
            red, green, blue = Color.parse(theme.color(name))
            assert red == green == blue, name


def test_dark_says_what_the_surface_is(theme: Theme) -> None:
    assert theme.dark == (luminance(_ground(theme, "surface")) < 0.5)
