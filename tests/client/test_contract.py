"""What every way to hold the engine must do: embedded here, and behind a socket and a network."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.socket import SocketHost
from codeexec.domain import fold
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, UsageError
from codeexec.domain.events import (
    ExecutionFinished,
    OutputChanged,
    Recorded,
    SessionClosed,
    SessionOpened,
    SnapshotTaken,
    StdinRequested,
)
from codeexec.domain.flow import OutputMode
from codeexec.domain.fold import apply
from codeexec.domain.outputs import count_rows, iter_rows
from codeexec.domain.snapshot import Snapshot
from codeexec.session.storage.journal import Journal
from support.servers import serve_here, short_folder

DEADLINE = 90.0


@pytest.fixture(params=["embedded", "socket", "network"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[HostClient]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(short_folder())
        if request.param == "embedded":
            yield await stack.enter_async_context(EmbeddedHost(folder / "state"))
            return
        here = await stack.enter_async_context(serve_here(folder))
        address = here.address if request.param == "socket" else here.network
        yield await stack.enter_async_context(SocketHost(address))


@pytest.fixture
async def session(host: HostClient, tmp_path: Path) -> SessionClient:
    summary = await host.call(q.OpenSession(cwd=str(tmp_path), name="work"))
    return host.session(summary.session_id)


async def until_finished(
    session: SessionClient, execution_id: str, output: OutputMode = "full", after: int = 0
) -> list[Recorded]:
    """All events up to the end of the execution."""
    heard: list[Recorded] = []
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events(after, output):
            heard += batch
            for record in batch:
                event = record.event
                if isinstance(event, ExecutionFinished) and event.execution_id == execution_id:
                    return heard
    raise AssertionError("the events ended before the execution")


async def test_runs_code_and_tells_what_came_of_it(session: SessionClient) -> None:
    accepted = await session.call(q.Execute("print('hello')\n6 * 7"))
    heard = await until_finished(session, accepted.execution_id)
    view = apply(Snapshot(), heard).executions[accepted.execution_id]
    assert view.status == "ok"
    assert [row.text for row in iter_rows(view.tail) if row.kind == "stdout"] == ["hello"]
    part = view.displays[-1].part("text/plain")
    assert part is not None
    assert part.text == "42"


async def test_every_fact_comes_once_and_in_order(session: SessionClient) -> None:
    accepted = await session.call(q.Execute("for i in range(300): print(i)"))
    heard = await until_finished(session, accepted.execution_id)
    numbers = [record.seq for record in heard]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.slow
@pytest.mark.parametrize("output", ["full", "tail"])
async def test_a_reader_can_begin_anywhere(session: SessionClient, output: OutputMode) -> None:
    accepted = await session.call(q.Execute("for i in range(300): print(i)"))
    whole = apply(Snapshot(), await until_finished(session, accepted.execution_id, output))
    records = await until_finished(session, accepted.execution_id, output)
    middle = records[len(records) // 2].seq
    first = [record for record in records if record.seq <= middle]
    rest = await until_finished(session, accepted.execution_id, output, after=middle)
    assert all(record.seq > middle for record in rest)
    again = apply(apply(Snapshot(), first), rest)
    assert again.executions[accepted.execution_id].tail == (
        whole.executions[accepted.execution_id].tail
    )


async def test_two_readers_hear_the_same(session: SessionClient) -> None:
    accepted = await session.call(q.Execute("for i in range(50): print(i)"))
    one, two = await asyncio.gather(
        until_finished(session, accepted.execution_id),
        until_finished(session, accepted.execution_id),
    )
    assert one == two


async def test_a_tail_is_short_and_its_rows_can_be_asked_for(session: SessionClient) -> None:
    accepted = await session.call(q.Execute("for i in range(20_000): print('row', i)"))
    heard = await until_finished(session, accepted.execution_id, "tail")
    outputs = [r.event for r in heard if isinstance(r.event, OutputChanged)]
    assert outputs[-1].total >= 20_000
    assert all(count_rows(event.runs) <= 200 for event in outputs)
    page = await session.call(q.ReadRows(accepted.execution_id, 12_345, 3))
    assert [row.text for row in iter_rows(page.runs)] == ["row 12345", "row 12346", "row 12347"]


async def test_an_execution_with_an_id_of_its_own_runs_once(session: SessionClient) -> None:
    code = "n = globals().get('n', 0) + 1; n"
    for _ in range(3):
        accepted = await session.call(q.Execute(code, execution_id="mine"))
        assert accepted.execution_id == "mine"
    heard = await until_finished(session, "mine")
    part = apply(Snapshot(), heard).executions["mine"].displays[0].part("text/plain")
    assert part is not None
    assert part.text == "1"


async def test_requests_are_done_in_the_order_in_which_they_were_asked(
    session: SessionClient,
) -> None:
    accepted = await asyncio.gather(
        *(session.call(q.Execute(f"x = {n}", execution_id=f"e{n}")) for n in range(20))
    )
    assert [each.seq for each in accepted] == sorted(each.seq for each in accepted)
    heard = await until_finished(session, "e19")
    assert list(apply(Snapshot(), heard).executions) == [f"e{n}" for n in range(20)]


async def test_input_is_answered(session: SessionClient) -> None:
    accepted = await session.call(q.Execute("print('hi ' + input('name? '))"))
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            asked = [r.event for r in batch if isinstance(r.event, StdinRequested)]
            if asked:
                assert asked[0].prompt == "name? "
                await session.call(q.AnswerStdin(asked[0].request_id, "Ada"))
                break
    heard = await until_finished(session, accepted.execution_id)
    view = apply(Snapshot(), heard).executions[accepted.execution_id]
    rows = [(row.kind, row.text) for row in iter_rows(view.tail)]
    assert rows == [("stdin", "name? Ada"), ("stdout", "hi Ada")]


async def test_errors_come_with_their_words(host: HostClient, session: SessionClient) -> None:
    with pytest.raises(NotFound) as caught:
        await session.call(q.ReadRows("nothing", 0, 1))
    assert "nothing" in caught.value.message
    with pytest.raises(UsageError) as refused:
        await host.call(q.OpenSession(cwd="/not/there"))
    assert refused.value.next_step


async def test_an_unknown_session_is_not_found(host: HostClient) -> None:
    with pytest.raises(NotFound):
        await host.session("nobody").call(q.GetUsage())


async def test_listening_to_an_unknown_session_is_not_found(host: HostClient) -> None:
    with pytest.raises(NotFound):
        async for _ in host.session("nobody").events():
            break


async def test_a_listener_counts_as_one_client(host: HostClient, session: SessionClient) -> None:
    async def listen() -> None:
        async for _ in session.events():
            pass

    listeners = [asyncio.create_task(listen()) for _ in range(2)]
    try:
        async with asyncio.timeout(DEADLINE):
            # How many listen is no event that one could wait for.
            while not (await session.call(q.GetUsage())).clients:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        for task in listeners:
            task.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    async with asyncio.timeout(DEADLINE):
        while (await session.call(q.GetUsage())).clients:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_events_end_when_the_session_is_stopped(
    host: HostClient, session: SessionClient
) -> None:
    async def listen() -> int:
        return sum([len(batch) async for batch in session.events()])

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(DEADLINE):
        await host.call(q.StopSession(session.session_id))
        assert await listening > 0
    states = {s.session_id: s.state for s in (await host.call(q.ListSessions())).sessions}
    assert states[session.session_id] == "closed"


async def test_a_closed_session_is_read_from_its_first_fact_to_its_last(
    host: HostClient, session: SessionClient
) -> None:
    accepted = await session.call(q.Execute("print('kept')"))
    await until_finished(session, accepted.execution_id)
    await host.call(q.StopSession(session.session_id))
    again = host.session(session.session_id)
    async with asyncio.timeout(DEADLINE):
        domain_events = [record.event async for batch in again.events() for record in batch]
    assert isinstance(domain_events[0], SessionOpened)
    assert isinstance(domain_events[-1], SessionClosed)
    rows = await again.call(q.ReadRows(accepted.execution_id, 0, 5))
    assert [run.text for run in rows.runs] == ["kept"]
    with pytest.raises(Conflict):
        await again.call(q.Execute("1"))


async def test_files_of_the_folder_are_read_and_written(
    session: SessionClient, tmp_path: Path
) -> None:
    await session.call(q.WriteFile("data/a.bin", bytes(range(256))))
    assert (tmp_path / "data/a.bin").read_bytes() == bytes(range(256))
    assert (await session.call(q.ReadFile("data/a.bin"))).data == bytes(range(256))
    with pytest.raises(CodeexecError):
        await session.call(q.ReadFile("../outside"))
    await session.call(q.MakeFolder("new"))
    await session.call(q.RenameFile("data/a.bin", "new/b.bin"))
    listed = await session.call(q.ListFiles("new"))
    assert [entry.path for entry in listed.entries] == ["new/b.bin"]
    assert (listed.machine, listed.folder) == ("", str(tmp_path))
    with pytest.raises(Conflict):
        await session.call(q.MakeFolder("data"))
    await session.call(q.RemoveFile("new"))
    assert [path.name for path in tmp_path.iterdir() if path.name == "new"] == []


async def test_a_file_is_replaced_only_while_it_is_as_it_was_read(
    session: SessionClient, tmp_path: Path
) -> None:
    old, new = b"old", b"new"
    await session.call(q.WriteFile("a.txt", old, ""))
    with pytest.raises(Conflict):
        await session.call(q.WriteFile("a.txt", new, ""))
    (tmp_path / "a.txt").write_bytes(b"theirs")
    with pytest.raises(Conflict, match="changed by somebody else"):
        await session.call(q.WriteFile("a.txt", new, hashlib.sha256(old).hexdigest()))
    assert (tmp_path / "a.txt").read_bytes() == b"theirs"
    await session.call(q.WriteFile("a.txt", new, hashlib.sha256(b"theirs").hexdigest()))
    assert (tmp_path / "a.txt").read_bytes() == new
    await session.call(q.WriteFile("a.txt", new, ""))  # it is there, as a repeated request finds it
    (tmp_path / "a.txt").unlink()
    with pytest.raises(Conflict, match="was removed"):
        await session.call(q.WriteFile("a.txt", old, hashlib.sha256(new).hexdigest()))


async def test_the_link_is_told_and_closes(host: HostClient) -> None:
    await host.call(q.GetHostInfo())
    assert host.link.state == "connected"
    await host.close()
    async with asyncio.timeout(DEADLINE):
        assert [link.state async for link in host.links()][-1] == "closed"


async def test_who_is_far_behind_is_sent_a_snapshot_and_pages_the_rest(
    session: SessionClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "KEPT_EXECUTIONS", 2)
    ran = []
    for number in range(5):
        accepted = await session.call(q.Execute(f"print({number})"))
        await until_finished(session, accepted.execution_id, "tail", accepted.seq - 1)
        ran.append(accepted.execution_id)
    monkeypatch.setattr(Journal, "is_far", lambda self, after, events, size: after == 0)
    async with asyncio.timeout(DEADLINE):
        batch = await anext(aiter(session.events(0, "latest")))
    assert [type(record.event) for record in batch] == [SnapshotTaken]
    snapshot = apply(Snapshot(), batch)
    assert snapshot.executions_total == 5
    assert list(snapshot.executions) == ran[2:]
    old = await session.call(q.ReadExecution(ran[0]))
    assert (old.execution.number, old.execution.status) == (1, "ok")
    assert [run.text for run in old.execution.tail] == ["0"]
    page = await session.call(q.ListExecutions(before=3, limit=1))
    assert [view.execution_id for view in page.executions] == [ran[1]]
    assert page.more
    again = await session.call(q.Execute("print(0)", ran[0]))
    assert again.execution_id == ran[0]
    with pytest.raises(NotFound):
        await session.call(q.ReadExecution("nobody"))
    assert not (await session.call(q.ListDisplays())).displays
