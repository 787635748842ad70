"""The list of themes: nothing veils what is previewed; each says what is special about it."""

from __future__ import annotations

from pathlib import Path

from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import OptionList, Static

from codeexec.config.load import load
from codeexec.tui.commands import keymap
from codeexec.tui.context import AppContext
from codeexec.tui.theme.theme import Themes, built_in_folder, to_textual
from codeexec.tui.widgets.dialogs import Chooser
from codeexec.tui.workbench.program_controller import theme_choice


def _app_context(folder: Path, current: str) -> AppContext:
    themes = Themes([built_in_folder(), folder])
    return AppContext(
        me="ada",
        state=folder,
        loaded=load(folder),
        themes=themes,
        theme=themes[current].at("256"),
        keymap=keymap.load("default"),
    )


def test_each_theme_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[base]\n")
    app_context = _app_context(tmp_path, "paper")
    choices = {key: theme_choice(key, app_context) for key in app_context.themes}
    details = {key: choice.detail for key, choice in choices.items()}
    assert details["harbour"] == "default, dark"
    assert details["beacon"] == "high contrast, dark"
    assert details["noon"] == "high contrast, light"
    assert details["ink"] == "no colour, dark"
    assert details["paper"] == "current, light"
    assert choices["paper"].mark == "●"
    assert choices["dusk"].mark == " "
    assert "base.surface" in choices["broken"].problem
    assert details["broken"] == "cannot be read"


async def test_a_preview_is_seen_as_it_will_be(tmp_path: Path) -> None:
    app_context = _app_context(tmp_path, "paper")
    choices = [theme_choice(key, app_context) for key in app_context.themes]
    previewed: list[str | None] = []

    class Bench(App[None]):
        CSS = (Path(__file__).parents[3] / "src/codeexec/tui/styles/workbench.tcss").read_text()

        def __init__(self) -> None:
            super().__init__()
            self.register_theme(to_textual(app_context.theme))
            self.theme = to_textual(app_context.theme).name

        def compose(self) -> ComposeResult:
            yield Static("beneath", id="beneath")

    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:

        def beneath() -> Strip:
            return app.screen._compositor.render_strips()[20]

        before = beneath()
        app.push_screen(Chooser("Themes", choices, current="paper", preview=previewed.append))
        await pilot.pause()
        assert app.screen.styles.background.a == 0
        grounds = [segment.style.bgcolor for segment in beneath() if segment.style]
        assert grounds and set(grounds) <= {
            segment.style.bgcolor for segment in before if segment.style
        }
        assert previewed == ["paper"]
        assert app.screen.query_one(OptionList).region.x > 30
        await pilot.press("up")
        assert previewed == ["paper", "noon"]
