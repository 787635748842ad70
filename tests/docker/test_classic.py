"""Containers of the classic layout: what TaskWeaver's programs expect to find, and all refusals."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.places.containers import ClassicLayout
from codeexec.environments.docker.engine import Engine
from codeexec.environments.trust.store import TrustStore
from codeexec.kernels.base import KernelChoice, Notice
from support.containers import (
    ENGINE,
    IMAGE,
    classic_image,
    container_kernels,
    containers,
    give_away,
    own_containers,
)
from support.kernel_cases import Partner
from support.programs import run_piped
from support.servers import output_of, user, wait_until

pytestmark = pytest.mark.docker

TOLD = """
import json, os, socket
names = ("host.docker.internal", "host.containers.internal", "host.lima.internal")
print(json.dumps({
    "variables": {k: v for k, v in os.environ.items() if k.startswith(("TASKWEAVER", "CONNEC"))},
    "connection": json.load(open(os.environ["CONNECTION_FILE"])),
    "ces": sorted(os.listdir("/app/ces")),
    "cwd": os.getcwd(),
    "user": [os.getuid(), os.getgid()],
    "hosts": [socket.gethostbyname(name) for name in names],
    "root": os.access("/usr", os.W_OK),
    "capabilities": next(l for l in open("/proc/self/status") if l.startswith("CapEff")).split()[1],
}))
"""


def choice(workspace: Path, session: str, layout: ClassicLayout | None = None) -> KernelChoice:
    return KernelChoice(
        str(workspace),
        backend="docker",
        image=classic_image(),
        transport="ports",
        classic=layout,
        session=session,
    )


async def test_what_a_program_of_taskweaver_finds(tmp_path: Path, workspace: Path) -> None:
    ces = tmp_path / "ces"
    layout = ClassicLayout(str(ces), env_id="env-1", session_id="s 1", port_start=23000)
    partner = Partner()
    kernel = partner.kernel = container_kernels("network").create(
        choice(workspace, "test-classic", layout), partner.sink
    )
    try:
        await kernel.start()
        await partner.run(TOLD)
        told = json.loads(partner.text())
        kernel_id = told["variables"]["TASKWEAVER_KERNEL_ID"]
        name = f"conn-s 1-{kernel_id}.json"
        assert told["variables"] == {
            "TASKWEAVER_ENV_ID": "env-1",
            "TASKWEAVER_SESSION_ID": "s 1",
            "TASKWEAVER_SESSION_DIR": "/app",
            "TASKWEAVER_LOGGING_FILE_PATH": "/app/ces/kernel_logging.log",
            "TASKWEAVER_KERNEL_MODE": "container",
            "TASKWEAVER_KERNEL_ID": kernel_id,
            "TASKWEAVER_CES_DIR": "/app/ces",
            "TASKWEAVER_CWD": "/app/cwd",
            "TASKWEAVER_PORT_START": "23000",
            "TASKWEAVER_UID": str(workspace.stat().st_uid),
            "TASKWEAVER_GID": str(workspace.stat().st_gid),
            "CONNECTION_FILE": f"/app/ces/{name}",
        }
        order = ("shell", "iopub", "stdin", "hb", "control")
        inside = [told["connection"][f"{channel}_port"] for channel in order]
        assert inside == [23000, 23001, 23002, 23003, 23004]
        assert told["ces"] == sorted(path.name for path in ces.iterdir()) == [name, "ports.json"]
        mapped = json.loads((ces / "ports.json").read_text())
        assert list(mapped) == [f"{channel}_port" for channel in order]
        [container] = own_containers("test-classic")
        bound = await Engine(ENGINE).call("port", container)
        for port, channel in zip(inside, order, strict=True):
            assert f"{port}/tcp -> 127.0.0.1:{mapped[f'{channel}_port']}\n" in bound
        assert told["cwd"] == "/app/cwd"
        assert told["user"] == [workspace.stat().st_uid, workspace.stat().st_gid]
        assert told["hosts"] == ["0.0.0.0"] * 3
        assert (told["root"], told["capabilities"]) == (False, "0" * 16)
        assert TrustStore().running_in(str(ces)) == [f"{container}/1"]
        assert TrustStore().running_in(str(workspace)) == [container]
        await partner.run("open('made.txt', 'w').write('x'); open('/app/ces/log', 'w').write('y')")
        assert (workspace / "made.txt").read_text() == "x"
        await kernel.restart()
        [connection] = ces.glob("conn-*.json")
        assert connection.name != name
    finally:
        await kernel.shutdown()
    assert [path.name for path in ces.iterdir()] == ["log"]
    assert own_containers("test-classic") == []
    assert TrustStore().running_in(str(ces)) == []


async def test_a_container_that_is_killed_is_lost_in_words_and_leaves_no_file(
    tmp_path: Path, workspace: Path
) -> None:
    ces, partner = tmp_path / "ces", Partner()
    kernel = partner.kernel = container_kernels("network").create(
        choice(workspace, "test-classic-killed", ClassicLayout(str(ces))), partner.sink
    )
    try:
        await kernel.start()
        partner.submit("print('on'); input()")
        await partner.asked()
        [container] = own_containers("test-classic-killed")
        await Engine(ENGINE).call("kill", container)
        assert "was killed from outside" in (await partner.death()).death.message
        await kernel.restart()
        await partner.run("print('again')")
        assert partner.text().endswith("again\n")
        assert len(list(ces.glob("conn-*.json"))) == 1
    finally:
        await kernel.shutdown()
    assert list(ces.iterdir()) == []


async def test_what_grows_in_ces_is_limited_as_the_working_folder_is(
    tmp_path: Path, workspace: Path
) -> None:
    partner = Partner()
    layout = ClassicLayout(str(tmp_path / "ces"))
    kernel = partner.kernel = container_kernels("network workspace_growth=5MB").create(
        choice(workspace, "test-classic-growth", layout), partner.sink
    )
    try:
        await kernel.start()
        code = "while True:\n    file.write(bytes(100_000)); file.flush(); time.sleep(0.01)"
        end = await partner.run(f"import time\nfile = open('/app/ces/big', 'wb')\n{code}")
        assert end.error is not None
        assert end.error.name == "KeyboardInterrupt"
        notice = partner.all(Notice)[0]  # again where the interrupt takes long to arrive
        assert "5 MB are allowed" in notice.message
    finally:
        await kernel.shutdown()


@pytest.mark.slow
def test_it_is_chosen_on_the_command_line(tmp_path: Path, workspace: Path) -> None:
    classic_image()
    home = tmp_path / "home"
    home.mkdir()
    (workspace / "told.py").write_text(
        "import os; print(os.getcwd(), os.environ['CONNECTION_FILE'])"
    )
    options = ("run", "told.py", "--cells", "--docker", "--transport", "ports")
    settings = {"CODEEXEC_DOCKER_ENGINE": ENGINE, "CODEEXEC_DOCKER_IMAGE": IMAGE}
    done = run_piped(*options, "--policy", "network", home=home, cwd=workspace, env=settings)
    assert done.stdout.startswith("/app/cwd /app/ces/conn-"), done.stderr
    locked = run_piped(*options, home=home, cwd=workspace, env=settings)
    assert locked.returncode == 3
    assert "needs a network, and the policy locked has none" in locked.stderr
    assert "docker.transport" in locked.stderr
    settings |= {"CODEEXEC_DOCKER_TRANSPORT": "ports"}
    checked = run_piped("docker", "check", home=home, cwd=workspace, env=settings)
    assert checked.returncode == 1
    assert "transport: The transport 'ports' needs a network" in checked.stdout
    here = run_piped("run", "told.py", "--transport", "ports", home=home, cwd=workspace)
    assert here.returncode == 2
    assert "--transport ports: It is for a container" in here.stderr


@pytest.mark.slow
async def test_a_killed_server_leaves_nothing_and_the_next_one_starts_the_same(
    tmp_path: Path,
) -> None:
    settings = {"ENGINE": ENGINE, "IMAGE": classic_image(), "POLICY": "network"}
    with user(**{f"CODEEXEC_DOCKER_{name}": value for name, value in settings.items()}) as apart:
        give_away(apart.work)
        ces = tmp_path / "ces"
        opening = q.OpenSession(
            cwd=str(apart.work),
            name="w",
            backend="docker",
            transport="ports",
            classic=ClassicLayout(str(ces), session_id="s-1"),
        )
        async with apart.client() as host:
            opened = await host.call(opening)
            where = "import os; print(os.getcwd(), os.environ['TASKWEAVER_SESSION_ID'])"
            assert await output_of(host, opened.session_id, where) == ["/app/cwd s-1"]
            listed = (await host.call(q.ListSessions(ended=False))).sessions
            assert listed[0].policy == "network · network · 2 GB · 1 cpu · ports"
            assert len(list(ces.iterdir())) == 2
            with pytest.raises(UsageError, match="the policy locked has none"):
                await host.session(opened.session_id).call(q.RestartKernel(policy="locked"))
            assert await output_of(host, opened.session_id, where) == ["/app/cwd s-1"]
            assert apart.pid is not None
            os.kill(apart.pid, signal.SIGKILL)
            await wait_until(lambda: not containers(opened.session_id), "the container to end")
            assert list(ces.iterdir()) == []
            # The client starts the next server.
            assert await output_of(host, opened.session_id, where) == ["/app/cwd s-1"]
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not containers(opened.session_id), "the container to end")
        assert list(ces.iterdir()) == []


@pytest.mark.parametrize(
    ("image", "layout", "words"),
    [
        ("codeexec-no-such:1", None, f"{ENGINE} pull codeexec-no-such:1"),
        ("", ClassicLayout(port_start=65532), "first port"),
        ("", ClassicLayout("ces"), "not absolute"),
        ("", ClassicLayout("/etc/ces"), "belongs to the system"),
        ("", ClassicLayout(session_id="a/b"), "no id"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    workspace: Path, image: str, layout: ClassicLayout | None, words: str
) -> None:
    with pytest.raises(CodeexecError) as caught:
        kernel = container_kernels("network").create(
            KernelChoice(
                str(workspace),
                backend="docker",
                image=image,
                transport="ports",
                classic=layout,
                session="test-classic-refused",
            ),
            lambda events: None,
        )
        await kernel.start()
    assert words in f"{caught.value.message} {caught.value.next_step}"
    assert caught.value.next_step
    assert own_containers("test-classic-refused") == []
    assert not Path("/etc/ces").exists()
