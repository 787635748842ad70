"""What code in a locked container tries in order to get out, or to take the machine with it.

Each is contained, explained where there is something to explain, and the session goes on.
"""

from __future__ import annotations

import asyncio
import socket
import stat
import textwrap
from pathlib import Path

import pytest

from codeexec.domain.errors import Denied
from codeexec.environments.docker.policy import MEGABYTE, Policy
from support.containers import until
from support.docker_bench import Bench, StartBench

pytestmark = pytest.mark.docker


async def goes_on(bench: Bench) -> None:
    assert (await bench.run("print(6 * 7)")).text == "42\n"


async def said_by(bench: Bench, code: str) -> str:
    """What `code` printed, or the name of the error that stopped it."""
    cell = await bench.run(textwrap.dedent(code))
    return cell.error or cell.text


async def test_the_hosts_files_are_not_there(start: StartBench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("host")
    bench = await start()
    assert "FileNotFoundError" in await said_by(bench, f"print(open({str(secret)!r}).read())")
    names = await said_by(bench, f"import os; print(sorted(os.listdir({str(tmp_path)!r})))")
    assert names == "['workspace']\n"
    await goes_on(bench)


async def test_the_hosts_environment_is_not_there(
    start: StartBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEEXEC_TEST_SECRET", "host")
    bench = await start()
    assert await said_by(bench, "import os; print('CODEEXEC_TEST_SECRET' in os.environ)") == (
        "False\n"
    )


async def test_the_engines_socket_is_not_there(start: StartBench) -> None:
    bench = await start()
    code = """
        import os, socket
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock"):
            print(os.path.exists(path))
    """
    assert await said_by(bench, code) == "False\nFalse\nFalse\n"


async def test_devices_are_not_there_and_cannot_be_made(start: StartBench) -> None:
    bench = await start()
    code = """
        import os, stat
        print([name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "km"))])
        for kind in (stat.S_IFBLK, stat.S_IFCHR):
            try:
                os.mknod("device", kind | 0o600, os.makedev(8, 0))
            except PermissionError as error:
                print(error.strerror)
        try:
            print(open("/proc/kcore", "rb").read(10))
        except OSError:
            print(b"")
    """
    said = await said_by(bench, code)
    assert said == "[]\nOperation not permitted\nOperation not permitted\nb''\n"
    await goes_on(bench)


async def test_nothing_outside_of_the_workspace_can_be_written(start: StartBench) -> None:
    bench = await start()
    code = """
        import os
        for path in ("/x", "/etc/x", "/usr/lib/x", "/var/tmp/x", "/proc/sys/kernel/hostname",
                     "/sys/fs/cgroup/x", "/sys/kernel/x"):
            try:
                open(path, "w").close()
                print("wrote", path)
            except OSError:
                pass
        open("mine", "w").close()
        print(os.listdir("."))
    """
    assert await said_by(bench, code) == "['mine']\n"


async def test_nobody_becomes_root(start: StartBench, workspace: Path) -> None:
    bench = await start()
    code = """
        import os, shutil, subprocess
        print(os.getuid() != 0, os.geteuid() != 0)
        for line in open("/proc/self/status"):
            if line.startswith(("CapEff", "CapBnd", "NoNewPrivs")):
                print(*line.split())
        shutil.copy(shutil.which("id"), "id")
        os.chmod("id", 0o6755)
        for change in (lambda: os.setuid(0), lambda: os.chown("id", 0, 0), lambda: os.chroot(".")):
            try:
                change()
                print("changed")
            except PermissionError:
                pass
    """
    assert await said_by(bench, code) == (
        "True True\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\n"
    )
    left = (workspace / "id").stat()
    assert left.st_uid == workspace.stat().st_uid != 0
    assert left.st_mode & stat.S_ISUID  # it may be set: it is set for a user who is nobody


async def test_there_is_no_network(start: StartBench) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        bench = await start()
        code = f"""
            import socket
            print([name for _, name in socket.if_nameindex()])
            for address in ("127.0.0.1", "172.17.0.1", "1.1.1.1"):
                try:
                    socket.create_connection((address, {port}), timeout=2)
                    print("connected to", address)
                except OSError:
                    pass
            try:
                socket.getaddrinfo("pypi.org", 443)
                print("resolved")
            except OSError:
                pass
        """
        assert await said_by(bench, code) == "['lo']\n"


async def test_a_fork_bomb_ends_with_a_restart(start: StartBench) -> None:
    bench = await start()
    bench.client.execute("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass")

    async def full() -> bool:
        return (await bench.provisioner.usage()).pids >= 120

    await until(full)
    on_host = await asyncio.create_subprocess_exec("true")  # the host has room for processes
    assert await on_host.wait() == 0
    await bench.restart()
    await goes_on(bench)


async def test_a_memory_hog_is_killed_and_explained(start: StartBench) -> None:
    bench = await start(Policy().but(memory=300 * MEGABYTE))
    before = bench.container
    bench.client.execute("hog = []\nwhile True: hog.append(bytearray(b'x' * (1 << 24)))")
    await bench.dead()
    end = bench.provisioner.end
    assert end is not None
    assert end.out_of_memory
    assert "300 MB" in end.message
    assert "memory" in end.next_step
    assert end.peak > 250 * MEGABYTE
    await bench.restart()
    assert bench.container == before
    await goes_on(bench)


async def test_a_child_that_runs_out_of_memory_does_not_take_the_kernel(
    start: StartBench,
) -> None:
    bench = await start(Policy().but(memory=300 * MEGABYTE))
    code = """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "x = b'x' * (1 << 30)"]).returncode)
    """
    assert await said_by(bench, code) == "-9\n"
    await goes_on(bench)


async def test_memory_backed_folders_are_limited(start: StartBench) -> None:
    bench = await start(Policy().but(temporary=32 * MEGABYTE, shared_memory=16 * MEGABYTE))
    code = """
        for path in ("/tmp/filler", "/dev/shm/filler"):
            written = 0
            try:
                with open(path, "wb", buffering=0) as file:
                    while written < 1 << 28:
                        written += file.write(bytes(1 << 20))
            except OSError as error:
                print(error.strerror, written < 1 << 26)
    """
    assert await said_by(bench, code) == "No space left on device True\n" * 2
    await goes_on(bench)


async def test_a_disk_filler_is_interrupted_and_the_user_told(
    start: StartBench, workspace: Path
) -> None:
    bench = await start(Policy().but(workspace_growth=20 * MEGABYTE))
    code = """
        import time
        with open("filler", "wb", buffering=0) as file:
            for _ in range(1000):
                file.write(bytes(1 << 20))
                time.sleep(0.005)
    """
    cell = await bench.run(textwrap.dedent(code))
    assert cell.error.startswith("KeyboardInterrupt")
    assert (workspace / "filler").stat().st_size < 900 * MEGABYTE
    told = bench.provisioner.told[0]
    assert "20 MB are allowed" in told
    assert "workspace_growth" in told
    (workspace / "filler").unlink()
    await goes_on(bench)


@pytest.mark.timeout(150)
async def test_links_and_pipes_in_the_workspace_lead_nowhere(
    start: StartBench, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("host")
    bench = await start()
    code = f"""
        import os
        os.symlink({str(tmp_path / "secret")!r}, "plot.png")
        os.symlink("/", "root")
        os.mkfifo("data.csv")
    """
    assert await said_by(bench, code) == ""
    kernel = bench.provisioner.kernel
    assert kernel is not None
    assert kernel.environment is not None
    for path in ("plot.png", f"root{tmp_path}/secret", "data.csv"):
        with pytest.raises(Denied):
            await bench.on_wire(kernel.environment.read_file(path))
    await goes_on(bench)


async def test_pid_1_cannot_be_killed_but_by_ending_the_container(start: StartBench) -> None:
    bench = await start()
    assert await said_by(bench, "import os; os.kill(1, 9); print('still here')") == "still here\n"
    before = bench.container
    bench.client.execute("import os; os.kill(1, 15)")
    await bench.dead()
    end = bench.provisioner.end
    assert end is not None
    assert "container" in end.message
    assert end.next_step
    await bench.restart()
    assert bench.container != before
    await goes_on(bench)


async def test_the_relay_can_be_killed_and_is_replaced(start: StartBench) -> None:
    bench = await start()
    bench.client.execute("import os; os.kill(os.getppid(), 9)")
    await bench.dead()
    assert bench.provisioner.end is not None
    await bench.restart()
    await goes_on(bench)


async def test_the_relay_cannot_be_read_or_written_by_the_code(start: StartBench) -> None:
    bench = await start()
    code = """
        import os
        relay = os.getppid()
        for number in (1, relay):
            for name in ("fd/1", "fd/3", "fd/4", "mem", "environ"):
                try:
                    os.open(f"/proc/{number}/{name}", os.O_RDWR)
                    print("opened", name)
                except OSError:
                    pass
    """
    assert await said_by(bench, code) == ""


async def test_a_cell_that_ignores_every_signal_is_killed(start: StartBench) -> None:
    bench = await start()
    bench.client.execute(
        "import signal, time\n"
        "for n in range(1, 65):\n"
        "  try: signal.signal(n, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\n"
        "open('deaf', 'w').close()\n"
        "while True: time.sleep(1)"
    )
    kernel = bench.provisioner.kernel
    assert kernel is not None
    assert kernel.environment is not None
    environment = kernel.environment

    async def deaf() -> bool:
        return await bench.on_wire(environment.read_file("deaf")) is not None

    await until(deaf)
    await bench.manager.interrupt_kernel()
    assert await bench.manager.is_alive()
    await bench.restart()
    await goes_on(bench)
