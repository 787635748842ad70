"""Executions of agents: marked, confirmed by the user, refused; and who ended an execution."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, Denied
from codeexec.domain.fold import apply
from codeexec.domain.learning import LearnerRecord
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.session.agents.risk import risk_of
from codeexec.session.session import REFUSED, Session
from codeexec.session.settings import AgentSettings, HostSettings
from support.sessions import finished, open_host, open_session, run, submit, until

AGENT = q.ClientInfo("Claude", is_agent=True)
PERSON = q.ClientInfo("ada@pts/1", can_confirm=True)
ALWAYS = HostSettings(agents=lambda: AgentSettings("always"))


async def ask_to_run(session: Session, code: str, execution_id: str = "") -> str:
    return (await session.call(q.Execute(code, execution_id), AGENT)).execution_id


def view_of(session: Session, execution_id: str) -> ExecutionView:
    return session.snapshot.executions[execution_id]


@pytest.mark.slow
async def test_code_of_an_agent_waits_for_the_user_and_blocks_nobody(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", settings=ALWAYS) as host:
        session = await open_session(host, tmp_path)
        with session.join(PERSON):
            allowed = await ask_to_run(session, "x = 1", "exec-allowed")
            refused = await ask_to_run(session, "x = 2")
            assert await ask_to_run(session, "x = 1", "exec-allowed") == allowed  # asked again
            waiting = view_of(session, allowed)
            assert (waiting.is_agent, waiting.origin, waiting.status) == (True, "Claude", "queued")
            assert waiting.confirm == "All code of agents is confirmed."
            assert (await run(session, "'x' in globals()")).displays[0].parts[0].text == "False"
            with pytest.raises(Denied, match="agent cannot confirm"):
                await session.call(q.ConfirmExecution(allowed), AGENT)
            await session.call(q.ConfirmExecution(refused, allow=False), PERSON)
            await session.call(q.ConfirmExecution(allowed), PERSON)
            assert (await finished(session, allowed)).status == "ok"
            assert (await run(session, "x")).displays[0].parts[0].text == "1"
            ended = view_of(session, refused)
            assert (ended.status, ended.reason, ended.ended_by) == (
                "cancelled",
                REFUSED,
                "ada@pts/1",
            )
            assert ended.confirm == ""
            with pytest.raises(Conflict):
                await session.call(q.ConfirmExecution(refused), PERSON)
            read = (await session.call(q.ReadExecution(allowed))).execution
            assert (read.is_agent, read.confirm) == (True, "")
        replayed = Snapshot()
        async for batch in session.events(0, "full"):
            replayed = apply(replayed, batch)
            if replayed.seq >= session.snapshot.seq:
                break
        assert replayed == session.snapshot


@pytest.mark.slow
async def test_a_confirmation_outlives_the_server(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", ALWAYS, leave_kernels=True) as host:
        session = await open_session(host, tmp_path)
        with session.join(PERSON):
            await run(session, "x = 1")
            waiting = await ask_to_run(session, "x += 1")
        session_id = session.session_id
    async with open_host(tmp_path / "state", ALWAYS) as host:
        session = host.session(session_id)
        await session.slots.adopted()
        assert view_of(session, waiting).confirm
        await session.call(q.ConfirmExecution(waiting), PERSON)
        assert (await finished(session, waiting)).status == "ok"


@pytest.mark.slow
async def test_nobody_to_confirm_is_a_refusal_or_as_it_is_set(tmp_path: Path) -> None:
    settings = {"now": AgentSettings()}
    agents = HostSettings(agents=lambda: settings["now"])
    async with open_host(tmp_path / "state", settings=agents) as host:
        session = await open_session(host, tmp_path)
        risky = "import os\nos.remove('no-such-file')"
        with pytest.raises(Denied, match=r"no workbench open\. The code deletes or moves files"):
            await ask_to_run(session, risky)
        with session.join(q.ClientInfo("watcher", watch_only=True)), pytest.raises(Denied):
            await ask_to_run(session, risky)
        assert (await finished(session, await ask_to_run(session, "1 + 1"))).status == "ok"
        settings["now"] = AgentSettings(unattended="run")
        assert (await finished(session, await ask_to_run(session, risky))).status == "error"
        settings["now"] = AgentSettings("never")
        with session.join(PERSON):
            assert (await finished(session, await ask_to_run(session, risky))).status == "error"


async def test_an_agent_types_into_no_terminal(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        with pytest.raises(Denied, match="no terminals"):
            await session.call(q.OpenTerminal(), AGENT)


async def test_an_agent_keeps_no_record_of_a_learner(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, start_kernel=False)
        request = q.KeepLearnerRecord(LearnerRecord("Ada", "/a/b.md"))
        with pytest.raises(Denied, match="keeps no record of a learner"):
            await session.call(request, AGENT)
        await session.call(request)
        assert session.snapshot.learner is not None


async def test_an_agent_moves_and_removes_no_files(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    settings = {"now": AgentSettings()}
    kept = HostSettings(agents=lambda: settings["now"])
    async with open_host(tmp_path / "state", settings=kept) as host:
        session = await open_session(host, tmp_path, start_kernel=False)
        for request in (q.RemoveFile("kept"), q.RenameFile("kept", "moved")):
            with pytest.raises(Denied, match="moves and removes no files"):
                await session.call(request, AGENT)
        assert (tmp_path / "kept").exists()
        settings["now"] = AgentSettings("never")
        await session.call(q.RemoveFile("kept"), AGENT)
        assert not (tmp_path / "kept").exists()


@pytest.mark.slow
async def test_an_execution_says_who_ended_it(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        running = await ask_to_run(session, "import time\nwhile True:\n    time.sleep(0.01)")
        waiting = await submit(session, "1")
        await until(session, lambda s: s.executions[running].count is not None)
        await session.call(q.CancelExecution(waiting), PERSON)
        await session.call(q.Interrupt(), PERSON)
        ended = await finished(session, running)
        assert (ended.reason, ended.ended_by) == ("Interrupted.", "ada@pts/1")
        assert view_of(session, waiting).ended_by == "ada@pts/1"
        assert (await run(session, "1/0")).ended_by == ""


@pytest.mark.parametrize(
    ("code", "language", "risk"),
    [
        ("import os\nos.remove('a')", "python", "deletes or moves files"),
        ("from os import unlink as gone\ngone('a')", "python", "deletes or moves files"),
        ("import os as o\no.execv('/bin/sh', [])", "python", "starts or ends processes"),
        ("from pathlib import Path\nPath('a').unlink()", "", "deletes or moves files"),
        ("import subprocess", "python", "starts or ends processes"),
        ("def f():\n    from urllib import request", "python", "uses the network"),
        ("eval('1')", "python", "runs code that is made while it runs"),
        ("x = 1\n!ls", "python", "starts or ends processes"),
        ("%pip install x", "python", "installs packages"),
        ("%%bash\nls", "python", "starts or ends processes"),
        ("rm -rf build", "bash", "deletes or moves files"),
        ("curl http://example.org", "bash", "uses the network"),
        ('int main() { system("ls"); }', "cpp", "starts or ends processes"),
        ("x" * 200_001, "python", "is 200,001 characters long"),
        ("import os\nprint(os.getcwd())", "python", ""),
        ("from urllib.parse import quote\nimport urllib.parse", "python", ""),
        ("# rm -rf /\nopen('out.txt', 'w').write('remove(x)')", "python", ""),
        ("frame.rename(columns={'a': 'b'})\ntext.replace('a', 'b')", "python", ""),
        ("%matplotlib inline\n%timeit 1 + 1", "python", ""),
        ("for f in *.py; do wc -l $f; done", "bash", ""),
        ("int main() { return 0; }", "cpp", ""),
    ],
)
def test_which_code_is_risky(code: str, language: str, risk: str) -> None:
    assert risk_of(code, language).partition(" (line ")[0] == risk


def test_the_risky_line_is_named() -> None:
    assert risk_of("import os\n\nos.remove('a')") == (
        "deletes or moves files (line 3: os.remove('a'))"
    )
    assert risk_of("ls\n\n  rm -r x", "bash") == "deletes or moves files (line 3: rm -r x)"
    assert risk_of("x = 1\n\n !ls") == "starts or ends processes (line 3: !ls)"
    assert risk_of(f"eval('{'x' * 100}')").endswith(f"eval('{'x' * 54}…)")


def test_deep_code_is_looked_at_as_text() -> None:
    assert risk_of("(" * 150_000) == ""
    assert risk_of("(" * 150_000 + "\n!ls").startswith("starts or ends processes")
