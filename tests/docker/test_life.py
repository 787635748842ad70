"""Kills at every place, pauses and restarts: no container is left, and the next launch works."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.orphans import sweep
from support.containers import ENGINE, IMAGE, containers, until
from support.docker_bench import Bench, StartBench

pytestmark = pytest.mark.docker


async def goes_on(bench: Bench) -> None:
    assert (await bench.run("print(6 * 7)")).text == "42\n"


def cli_pid(bench: Bench) -> int:
    """The engine's CLI that holds this bench's container."""
    found = subprocess.run(
        ["pgrep", "-f", f"name {bench.container}"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


async def test_a_restart_keeps_the_container_and_ends_what_ran_in_it(start: StartBench) -> None:
    bench = await start()
    before = bench.container
    await bench.run("x = 1\nimport subprocess\nsubprocess.Popen(['sleep', '1000'])")
    await bench.restart()
    assert bench.container == before
    assert "NameError" in (await bench.run("x")).error
    names = await bench.run(
        "import pathlib\n"
        "for p in pathlib.Path('/proc').glob('[0-9]*/comm'): print(p.read_text().strip())"
    )
    assert "sleep" not in names.text
    await goes_on(bench)


async def test_an_interrupt_stops_the_cell_and_its_children(start: StartBench) -> None:
    bench = await start()
    code = "open('up','w').close()\nimport subprocess\nsubprocess.run(['sleep', '1000'])"
    cell = asyncio.create_task(bench.run(code))
    kernel = bench.provisioner.kernel
    assert kernel is not None
    assert kernel.environment is not None
    environment = kernel.environment

    async def up() -> bool:
        return await bench.on_wire(environment.read_file("up")) is not None

    await until(up)
    await bench.manager.interrupt_kernel()
    assert (await asyncio.wait_for(cell, 90)).error.startswith("KeyboardInterrupt")
    await goes_on(bench)


@pytest.mark.parametrize(
    ("code", "told", "number"),
    [
        ("import os; os._exit(3)", "code 3", 3),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL", -9),
        ("import ctypes; ctypes.string_at(0)", "segmentation fault", -11),
    ],
)
async def test_the_end_of_a_kernel_is_explained(
    start: StartBench, code: str, told: str, number: int
) -> None:
    bench = await start()
    before = bench.container
    bench.client.execute(code)
    await bench.dead()
    end = bench.provisioner.end
    assert end is not None
    assert told in end.message
    assert end.code == number
    assert end.death.message.endswith(end.next_step)
    await bench.restart()
    assert bench.container == before
    await goes_on(bench)


@pytest.mark.parametrize("how", ["kill", "stop", "rm --force"])
async def test_a_container_that_is_taken_away_is_explained(start: StartBench, how: str) -> None:
    bench = await start()
    before = bench.container
    await bench.on_wire(Engine(ENGINE).call(*how.split(), before))
    await bench.dead()
    end = bench.provisioner.end
    assert end is not None
    assert "container" in end.message
    assert end.next_step
    await bench.restart()
    assert bench.container != before
    await goes_on(bench)


async def test_the_death_of_the_cli_ends_the_container(start: StartBench) -> None:
    bench = await start()
    os.kill(cli_pid(bench), signal.SIGKILL)
    await bench.dead()

    async def gone() -> bool:
        return not containers(bench.session)

    await until(gone)
    await bench.restart()
    await goes_on(bench)


async def test_a_paused_container_can_go_on(start: StartBench) -> None:
    bench = await start()
    await bench.provisioner.pause()
    cell = asyncio.create_task(bench.run("print('later')"))
    assert not (await asyncio.wait({cell}, timeout=0.3))[0]
    assert await bench.manager.is_alive()
    await bench.provisioner.unpause()
    assert (await cell).text == "later\n"


async def test_a_paused_container_can_be_restarted(start: StartBench) -> None:
    bench = await start()
    await bench.provisioner.pause()
    await bench.restart()
    await goes_on(bench)


@pytest.mark.parametrize("busy", ["", "while True: pass", "while True: print('x' * 1000)"])
async def test_the_death_of_the_program_leaves_no_container(
    workspace: Path, tmp_path: Path, busy: str
) -> None:
    session = f"test-{uuid.uuid4().hex[:8]}"
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from codeexec.environments.docker.engine import Engine
        from codeexec.environments.docker.environment import ContainerPlan
        from codeexec.kernels.docker.process import ContainerKernel, KernelCommand

        async def main():
            plan = ContainerPlan({IMAGE!r}, workspace=Path({str(workspace)!r}),
                                 engine=Engine({ENGINE!r}), session={session!r})
            command = KernelCommand(("python3", "-c", {busy!r} or "import time; time.sleep(1000)"))
            kernel = ContainerKernel(plan, command)
            await kernel.launch()
            print("up", flush=True)
            await kernel.wait()

        asyncio.run(main())
        """)
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 90) == b"up\n"
    assert len(containers(session)) == 1
    process.kill()
    await process.wait()

    async def gone() -> bool:
        return not containers(session)

    await until(gone)


async def test_a_sweep_removes_what_has_no_owner_any_more(workspace: Path) -> None:
    session = f"test-{uuid.uuid4().hex[:8]}"
    engine = Engine(ENGINE)
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c"),
        "from codeexec.environments.docker.orphans import this_process\n"
        "for label in this_process().labels().items(): print('='.join(label))\n"
        "print(flush=True); input()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert owner.stdout is not None
    labels = (await owner.stdout.readuntil(b"\n\n")).decode().split()
    flags = [f"--label={label}" for label in (*labels, f"org.codeexec.session={session}")]
    ours = await DockerEnvironment.create(
        ContainerPlan(IMAGE, workspace=workspace, engine=engine, session=session)
    )
    orphan = f"codeexec-{session}-orphan"
    try:
        await engine.call(
            *("run", "--detach", "--rm", "--name", orphan, "--network", "none", *flags),
            *("--ulimit", "nproc=1000", "--ulimit", "nofile=1000"),
            *("--entrypoint", "sleep", IMAGE, "1000"),
        )
        await engine.call("pause", orphan)
        assert orphan not in await sweep(engine)
        assert sorted(containers(session)) == sorted([ours.id, orphan])
        owner.kill()
        await owner.wait()
        await sweep(engine)  # a server that starts meanwhile may be faster

        async def only_ours() -> bool:
            return containers(session) == [ours.id]

        await until(only_ours)
    finally:
        if owner.returncode is None:
            owner.kill()
            await owner.wait()
        await ours.terminate()


@pytest.mark.slow
async def test_random_kills(start: StartBench) -> None:
    """Kills of kernel, relay, CLI and container, each while code prints and while it is silent,
    three times at different moments: each time the next launch answers."""
    bench = await start()
    for turn in range(24):
        prints = turn // 4 % 2
        bench.client.execute("while True: print('x' * 100)" if prints else "while True: pass")
        await asyncio.sleep((turn * 37 % 100) / 500)  # a moment that differs from turn to turn
        match turn % 4:
            case 0:
                await bench.provisioner.send_signal(signal.SIGKILL)
            case 1:
                os.kill(cli_pid(bench), signal.SIGKILL)
            case 2:
                await bench.on_wire(Engine(ENGINE).call("kill", bench.container))
            case _:
                await bench.on_wire(Engine(ENGINE).call("rm", "--force", bench.container))
        await bench.dead()
        await bench.restart()
        await goes_on(bench)
        assert len(bench.left) == 1
