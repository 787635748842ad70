"""Kernels of a real JupyterHub: servers are started, given up, kept from culling, and refused."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.printable import printable
from codeexec.domain.text.starts import start_words
from codeexec.kernels.base import (
    Died,
    ErrorRaised,
    KernelChoice,
    KernelEvent,
    Notice,
    StartAdvanced,
)
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.remote import hub_life, life, start_steps
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.session.kernels.slot import GIVEN_UP
from support.jupyter_hubs import TestHub
from support.kernel_cases import DEADLINE, Partner
from support.servers import Apart, user

pytestmark = pytest.mark.slow


@asynccontextmanager
async def talking_to_hub(address: str) -> AsyncIterator[Partner]:
    """A started kernel and its partner."""
    partner = Partner()
    partner.kernel = Kernels().create(KernelChoice("/", address), partner.sink)
    await partner.kernel.start()
    try:
        yield partner
    finally:
        await partner.kernel.shutdown()


async def until_stopped(hub: TestHub, user: str, name: str = "") -> None:
    async with asyncio.timeout(DEADLINE):
        while await asyncio.to_thread(hub.is_running, user, name):  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # a hub tells nobody that a server has ended


async def test_a_kernel_of_a_server_that_its_hub_starts(
    jupyter_hub: TestHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "LOOK_EVERY", 0.2)
    monkeypatch.setattr(hub_life, "ACTIVITY_EVERY", 0.2)
    token = jupyter_hub.make_user("ann")

    def last_activity() -> str:
        model = jupyter_hub.server("ann")
        assert model is not None
        return str(model["last_activity"])

    async with talking_to_hub(f"{jupyter_hub.url}hub/home?token={token}") as partner:
        steps = [event.step for event in partner.all(StartAdvanced)]
        assert "asking the hub for the server" in steps
        assert "starting the kernel" in steps
        assert token not in str(partner.kernel.handle())

        # What kernels do through a hub as through any server.
        execution = partner.submit("name = input('? ')\nprint('hello', name)\n6 * 7")
        await partner.asked()
        partner.jupyter.answer_stdin("there")
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text(execution, "stdout").endswith("hello there\n")
        await partner.run("1 / 0")
        assert [raised.error.name for raised in partner.all(ErrorRaised)] == ["ZeroDivisionError"]

        # A cell that says nothing for long: the hub hears of it as long as it runs.
        silent = partner.submit("import time\nprint('begun', flush=True)\ntime.sleep(600)")
        await partner.until(lambda: "begun" in partner.text(silent, "stdout") or None)
        reported = last_activity()
        for _ in range(2):
            async with asyncio.timeout(DEADLINE):
                while (now := await asyncio.to_thread(last_activity)) == reported:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            reported = now
        await partner.kernel.interrupt()
        end = await partner.end_of(silent)
        assert end.error is not None
        assert end.error.name == "KeyboardInterrupt"
        await partner.kernel.restart()
        end = await partner.run("name")
        assert end.error is not None
        assert end.error.name == "NameError"

        # The hub ends the server; the next start has it started again.
        await asyncio.to_thread(jupyter_hub.ask, "DELETE", "users/ann/server")
        assert "its server was stopped" in (await partner.death()).death.message
        partner.events.clear()
        await partner.kernel.restart()
        assert (await partner.run("print(1)")).status == "ok"
    assert jupyter_hub.is_running("ann")  # it is the user's, as in a browser
    await asyncio.to_thread(jupyter_hub.ask, "DELETE", "users/ann/server")


async def test_a_start_that_is_given_up_leaves_no_server(jupyter_hub: TestHub) -> None:
    token = jupyter_hub.make_user("bob")
    address = f"{jupyter_hub.url}user/bob/slow/lab?token={token}"
    partner = Partner()
    partner.kernel = Kernels().create(KernelChoice("/", address), partner.sink)
    starting = asyncio.create_task(partner.kernel.start())
    await partner.until(
        lambda: next((s for s in partner.all(StartAdvanced) if s.percent == 40), None)
    )
    [step] = [event.step for event in partner.all(StartAdvanced) if event.percent == 40]
    assert step == "Waiting␛]0;title␇ for the image"
    starting.cancel()
    await asyncio.wait({starting})
    assert starting.cancelled()
    await until_stopped(jupyter_hub, "bob", "slow")
    async with asyncio.timeout(DEADLINE):
        # It was made for this start.
        while await asyncio.to_thread(jupyter_hub.server, "bob", "slow"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert partner.all(Died) == []


async def refusal(address: str) -> ServerFailure:
    kernel = Kernels().create(KernelChoice("/", address), lambda events: None)
    with pytest.raises(ServerFailure) as raised:
        await kernel.start()
    assert raised.value.message.endswith(".")
    assert raised.value.next_step
    return raised.value


async def test_refusals_of_a_hub_are_sentences_with_a_next_step(jupyter_hub: TestHub) -> None:
    token = jupyter_hub.make_user("cat")
    weak = jupyter_hub.make_user("cat", ["access:servers!user=cat"])
    root = jupyter_hub.url
    failed = await refusal(f"{root}user/cat/fails/?token={token}")
    assert failed.kind == "spawn"
    assert "no machine is ␛[31mfree" in failed.message
    assert (await refusal(f"{root}hub/home?token=wrong")).kind == "token"
    assert (await refusal(f"{root}user/cat/?token=wrong")).kind == "token"
    assert (await refusal(f"{root}user/nobody/?token={token}")).kind in ("user", "forbidden")
    assert (await refusal(f"{root}user/cat/?token={weak}")).kind == "forbidden"
    server = JupyterServer(Access(parse_address(f"{root}user/cat/"), token))
    try:
        with pytest.raises(ServerFailure) as raised:
            await server.specs()
        assert raised.value.kind == "stopped"
    finally:
        await server.close()
    assert not jupyter_hub.is_running("cat")


async def test_an_interrupt_gives_the_start_of_a_session_up(jupyter_hub: TestHub) -> None:
    token = jupyter_hub.make_user("dan")
    address = f"{jupyter_hub.url}hub/spawn/dan/slow?token={token}"
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="far", kernel=address))
            session = host.session(opened.session_id)
            await session.call(q.Execute("1", execution_id="waits"))
            snapshot, is_given_up = Snapshot(), False
            async with asyncio.timeout(DEADLINE):
                async for batch in session.events(0, "full"):
                    snapshot = apply(snapshot, batch)
                    start = snapshot.kernel.start
                    if start is not None and start.percent == 40 and not is_given_up:
                        is_given_up = True
                        assert "for the image 40 %" in start_words(start, time.time())
                        await session.call(q.Interrupt())
                    waits = snapshot.executions.get("waits")
                    is_over = waits is not None and not waits.is_open
                    if snapshot.kernel.state == "stopped" and is_over:
                        break
            assert snapshot.kernel.start is None
            assert snapshot.executions["waits"].status == "cancelled"
            assert snapshot.executions["waits"].reason == GIVEN_UP
            await until_stopped(jupyter_hub, "dan", "slow")
            with pytest.raises(Conflict):
                await session.call(q.Interrupt())


async def test_doctor_walks_the_way_over_a_hub(jupyter_hub: TestHub) -> None:
    token = jupyter_hub.make_user("fay")

    def doctor(apart: Apart, address: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "codeexec.cli.main", "doctor", "--server", address],
            env=apart.environ,
            cwd=apart.work,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    with user() as apart:
        address = f"{jupyter_hub.url}hub/home?token={token}"
        done = await asyncio.to_thread(doctor, apart, address)
        assert (done.returncode, done.stderr) == (0, "")
        for told in (
            "JupyterHub ",
            "belongs to fay",
            "it does not run; the hub starts it for the next check",
            "was ready after",
            "the hub stops it again",
        ):
            assert told in done.stdout
        await until_stopped(jupyter_hub, "fay")

        done = await asyncio.to_thread(doctor, apart, f"{jupyter_hub.url}user/fay/?token=wrong")
        assert done.returncode == 1
        assert "refuses the token, or misses one" in done.stdout
        assert f"Make a token on {jupyter_hub.url}hub/token" in done.stdout
        done = await asyncio.to_thread(doctor, apart, f"{jupyter_hub.url}user/eve/?token={token}")
        assert done.returncode == 1
        assert "has no user eve, or the token is of somebody else" in done.stdout


# -- a hub that means harm, which no real one can be had for ----------------------------


class HostileHub:
    """Answers each request by the function; keeps what was asked."""

    def __init__(self, answer: Callable[[str, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(request)
            await self._answer(" ".join(request.split()[:2]), writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[HostileHub]:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with listening:
            self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
            yield self


def respond(writer: asyncio.StreamWriter, status: int, model: object, *headers: str) -> None:
    body = json.dumps(model).encode()
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


async def test_a_redirect_takes_the_token_nowhere() -> None:
    async def elsewhere(request: str, writer: asyncio.StreamWriter) -> None:
        respond(writer, 200, {"version": "2.0"})

    async with HostileHub(elsewhere).serving() as thief:

        async def redirect(request: str, writer: asyncio.StreamWriter) -> None:
            respond(writer, 302, {}, f"Location: {thief.url}hub/api")

        async with HostileHub(redirect).serving() as hub:
            assert (await refusal(f"{hub.url}?token=secret")).kind == "login"
            assert (await refusal(f"{hub.url}hub/home?token=secret")).kind == "user"
        assert thief.asked == []


async def test_a_start_whose_progress_never_ends_is_told_at_a_pace_and_can_be_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []
    ended: list[str] = []

    async def flood(request: str, writer: asyncio.StreamWriter) -> None:
        if "progress" in request:
            writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n")
            number = 0
            while True:
                number += 1
                step = {"progress": 1e308, "message": f"{number}\x1b[2J\u202e" + "x" * 5000}
                writer.write(f"data: {json.dumps(step)}\n\ndata: [\n\ndata: 7\n\n".encode())
                await writer.drain()
        elif request.startswith("DELETE"):
            ended.append(request)
            respond(writer, 204, {})
        elif "users/eve" in request and request.startswith("GET"):
            pending = "spawn" if started and not ended else None
            respond(writer, 200, {"servers": {"": {"ready": False, "pending": pending}}})
        elif request.startswith("POST"):
            started.append(request)
            respond(writer, 202, {})
        else:
            respond(writer, 424, {})

    monkeypatch.setattr(start_steps, "PACE", 0.05)
    partner = Partner()
    async with HostileHub(flood).serving() as hub:
        address = f"{hub.url}user/eve/?token=t"
        partner.kernel = Kernels().create(KernelChoice("/", address), partner.sink)
        starting = asyncio.create_task(partner.kernel.start())
        steps = await partner.until(
            lambda: found if len(found := partner.all(StartAdvanced)) > 5 else None
        )
        assert all(len(event.step) <= 200 for event in steps)
        assert all(printable(event.step) == event.step for event in steps)
        assert {event.percent for event in steps} <= {0, None}
        told, began = len(steps), time.monotonic()
        await partner.until(lambda: len(partner.all(StartAdvanced)) >= told + 5 or None)
        assert time.monotonic() - began >= 0.15
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert ended == ["DELETE /hub/api/users/eve/server"]


async def test_a_huge_answer_is_not_read_to_its_end() -> None:
    async def huge(request: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n[")
        while True:
            writer.write(b"1," * (1 << 20))
            await writer.drain()

    async with HostileHub(huge).serving() as hub:
        assert (await refusal(f"{hub.url}user/eve/?token=t")).kind == "not_jupyter"


async def test_activity_is_reported_while_code_runs_alone_and_can_be_forbidden() -> None:
    reports: list[str] = []
    status = 200

    async def count(request: str, writer: asyncio.StreamWriter) -> None:
        reports.append(request)
        respond(writer, status, {"message": "Action is not authorized"})

    notices: list[KernelEvent] = []
    async with HostileHub(count).serving() as hub:
        address = parse_address(f"{hub.url}user/eve/gpu/")
        for keeps_active, expected in ((False, 0), (True, 1)):
            server = JupyterServer(Access(address, "t", keeps_active=keeps_active))
            reporter = hub_life.HubLife(server, notices.extend)
            await reporter.report_activity()
            await reporter.report_activity()  # at once again: it is not due
            assert len(reports) == expected
            await server.close()
        status = 403
        server = JupyterServer(Access(address, "t"))
        reporter = hub_life.HubLife(server, notices.extend)
        await reporter.report_activity()
        [notice] = notices
        assert isinstance(notice, Notice)
        assert "users:activity" in notice.next_step
        await server.close()
    assert reports == ["POST /hub/api/users/eve/activity"] * 2
