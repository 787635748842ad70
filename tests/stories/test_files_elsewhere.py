"""Files of the machine where the kernel runs: over ssh without codeexec-tui there, and of a Jupyter
server. A person opens, runs, edits and saves one, meets a conflict, and a line that is cut."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from textual.widgets import Input

from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.files.pane import FilesPane
from codeexec.tui.widgets.dialogs import Asker, Confirm
from support.bench import DEADLINE, Bench, engine_in, open_bench
from support.cut_line import cut_line
from support.jupyter_servers import SERVER_SECONDS, TestServer, jupyter_server
from support.servers import short_folder
from support.ssh_server import SshServer, ssh_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SERVER_SECONDS)]


@dataclass(frozen=True)
class FarPlace:
    """A machine with files: `kernel` names one there, `folder` is theirs, `name` is on screen."""

    kernel: str
    folder: Path
    name: str
    cut: Callable[[], Awaitable[None]]
    restore: Callable[[], None]


@pytest.fixture(scope="module")
def ssh_there() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CODEEXEC_SSH", server.command)
            yield server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServer, Path]]:
    root = tmp_path_factory.mktemp("served")
    with jupyter_server(tmp_path_factory.mktemp("server"), root=root) as server:
        yield server, root


@pytest.fixture(params=["ssh", "server"])
async def far(request: pytest.FixtureRequest) -> AsyncIterator[FarPlace]:
    if request.param == "ssh":
        yield over_ssh(request.getfixturevalue("ssh_there"))
        return
    server, root = request.getfixturevalue("served")
    async with at_server(server, root) as place:
        yield place


def over_ssh(server: SshServer) -> FarPlace:
    hidden = server.config.with_suffix(".off")

    async def cut() -> None:
        server.config.rename(hidden)
        for child in psutil.Process().children():
            if child.name() == "ssh":
                child.kill()

    folder = server.folder / "bare-home" / "work"
    return FarPlace("ssh:bare:work", folder, "bare", cut, lambda: _back(hidden, server.config))


def _back(hidden: Path, config: Path) -> None:
    hidden.rename(config)


@asynccontextmanager
async def at_server(server: TestServer, root: Path) -> AsyncIterator[FarPlace]:
    port = int(server.url.rstrip("/").rpartition(":")[2])
    async with cut_line(port) as line:

        async def cut() -> None:
            line.is_down = True
            line.cut()

        def restore() -> None:
            line.is_down = False

        address = f"http://127.0.0.1:{line.port}/lab?token={server.token}"
        yield FarPlace(address, root, f"127.0.0.1:{line.port}", cut, restore)


def files_pane(bench: Bench) -> FilesPane:
    pane = bench.workbench.panes.find("files")
    assert isinstance(pane, FilesPane)
    return pane


async def go_to(bench: Bench, path: str) -> None:
    """Put the cursor of the files pane on a file of the far folder."""
    await bench.press("alt+5")
    await bench.until(
        lambda: any(str(shown).endswith(f"/{path}") for shown in files_pane(bench).paths), path
    )
    pane = files_pane(bench)
    pane.reveal(next(shown for shown in pane.paths if str(shown).endswith(f"/{path}")))
    await bench.until(lambda: str(pane.chosen).endswith(f"/{path}"), path)


async def is_saved(bench: Bench) -> None:
    sheet = bench.workbench.documents.sheet
    assert sheet is not None
    await bench.until(lambda: not sheet.would_be_lost, "saved")


async def save_when_the_line_is_back(bench: Bench) -> None:
    """Press the key again until the document is saved there."""
    sheet = bench.workbench.documents.sheet
    assert sheet is not None

    async def save() -> None:
        while sheet.would_be_lost:
            await bench.press("ctrl+s")
            await bench.pilot.pause(0.3)

    try:
        await asyncio.wait_for(save(), DEADLINE)
    except TimeoutError:
        raise AssertionError(f"never saved: {bench.program.screen}\n{bench.screen()}") from None


async def test_a_file_there_is_opened_run_edited_and_saved(far: FarPlace, tmp_path: Path) -> None:
    file = far.folder / "notes.py"
    file.write_text("# %% one\nprint(6 * 7)\n")
    (far.folder / "sub").mkdir(exist_ok=True)
    async with open_bench(tmp_path, options=OpenOptions(kernel=far.kernel)) as bench:
        await bench.is_idle()
        await go_to(bench, "notes.py")
        await bench.press("enter")
        await bench.sees(f"notes.py · {far.name}")
        await bench.editor.at("print(6 * 7)").run()
        await bench.console.card(1).shows("42")

        await bench.press("end")
        await bench.write("  # mine")
        await bench.press("ctrl+s")
        await is_saved(bench)
        assert file.read_text() == "# %% one\nprint(6 * 7)  # mine\n"

        # Somebody else writes it meanwhile: nothing is replaced before the person has decided.
        file.write_text("theirs\n")
        await bench.write(" and more")
        await bench.press("ctrl+s")
        await bench.until(lambda: isinstance(bench.program.screen, Confirm), "the question")
        await bench.sees(f"“notes.py” has changed on {far.name}.")
        assert file.read_text() == "theirs\n"
        await bench.press("enter")  # compare
        await bench.sees("-theirs")
        await bench.press("escape")
        await bench.until(lambda: bench.program.screen is bench.workbench, "the workbench")
        await bench.press("ctrl+s")
        await bench.until(lambda: isinstance(bench.program.screen, Confirm), "the question")
        await bench.press("right", "enter")  # save mine
        await is_saved(bench)
        assert file.read_text() == "# %% one\nprint(6 * 7)  # mine and more\n"

        # The line is cut: the text stays, and the next save after it is back sends it.
        await far.cut()
        try:
            await bench.write(" still")
            await bench.press("ctrl+s")
            await bench.sees(f"Not saved on {far.name}")
            assert "still" not in file.read_text()
            assert bench.editor.text.endswith("still\n")
            assert "notes.py · " in bench.screen() and "●" in bench.screen().splitlines()[0]
        finally:
            far.restore()
        await save_when_the_line_is_back(bench)
        assert file.read_text() == "# %% one\nprint(6 * 7)  # mine and more still\n"
        await bench.sees_no_more("Not saved on")


async def test_a_terminal_of_others_is_joined_from_the_palette(
    served: tuple[TestServer, Path], tmp_path: Path
) -> None:
    server, _ = served
    made = server.ask("POST", "api/terminals")
    assert isinstance(made, dict)
    name = str(made["name"])
    async with open_bench(tmp_path, options=OpenOptions(kernel=server.address)) as bench:
        await bench.is_idle()
        await bench.choose("Join a terminal of the server")
        await bench.sees(f"Terminal {name}")
        await bench.press("enter")
        await bench.sees("on the Jupyter server")
        await bench.write("echo joined.$((6*7))")
        await bench.press("enter")
        await bench.sees("joined.42")
        await bench.press("ctrl+right_square_bracket")
        await bench.choose("Join a terminal of the server")
        await bench.sees(f"● Terminal {name}")
        await bench.press("enter")
        await bench.write("echo $((6*7)).again")
        await bench.press("enter")
        await bench.sees("42.again")
        await bench.press("ctrl+right_square_bracket", "x")  # nothing is asked, as it goes on
        await bench.until(lambda: not bench.snapshot.terminals, "closed")
    models = server.get("api/terminals")
    assert isinstance(models, list)
    assert [each["name"] for each in models] == [name]
    server.ask("DELETE", f"api/terminals/{name}")


@pytest.mark.parametrize("far", ["ssh"], indirect=True)
async def test_files_there_are_made_renamed_and_deleted(far: FarPlace, tmp_path: Path) -> None:
    (far.folder / "a.txt").write_text("a")
    async with open_bench(tmp_path, options=OpenOptions(kernel=far.kernel)) as bench:
        await bench.is_idle()
        await go_to(bench, "a.txt")
        await answer(bench, "a", "sub/new.py")
        await bench.until(lambda: (far.folder / "sub/new.py").exists(), "the new file")
        await bench.sees(f"new.py · {far.name}")
        await bench.write("value = 1")
        await bench.press("ctrl+s")
        await is_saved(bench)
        assert (far.folder / "sub/new.py").read_text().startswith("value = 1")

        await go_to(bench, "sub/new.py")
        await answer(bench, "r", "../a.txt")
        await bench.is_told("there already")
        await answer(bench, "r", "better.py")
        await bench.until(lambda: (far.folder / "sub/better.py").exists(), "the new name")
        await bench.sees(f"better.py · {far.name}")
        await bench.press("alt+1", "ctrl+end")
        await bench.write("more = 2")
        await bench.press("ctrl+s")
        await is_saved(bench)
        assert "more = 2" in (far.folder / "sub/better.py").read_text()
        assert not (far.folder / "sub/new.py").exists()

        await go_to(bench, "sub/better.py")
        await bench.press("d")
        await bench.until(lambda: isinstance(bench.program.screen, Confirm), "the question")
        await bench.press("right", "enter")
        await bench.until(lambda: not (far.folder / "sub/better.py").exists(), "gone")
        await bench.sees("The file is gone")
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("far", ["server"], indirect=True)
async def test_what_was_not_sent_is_there_when_one_comes_back(
    far: FarPlace, tmp_path: Path
) -> None:
    file = far.folder / "kept.py"
    file.write_text("first = 1\n")
    host = engine_in(tmp_path / "state")
    try:
        options = OpenOptions(kernel=far.kernel)
        async with open_bench(tmp_path, options=options, host=host) as bench:
            await bench.is_idle()
            await go_to(bench, "kept.py")
            await bench.press("enter")
            await bench.sees(f"kept.py · {far.name}")
            await far.cut()
            try:
                await bench.write("mine ")
                await bench.press("ctrl+s")
                await bench.sees(f"Not saved on {far.name}")
            finally:
                far.restore()
        async with open_bench(tmp_path, options=OpenOptions(attach=True), host=host) as bench:
            await bench.sees(f"kept.py · {far.name}")
            await bench.sees(f"Not saved on {far.name} yet")
            assert bench.editor.text == "mine first = 1\n"
            assert file.read_text() == "first = 1\n"
            await save_when_the_line_is_back(bench)
            assert file.read_text() == "mine first = 1\n"
    finally:
        await host.close()


async def test_notebooks_programs_and_new_files_there(ssh_there: SshServer, tmp_path: Path) -> None:
    far = over_ssh(ssh_there)
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "print(6 * 7)"}
    cells = [{**cell, "outputs": [], "execution_count": None}]
    notebook = far.folder / "book.ipynb"
    notebook.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    async with open_bench(tmp_path, options=OpenOptions(kernel=far.kernel)) as bench:
        await bench.is_idle()
        await go_to(bench, "book.ipynb")
        await bench.press("enter")
        await bench.sees(f"book.ipynb · {far.name}")
        await bench.press("f5")
        await bench.is_idle(1)
        await bench.press("ctrl+s")
        await bench.until(lambda: "42" in notebook.read_text(), "the output in the file there")
        await is_saved(bench)

        # A new document is saved there, and run there as a program.
        await bench.press("ctrl+t")
        await bench.write("print(__file__)")
        await answer(bench, "ctrl+s", "sub/new.py")
        await bench.until(lambda: (far.folder / "sub/new.py").exists(), "the new file")
        await bench.sees(f"new.py · {far.name}")
        await is_saved(bench)
        await bench.press("alt+shift+f")
        await bench.sees(str(far.folder / "sub/new.py"))

        # To read it again takes what is there now.
        (far.folder / "sub/new.py").write_text("theirs = 1\n")
        await bench.workbench.saving.reload()
        assert bench.editor.text == "theirs = 1\n"
        assert not (tmp_path / "work" / "sub").exists()


async def answer(bench: Bench, key: str, name: str) -> None:
    """Press a key of the files pane that asks for a name."""
    await bench.press(key)
    await bench.until(lambda: isinstance(bench.program.screen, Asker), "the question")
    bench.program.screen.query_one(Input).value = name
    await bench.press("enter")
    await bench.until(lambda: not isinstance(bench.program.screen, Asker), "the answer")
