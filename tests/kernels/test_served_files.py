"""Files of Jupyter servers: what is refused says why, and gateways have none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codeexec.domain.errors import CodeexecError, Denied, EnvironmentUnavailable, StorageError
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.files import contents
from codeexec.kernels.jupyter.remote.files.contents import ServedContents
from codeexec.kernels.jupyter.remote.files.environment import ServedPlace
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from support.cut_line import cut_line
from support.jupyter_servers import TestServer

pytestmark = pytest.mark.slow


@asynccontextmanager
async def files_of(url: str, token: str, here: Path) -> AsyncIterator[ServedPlace]:
    server = JupyterServer(Access(parse_address(url), token))
    place = ServedPlace(server, LocalEnvironment(here))
    yield place
    await place.terminate()


async def test_a_token_that_is_none_and_a_server_that_is_gone_are_told(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    async with files_of(jupyter_server.url, "wrong", tmp_path) as place:
        with pytest.raises(ServerFailure) as refused:
            await place.read_file("a.txt")
        assert refused.value.kind == "forbidden"
        assert "refuses its files" in refused.value.message
    port = int(jupyter_server.url.rstrip("/").rpartition(":")[2])
    async with (
        cut_line(port) as line,
        files_of(f"http://127.0.0.1:{line.port}/", jupyter_server.token, tmp_path) as place,
    ):
        assert await place.read_file("nothing") is None
        assert place.machine == f"127.0.0.1:{line.port}"
        line.is_down = True
        line.cut()
        with pytest.raises(ServerFailure) as lost:
            await place.write_file("cut.txt", b"x")
        assert lost.value.kind == "line"
        assert lost.value.code == EnvironmentUnavailable.code  # clients know no kernel by it
        line.is_down = False
        assert await place.read_file("cut.txt") is None
        await place.write_file("cut.txt", b"x")
        assert (jupyter_server.folder / "cut.txt").read_bytes() == b"x"


async def test_hidden_and_too_large_files_are_refused_in_words(
    jupyter_server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jupyter_server.folder / ".hidden").mkdir(exist_ok=True)
    (jupyter_server.folder / ".hidden" / "file").touch()
    (jupyter_server.folder / "large.bin").write_bytes(b"\0" * 2000)
    async with files_of(jupyter_server.url, jupyter_server.token, tmp_path) as place:
        assert await place.read_file(".hidden/file") is None
        assert ".hidden" not in [entry.path.name for entry in await place.list_files("", "*")]
        with pytest.raises(Denied, match="refuses") as hidden:
            await place.write_file(".secret", b"x")
        assert "allow_hidden" in hidden.value.next_step
        assert await place.read_file("large.bin", limit=10) == b"\0" * 10
        monkeypatch.setattr(contents, "LARGEST_READ", 1000)
        monkeypatch.setattr(contents, "LARGEST_WRITTEN", 1000)
        with pytest.raises(StorageError, match="more than"):
            await place.read_file("large.bin")
        with pytest.raises(StorageError, match="too many to send"):
            await place.write_file("more.bin", b"\0" * 1001)


async def test_gateways_have_no_files_so_those_of_this_machine_are_shown(
    kernel_gateway: TestServer, enterprise_gateway: TestServer, tmp_path: Path
) -> None:
    (tmp_path / "here.py").write_bytes(b"here")
    for gateway in (kernel_gateway, enterprise_gateway):
        async with files_of(gateway.url, gateway.token, tmp_path) as place:
            assert await place.read_file("here.py") == b"here"
            assert place.machine == ""
            assert Path(place.base_paths.workspace) == tmp_path


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, "{}", "refuses the token"),
        (403, '{"message": "Forbidden"}', "the token is wrong, or does not allow it"),
        (403, '{"message": "\'_xsrf\' argument missing"}', "wants a token"),
        (409, '{"message": "It exists"}', "is there already"),
        (413, "<html>too large</html>", "too large for"),
        (507, '{"message": "no space\\u001b[2J"}', "cannot do that with a.txt: no space"),
        (503, "<html></html>", "The proxy before"),
        (302, "", "sends us elsewhere"),
    ],
)
async def test_each_answer_to_a_write_is_a_sentence(status: int, body: str, told: str) -> None:
    """As proxies and servers with other stores answer; jupyter_server itself has fewer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() not in (b"\r\n", b""):
            pass
        kind = "application/json" if body.startswith("{") else "text/html"
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Location: /login\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        server = JupyterServer(Access(parse_address(f"http://127.0.0.1:{port}/"), "token"))
        with pytest.raises(CodeexecError, match=told) as refused:
            await ServedContents(server).write(("a.txt",), b"x")
        assert "\x1b" not in str(refused.value)
        assert refused.value.next_step
        await server.close()


async def test_names_that_a_server_invents_lead_nowhere() -> None:
    names = ("..", "../../etc/passwd", "/etc/passwd", "", ".", "a\\u0000b", "fine.py")
    listed = ", ".join(f'{{"name": "{name}", "type": "file"}}' for name in names)
    body = f'{{"type": "directory", "content": [{listed}]}}'

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() not in (b"\r\n", b""):
            pass
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        server = JupyterServer(Access(parse_address(f"http://127.0.0.1:{port}/"), "token"))
        entries = await ServedContents(server).folder(())
        assert entries is not None
        assert [entry.name for entry in entries] == ["fine.py"]
        await server.close()
