"""What the lists find by a few letters, and in which order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from textual.screen import Screen
from textual.widgets import Static

from codeexec.tui.commands import keymap
from codeexec.tui.commands.scopes import menu
from codeexec.tui.screens.palette import CommandChooser
from codeexec.tui.widgets import dialogs
from codeexec.tui.widgets.dialogs import Asker, Choice, Chooser, Confirm, fit
from support.pane_app import PaneApp


def test_better_places_rank_first() -> None:
    titles = ["Restart the kernel", "Run, then restart", "Unrestarted", "Rest easy"]
    ranked = sorted(titles, key=lambda title: (fit("rest", title), title))
    assert ranked == ["Rest easy", "Restart the kernel", "Run, then restart", "Unrestarted"]


def test_all_words_must_be_there_in_any_order() -> None:
    assert fit("all run", "Run all cells") is not None
    assert fit("all walk", "Run all cells") is None
    assert fit("f8", "Run all cells", "F8") is not None
    assert fit("part 40", "41  part 40") == 0
    assert fit("part 40", "40  part 39") == 1


def test_letters_in_order_are_the_last_resort() -> None:
    assert fit("rac", "Run all cells") == 8
    assert fit("car", "Run all cells") is None


async def test_a_dialog_that_is_told_twice_to_go_takes_nothing_else_away() -> None:
    app = PaneApp(Static())
    async with app.run_test() as pilot:
        below = Screen[None]()
        await app.push_screen(below)
        for dialog in (
            Chooser("Which?", [Choice("a", "A")]),
            Asker("What?"),
            Confirm("Sure?", "", [("y", "Yes")]),
        ):
            await app.push_screen(dialog)
            dialog.dismiss(None)
            dialog.dismiss(None)
            await pilot.pause()
            assert app.screen is below


async def test_text_that_was_meant_for_the_prompt_answers_no_dialog(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(dialogs, "time", SimpleNamespace(monotonic=lambda: now))
    app = PaneApp(Static())
    async with app.run_test() as pilot:
        chosen: list[str | None] = []
        answers = [("keep", "Leave it running"), ("stop", "Stop it"), ("cancel", "Cancel")]
        dialog = Confirm("Leave?", "", answers)
        await app.push_screen(dialog, chosen.append)
        for key in "import os":
            now += 0.2
            await pilot.press(key if key != " " else "tab")
        await pilot.pause()
        assert (app.screen, chosen) == (dialog, [])
        now += 1.1
        await pilot.press("s")
        await pilot.pause()
        assert chosen == ["stop"]


def test_the_palette_begins_with_what_a_newcomer_looks_for() -> None:
    first = [command.id for command in menu(("prompt", "anywhere"))][:4]
    assert first == ["file.open", "run.cell", "file.save", "app.quit"]


@pytest.mark.slow
async def test_other_words_find_commands() -> None:
    app = PaneApp(Static())
    found = {"help": "app.help", "exit": "app.quit", "tutorial": "tour.show", "save": "file.save"}
    async with app.run_test() as pilot:
        for typed, wanted in found.items():
            chosen: list[str | None] = []
            chooser = CommandChooser("Commands", menu(("anywhere",)), keymap.load("default"))
            await app.push_screen(chooser, chosen.append)
            await pilot.press(*typed, "enter")
            await pilot.pause()
            assert chosen == [wanted]
