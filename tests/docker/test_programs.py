"""Other Jupyter programs with our kernelspec, the other transport, presets, images, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.image import check
from codeexec.environments.docker.policy import Policy, preset
from codeexec.kernels.docker.kernelspec import docker_kernel_spec, install_docker_kernelspec
from codeexec.kernels.docker.provisioner import DockerProvisioner
from support.containers import ENGINE, IMAGE, own_containers
from support.docker_bench import StartBench

pytestmark = pytest.mark.docker


def test_a_blocking_manager_works(workspace: Path) -> None:
    manager = KernelManager()
    manager._kernel_spec = docker_kernel_spec(
        Policy(), workspace, IMAGE, engine=Engine(ENGINE), session="test-blocking"
    )
    manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=90)
        said: list[str] = []
        client.execute_interactive(
            "name = input('who? ')\nprint('hello', name)",
            stdin_hook=lambda message: client.input("you"),
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
        assert "".join(said) == "hello you\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert own_containers("test-blocking") == []


@pytest.mark.slow
def test_jupyter_console_works_with_the_installed_spec(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    path = install_docker_kernelspec("tested", image=IMAGE, engine=Engine(ENGINE))
    assert json.loads(path.read_text())["metadata"]["kernel_provisioner"]["config"]["image"]
    assert "tested" in KernelSpecManager().find_kernel_specs()
    console = subprocess.run(
        [sys.executable, "-m", "jupyter_console", "--kernel", "tested", "--simple-prompt"],
        input="import os; print('answer', 6 * 7, os.uname().nodename)\nexit\n",
        cwd=workspace,
        env={**os.environ, "TERM": "dumb"},
        timeout=90,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "answer 42 kernel" in console.stdout, console.stderr


async def test_the_transport_of_five_ports(start: StartBench) -> None:
    bench = await start(preset("network"), transport="ports")
    assert bench.manager.transport == "tcp"
    assert (await bench.run("print(6 * 7)")).text == "42\n"
    await bench.restart()
    assert (await bench.run("print(6 * 7)")).text == "42\n"


async def test_five_ports_need_a_network(workspace: Path, start: StartBench) -> None:
    with pytest.raises(UsageError) as caught:
        await start(Policy(), transport="ports")
    assert "relay" in caught.value.next_step


async def test_the_preset_network_has_one_and_room_for_packages(start: StartBench) -> None:
    bench = await start(preset("network"))
    cell = await bench.run(
        "import socket, sys, site\n"
        "print([name for _, name in socket.if_nameindex()])\n"
        "print(site.getusersitepackages() in sys.path)"
    )
    assert cell.text == "['lo', 'eth0']\nTrue\n"


async def test_a_plot_and_a_table_arrive(start: StartBench) -> None:
    bench = await start()
    plot = await bench.run("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", 30)
    assert "image/png" in plot.displays[0]
    table = await bench.run("import pandas as pd\npd.DataFrame({'a': [1, 2]})", 30)
    assert "text/html" in table.displays[0]
    assert not table.error


async def test_compiled_code_runs(start: StartBench) -> None:
    bench = await start()
    cell = await bench.run(
        "import subprocess\n"
        "open('a.cpp','w').write('#include <cstdio>\\nint main(){puts(\"compiled\");}')\n"
        "print(subprocess.run('g++ a.cpp -o a && ./a', shell=True, capture_output=True, "
        "text=True).stdout)"
    )
    assert cell.text == "compiled\n\n"


async def test_paths_are_the_same_on_both_sides(start: StartBench, workspace: Path) -> None:
    bench = await start()
    (workspace / "x.py").write_text("")
    assert bench.manager.resolve_path("x.py") == str(workspace / "x.py")
    assert bench.manager.resolve_path("/etc/passwd") is None
    assert bench.manager.resolve_path("~/x") is None
    assert isinstance(bench.provisioner, DockerProvisioner)
    assert bench.provisioner.policy_words == "locked · no network · 1 GB · 1 cpu"


async def test_check_tells_what_is_well_and_what_is_not() -> None:
    found = await check(Engine(ENGINE), IMAGE)
    assert [one.name for one in found] == ["engine", "limits", "leftovers", "image"]
    assert all(one.ok for one in found), found
    missing = (await check(Engine(ENGINE), "codeexec-no-such-image:1"))[-1]
    assert not missing.ok
    assert "docker build" in missing.fix


async def test_an_engine_that_is_not_there_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = (await check(Engine("no-such-engine")))[0]
    assert "not installed" in absent.told
    assert absent.fix
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    down = (await check(Engine("docker")))[0]
    assert "No engine answers" in down.told
    assert "Start it" in down.fix


@pytest.mark.parametrize(
    ("image", "policy", "words"),
    [
        ("codeexec-no-such-image:1", Policy(), "not on this engine"),
        (IMAGE, Policy().but(network="no-such-network"), "no network"),
        (IMAGE, Policy().but(memory=1000), "memory"),
    ],
)
async def test_what_the_engine_refuses_is_explained(
    workspace: Path, image: str, policy: Policy, words: str
) -> None:
    plan = ContainerPlan(image, policy, workspace, Engine(ENGINE), "test-refused")
    with pytest.raises(EnvironmentUnavailable) as caught:
        await DockerEnvironment.create(plan)
    assert words in caught.value.message
    assert caught.value.next_step
    assert own_containers("test-refused") == []


async def test_limits_above_the_hosts_are_cut_to_it(start: StartBench) -> None:
    bench = await start(Policy().but(cpus=1000.0, memory=1 << 50))
    assert (await bench.run("print(6 * 7)")).text == "42\n"
