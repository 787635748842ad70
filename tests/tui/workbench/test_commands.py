"""The table of commands and the keymaps that we ship: complete, reachable, without clashes."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.binding import Binding

import codeexec.tui
from codeexec.domain.requests import TablePage
from codeexec.tui.commands.keymap import clashes, key_words, load, unreachable
from codeexec.tui.commands.scopes import menu, places
from codeexec.tui.commands.table import BY_ID, COMMANDS, scope_title
from codeexec.tui.session.watch_only import REFUSED, action_name, refuses
from codeexec.tui.widgets.table import DataTableView
from support.pane_app import PaneApp


def test_every_command_has_its_own_id_and_a_place() -> None:
    assert len(BY_ID) == len(COMMANDS)
    assert all(scope_title(command.where) and command.title for command in COMMANDS)


def test_a_watching_workbench_refuses_what_writes() -> None:
    assert {action_name(command.action) for command in COMMANDS} >= REFUSED
    for name in ("editor.undo", "editor.delete_line", "editor.replace", "run.cell", "run.advance"):
        assert refuses(BY_ID[name].action), name
    for name in ("console.rerun", "console.save", "console.export", "console.cancel"):
        assert refuses(BY_ID[name].action), name
    for name in ("console.copy", "console.fold", "console.search"):
        assert not refuses(BY_ID[name].action), name
    for name in ("editor.select_right", "editor.copy", "editor.find", "editor.goto_line"):
        assert not refuses(BY_ID[name].action), name


@pytest.mark.parametrize("name", ["default", "vim", "emacs"])
def test_a_keymap_that_we_ship_has_no_clash_and_every_key_arrives(name: str) -> None:
    keymap = load(name)
    assert keymap.problems == ()
    assert unreachable(keymap.keys) == []


def test_clashes_are_reported_in_words() -> None:
    said = clashes({"kernel.interrupt": "ctrl+o"})
    assert said == ["Ctrl+O is both kernel.interrupt and file.open."]
    said = clashes({"editor.find": "ctrl+o"})
    assert said == ["Ctrl+O is both file.open and editor.find."]


def test_the_persons_file_wins_and_its_mistakes_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "keymaps"
    folder.mkdir()
    (folder / "keys.toml").write_text(
        '[keys]\n"kernel.interrupt" = "f9, ctrl+backslash"\n"no.such" = "x"\n"file.save" = 3\n'
    )
    keymap = load("default", tmp_path)
    assert keymap.keys["kernel.interrupt"] == "f9,ctrl+backslash"
    said = [str(problem) for problem in keymap.problems]
    assert len(said) == 2
    assert "there is no command 'no.such'" in said[0]
    assert "file.save must be text" in said[1]


def test_keys_are_written_as_people_write_them() -> None:
    assert key_words("ctrl+enter,f5") == "Ctrl+Enter  F5"
    assert key_words("slash,G") == "/  G"
    assert key_words("alt+semicolon") == "Alt+;"
    assert key_words("alt+colon") == "Alt+:"


def _bound() -> list[tuple[str, str]]:
    """Every binding that a class of ours makes: the class, and the id."""
    found = []
    for module in pkgutil.walk_packages(codeexec.tui.__path__, "codeexec.tui."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and thing.__module__ == module.name:
                for binding in vars(thing).get("BINDINGS", ()):
                    assert isinstance(binding, Binding), thing
                    found.append((f"{module.name}.{thing.__name__}", binding.id or ""))
    return found


def test_whatever_binds_a_key_takes_it_from_the_table() -> None:
    bound = _bound()
    assert len(bound) > 150
    assert [entry for entry in bound if entry[1] not in BY_ID] == []


async def test_the_page_of_keys_and_the_palette_tell_of_where_one_is() -> None:
    app = PaneApp(DataTableView(TablePage(("a",), ("int64",), ("0",), (("1",),), 0, 1, 1)))
    async with app.run_test():
        app.pane.focus()
        here = places(app.screen)
        assert here["table"] is app.pane
        titles = [command.title for command in menu(("table",))]
        assert titles[0] == "Sort by this column: up, down, as it was"
        assert "Interrupt" in titles
        assert "Interrupt" not in [command.title for command in menu(("viewer", "picture"))]
