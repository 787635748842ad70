"""Plugins in real kernels: loaded, called, tested, replaced, unloaded; what fails says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, Denied, NotFound, UsageError
from codeexec.domain.options import ExecuteOptions, PluginStep
from codeexec.session.session import Session
from support.invariants import check_journal
from support.plugins import BLOCKS, PRINTS, RAISES, SUMMARY, SYNTAX_ERROR, TWICE, load
from support.sessions import finished, open_host, open_session, run, submit, text, until


async def value(session: Session, code: str) -> str:
    """The result of code as text."""
    view = await run(session, code)
    assert view.status == "ok", view.error
    part = view.displays[-1].part("text/plain")
    assert part is not None
    return part.text or ""


@pytest.mark.slow
async def test_a_plugin_is_loaded_called_tested_and_unloaded(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        answer = await load(session, "summary", SUMMARY, {"prefix": "A"}, source="summary.py")
        assert answer.is_success, answer.message
        assert answer.message == "Plugin summary loaded."
        plugin = session.snapshot.plugins["summary"]
        assert (plugin.state, plugin.is_loaded, plugin.source) == ("loaded", True, "summary.py")
        assert (plugin.config, plugin.tests) == (("prefix",), ("counting",))
        await session.call(q.SetSessionVariables({"unit": "tokens"}))

        view = await run(session, "summary('one two three')")
        part = view.displays[-1].part("text/plain")
        assert part is not None
        assert part.text == "'A: 3 tokens'"
        assert view.report is not None
        (entry,) = view.report.log
        assert (entry.level, entry.tag, entry.message) == ("info", "Plugin-summary", "counted 3")
        (artifact,) = view.report.artifacts
        assert artifact.id == f"obj_{view.index}_txt_0000"
        assert (artifact.name, artifact.kind, artifact.mime) == ("report", "txt", "text/plain")
        assert artifact.file == f"{artifact.id}_report.txt"
        assert (tmp_path / artifact.file).read_text() == "A: 3 tokens"
        kept = await until(session, lambda s: any(a.name == artifact.file for a in s.artifacts))
        blob = next(each for each in kept.artifacts if each.name == artifact.file)
        assert session.blobs.read(blob.digest) == b"A: 3 tokens"

        tested = await session.call(q.TestPlugin("summary"))
        assert tested.is_success, tested.messages
        assert tested.message == "All 1 tests passed."
        # What was typed is counted, what the session does with plugins is not.
        assert (await run(session, "1")).count == 2

        unloaded = await session.call(q.UnloadPlugin("summary"))
        assert unloaded.is_success
        assert session.snapshot.plugins == {}
        failed = await run(session, "summary('x')")
        assert failed.error is not None
        assert failed.error.name == "NameError"
        check_journal(session.folder)


@pytest.mark.slow
async def test_a_plugin_that_fails_says_why_and_disturbs_nothing(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 41")

        broken = await load(session, "broken", SYNTAX_ERROR)
        assert not broken.is_success
        assert 'File "<plugin broken>", line 3' in broken.message
        assert "class Broken(Plugin)" in broken.message
        assert "SyntaxError" in broken.message
        assert session.snapshot.plugins["broken"].state == "failed"

        raising = await load(session, "raises", RAISES, {"table": "sales"})
        assert not raising.is_success
        assert 'raise ValueError("no such table: " + config["table"])' in raising.message
        assert raising.message.endswith("ValueError: no such table: sales")
        assert "perform" not in raising.message, "frames of ours are left out"

        twice = await load(session, "twice", TWICE)
        assert not twice.is_success
        assert "registers twice: First and Second" in twice.message

        nothing = await load(session, "nothing", "x = 1\n")
        assert "registers no plugin" in nothing.message

        exits = await load(session, "exits", "import sys; sys.exit(3)")
        assert "SystemExit: 3" in exits.message

        assert await value(session, "x + 1") == "42"
        assert await value(session, "[n for n in dir() if n in ('broken', 'raises', 'twice')]") == (
            "[]"
        )


@pytest.mark.slow
async def test_a_plugin_that_prints_is_loaded_and_its_rows_can_be_read(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        answer = await load(session, "prints", PRINTS)
        assert answer.is_success, answer.message
        step = session.snapshot.executions[answer.execution_id]
        assert await text(session, step) == ["loading"]
        view = await run(session, "prints(7)")
        assert await text(session, view) == ["called with 7"]
        assert view.report is not None
        assert view.report.log[0].message == "calling function prints"


@pytest.mark.slow
async def test_a_plugin_that_blocks_has_a_deadline_and_can_be_interrupted(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 1")
        late = await load(session, "blocks", BLOCKS, timeout=0.3)
        assert not late.is_success
        assert late.message == "It ran longer than 0.3 s."
        blocked = asyncio.create_task(load(session, "blocks", BLOCKS, execution_id="exec-blocks"))
        await until(
            session,
            lambda s: (
                "exec-blocks" in s.executions and s.executions["exec-blocks"].status == "running"
            ),
        )
        await session.call(q.CancelExecution("exec-blocks"))
        answer = await blocked
        assert not answer.is_success
        assert answer.message == "Interrupted."
        assert session.snapshot.plugins["blocks"].state == "failed"
        assert await value(session, "x") == "1"


@pytest.mark.slow
async def test_a_reload_replaces_and_one_that_fails_leaves_the_earlier(tmp_path: Path) -> None:
    one = (
        "from taskweaver.plugin import register_plugin\n@register_plugin\ndef f():\n    return 1\n"
    )
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        assert (await load(session, "number", one, source="one.py")).is_success
        assert (await load(session, "number", one.replace("1", "2"), source="two.py")).is_success
        assert await value(session, "number()") == "2"
        failed = await load(session, "number", "1/0", source="three.py")
        assert "ZeroDivisionError" in failed.message
        plugin = session.snapshot.plugins["number"]
        assert (plugin.state, plugin.is_loaded, plugin.source) == ("loaded", True, "two.py")
        assert "ZeroDivisionError" in plugin.message
        assert await value(session, "number()") == "2"
        # Nothing of implementations that are not used is left in the journal.
        keys = [key for key in session.recorder.journal.private_keys() if key.startswith("plugin:")]
        assert keys == [f"plugin:{plugin.loaded_by}"]


@pytest.mark.slow
async def test_plugins_and_session_variables_come_back_with_a_new_kernel(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await session.call(q.SetSessionVariables({"unit": "tokens"}))
        await load(session, "summary", SUMMARY, {"prefix": "A"})
        await session.call(q.RestartKernel())
        assert await value(session, "summary('a b')") == "'A: 2 tokens'"
        plugin = session.snapshot.plugins["summary"]
        assert (plugin.generation, plugin.is_loaded) == (2, True)
        await session.call(q.SetSessionVariables(remove=("unit",)))
        assert await value(session, "summary('a b')") == "'A: 2 words'"
        # A step that waits while the kernel is restarted fails in words.
        busy = await submit(session, "import time; time.sleep(60)", stop_on_error=False)
        waiting = asyncio.create_task(load(session, "prints", PRINTS))
        await until(session, lambda s: s.executions[busy].status == "running")
        await until(session, lambda s: "prints" in s.plugins)
        await session.call(q.RestartKernel())
        assert (await waiting).message == "The kernel was restarted."
        assert await value(session, "summary('a b')") == "'A: 2 words'"


@pytest.mark.slow
async def test_a_plugin_that_fails_in_the_new_kernel_is_told_and_the_rest_runs(
    tmp_path: Path,
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    fragile = f"import os\nassert os.path.exists({str(flag)!r}), 'no flag'\n" + PRINTS
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        assert (await load(session, "fragile", fragile)).is_success
        flag.unlink()
        await session.call(q.RestartKernel())
        assert await value(session, "6 * 7") == "42"
        plugin = session.snapshot.plugins["fragile"]
        assert (plugin.state, plugin.is_loaded) == ("failed", False)
        assert "no flag" in plugin.message


@pytest.mark.slow
async def test_the_next_server_has_the_plugins_and_asks_for_no_second_load(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path)
        await load(session, "summary", SUMMARY, {"prefix": "secret-word"}, execution_id="exec-load")
        journal = session.recorder.journal.path.read_bytes()
        journal += b"".join(p.read_bytes() for p in session.folder.glob("*-wal"))
        assert b"secret-word" not in journal, "values of configurations are not in the journal"
    async with open_host(tmp_path / "state") as host:
        (session,) = host.sessions
        assert session.snapshot.plugins["summary"].is_loaded
        # Repeated after a lost answer: done once.
        again = await load(session, "summary", SUMMARY, execution_id="exec-load")
        assert again.is_success
        assert await value(session, "summary('a b')") == "'secret-word: 2 words'"
        await session.call(q.RestartKernel())
        assert await value(session, "summary('a b')") == "'secret-word: 2 words'"


async def test_requests_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for name in ("a/b", "class", "", "two words"):
            with pytest.raises(UsageError, match="no name of a plugin"):
                await load(session, name, SUMMARY)
        with pytest.raises(UsageError, match="at most"):
            await load(session, "long", "#" * (2**20 + 1))
        with pytest.raises(UsageError, match="positive"):
            await load(session, "summary", SUMMARY, timeout=0.0)
        with pytest.raises(UsageError, match="Plugins are Python"):
            await session.call(q.StartKernel("bash"))
            await load(session, "summary", SUMMARY, kernel="bash")
        with pytest.raises(NotFound, match="no kernel"):
            await load(session, "summary", SUMMARY, kernel="other")
        with pytest.raises(NotFound, match="no plugin"):
            await session.call(q.TestPlugin("summary"))
        with pytest.raises(NotFound, match="no plugin"):
            await session.call(q.UnloadPlugin("summary"))
        with pytest.raises(UsageError, match="request of their own"):
            step = ExecuteOptions(plugin=PluginStep("load", "x"))
            await session.call(q.Execute("1", options=step))
        with pytest.raises(UsageError, match="at most"):
            await session.call(q.SetSessionVariables({"a": "x" * (2**20 + 1)}))
        view = await run(session, "1")
        with pytest.raises(Conflict, match="another execution"):
            await load(session, "summary", SUMMARY, execution_id=view.execution_id)
        agent = q.ClientInfo("agent", is_agent=True)
        with pytest.raises(Denied, match="An agent does not change plugins"):
            await session.call(q.LoadPlugin("summary", SUMMARY), agent)
        assert session.snapshot.plugins == {}
        await session.close("It is over.")
        with pytest.raises(Conflict, match="closed"):
            await load(session, "summary", SUMMARY)


@pytest.mark.slow
async def test_two_steps_of_one_plugin_do_not_overlap(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        busy = await submit(session, "import time; time.sleep(60)", stop_on_error=True)
        first = asyncio.create_task(load(session, "summary", SUMMARY))
        await until(session, lambda s: "summary" in s.plugins)
        with pytest.raises(Conflict, match="is loading"):
            await load(session, "summary", SUMMARY)
        await until(session, lambda s: s.executions[busy].status == "running")
        await session.call(q.Interrupt())
        # What fails before it at the prompt does not take it along.
        assert (await finished(session, busy)).status == "cancelled"
        assert (await first).is_success
