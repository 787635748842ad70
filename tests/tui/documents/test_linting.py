"""Python documents checked and formatted by the ruff of the kernel's environment."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from codeexec.config.model import Editor as Habits
from codeexec.domain.events import KernelRef, Variable
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.files.formatting import NotFormatted, format_document
from codeexec.tui.panes.documents.linting import ruff_server
from codeexec.tui.panes.documents.linting.checker import MOST_FAILURES, RuffChecker
from codeexec.tui.panes.documents.linting.linter import ruff_of
from codeexec.tui.panes.documents.linting.protocol import LspError, encoded, read_message
from codeexec.tui.panes.documents.linting.ruff_server import LintSource, RuffServer, ServerFailed
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.editor.marks import LINT, LineDiagnostic
from codeexec.tui.theme.theme import built_in_folder, find_theme
from codeexec.tui.workbench.programs.fixing import edits_of
from support.pane_app import PaneApp, until
from support.servers import has_ended, wait_for, wait_until

THEME = find_theme("harbour", [built_in_folder()])
RUFF = str(Path(sys.executable).parent / "ruff")
RULES = '[lint]\nselect = ["F401", "F821"]\n'


def kernel(python: str = sys.executable, *names: str, pid: int | None = 1) -> Snapshot:
    """A session with a kernel that has defined these names."""
    variables = tuple(Variable(name, "int") for name in names)
    view = KernelView("idle", 1, KernelRef("python", path=python), pid=pid, variables=variables)
    return Snapshot(kernels={"python": view}, default_kernel="python")


async def opened(pane: DocumentsPane, path: Path, text: str) -> DocumentView:
    path.write_text(text, "utf-8")
    sheet = await pane.opener.open(path)
    assert sheet is not None
    return sheet


def found(sheet: DocumentView) -> list[tuple[int, int, str]]:
    entries = [entry for entry in sheet.diagnostics.entries if entry.program == LINT]
    return sorted((entry.line, entry.start, entry.message) for entry in entries)


def notebook(*sources: str) -> str:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "markdown" if source.startswith("#") else "code",
            "metadata": {},
            "source": source,
            **({} if source.startswith("#") else {"outputs": [], "execution_count": None}),
        }
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


UNUSED = "F401 `os` imported but unused"


@pytest.mark.slow
async def test_a_script_is_marked_while_names_of_the_kernel_are_defined(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text(RULES)
    pane = DocumentsPane(THEME)
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        text = "import os\n%matplotlib inline\nfiles = !ls\nprint('é', known, unknown, files)\n"
        sheet = await opened(pane, tmp_path / "a.py", text)
        app.show(kernel())
        marks = [(0, 7, UNUSED), (3, 11, "F821 Undefined name `known`")]
        await until(pilot, lambda: found(sheet)[:2] == marks)
        app.show(kernel(sys.executable, "known"))
        await until(pilot, lambda: len(found(sheet)) == 2)
        assert found(sheet)[1] == (3, 18, "F821 Undefined name `unknown`")
        # An edit takes the marks along; the fix takes the import away.
        problem = pane.problems.all()[0]
        ((start, end, words),) = edits_of(problem, sheet.editor.model.lines)
        assert (start, end, words) == ((0, 0), (1, 0), "")
        sheet.go_to(0)
        sheet.editor.insert("unknown = 1\n")
        await until(pilot, lambda: found(sheet) == [(1, 7, UNUSED)])
        server = pane.linter.checker.server if pane.linter.checker is not None else None
        assert server is not None and server.pid is not None
        pid = server.pid
        # The failures of a run stand beside it, and a run without any leaves it.
        sheet.diagnostics.show_failures([LineDiagnostic(0, "failed")])
        sheet.diagnostics.show_failures([])
        assert found(sheet) == [(1, 7, UNUSED)]
        pane.adopt(Habits(lint=False))
        await until(pilot, lambda: not found(sheet))
    await wait_until(lambda: has_ended(pid), "the end of the server")


@pytest.mark.slow
async def test_cells_of_a_notebook_are_one_program(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["F401", "F821"]\n')
    pane = DocumentsPane(THEME)
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        text = notebook("# Title", "%matplotlib inline\nimport os, sys", "sys\nnowhere", "x = (")
        sheet = await opened(pane, tmp_path / "a.ipynb", text)
        app.show(kernel())
        await pilot.pause()
        # A cell that cannot be read: nothing is known of the others.
        await pane.linter.check(sheet)
        assert found(sheet) == []
        sheet.go_to(sheet.editor.model.lines.index("x = ("), 5)
        sheet.editor.insert("1)")
        lines = sheet.editor.model.lines
        imports, uses = lines.index("import os, sys"), lines.index("nowhere")
        marks = [(imports, 7, UNUSED), (uses, 0, "F821 Undefined name `nowhere`")]
        await until(pilot, lambda: found(sheet) == marks)
        edits = edits_of(pane.problems.all()[0], sheet.editor.model.lines)
        assert edits == [((imports, 0), (imports, 14), "import sys")]


async def test_without_ruff_nothing_is_done(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    app = PaneApp(pane)
    async with app.run_test(size=(80, 20)) as pilot:
        sheet = await opened(pane, tmp_path / "a.py", "import os\n")
        app.show(kernel(str(tmp_path / "python")))
        await pilot.pause()
        await pane.linter.check(sheet)
        assert pane.linter.checker is None
        assert found(sheet) == []


def test_ruff_is_that_of_the_kernel_that_runs(tmp_path: Path) -> None:
    def of(snapshot: Snapshot) -> str:
        return ruff_of(snapshot.kernels["python"])

    assert of(kernel()) == RUFF
    assert of(kernel(pid=None)) == "", "its environment may be one that is not trusted"
    assert of(kernel("python")) == ""
    ref = KernelRef("python", path=sys.executable, backend="docker")
    assert ruff_of(KernelView("idle", 1, ref, pid=1)) == ""
    assert ruff_of(KernelView()) == ""


def fake(tmp_path: Path, script: str) -> str:
    program = tmp_path / "ruff"
    program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/started\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "echo 'no protocol'; exec sleep 60",
        "printf 'Content-Length: 99999999999\\r\\n\\r\\n'; exec sleep 60",
        "exec sleep 60",
    ],
)
async def test_a_server_that_fails_is_ended_and_started_a_few_times_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(ruff_server, "_SECONDS", 0.3)
    program = fake(tmp_path, script)
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)):
        sheet = await opened(pane, tmp_path / "a.py", "import os\n")
        checker = RuffChecker()
        for _ in range(MOST_FAILURES + 2):
            assert await checker.check(sheet, program) is None
            assert checker.server is None
    started = [int(pid) for pid in (tmp_path / "started").read_text().split()]
    assert len(started) <= MOST_FAILURES
    await wait_until(lambda: all(map(has_ended, started)), "the end of what it has started")


async def test_texts_that_are_no_text_and_places_after_wide_characters(tmp_path: Path) -> None:
    server = RuffServer(RUFF)
    await server.start()
    try:
        (tmp_path / "ruff.toml").write_text(RULES)
        texts: Sequence[str] = ("s = '\ud800'; a", "'👍'; b\nimport os")
        source = LintSource(tmp_path / "ü #1.ipynb", tuple(texts), True, tmp_path)
        first, second = await server.check(source)
        assert [one["range"]["start"]["character"] for one in first] == [9]
        assert [one["range"]["start"] for one in second] == [
            {"line": 0, "character": 5},
            {"line": 1, "character": 7},
        ]
        # A document that is closed again is forgotten: the same is asked anew.
        assert await server.check(source) == [first, second]
    finally:
        await server.close()
    with pytest.raises(ServerFailed):
        await server.check(source)


async def test_what_is_no_message_is_refused() -> None:
    async def read(data: bytes) -> object:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        return await read_message(reader)

    assert await read(encoded({"id": 1})) == {"jsonrpc": "2.0", "id": 1}
    assert await read(b"") is None
    assert await read(b"Content-Length: 10\r\n\r\n{}") is None
    for data in (
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"x\r\n" * 30,
        b"y" * 100_000,
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 2\r\n\r\n{,",
        b"Content-Length: 200000\r\n\r\n" + b"[" * 200_000,
    ):
        with pytest.raises(LspError):
            await read(data)


def test_the_server_ends_with_a_workbench_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from codeexec.tui.panes.documents.linting.ruff_server import RuffServer\n"
        "async def main():\n"
        f"    server = RuffServer({RUFF!r})\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert psutil.pid_exists(pid)
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()

    wait_for(lambda: has_ended(pid), "the server to end")


@pytest.mark.slow
async def test_scripts_and_cells_are_formatted(tmp_path: Path) -> None:
    pane = DocumentsPane(THEME)
    async with PaneApp(pane).run_test(size=(80, 20)):
        script = await opened(pane, tmp_path / "a.py", "x  =  1\n")
        assert await format_document(script, RUFF)
        assert script.editor.text == "x = 1\n"
        assert not await format_document(script, RUFF)
        text = notebook("# A  title", "%time  x\ny  =  [1,2]", "# %% inner\nz=3", "def f( : pass")
        sheet = await opened(pane, tmp_path / "a.ipynb", text)
        keys = sheet.editor.model.cells.keys
        with pytest.raises(NotFormatted):
            await format_document(sheet, RUFF)
        sheet.go_to(sheet.editor.model.lines.index("def f( : pass"))
        sheet.editor.action_edit("delete_line")
        before = sheet.editor.text
        assert await format_document(sheet, RUFF)
        assert "# A  title" in sheet.editor.text
        assert "%time  x\ny = [1, 2]\n" in sheet.editor.text
        assert sheet.editor.model.cells.keys == keys
        sheet.editor.model.undo()
        assert sheet.editor.text == before
