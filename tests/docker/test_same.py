"""The same cells give the same outputs on this machine and in a container."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.kernels.docker.process import ContainerKernel
from codeexec.kernels.relay.channel_proxy import Mux
from support.containers import ENGINE, IMAGE, own_containers
from support.docker_bench import Bench, StartBench

pytestmark = pytest.mark.docker

CELLS = (
    "print('one'); import sys; print('two', file=sys.stderr)",
    "x = {'a': [1, 2, 3]}\nx",
    "import os, subprocess\nsubprocess.check_output(['echo', 'from a child'])",
    "!echo from a shell",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))",
    "1 / 0",
    "def f(:",
    "%timeit -n1 -r1 -o -q pass\nNone",
    "open('made.txt', 'w').write('here')",
    "sorted(os.listdir('.'))",
    "print('🐍 ünï'); print('x' * 100_000)",
)


async def test_the_same_cells_show_the_same(start: StartBench, tmp_path: Path) -> None:
    there = await start()
    here = Bench("local")
    own = tmp_path / "local"  # two users would meet in one folder
    own.mkdir()
    await here.start_local(own)
    try:
        for code in CELLS:
            one, other = await here.run(code, 30), await there.run(code, 30)
            assert sorted(one.text) == sorted(other.text), code  # two streams, in either order
            assert (one.error, one.displays) == (other.error, other.displays), code
    finally:
        await here.close()


async def test_a_spare_is_a_container_that_waits_for_its_kernel(workspace: Path) -> None:
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=Engine(ENGINE), session="test-spare")
    spare = ContainerKernel(plan)
    try:
        await spare.prepare()
        assert not spare.is_running
        waiting = own_containers("test-spare")
        assert len(waiting) == 1
        await spare.launch()
        assert spare.is_running
        assert own_containers("test-spare") == waiting
        reader, writer = await asyncio.open_unix_connection(f"{spare.connection['ip']}-5")
        greeting = await asyncio.wait_for(reader.readexactly(10), 90)
        assert greeting[:1] == b"\xff"  # ZMTP: the kernel's heartbeat answers
        writer.close()
    finally:
        await spare.close()
    assert own_containers("test-spare") == []


async def test_sockets_of_a_killed_owner_are_swept(tmp_path: Path) -> None:
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c"),
        "from codeexec.kernels.relay.channel_proxy import Mux\n"
        "import time; m = Mux(); print(m.prefix, flush=True); time.sleep(100)",
        stdout=asyncio.subprocess.PIPE,
    )
    assert killed.stdout is not None
    folder = Path((await killed.stdout.readline()).decode().strip()).parent
    living = Mux()
    assert folder.is_dir()  # its owner lives
    killed.kill()
    await killed.wait()
    later = Mux()
    assert not folder.exists()
    assert Path(living.prefix).parent.is_dir()
    for mux in (living, later):
        await mux.close()
        assert not Path(mux.prefix).parent.exists()
