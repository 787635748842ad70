"""The screen of settings on real files, and the change of one line among many."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, Static

from codeexec.config.keys import Key, keys, value_of
from codeexec.config.load import load
from codeexec.config.manual import manual
from codeexec.domain.errors import UsageError
from codeexec.tui.screens.settings import SettingsScreen, value_words
from codeexec.tui.screens.user_file import changed
from codeexec.tui.widgets.dialogs import Asker, Chooser
from support.pane_app import until
from support.screen_app import ScreenApp, shown

KEYS = {key.name: key for key in keys()}
VALUES = {
    bool: st.booleans(),
    int: st.integers(0, 2**40),
    str: st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
}


def word(app: ScreenApp) -> str:
    return str(app.screen.query_one("#word", Static).content)


def hint(app: ScreenApp) -> str:
    return "".join(str(label.content) for label in app.screen.query("#hint").results(Static))


@pytest.fixture
def place(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def user_text(place: dict[str, str]) -> str:
    return (Path(place["XDG_CONFIG_HOME"]) / "codeexec-tui/config.toml").read_text()


@pytest.mark.slow
def changes(app: ScreenApp) -> list[SettingsScreen.SettingChanged]:
    return [one for one in app.heard if isinstance(one, SettingsScreen.SettingChanged)]


@pytest.mark.slow
async def test_a_switch_a_choice_and_a_number(tmp_path: Path, place: dict[str, str]) -> None:
    app = ScreenApp(SettingsScreen(tmp_path, {}, environ=place))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("slash", *"soft wrap", "enter")
        await until(pilot, lambda: any("• soft wrap" in row for row in shown(app)))
        assert "you" in shown(app)[1]
        await pilot.press("escape", "slash", *"keymap", "enter")
        await until(pilot, lambda: isinstance(app.screen, Chooser))
        await pilot.press(*"vim", "enter")
        await until(pilot, lambda: any("vim" in row for row in shown(app)))
        await pilot.press("escape", "slash", *"tab size", "enter")
        await until(pilot, lambda: isinstance(app.screen, Asker))
        app.screen.query_one(Input).value = "-1"
        await pilot.press("enter")
        await until(pilot, lambda: "is not a whole number" in hint(app))
        assert app.screen.query_one(Input).value == "-1"  # as it was typed
        app.screen.query_one(Input).value = "2"
        await pilot.press("enter")
        await until(
            pilot, lambda: shown(app) and "tab size" in shown(app)[1] and "2" in shown(app)[1]
        )
        # The screen shows what is written before the workbench is told of it.
        names = ["editor.soft_wrap", "editor.keymap", "editor.tab_size"]
        await until(pilot, lambda: [change.name for change in changes(app)] == names)
        assert changes(app)[-1].loaded.settings.editor.tab_size == 2
        assert tomllib.loads(user_text(place)) == {
            "editor": {"soft_wrap": True, "keymap": "vim", "tab_size": 2}
        }
        await pilot.press("escape")
        await until(pilot, lambda: len(shown(app)) > 5)
        await pilot.press("c")
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.press("r")
        await until(pilot, lambda: len(shown(app)) == 3)


@pytest.mark.slow
async def test_who_counts_more_is_told(tmp_path: Path, place: dict[str, str]) -> None:
    (tmp_path / ".codeexec.toml").write_text("[editor]\nsoft_wrap = true\n")
    app = ScreenApp(SettingsScreen(tmp_path, {}, environ=place))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("slash", *"soft wrap")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert "project" in shown(app)[1]
        await pilot.press("enter")
        await until(pilot, lambda: "project says otherwise" in word(app))
        assert "soft_wrap = false" in user_text(place)


@pytest.mark.slow
async def test_what_is_wrong_in_a_file_is_shown(tmp_path: Path, place: dict[str, str]) -> None:
    (tmp_path / ".codeexec.toml").write_text("[editor]\ntab_size = 'two'\nzoom = 3\n")
    app = ScreenApp(SettingsScreen(tmp_path, {}, environ=place))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: shown(app))
        assert "no such setting" in str(app.screen.query_one("#title", Static).content)
        await pilot.press("slash", *"tab size")
        await until(pilot, lambda: len(shown(app)) == 2)
        assert "✗ tab size" in shown(app)[1]
        assert "'two' is not a whole number" in word(app)


def test_the_rest_of_the_file_stays_as_it_is_written() -> None:
    text = "# mine\n[editor] # keys\n  keymap = 'vim'  # always\n\n[console]\nfold_code = 3\n"
    made = changed(text, KEYS["editor.keymap"], "emacs", "x")
    assert made == text.replace("'vim'", '"emacs"')
    made = changed(text, KEYS["editor.tab_size"], 2, "x")
    assert made == text.replace("always\n", "always\ntab_size = 2\n")
    assert changed(made, KEYS["editor.tab_size"], None, "x") == text
    made = changed(text, KEYS["run.color"], "never", "x")
    assert made == f'{text}\n[run]\ncolor = "never"\n'


def test_in_the_manual_a_setting_goes_below_its_own_words() -> None:
    lines = changed(manual(), KEYS["console.fold_code"], 0, "x").splitlines()
    assert lines[lines.index("fold_code = 0") - 1].startswith("# fold_code = 8")


@pytest.mark.parametrize(
    "text", ["editor.tab_size = 3\n", "editor = {tab_size = 3}\n", "[editor\n"]
)
def test_what_we_cannot_change_with_confidence_is_left_alone(text: str) -> None:
    with pytest.raises(UsageError):
        changed(text, KEYS["editor.tab_size"], 2, "x")


@st.composite
def said(draw: st.DrawFn) -> tuple[Key, object]:
    key = draw(st.sampled_from([key for key in keys() if key.type in VALUES]))
    return key, draw(st.none() | VALUES[key.type])  # type: ignore[index]


@pytest.mark.slow
@given(st.lists(said(), max_size=8), st.booleans())
def test_what_is_written_is_what_is_read(changes: list[tuple[Key, object]], begin: bool) -> None:
    text, expected = manual() if begin else "", {}
    for key, value in changes:
        text = changed(text, key, value, "x")
        expected[key.name] = value
    tables = tomllib.loads(text)
    for name, value in expected.items():
        table, _, own = name.partition(".")
        assert tables.get(table, {}).get(own) == value


def test_every_setting_has_words(tmp_path: Path) -> None:
    loaded = load(tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path)})
    for key in keys():
        assert key.doc, key.name
        assert value_of(loaded.settings, key.name) == key.default


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("appearance.theme", "harbour (default)"),
        ("kernel.name", "found from the folder"),
        ("docker.memory", "by the policy"),
    ],
)
def test_an_empty_setting_says_what_counts_instead(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert value_words(KEYS[name], "") == words
    assert value_words(KEYS[name], "own") == "own"


@pytest.mark.parametrize(("name", "value"), [("editor.tab_size", "four"), ("editor.tab_size", -1)])
def test_a_number_that_is_refused_is_told_once(tmp_path: Path, name: str, value: object) -> None:
    table, _, key = name.partition(".")
    (tmp_path / ".codeexec.toml").write_text(f"[{table}]\n{key} = {value!r}\n")
    (problem,) = load(tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path / "config")}).problems
    words = f"{problem} {problem.next_step}"
    assert words.count("0 or more") == 1
    assert "Give a number, for example 0" in problem.next_step
