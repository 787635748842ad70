"""The ten operations of agents on a real session: answers within a budget, errors that help."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from codeexec.cli.agents.answer import CHARACTERS, ToolAnswer, head_and_tail
from codeexec.cli.agents.cells import edit, open_in
from codeexec.cli.agents.connection import follow
from codeexec.cli.agents.operations import AgentOperations
from codeexec.cli.agents.pictures import LONGEST, MOST_BYTES, scaled
from codeexec.cli.agents.tools import TOOLS, call_tool, checked_arguments
from codeexec.client.socket import SocketHost
from codeexec.domain.errors import Conflict, Denied, NotFound, UsageError
from codeexec.domain.requests import ClientInfo, Interrupt, OpenSession
from support.servers import Here, serve_here, short_folder

ENDLESS = "import time\nwhile True:\n    time.sleep(0.01)"
SCRIPT = "# %% one\ny = 5\nprint(y)\n\n# %% [markdown]\n# words\n# %% two\nprint(y + 1)\n"


@asynccontextmanager
async def agent(here: Here, work: Path) -> AsyncIterator[AgentOperations]:
    """An agent in the session of the folder."""
    client = ClientInfo("Claude", is_agent=True)
    async with SocketHost(here.address, client) as host:
        summary = await host.call(OpenSession(str(work), name="shared"))
        async with follow(host, summary, client.name) as connection:
            yield AgentOperations(connection)


def data_of(answer: ToolAnswer) -> Any:
    """The data as a program reads it."""
    return json.loads(json.dumps(answer.data))


@asynccontextmanager
async def in_session() -> AsyncIterator[tuple[AgentOperations, Here, Path]]:
    with short_folder() as folder:
        work = folder / "work"
        work.mkdir()
        async with serve_here(folder) as here, agent(here, work) as operations:
            yield operations, here, work


def test_there_are_ten_tools_in_2500_tokens() -> None:
    tools = [{"name": name, **tool} for name, tool in TOOLS.items()]
    schema = json.dumps(tools, separators=(",", ":"))
    assert len(TOOLS) == 10
    # Tokenizers of agents need one token for 3.5 to 4 characters of English and JSON; 2 are safe.
    assert len(schema) / 2 <= 2500


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("nope", {}, "no tool nope"),
        ("run", {"cod": "1"}, "no parameter cod"),
        ("run", {"code": 1}, "code of run must be of type string"),
        ("result", {}, "result needs execution"),
        ("table", {"name": "x", "start": True}, "must be of type integer"),
    ],
)
def test_wrong_arguments_are_refused_in_words(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        checked_arguments(name, arguments)


def test_null_arguments_count_as_left_out() -> None:
    assert checked_arguments("run", {"code": "1", "file": None}) == {"code": "1"}


@pytest.mark.slow
async def test_runs_and_their_output() -> None:
    async with in_session() as (operations, _, _work):
        ran = await operations.run("x = 41\nprint('hi')\nx + 1")
        assert ran.data["status"] == "ok"
        assert ran.data["rows"] == ("hi", "42")
        failed = await operations.run("import sys\nprint('e', file=sys.stderr)\n1/0")
        assert failed.data["error"] == "ZeroDivisionError: division by zero"
        assert "[stderr] e" in failed.text and "Traceback" in failed.text

        flood = await operations.run("for i in range(1000): print(i)")
        assert len(flood.text) < CHARACTERS
        execution = str(flood.data["execution"])
        assert f"[rows 80-919 left out: result with execution {execution}, start 80]" in flood.text
        assert flood.text.endswith("\n999")
        page = await operations.result(execution, start=80)
        assert page.data["rows"] == tuple(map(str, range(80, 480)))
        assert page.data["next_row"] == 480
        wide = await operations.run("print('x' * 100_000)")
        assert len(wide.text) < 2000 and "99,000 more characters" in wide.text

        await operations.run("import pandas as pd\ndf = pd.DataFrame({'a': range(50)})")
        table = await operations.table("df", count=2, sort="a", descending=True)
        assert table.text == (
            "50 rows, 1 columns; rows 0-1:\n | a\n49 | 49\n48 | 48\n[more rows: start 2]"
        )
        assert "x: int  41" in (await operations.variables()).text
        assert (await operations.variables("x")).data["text"] == "41"
        with pytest.raises(NotFound):
            await operations.result("exec-none")


async def test_a_long_run_answers_with_its_rows_so_far_and_goes_on() -> None:
    async with in_session() as (operations, _, work):
        wait = "while not pathlib.Path('go').exists(): time.sleep(0.01)"
        code = f"import pathlib, time\nprint('begun', flush=True)\n{wait}\nprint('over')"
        begun = asyncio.create_task(operations.run(code, wait=600))
        await operations._connection.wait_for(
            lambda now: any(view.total for view in now.executions.values()), 40
        )
        begun.cancel()  # as a client does whose time is out
        state = await operations.state()
        [running] = data_of(state)["queue"]
        assert (running["status"], running["origin"], running["is_agent"]) == (
            "running",
            "Claude",
            True,
        )
        so_far = await operations.result(running["execution"])
        assert "still running, 1 rows so far. Later: result with execution" in so_far.text
        assert so_far.data["rows"] == ("begun",)
        (work / "go").touch()
        over = await operations.result(running["execution"], start=1, wait=40)
        assert (over.data["status"], over.data["rows"]) == ("ok", ("over",))


@pytest.mark.slow
async def test_interrupts_tell_who_it_was_and_a_restart_forgets() -> None:
    async with in_session() as (operations, here, _work):
        assert (await operations.interrupt()).text == "Nothing runs."
        running = asyncio.create_task(operations.run(ENDLESS, wait=60))
        await operations._connection.wait_for(lambda now: now.running and now.running.count, 90)
        async with here.client("ada@pts/1") as person:
            session = person.session(operations._connection.summary.session_id)
            await session.call(Interrupt())
        told = await running
        assert told.data["interrupted_by"] == "ada@pts/1"
        assert "ada@pts/1 ended it, not you" in told.text

        running = asyncio.create_task(operations.run(ENDLESS, wait=60))
        await operations._connection.wait_for(lambda now: now.running and now.running.count, 90)
        own = await operations.interrupt()
        assert own.data["interrupted_by"] == "Claude"
        assert "not you" not in own.text
        await running
        await operations.run("x = 1")
        assert (await operations.restart()).data["state"] == "idle"
        assert (await operations.run("'x' in globals()")).data["rows"] == ("False",)


@pytest.mark.slow
async def test_cells_are_run_and_edited_by_id_and_hash() -> None:
    async with in_session() as (operations, _, work):
        (work / "a.py").write_text(SCRIPT)
        ran = await operations.run(file="a.py")
        assert [each["status"] for each in data_of(ran)["executions"]] == ["ok", "ok"]
        state = await operations.state("a.py")
        [document] = data_of(state)["documents"]
        _, words, two = document["cells"]
        assert (two["id"], two["status"], words["kind"]) == ("c2", "ok", "markdown")
        edited = await operations.edit_cell("a.py", "c2", two["hash"], "print(y + 2)")
        with pytest.raises(Conflict, match=r"print\(y \+ 2\)"):
            await operations.edit_cell("a.py", "c2", two["hash"], "print(y + 3)")
        await operations.edit_cell("a.py", "c1", words["hash"], "# Title\nmore")
        assert (work / "a.py").read_text() == SCRIPT.replace("+ 1", "+ 2").replace(
            "# words", "# # Title\n# more"
        )
        state = await operations.state("a.py")
        [document] = data_of(state)["documents"]
        assert [cell["status"] for cell in document["cells"]] == ["ok", "not run", "not run"]
        assert document["cells"][2]["hash"] == edited.data["hash"]
        assert (await operations.run(file="a.py", cell="c2")).data["rows"] == ("7",)
        for wrong in ("../a.py", "/etc/hostname", "a\0.py"):
            with pytest.raises((Denied, UsageError)):
                await operations.run(file=wrong)
        with pytest.raises(NotFound, match="no cell c9"):
            await operations.run(file="a.py", cell="c9")
        with pytest.raises(UsageError, match="Give code"):
            await operations.run()
        (work / "hello.sh").write_text("echo from a shell\n")
        assert (await operations.run(file="hello.sh")).data["rows"] == ("from a shell",)


@pytest.mark.slow
async def test_pictures_are_images_and_files_artifacts() -> None:
    async with in_session() as (operations, _, _work):
        shown = await operations.run("from PIL import Image\nImage.new('RGB', (3000, 1500), 'red')")
        [picture] = shown.pictures
        assert Image.open(io.BytesIO(picture.data)).size == (1024, 512)
        await operations.run("open('out.csv', 'w').write('a,b\\n1,2\\n')")
        await operations._connection.wait_for(lambda now: now.artifacts, 90)
        listed = await operations.artifact()
        assert "out.csv text/csv 8 B" in listed.text and "image/png of exec-" in listed.text
        assert (await operations.artifact("out.csv")).data["text"] == "a,b\n1,2\n"
        key = data_of(listed)["displays"][0]["key"]
        assert (await operations.artifact(key)).pictures == (picture,)
        with pytest.raises(NotFound):
            await operations.artifact("none")
        answer = await call_tool(operations, "sessions", {})
        assert "* shared idle" in answer.text


def test_a_notebooks_cell_keeps_its_id_when_it_is_edited(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "id": "abc", "metadata": {}, "source": ["x = 1"], "outputs": []},
        {"cell_type": "markdown", "id": "m1", "metadata": {}, "source": ["words"]},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook))
    opened = open_in(tmp_path, "n.ipynb")
    assert [named.id for named in opened.cells] == ["abc", "m1"]
    source = "x = 2\n# %% no separator"
    assert edit(opened, "abc", opened.cells[0].hash, source).cell.source == source
    opened = open_in(tmp_path, "n.ipynb")
    edit(opened, "m1", opened.cells[1].hash, "# %% no\n\nseparator")
    saved = json.loads((tmp_path / "n.ipynb").read_text())["cells"]
    assert ["".join(cell["source"]) for cell in saved] == [source, "# %% no\n\nseparator"]
    assert [cell["id"] for cell in saved] == ["abc", "m1"]


def test_a_fence_of_markdown_is_a_cell(tmp_path: Path) -> None:
    text = "# Title\n\n```python\nx = 1\n```\n\nwords\n"
    (tmp_path / "t.md").write_text(text)
    opened = open_in(tmp_path, "t.md")
    code = next(named for named in opened.cells if named.cell.is_code)
    edit(opened, code.id, code.hash, "x = 2\ny = 3")
    assert (tmp_path / "t.md").read_text() == text.replace("x = 1", "x = 2\ny = 3")


def test_text_is_cut_to_head_and_tail() -> None:
    lines = [f"line {number}" for number in range(5000)]
    text = head_and_tail(lines, 1000)
    assert len(text) <= 1100
    assert text.startswith("line 0\n") and text.endswith("\nline 4999")
    left = next(line for line in text.split("\n") if "left out" in line)
    shown = text.count("line ")
    assert left == f"… {5000 - shown:,} lines left out …"
    assert head_and_tail(["a", "b"]) == "a\nb"


@pytest.mark.slow
def test_pictures_are_scaled_and_bombs_are_not_decoded() -> None:
    noise = Image.effect_noise((2000, 2000), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    small = scaled(out.getvalue())
    assert small is not None and small.mime == "image/jpeg" and len(small.data) <= MOST_BYTES * 2
    assert max(Image.open(io.BytesIO(small.data)).size) == LONGEST
    assert scaled(b"no picture") is None
    head = base64.b64decode("iVBORw0KGgoAAAANSUhEUg==")
    huge = head + (100_000).to_bytes(4) * 2 + b"\x08\x02\x00\x00\x00"
    assert scaled(huge) is None
