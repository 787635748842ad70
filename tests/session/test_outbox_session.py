"""What a session has after its server went away and another came: rows, ends, questions."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from codeexec.domain.events import NoticeGiven, StdinRequested
from codeexec.domain.requests import AnswerStdin
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.session.session import Session
from support.invariants import check_journal, read_journal
from support.kernel_cases import no_orphans
from support.sessions import finished, open_host, open_session, submit, text, until

pytestmark = pytest.mark.slow

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.005)\n"
DONE = "import pathlib; pathlib.Path('done').touch()\n"


async def exists(path: Path) -> None:
    async with asyncio.timeout(90):
        while not path.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def notices(session: Session) -> list[NoticeGiven]:
    """Those of the change of servers."""
    events = [record.event for record in read_journal(session.folder)]
    given = [event for event in events if isinstance(event, NoticeGiven)]
    return [notice for notice in given if notice.title == "The session server was restarted"]


async def test_the_next_server_has_every_line_every_end_and_the_queue_in_order(
    tmp_path: Path,
) -> None:
    printing = f"print('a', end='', flush=True)\n{WAIT}print('b')\nprint('c', flush=True)\n{DONE}"
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path)
            first = await submit(session, printing)
            second = await submit(session, "print('second')")
            third = await submit(session, "1 / 0")
            await until(session, lambda s: s.executions[first].total)
        (tmp_path / "go").touch()
        await exists(tmp_path / "done")
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            views = [await finished(session, each) for each in (first, second, third)]
            assert [view.status for view in views] == ["ok", "ok", "error"]
            assert [view.count for view in views] == [1, 2, 3]
            assert await text(session, views[0]) == ["ab", "c"]
            assert await text(session, views[1]) == ["second"]
            (notice,) = notices(session)
            assert (notice.level, notice.message) == (
                "info",
                "The kernel lives on. It kept what it printed in between.",
            )
            check_journal(session.folder, snapshot=session.snapshot)


async def test_a_question_for_input_is_told_once_and_can_be_answered(tmp_path: Path) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path)
            asking = await submit(session, f"print('got', input('?'))\n{WAIT}\n{DONE}input('!')")
            await until(session, lambda s: s.executions[asking].stdin)
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            (session,) = host.sessions
            await session.slots.adopted()
            question = session.snapshot.executions[asking].stdin
            assert question is not None
            await session.call(AnswerStdin(question.request_id, "it"))
            await until(session, lambda s: s.executions[asking].total)
        (tmp_path / "go").touch()
        await exists(tmp_path / "done")
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            later = (await until(session, lambda s: s.executions[asking].stdin)).executions[asking]
            assert later.stdin is not None
            assert later.stdin.prompt == "!"
            await session.call(AnswerStdin(later.stdin.request_id, ""))
            view = await finished(session, asking)
            assert (view.status, await text(session, view)) == ("ok", ["got it"])
            asked = [r for r in read_journal(session.folder) if isinstance(r.event, StdinRequested)]
            assert len(asked) == 2


async def test_an_execution_that_was_journaled_but_not_sent_runs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path)
            await finished(session, await submit(session, "x = 0"))
            with monkeypatch.context() as patch:
                patch.setattr(JupyterKernel, "execute", lambda self, call: None)
                unsent = await submit(session, "x += 1; print(x)")
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            view = await finished(session, unsent)
            assert (view.status, await text(session, view)) == ("ok", ["1"])
            again = await finished(session, await submit(session, "print(x)"))
            assert await text(session, again) == ["1"]


async def test_a_kernel_without_an_outbox_says_that_there_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "plain"
    spec.mkdir(parents=True)
    command = f"exec {sys.executable} -m ipykernel_launcher -f $0"
    argv = ["sh", "-c", command, "{connection_file}"]
    content = {"argv": argv, "display_name": "Plain", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(content))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path, kernel="plain")
            printing = await submit(session, f"print('a', flush=True)\n{WAIT}print('b')")
            await until(session, lambda s: s.executions[printing].total)
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            await session.slots.adopted()
            (tmp_path / "go").touch()
            assert (await finished(session, printing)).status == "ok"
            (notice,) = notices(session)
            assert (notice.level, notice.message) == (
                "warning",
                "The kernel lives on. What it printed in between could not be recorded.",
            )
