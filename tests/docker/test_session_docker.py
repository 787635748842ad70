"""Sessions in containers: what differs from a kernel of this machine, and what is said about it."""

from __future__ import annotations

import asyncio
import os
import textwrap
from pathlib import Path

import pytest

from codeexec.domain.errors import Denied, UsageError
from codeexec.domain.events.starts import ImagePullAdvanced
from codeexec.domain.requests import (
    AnswerStdin,
    GetUsage,
    Interrupt,
    ListFiles,
    OpenSession,
    PinArtifact,
    ReadFile,
    RestartKernel,
    StopSession,
)
from codeexec.environments.docker.policy import MEGABYTE
from codeexec.session.kernels.slot import GIVEN_UP
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.containers import containers
from support.containers import until as containers_until
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.docker

DEAF = """
import signal, time
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
print('deaf', flush=True)
while True: time.sleep(1)
"""


@pytest.fixture(autouse=True)
def in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.sessions.BACKEND", "docker")


async def goes_on(session: Session) -> None:
    view = await run(session, "print(6 * 7)")
    assert view.status == "ok", view.reason
    assert await text(session, view) == ["42"]


async def test_the_policy_stands_with_the_kernel_and_usage_is_told(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, policy="locked memory=512MB")
        await run(session, "sum(range(10**6))")
        kernel = session.snapshot.kernel.kernel
        assert kernel is not None
        assert kernel.backend == "docker"
        assert kernel.policy == "locked, changed · no network · 512 MB · 1 cpu"
        assert session.snapshot.notices == ()
        await session.call(GetUsage())
        await run(session, "sum(range(10**6))")
        usage = await session.call(GetUsage())
        assert usage.cpu is not None
        assert usage.rss is not None
        assert 10 * MEGABYTE < usage.rss < 512 * MEGABYTE
        [name] = containers(session.session_id)
        assert name.startswith("codeexec-")
        await host.call(StopSession(session.session_id))
        assert containers(session.session_id) == []


async def test_a_memory_hog_is_explained_with_its_limit_and_peak(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, policy="locked memory=300MB")
        view = await run(session, "hog = []\nwhile True: hog.append(bytearray(b'x' * (1 << 24)))")
        assert view.status == "lost"
        assert "the limit is 300 MB, the peak was" in view.reason
        death = session.snapshot.kernel.death
        assert death is not None
        assert death.out_of_memory
        assert (death.rss or 0) > 250 * MEGABYTE
        await goes_on(session)


async def test_a_disk_filler_is_interrupted_and_the_person_told(
    tmp_path: Path, workspace: Path
) -> None:
    code = """
        import time
        with open("filler", "wb", buffering=0) as file:
            for _ in range(1000):
                file.write(bytes(1 << 20))
                time.sleep(0.005)
    """
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, policy="locked workspace_growth=20MB")
        view = await run(session, textwrap.dedent(code))
        assert view.status == "error"
        assert view.error is not None
        assert view.error.name == "KeyboardInterrupt"
        snapshot = await until(session, lambda s: s.notices)
        notice = snapshot.notices[0]  # again where the interrupt takes long to arrive
        assert "20 MB are allowed: the cell was interrupted" in notice.message
        assert "workspace_growth" in notice.message
        (workspace / "filler").unlink()
        await goes_on(session)


async def test_links_and_pipes_in_the_workspace_lead_nowhere(
    tmp_path: Path, workspace: Path
) -> None:
    (tmp_path / "secret").write_text("host")
    code = f"""
        import os
        os.symlink({str(tmp_path / "secret")!r}, "plot.png")
        os.symlink({str(tmp_path)!r}, "up")
        os.mkfifo("data.csv")
        open("real.csv", "w").write("a\\n1\\n")
    """
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        await run(session, textwrap.dedent(code))
        snapshot = await until(session, lambda s: s.artifacts)
        assert [artifact.name for artifact in snapshot.artifacts] == ["real.csv"]
        for path in ("plot.png", "up/secret", "data.csv"):
            with pytest.raises(Denied):
                await session.call(ReadFile(path))
            with pytest.raises(Denied):
                await session.call(PinArtifact(path))
        with pytest.raises(Denied):
            await session.call(ListFiles("up"))
        await goes_on(session)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("import os, time; os.kill(1, 15); time.sleep(60)", "container"),
        ("import os, time; os.kill(os.getppid(), 9); time.sleep(60)", "container"),
        ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
    ],
)
async def test_the_end_of_kernel_and_container_is_explained(
    tmp_path: Path, workspace: Path, end: str, words: str
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        view = await run(session, end)
        assert view.status == "lost"
        assert words in view.reason
        await goes_on(session)


async def test_a_fork_bomb_ends_with_the_ladder_or_a_restart(
    tmp_path: Path, workspace: Path
) -> None:
    settings = HostSettings(ladder="auto", ladder_grace=(0.3, 0.3, 0.3))
    async with open_host(tmp_path / "state", settings) as host:
        session = await open_session(host, workspace)
        bomb = await submit(
            session,
            "import os\nprint('on', flush=True)\nwhile True:\n"
            "  try: os.fork()\n  except OSError: pass",
        )
        await until(session, lambda s: s.executions[bomb].total)
        await session.call(Interrupt())
        assert (await finished(session, bomb)).status in ("cancelled", "lost")
        await session.call(RestartKernel())
        await goes_on(session)


@pytest.mark.parametrize("stopped", ["", "import os; os.kill(os.getppid(), 19)\n"])
async def test_what_ignores_every_signal_is_killed_even_with_its_relay_stopped(
    tmp_path: Path, workspace: Path, stopped: str
) -> None:
    settings = HostSettings(ladder="auto", ladder_grace=(0.2, 0.2, 0.2))
    async with open_host(tmp_path / "state", settings) as host:
        session = await open_session(host, workspace)
        await run(session, "1")
        deaf = await submit(session, "open('deaf', 'w').close()\n" + stopped + DEAF)

        async def begun() -> bool:
            return (workspace / "deaf").exists()

        await containers_until(begun)
        await session.call(Interrupt())
        view = await finished(session, deaf)
        assert view.status == "cancelled"
        assert "had to be ended" in view.reason
        await goes_on(session)


async def test_an_image_that_is_not_there_says_how_to_get_one(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, image="codeexec-none:1", start_kernel=False)
        view = await run(session, "1")
        assert view.status == "cancelled"
        assert "codeexec-tui docker build" in view.reason


async def test_an_image_is_fetched_only_when_asked_for(tmp_path: Path, workspace: Path) -> None:
    image = "localhost:1/codeexec-none:1"  # no registry is there
    async with open_host(tmp_path / "state") as host:
        for policy, told, fetched in (
            ("locked", "is not on this engine", 0),
            ("locked pull=true", "registry cannot be reached", 1),
        ):
            session = await open_session(
                host, workspace, image=image, policy=policy, start_kernel=False
            )
            view = await run(session, "1")
            assert view.status == "cancelled"
            assert told in view.reason
            records = session.recorder.journal.read(0, 1000, "full")
            kinds = [type(record.event) for record in records]
            assert kinds.count(ImagePullAdvanced) == fetched


async def test_an_interrupt_gives_up_the_fetch_of_an_image(tmp_path: Path, workspace: Path) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    registry = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with registry, open_host(tmp_path / "state") as host:
        image = f"localhost:{registry.sockets[0].getsockname()[1]}/codeexec-none:1"
        policy = "locked pull=true"
        session = await open_session(
            host, workspace, image=image, policy=policy, start_kernel=False
        )
        execution = await submit(session, "1")
        await until(session, lambda s: s.kernel.pull)
        await session.call(Interrupt())
        view = await finished(session, execution)
        assert (view.status, view.reason) == ("cancelled", GIVEN_UP)
        snapshot = await until(session, lambda s: s.kernel.state == "stopped")
        assert snapshot.kernel.pull is None
        assert containers(session.session_id) == []


async def test_no_container_is_given_the_home_folder(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(workspace))
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, start_kernel=False)
        view = await run(session, "1")
        assert view.status == "cancelled"
        assert "is not given to a container" in view.reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes folders that belong to root")
async def test_a_workspace_of_root_is_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "of-root"
    folder.mkdir(mode=0o755)
    for above in folder.parents[:3]:
        above.chmod(0o755)
    async with open_host(tmp_path / "state") as host:
        request = OpenSession(cwd=str(folder), backend="docker")  # not the fixture's: it gives away
        session = host.session((await host.call(request)).session_id)
        view = await run(session, "import os; print(os.getuid()); open('x', 'w')")
        assert await text(session, view) == ["65534"]
        assert view.status == "error"
        [notice] = session.snapshot.notices
        assert "belongs to root: code runs as nobody and cannot write" in notice.message
        assert "chown" in notice.message
        assert session.snapshot.kernel.notices == (notice.message,)


@pytest.mark.parametrize("folder", ["/etc", "/usr/share", "/proc/self", "/"])
async def test_a_folder_of_the_system_is_refused_in_words(tmp_path: Path, folder: str) -> None:
    async with open_host(tmp_path / "state") as host:
        request = OpenSession(cwd=folder, backend="docker", start_kernel=False)
        try:
            session = host.session((await host.call(request)).session_id)
            view = await run(session, "1")
            assert view.status == "cancelled"
            words = view.reason
        except UsageError as error:
            words = str(error)
        assert "is not given to a" in words
        assert "chown" not in words


async def test_a_session_moves_into_a_container_and_out_again(
    tmp_path: Path, workspace: Path
) -> None:
    where = "import os; os.uname().nodename == 'kernel'"
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, backend="local")
        for name, expected in (("docker", "True"), ("python3", "False"), ("docker", "True")):
            await session.call(RestartKernel(name))
            view = await run(session, where)
            part = view.displays[0].part("text/plain")
            assert part is not None
            assert part.text == expected
            assert len(containers(session.session_id)) == (expected == "True")


async def test_installed_packages_outlive_a_kernel_that_dies(
    tmp_path: Path, workspace: Path
) -> None:
    write = "import os, site; os.makedirs(site.getusersitepackages(), exist_ok=True)\n"
    write += (
        "open(site.getusersitepackages() + '/mine.py', 'w').write('x = 1')\nimport os; os._exit(1)"
    )
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace, policy="network")
        await run(session, "1")
        before = containers(session.session_id)
        await run(session, write)
        view = await run(session, "import mine; print(mine.x)")
        assert await text(session, view) == ["1"]
        assert containers(session.session_id) == before


async def test_the_next_answer_can_come_from_whoever_attaches(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        asking = await submit(session, "print('hello', input('who? '))")
        await until(session, lambda s: s.executions[asking].stdin)
        again = host.session(session.snapshot.name)
        request = again.snapshot.executions[asking].stdin
        assert request is not None
        await again.call(AnswerStdin(request.request_id, "you"))
        view = await finished(session, asking)
        assert await text(session, view) == ["hello you"]
    assert list(workspace.iterdir()) == []  # nothing of ours is put into it


async def test_a_kernel_in_a_container_knows_the_width_of_the_screen(
    tmp_path: Path, workspace: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, workspace)
        for columns, expected in ((61, "61"), (0, "None")):
            view = await run(
                session, "import os; print(os.environ.get('COLUMNS'))", columns=columns
            )
            assert await text(session, view) == [expected]
