"""The table of commands and the keymaps that we ship: complete, reachable, without clashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.tui.commands import BY_ID, COMMANDS, PLACES
from codeexec.tui.keymap import clashes, key_words, load, unreachable


def test_every_command_has_its_own_id_and_a_place() -> None:
    assert len(BY_ID) == len(COMMANDS)
    assert all(command.where in PLACES and command.title for command in COMMANDS)


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
