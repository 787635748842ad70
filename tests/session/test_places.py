"""The environment of a session: its files and processes are those of the place it runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from codeexec.domain.errors import Denied, NotFound, UsageError
from codeexec.domain.requests import (
    ListFiles,
    PinArtifact,
    ReadBlob,
    ReadFile,
    Request,
    RestartKernel,
    StopSession,
    WriteFile,
)
from codeexec.environments import base
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.policy import EngineInfo
from codeexec.session.files import files
from codeexec.session.session import Session
from support.containers import require_engine, workspace_in
from support.sessions import open_host, open_session, run, until


async def names(session: Session, pattern: str = "*") -> list[str]:
    return [entry.path for entry in (await session.call(ListFiles("", pattern))).entries]


async def collected(session: Session, name: str) -> bytes:
    """The content of the artifact of this name, as soon as it is kept."""
    snapshot = await until(session, lambda s: name in {each.name for each in s.artifacts})
    [artifact] = [each for each in snapshot.artifacts if each.name == name]
    return (await session.call(ReadBlob(artifact.digest))).data


async def test_processes_and_files_of_a_local_session_are_in_its_folder(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, work, start_kernel=False)
        outcome = await base.run(session.environment, ["sh", "-c", "pwd; echo 1 > made.csv"])
        assert outcome.stdout.decode().strip() == str(work)
        assert await names(session) == ["made.csv"]
        handle = await session.environment.exec(["sleep", "1000"])
    assert handle.poll() is not None  # it has ended with the session


async def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    work, other = tmp_path / "work", tmp_path / "other"
    work.mkdir()
    other.mkdir()
    (other / "private.csv").write_text("secret")
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, work, start_kernel=False)
        work.rename(tmp_path / "moved")
        work.symlink_to(other)
        requests: list[Request[Any]] = [
            ReadFile("private.csv"),
            PinArtifact("private.csv"),
            ListFiles(),
            WriteFile("new.csv", b"x"),
        ]
        for request in requests:
            with pytest.raises(Denied):
                await session.call(request)
        with pytest.raises(Denied):
            await session.open_file("private.csv")
    assert [path.name for path in other.iterdir()] == ["private.csv"]


async def test_a_closed_session_has_the_files_of_its_folder(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "left.csv").write_text("1")
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, work, start_kernel=False)
        await host.call(StopSession(session.session_id))
        ended = host.session(session.session_id)
        assert ended is not session
        assert await names(ended) == ["left.csv"]  # and not those of its journal


async def test_a_file_is_read_whole_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST", 100_000)
    (tmp_path / "just.bin").write_bytes(b"x" * 100_000)
    (tmp_path / "more.bin").write_bytes(b"x" * 100_001)
    (tmp_path / "none.bin").touch()
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, start_kernel=False)
        assert (await session.call(ReadFile("just.bin"))).data == b"x" * 100_000
        assert (await session.call(ReadFile("none.bin"))).data == b""
        with pytest.raises(UsageError, match="100,001 bytes; at most 100,000"):
            await session.call(ReadFile("more.bin"))
        with pytest.raises(NotFound, match=r"no file absent\.bin"):
            await session.call(ReadFile("absent.bin"))


@pytest.mark.docker
async def test_a_session_on_an_engine_of_another_machine_has_the_files_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_engine()
    workspace = workspace_in(tmp_path)
    ask = Engine.info

    async def info(engine: Engine) -> EngineInfo:
        return replace(await ask(engine), local=False)

    monkeypatch.setattr(Engine, "info", info)
    (workspace / "here.csv").write_text("of this machine")
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, backend="docker")
        view = await run(session, "open('there.csv', 'w').write('of the container')")
        assert view.status == "ok", view.error
        assert await collected(session, "there.csv") == b"of the container"
        assert await names(session) == ["there.csv"]
        assert (await session.call(ReadFile("there.csv"))).data == b"of the container"
        await session.call(WriteFile("sub/ours.txt", b"written"))
        assert (await run(session, "print(open('sub/ours.txt').read()); import os")).status == "ok"
        assert await names(session, "**") == ["sub", "sub/ours.txt", "there.csv"]
        await run(session, "os.symlink('/etc/passwd', 'link.csv'); os.mkfifo('pipe.csv')")
        for name in ("link.csv", "pipe.csv"):
            with pytest.raises(Denied):
                await session.call(ReadFile(name))
        file = await session.open_file("there.csv")
        assert (file.size, await file.read(6), await file.read(99)) == (
            16,
            b"of the",
            b" container",
        )
        assert await file.read(1) == b""
        await file.close()
        with pytest.raises(NotFound):
            await session.call(ReadFile("here.csv"))
        outcome = await base.run(session.environment, ["cat", "there.csv"])
        assert outcome.stdout == b"of the container"
        assert [path.name for path in workspace.iterdir()] == ["here.csv"]
        # A kernel of this machine has the folder of this machine.
        await session.call(RestartKernel("python3"))
        assert await names(session) == ["here.csv"]
