"""Programs of the editor pane: configurations, profiles, the bar, and what a command requests."""

from __future__ import annotations

import colorsys
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, Static

from codeexec.config.paths import built_in_themes
from codeexec.domain.errors import UsageError
from codeexec.domain.options import ExecuteOptions, ProgramOptions
from codeexec.domain.programs import StepResult
from codeexec.domain.snapshot import ExecutionView
from codeexec.languages.catalog import by_name
from codeexec.languages.profiles import BuildProfile
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.menus import document_menu
from codeexec.tui.panes.documents.messages import DocumentMessages
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.documents.programs.bar import (
    ProgramBar,
    ProgramFacts,
    actions_of,
    profile_words,
)
from codeexec.tui.panes.documents.programs.configurations import (
    DEFAULT,
    MOST,
    RunConfiguration,
    RunConfigurations,
)
from codeexec.tui.panes.documents.programs.plans import chosen_options
from codeexec.tui.screens.programs.program import ProgramScreen, configuration_of
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.theme.theme import find_theme
from support.pane_app import PaneApp, until

THEME = find_theme("harbour", [built_in_themes()])
FULL = RunConfiguration(
    "release", "clang++", ("-DX=1",), ("a b", "c"), {"LANG": "C", "E": ""}, "sub", "in.txt"
)


def test_configurations_are_remembered_by_path(tmp_path: Path) -> None:
    file = tmp_path / "state" / "programs.json"
    RunConfigurations(file).set("/w/a.cpp", FULL)
    other = RunConfigurations(file)
    assert (other.of("/w/a.cpp"), other.of("/w/b.cpp")) == (FULL, DEFAULT)
    # Another workbench has set one meanwhile.
    RunConfigurations(file).set("/w/b.cpp", FULL)
    other.set("/w/c.cpp", FULL)
    assert RunConfigurations(file).of("/w/b.cpp") == FULL
    other.set("/w/a.cpp", DEFAULT)
    assert "a.cpp" not in file.read_text()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"/w/a.cpp": {"arguments": 3}}', "\\x00"])
def test_a_file_of_configurations_that_is_none_is_passed_over(tmp_path: Path, text: str) -> None:
    file = tmp_path / "programs.json"
    file.write_text(text)
    configurations = RunConfigurations(file)
    assert configurations.of("/w/a.cpp") == DEFAULT
    configurations.set("/w/a.cpp", FULL)
    assert RunConfigurations(file).of("/w/a.cpp") == FULL


def test_the_configurations_set_last_are_stored(tmp_path: Path) -> None:
    configurations = RunConfigurations(tmp_path / "programs.json")
    for number in range(MOST + 2):
        configurations.set(f"/w/{number}.cpp", FULL)
    assert configurations.of("/w/1.cpp") == DEFAULT
    assert configurations.of("/w/2.cpp") == FULL


async def test_a_form_has_what_is_set_and_gives_it_back() -> None:
    app = PaneApp(Static(""))
    answers: list[RunConfiguration | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = ProgramScreen("a.cpp", by_name("cpp"), FULL)
        await app.push_screen(screen, answers.append)
        field = screen.query_one("#field-environment", Input)
        await until(pilot, lambda: field.value == "LANG=C E=")
        assert screen.query_one("#field-arguments", Input).value == "'a b' c"
        field.value = "no assignment"
        await pilot.press("enter")
        problem = screen.query_one("#problem", Static)
        await until(pilot, lambda: problem.display)
        assert "'no' is no NAME=value" in str(problem.render())
        assert screen.region.height <= 24
        field.value = "LANG=C E="
        await pilot.press("enter")
        await until(pilot, lambda: answers)
        assert answers == [FULL]


TEXTS = {"arguments": "", "environment": "", "folder": "", "stdin": ""}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"arguments": "'open"}, "Arguments: a quotation mark is open."),
        ({"environment": "=x"}, "'=x' is no NAME=value"),
        ({"flags": '"'}, "Flags: a quotation mark is open."),
        ({"profile": "fast"}, "There is no profile 'fast'. C\\+\\+ has debug"),
    ],
)
def test_what_a_form_cannot_take_is_said(texts: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        configuration_of(TEXTS | texts, by_name("cpp"))
    assert message.replace("\\", "") in f"{raised.value.message} {raised.value.next_step}"


def test_the_first_profile_is_the_default() -> None:
    assert configuration_of(TEXTS | {"profile": "debug"}, by_name("cpp")) == DEFAULT


def view_of(*steps: StepResult, profile: str = "") -> ExecutionView:
    options = ExecuteOptions(program=ProgramOptions("a.cpp", profile=profile))
    return ExecutionView("e1", "", "ok", options=options, steps=steps)


async def opened(pane: DocumentsPane, path: Path, text: str = "int main() {}\n") -> DocumentView:
    path.write_text(text)
    sheet = await pane.opener.open(path)
    assert sheet is not None
    return sheet


async def test_run_is_there_while_a_build_of_this_profile_succeeded(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.cpp")
        programs = pane.programs

        def binary() -> str | None:
            facts = programs.facts_of(sheet)
            return facts.binary if facts is not None else None

        assert sheet.program_bar.display
        assert binary() == ""
        programs.note(sheet.name_key, view_of(StepResult("build", ("g++",), 0)))
        assert binary() == "a"
        assert programs.next_profile(sheet) == "release"
        assert binary() == ""
        for name in ("sanitize", "coverage", "debug"):
            assert programs.next_profile(sheet) == name
        assert binary() == "a"
        assert programs.configuration_of(sheet) == DEFAULT
        programs.note(sheet.name_key, view_of(StepResult("build", ("g++",), 1)))
        assert binary() == ""
        await until(pilot, lambda: app.heard_of(DocumentMessages.ProfileChanged))
        words = [message.words for message in app.heard_of(DocumentMessages.ProfileChanged)]
        assert words == ["debug", "release", "sanitize", "coverage", "debug"]


def menu_of(pane: DocumentsPane) -> tuple[str, ...]:
    menu = document_menu(pane)
    assert menu is not None
    return menu.commands


async def test_the_bar_and_the_menu_offer_what_a_document_can_do(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(100, 20)) as pilot:
        assert menu_of(pane)[0] == "run.cell"
        sheet = await opened(pane, tmp_path / "a.cpp")

        def words() -> list[str]:
            facts = pane.programs.facts_of(sheet)
            assert facts is not None
            return [text for text, _, _ in actions_of(facts)]

        assert words() == ["▷ Build & Run", "Build"]
        absent = {"run.cell", "cell.delete", "program.run", "program.stop", "project.menu"}
        assert not absent & set(menu_of(pane))
        assert {"problem.next", "problem.fix"} & set(menu_of(pane)) == set()
        running = replace(view_of(StepResult("build", ("g++",), 0)), status="running")
        pane.programs.note(sheet.name_key, running)
        assert words() == ["▷ Build & Run", "Build", "▷ Run a", "■ Stop"]
        assert {"program.run", "program.stop"} <= set(menu_of(pane))
        pane.programs.note(sheet.name_key, replace(running, status="ok"))
        assert words() == ["▷ Build & Run", "Build", "▷ Run a"]
        # A file of a project that comes to be while the document is open.
        (tmp_path / "CMakeLists.txt").write_text("project(a)\n")

        def is_shown() -> bool:
            pane.programs.refresh()
            return words()[-1] == "Project…"

        await until(pilot, is_shown)
        assert "project.menu" in menu_of(pane)
        sheet = await opened(pane, tmp_path / "a.sh", "echo a\n")
        assert not {"program.build", "program.profile", "project.menu"} & set(menu_of(pane))
        await opened(pane, tmp_path / "a.json", "{}\n")
        assert menu_of(pane)[0] == "editor.find"
        await opened(pane, tmp_path / "a.md", "# a\n")
        assert menu_of(pane)[0] == "page.toggle"
        await opened(pane, tmp_path / "a.py", "a = 1\n")
        assert "run.cell" in menu_of(pane)


async def test_profiles_of_the_settings_come_after_those_of_the_language(tmp_path: Path) -> None:
    own = BuildProfile("modern", "release", ("-Wextra",), "clang++", "c++23")
    pane = DocumentsPane(THEME)
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)):
        sheet = await opened(pane, tmp_path / "a.cpp", "int main() {}\n")
        programs = pane.programs
        programs.use_profiles((own,))
        for name in ("release", "sanitize", "coverage", "modern"):
            assert programs.next_profile(sheet) == name
        configuration = programs.configuration_of(sheet)
        program = chosen_options(sheet, configuration, "build", (own,)).program
        assert program is not None
        assert (program.profile, program.compiler, program.standard, program.flags) == (
            "release", "clang++", "c++23", ("-Wextra",),
        )  # fmt: skip
        facts = programs.facts_of(sheet)
        assert facts is not None
        assert profile_words(facts) == "modern"
        steps = (StepResult("build", ("clang++",), 0),)
        view = ExecutionView("e", "", "ok", options=ExecuteOptions(program=program), steps=steps)
        programs.note(sheet.name_key, view)
        built = programs.facts_of(sheet)
        assert built is not None
        assert built.binary == "a"
        programs.use_profiles(())  # it has left the settings
        with pytest.raises(UsageError, match="C\\+\\+ has no build profile 'modern'"):
            chosen_options(sheet, configuration, "build")
        assert programs.next_profile(sheet) == "release"


async def test_a_text_that_is_saved_as_a_program_has_a_bar(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)) as pilot:
        sheet = await pane.opener.new("int main() {}\n", tmp_path)
        assert not sheet.program_bar.display
        sheet.save_as(tmp_path / "a.cpp")
        await until(pilot, lambda: sheet.program_bar.display)
        pane.programs.configure(sheet, FULL)
        sheet.save_as(tmp_path / "b.cpp")
        assert pane.programs.configuration_of(sheet) == FULL


async def test_other_documents_have_no_bar_and_scripts_no_profile(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)):
        for name, text in (("a.py", "1\n"), ("a.hpp", "int f();\n"), ("a.md", "# a\n")):
            sheet = await opened(pane, tmp_path / name, text)
            assert not sheet.program_bar.display, name
        sheet = await opened(pane, tmp_path / "a.sh", "echo a\n")
        facts = pane.programs.facts_of(sheet)
        assert facts is not None
        assert [text for text, _, _ in actions_of(facts)] == ["▷ Run"]
        with pytest.raises(UsageError, match="no profiles"):
            pane.programs.next_profile(sheet)
        with pytest.raises(UsageError, match="is not built"):
            chosen_options(sheet, DEFAULT, "build")
        program = chosen_options(sheet, FULL, "run").program
        assert program is not None
        assert (program.steps, program.arguments) == ("build_and_run", ("a b", "c"))


@pytest.mark.parametrize("columns", [30, 80, 200])
async def test_each_word_of_the_bar_is_a_command(columns: int) -> None:
    bar = ProgramBar(THEME)
    app = PaneApp(bar)
    async with app.run_test(size=(columns, 3)) as pilot:
        bar.show(ProgramFacts(True, "main", "release", FULL))
        await until(pilot, lambda: bar.size.height == 1)
        text = bar.render_line(0).text
        assert len(text) <= columns
        assert text.startswith(" ▷ Build & Run   Build   ▷ Run"[:columns])
        await pilot.click(bar, offset=(text.index("Build   ") + 1, 0))
        await until(pilot, lambda: app.heard_of(CommandRequested))
        if columns > 30:
            await pilot.click(bar, offset=(text.index("Run main") + 1, 0))
            await pilot.click(bar, offset=(text.index("release") + 1, 0))
            await pilot.click(bar, offset=(text.index("'a b'") + 1, 0))
            await until(pilot, lambda: len(app.heard_of(CommandRequested)) == 4)
        commands = [message.command for message in app.heard_of(CommandRequested)]
        expected = ["program.build", "program.run", "program.profile", "program.configure"]
        assert commands == expected[: len(commands)]


HUES = {
    "action.run": (70, 180),
    "action.build": (30, 62),
    "action.binary": (190, 245),
    "action.build_and_run": (245, 325),
}
"""Green, yellow, blue and purple, in degrees."""

THEMES = sorted(file.stem for file in built_in_themes().glob("*.toml"))


@pytest.mark.parametrize("name", THEMES)
def test_actions_on_programs_have_their_hue_in_every_theme(name: str) -> None:
    theme = find_theme(name, [built_in_themes()])
    for meaning, (low, high) in HUES.items():
        color = theme.color(meaning).lstrip("#")
        red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (0, 2, 4))
        hue = colorsys.rgb_to_hls(red, green, blue)[0] * 360
        assert theme.monochrome or low <= hue <= high, (meaning, hue)
