"""Kernels of real Jupyter servers: the line is cut, starts are given up, servers refuse."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from codeexec.kernels.base import Finished, KernelChoice, LineChanged, Notice, Sink, StreamWritten
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.backend import RemoteBackend
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.running import running_servers
from codeexec.kernels.jupyter.remote.tokens import keep_token
from support.cut_line import CutLine, cut_line
from support.jupyter_servers import TOKEN, TestServer, jupyter_server
from support.kernel_cases import Partner

pytestmark = pytest.mark.slow

PRINTED = 12_000
FLOOD = f"""
import os, sys, time
for i in range({PRINTED}):
    print(i, flush=i % 50 == 0)
    if i % 500 == 0:
        time.sleep(0.2)
    while i in (4000, 8000) and not os.path.exists(f'CUT-{{i // 4000}}'):
        time.sleep(0.01)
"""
"""It waits for the files CUT-1 and CUT-2, so that it is cut twice at least."""
WHOLE = "".join(f"{i}\n" for i in range(PRINTED))
LINES = 200
LIMITED = f"for i in range({LINES}): print(i, 'x' * 60_000, flush=True)"
"""12 MB at once, and 1 MB for each second is the most that a Jupyter Server passes on by default:
in few pieces, so that they take less than 12 s beside other work."""
LIMITED_WHOLE = "".join(f"{i} {'x' * 60_000}\n" for i in range(LINES))


def port_of(server: TestServer) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


@asynccontextmanager
async def kernel_over(server: TestServer, line: CutLine) -> AsyncIterator[Partner]:
    """A kernel that is spoken to through the line."""
    partner = Partner()
    name = f"http://127.0.0.1:{line.port}/?token={TOKEN}#python3"
    partner.kernel = Kernels().create(KernelChoice("/", name), acknowledging(partner))
    await partner.kernel.start()
    try:
        yield partner
    finally:
        await partner.kernel.shutdown()
    assert server.kernels() == []


def acknowledging(partner: Partner) -> Sink:
    """The partner's sink, and what a journal would acknowledge."""

    def sink(events):  # type: ignore[no-untyped-def]
        partner.sink(events)
        kernel = partner.kernel
        if isinstance(kernel, JupyterKernel) and partner.reached is not None:
            outbox = kernel.capabilities.outbox
            if outbox is not None:
                outbox.acknowledge(partner.reached)

    return sink


@pytest.mark.parametrize("name", ["jupyter_server", "kernel_gateway"])
async def test_no_line_is_lost_when_the_connection_is_cut(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: TestServer = request.getfixturevalue(name)
    chance = random.Random(7)
    async with cut_line(port_of(server)) as line, kernel_over(server, line) as partner:
        execution = partner.submit(FLOOD.replace("CUT", f"{tmp_path}/cut"))
        while line.cuts < 5:
            seen = len(partner.text(execution))
            await partner.until(lambda seen=seen: has_grown(partner, seen) or None)  # type: ignore[misc]
            if partner.all(Finished):
                break
            line.is_down = True
            line.cut()
            await asyncio.sleep(chance.uniform(0.05, 0.3))  # code prints meanwhile
            line.is_down = False
            (tmp_path / f"cut-{line.cuts}").touch()
        end = await partner.end_of(execution)
        assert end.status == "ok"
        assert partner.text(execution, "stdout") == WHOLE
        assert partner.text(execution, "stderr") == ""
        assert line.cuts >= 2


def has_grown(partner: Partner, seen: int) -> bool:
    """Whether there is more output than before, or no more will come."""
    return len(partner.text()) > seen + 500 or bool(partner.all(Finished))


async def test_output_that_the_server_throws_away_comes_all_the_same(
    jupyter_server: TestServer,
) -> None:
    async with (
        cut_line(port_of(jupyter_server)) as line,
        kernel_over(jupyter_server, line) as partner,
    ):
        execution = partner.submit(LIMITED)
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text(execution) == LIMITED_WHOLE


async def test_a_kernel_without_an_outbox_tells_the_gap(
    jupyter_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.kernels.jupyter.messages.replies._guest_source", _no_outbox)
    async with (
        cut_line(port_of(jupyter_server)) as line,
        kernel_over(jupyter_server, line) as partner,
    ):
        assert partner.kernel.capabilities.outbox is None
        # The server throws away what is above its limit.
        execution = partner.submit(LIMITED)
        assert (await partner.end_of(execution)).status == "ok"
        arrived = partner.text(execution, "stdout").count("\n")
        told = [e.text for e in partner.all(StreamWritten) if "Output is missing here" in e.text]
        counts = [int(text.split("at most ")[1].split()[0].replace(",", "")) for text in told]
        assert sum(counts) >= LINES - arrived > 0


async def test_a_request_that_the_line_loses_ends_as_lost(
    jupyter_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.kernels.jupyter.messages.replies._guest_source", _no_outbox)
    async with (
        cut_line(port_of(jupyter_server)) as line,
        kernel_over(jupyter_server, line) as partner,
    ):
        line.is_deaf = True
        execution = partner.submit("print('it ran')")
        await partner.until(lambda: line.dropped or None)
        line.is_deaf = False
        line.cut()
        assert (await partner.end_of(execution)).status == "lost"
        assert "The line to the kernel was cut" in partner.text(execution, "stderr")
        assert (await partner.run("print('after')")).status == "ok"
        assert partner.text(stream="stdout") == "after\n"


def _no_outbox(name: str) -> str:
    source = Path(__file__).parents[2] / "src/codeexec/guest" / f"{name}.py"
    return "def install_here(owner): pass\n" if name == "outbox" else source.read_text()


async def test_a_line_that_stays_cut_is_told_and_so_is_its_return(
    jupyter_server: TestServer,
) -> None:
    async with (
        cut_line(port_of(jupyter_server)) as line,
        kernel_over(jupyter_server, line) as partner,
    ):
        execution = partner.submit("answer = input('? ')\nprint('got', answer)")
        await partner.asked()
        line.is_down = True
        line.cut()
        await partner.until(lambda: next(iter(partner.all(Notice)), None))
        assert "cut" in partner.all(Notice)[0].title
        [cut] = [change.cut for change in partner.all(LineChanged)]
        assert cut is not None
        assert "line" in cut.reason
        line.is_down = False
        await partner.until(
            lambda: next((n for n in partner.all(Notice) if "back" in n.title), None)
        )
        assert partner.all(LineChanged)[-1] == LineChanged(None)
        partner.jupyter.answer_stdin("it")
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text(execution, "stdout").endswith("got it\n")


async def test_another_backend_takes_the_kernel_up_where_the_first_stopped(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    first = Partner()
    kernels = Kernels()
    name = f"{jupyter_server.address}#python3"
    first.kernel = kernels.create(KernelChoice("/", name), acknowledging(first))
    await first.kernel.start()
    go = tmp_path / "go"
    code = (
        "import os, time\nfor i in range(200):\n    print(i, flush=True); time.sleep(0.005)\n"
        f"    while i == 150 and not os.path.exists({str(go)!r}): time.sleep(0.01)"
    )
    execution = first.submit(code)
    await first.printed("20\n")
    handle = json.loads(json.dumps(first.kernel.handle()))
    assert TOKEN not in json.dumps(handle)
    adoption = first.kernel.capabilities.adoption
    assert adoption is not None
    await adoption.detach()
    go.touch()
    reached = first.reached
    assert reached is not None
    handle["outbox"] = {"token": reached.token, "number": reached.number, "part": reached.part}
    second = Partner()
    adopted = await Kernels().adopt(handle, second.sink, execution)
    assert adopted is not None
    second.kernel = adopted
    assert (await second.end_of(execution)).status == "ok"
    assert first.text() + second.text() == "".join(f"{i}\n" for i in range(200))
    await adopted.shutdown()
    assert jupyter_server.kernels() == []


async def test_a_kernel_that_somebody_deletes_is_noticed(jupyter_server: TestServer) -> None:
    async with (
        cut_line(port_of(jupyter_server)) as line,
        kernel_over(jupyter_server, line) as partner,
    ):
        [model] = jupyter_server.kernels()
        await asyncio.to_thread(jupyter_server.ask, "DELETE", f"api/kernels/{model['id']}")
        death = (await partner.death()).death
        assert "The kernel is gone" in death.message


async def test_a_culled_kernel_a_restarted_server_and_an_expired_token_are_told(
    tmp_path: Path,
) -> None:
    # A kernel that starts is idle for the server, and may take some seconds beside other work.
    culling = [
        f"--MappingKernelManager.{option}"
        for option in ("cull_idle_timeout=8", "cull_interval=1", "cull_connected=True")
    ]
    partner = Partner()
    with jupyter_server(tmp_path / "culling", *culling) as server:
        port = port_of(server)
        kernels = Kernels()
        partner.kernel = kernels.create(KernelChoice("/", server.address), partner.sink)
        await partner.kernel.start()
        assert "it was idle for too long" in (await partner.death()).death.message
        partner.events.clear()
        await partner.kernel.restart()
        partner.submit("import time; print('busy', flush=True); time.sleep(600)")  # is not culled
        await partner.printed("busy")
    with jupyter_server(tmp_path / "restarted", port=port):
        assert "The kernel is gone" in (await partner.death()).death.message
        await partner.kernel.restart()
        assert (await partner.run("1")).status == "ok"
    with jupyter_server(tmp_path / "other-token", port=port, token="another"):
        said = await partner.until(
            lambda: next((n for n in partner.all(Notice) if "token" in n.message), None)
        )
        assert "CODEEXEC_REMOTE_TOKEN" in said.next_step
    await partner.kernel.shutdown()


@pytest.mark.parametrize("fixture", ["jupyter_server", "enterprise_gateway"])
async def test_starts_that_are_given_up_leave_no_kernel(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    server: TestServer = request.getfixturevalue(fixture)
    slow_spec(server)
    for number in range(20):
        choice = KernelChoice("/", f"{server.address}#slow", env={"KERNEL_USERNAME": "tester"})
        kernel = Kernels().create(choice, lambda events: None)
        starting = asyncio.create_task(kernel.start())
        await asyncio.sleep(0.02 * number)  # at another moment of the start each time
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()
    async with asyncio.timeout(90):
        while await asyncio.to_thread(server.kernels):  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # the server tells nobody that a kernel has ended


async def test_a_server_that_has_no_room_says_so(tmp_path: Path) -> None:
    with jupyter_server(tmp_path / "full") as there:
        server = JupyterServer(Access(parse_address(there.url), TOKEN))
        are_open = len([*Path(f"/proc/{there.pid}/fd").iterdir()])
        # Room for our connection, and for nothing of a kernel.
        _, hard = resource.prlimit(there.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(there.pid, resource.RLIMIT_NOFILE, (are_open + 3, hard))
        with pytest.raises(ServerFailure, match="no room for one more kernel") as raised:
            await server.start("python3", "of-a-test")
        assert raised.value.kind == "full"
        assert "shared_context=False" in raised.value.next_step
        await server.close()


async def test_a_gateway_takes_the_variables_of_a_start(enterprise_gateway: TestServer) -> None:
    address = f"{enterprise_gateway.address}#python3"
    env = {"KERNEL_USERNAME": "tester", "KERNEL_CPUS": "2", "OTHER": "x"}
    partner = Partner()
    name = f"{address}?KERNEL_GPUS=3"
    partner.kernel = Kernels().create(KernelChoice("/", name, env=env), partner.sink)
    await partner.kernel.start()
    names = ("KERNEL_CPUS", "KERNEL_GPUS", "OTHER")
    await partner.run(f"import os; print(*(os.environ.get(n) for n in {names}))")
    await partner.kernel.shutdown()
    assert partner.text() == "2 3 None\n"
    offers = await RemoteBackend(list).offers_of(address)
    [offer] = [each for each in offers if each.name.endswith("#python3")]
    assert offer.path.endswith(" · runs on the gateway's machine")
    kernel = Kernels().create(
        KernelChoice("/", address, env={"KERNEL_USERNAME": "root"}), partner.sink
    )
    with pytest.raises(ServerFailure) as raised:
        await kernel.start()
    assert raised.value.kind == "user"
    assert "KERNEL_USERNAME" in raised.value.next_step
    assert enterprise_gateway.kernels() == []
    server = JupyterServer(Access(parse_address(enterprise_gateway.url), TOKEN))
    await server.version()
    assert server.gateway.startswith("3.3.")
    await server.close()


def slow_spec(server: TestServer) -> None:
    """A kernelspec whose kernel takes a minute to answer."""
    folder = server.folder / "jupyter_data_dir" / "kernels" / "slow"
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["python3", "-c", "import time; time.sleep(60)", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Slow", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))


async def test_servers_that_run_on_this_machine_are_found(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    runtime = jupyter_server.folder / "jupyter_runtime_dir"
    [found] = running_servers({"JUPYTER_RUNTIME_DIR": str(runtime)})
    assert (found.address.name, found.token) == (jupyter_server.url, TOKEN)
    assert found.folder == str(jupyter_server.folder)
    assert TOKEN not in repr(found)
    [file] = runtime.glob("jpserver-*.json")
    stale = tmp_path / file.name
    stale.write_text(file.read_text().replace(f'"pid": {jupyter_server.pid}', '"pid": 4194000'))
    stale.chmod(0o600)
    assert running_servers({"JUPYTER_RUNTIME_DIR": str(tmp_path)}) == []


async def test_attaching_ends_nothing(jupyter_server: TestServer) -> None:
    owner = JupyterServer(Access(parse_address(jupyter_server.url), TOKEN))
    started = await owner.start("python3", "of-somebody-else")
    partner = Partner()
    name = f"{jupyter_server.address}#{started.id}"
    partner.kernel = Kernels().create(KernelChoice("/", name), partner.sink)
    await partner.kernel.start()
    assert (await partner.run("x = 1")).status == "ok"
    await partner.kernel.shutdown()
    assert [model["id"] for model in jupyter_server.kernels()] == [started.id]
    assert await owner.delete(started.id) == 204
    assert await owner.delete(started.id) == 404
    await owner.close()


async def failure_of(url: str, token: str = "") -> ServerFailure:
    server = JupyterServer(Access(parse_address(url), token))
    try:
        await server.version()
        await server.specs()
    except ServerFailure as error:
        assert error.message.endswith(".")
        assert error.next_step
        return error
    finally:
        await server.close()
    raise AssertionError("nothing was refused")


async def test_each_failure_is_a_sentence_with_a_next_step(
    jupyter_server: TestServer,
    kernel_gateway: TestServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # no token is kept there
    url = jupyter_server.url
    assert (await failure_of(url, "wrong")).kind == "forbidden"
    assert (await failure_of(url)).kind == "forbidden"
    assert (await failure_of(kernel_gateway.url, "wrong")).kind == "token"
    assert (await failure_of(f"{url}no/such/path", TOKEN)).kind == "path"
    assert (await failure_of("http://no-such-host.invalid:8888")).kind == "name"
    assert (await failure_of(url.replace("http:", "https:"), TOKEN)).kind == "tls"
    assert (await failure_of(f"unix:{tmp_path}/none.sock")).kind == "socket"
    with socket.socket() as unheard:  # nobody listens there, and nobody else can
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        assert (await failure_of(f"http://127.0.0.1:{port}")).kind == "refused"

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    web = await asyncio.start_server(other, "127.0.0.1", 0)
    async with web:
        port = web.sockets[0].getsockname()[1]
        assert (await failure_of(f"http://127.0.0.1:{port}")).kind == "not_jupyter"
    server = JupyterServer(Access(parse_address(url), TOKEN))
    with pytest.raises(ServerFailure) as raised:
        await server.start("no-such-spec", "of-a-test")
    assert raised.value.message
    await server.close()
    keep_token(url, TOKEN)
