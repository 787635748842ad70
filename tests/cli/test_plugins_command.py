"""`codeexec-tui plugins` on a real server of its own, and the files that it reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.config.plugin_files import plugin_paths, read_plugin, read_plugins
from codeexec.domain.errors import DocumentError, UsageError
from support.plugins import RAISES, SUMMARY, SYNTAX_ERROR
from support.programs import Desk, environment

OPEN = """
import asyncio, codeexec

async def main():
    async with codeexec.open_session("work", where="server"):
        pass

asyncio.run(main())
"""


def test_plugins_of_a_folder_are_read_with_their_settings(tmp_path: Path) -> None:
    (tmp_path / "summary.py").write_text(SUMMARY)
    (tmp_path / "summary.json").write_text('{"prefix": "A", "limit": 3}')
    (tmp_path / "_helpers.py").write_text("")
    (tmp_path / "two words.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    plugins, problems = read_plugins([tmp_path, tmp_path / "missing.py"])
    assert [(p.name, p.config) for p in plugins] == [("summary", {"prefix": "A", "limit": "3"})]
    assert plugins[0].text == SUMMARY
    assert [type(problem) for problem in problems] == [UsageError, UsageError]
    assert "no name of a plugin" in problems[0].message
    assert "missing.py cannot be read" in problems[1].message


def test_files_that_are_no_plugins_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    with pytest.raises(DocumentError, match="not UTF-8"):
        read_plugin(tmp_path / "latin.py")
    (tmp_path / "long.py").write_text("#" * (2**20 + 1))
    with pytest.raises(UsageError, match="more than"):
        read_plugin(tmp_path / "long.py")
    (tmp_path / "a.py").write_text("")
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(DocumentError, match="no JSON object"):
        read_plugin(tmp_path / "a.py")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DocumentError, match=r"a\.json"):
        read_plugin(tmp_path / "a.py")
    os.mkfifo(tmp_path / "pipe.py")
    plugins, problems = read_plugins([tmp_path / "pipe.py"])
    assert (plugins, len(problems)) == ([], 1)


def test_the_setting_names_paths_below_the_folder(tmp_path: Path) -> None:
    assert plugin_paths("plugins '/a b/c.py'", tmp_path) == [
        tmp_path / "plugins",
        Path("/a b/c.py"),
    ]
    with pytest.raises(UsageError, match="cannot be read"):
        plugin_paths("'open", tmp_path)


@pytest.fixture
def session(desk: Desk) -> Iterator[str]:
    opened = subprocess.run(
        [sys.executable, "-c", OPEN],
        cwd=desk.folder,
        env=environment(desk.home),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
    yield "work"
    desk.run("sessions", "stop", "work")


@pytest.mark.slow
def test_plugins_are_loaded_listed_tested_and_unloaded(desk: Desk, session: str) -> None:
    empty = desk.run("plugins", "list", session)
    assert "No plugins." in empty.stdout
    folder = desk.folder / "plugins"
    folder.mkdir()
    (folder / "summary.py").write_text(SUMMARY)
    (folder / "raises.py").write_text(RAISES)
    (desk.folder / "broken.py").write_text(SYNTAX_ERROR)

    loaded = desk.run("plugins", "load", session, str(folder), "--config", "table=sales")
    assert loaded.returncode == 1
    assert "summary: Plugin summary loaded." in loaded.stdout
    assert "ValueError: no such table: sales" in loaded.stderr
    broken = desk.run("plugins", "load", session, "broken.py", "--json")
    answer = json.loads(broken.stdout)
    assert (answer["name"], answer["is_success"]) == ("broken", False)
    assert "SyntaxError" in answer["message"]

    listed = desk.run("plugins", "list", session)
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "loaded" in lines["summary"]
    assert str(folder / "summary.py") in lines["summary"]
    assert "no such table" in lines["raises"]
    views = desk.run("plugins", "list", session, "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in views] == ["raises", "summary", "broken"]

    tested = desk.run("plugins", "test", session, "summary")
    assert (tested.returncode, tested.stdout) == (0, "summary: All 1 tests passed.\n")
    unloaded = desk.run("plugins", "unload", session, "summary", "raises")
    assert unloaded.returncode == 0
    missing = desk.run("plugins", "test", session, "summary")
    assert missing.returncode == 2
    assert "There is no plugin summary" in missing.stderr
    nobody = desk.run("plugins", "list", "nobody")
    assert nobody.returncode == 2
