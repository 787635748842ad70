"""The holder process: what it keeps when its client is killed, and what it leaves when it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import ProcessEnd, TerminalSize
from codeexec.environments.holder.begin import begin_holder, find_holder
from codeexec.environments.holder.client import HeldProcess, HolderClient, read_left_behind
from codeexec.environments.holder.terminal import LocalTerminal
from codeexec.environments.marks import MARK, find_marked
from codeexec.environments.processes import identify
from codeexec.environments.short_folders import make_folder, remove_flat
from support.containers import until

DEADLINE = 90.0


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "holder"


@pytest.fixture
def folder() -> Iterator[Path]:
    made = make_folder()
    yield Path(made)
    remove_flat(made)


@pytest.fixture
async def holder(record: Path) -> AsyncIterator[HolderClient]:
    client = await HolderClient.begin(record)
    yield client
    client.close()


async def holder_pid(client: HolderClient) -> int:
    pid = (await client.ask({"do": "list"}))["pid"]
    assert isinstance(pid, int)
    return pid


async def start_shell(client: HolderClient, folder: Path, script: str) -> HeldProcess:
    return await client.start(
        ["bash", "-c", script],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        folder=str(folder),
        terminal=TerminalSize(),
    )


async def read_until(process: HeldProcess, expected: bytes, after: int = 0) -> bytes:
    text = b""
    async with asyncio.timeout(DEADLINE):
        async for chunk in process.read(after=after):
            text += chunk.data
            if expected in text:
                return text
    raise AssertionError(f"{expected!r} did not come; this did: {text!r}")


async def read_all(process: HeldProcess, after: int = 0) -> tuple[int, bytes]:
    """(offset of the first byte, all bytes to the end)."""
    start, text = None, b""
    async with asyncio.timeout(DEADLINE):
        async for chunk in process.read(after=after):
            start = chunk.offset if start is None else start
            text += chunk.data
    return start or 0, text


async def is_gone(pid: int) -> bool:
    return identify(pid) is None


# A server that starts one terminal, says so, and is killed.
SERVER = """
import asyncio, json, os, sys
from pathlib import Path
from codeexec.environments.base import TerminalSize
from codeexec.environments.holder.client import HolderClient

async def main(record, folder, script, keep):
    client = await HolderClient.begin(Path(record))
    process = await client.start(["bash", "-c", script], cwd="/",
        env={"PATH": os.environ["PATH"]}, folder=folder, terminal=TerminalSize())
    if keep:
        process.keep()
    print(json.dumps([process.number, process.pid]), flush=True)
    async for chunk in process.read():
        print(len(chunk.data), flush=True)
        if b"stop here" in chunk.data:
            break
    await asyncio.sleep(1000)

asyncio.run(main(*sys.argv[1:4], sys.argv[4] == "keep"))
"""


@contextlib.contextmanager
def killed_server(record: Path, folder: Path, script: str, keep: str) -> Iterator[int]:
    """Run SERVER until its terminal is there; the shell's pid. At the end the server is killed."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(record), str(folder), script, keep],
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())[1]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


async def test_a_killed_server_leaves_the_terminal_to_the_next_one(
    record: Path, folder: Path
) -> None:
    script = "echo before; read line; echo got $line; exit 6"
    with killed_server(record, folder, script, "keep") as pid:
        pass
    client = await HolderClient.begin(record)
    (process,) = await client.adopt()
    assert (process.pid, process.folder) == (pid, str(folder))
    assert await read_until(process, b"before\r\n") == b"before\r\n"
    terminal = LocalTerminal(process)
    await terminal.resize(TerminalSize(99, 9))
    await terminal.write(b"word\n")
    assert b"got word\r\n" in await read_until(process, b"got word\r\n", after=8)
    end = await asyncio.wait_for(terminal.wait(), DEADLINE)
    assert end.code == 6
    await terminal.kill()
    assert await client.adopt() == []
    client.close()
    await until(lambda: is_gone_record(record))


async def is_gone_record(record: Path) -> bool:
    link = find_holder(str(record))
    if link is not None:
        link.close()
    return link is None


async def test_what_ended_meanwhile_is_known(record: Path, folder: Path) -> None:
    go = record.with_name("go")
    script = f"echo words; until [ -e {go} ]; do read -t 0.02; done; exit 9"
    with killed_server(record, folder, script, "keep") as pid:
        pass
    go.touch()
    await until(lambda: is_gone(pid))
    await until(lambda: is_gone_record(record))
    left = read_left_behind(folder)
    assert left is not None
    assert left.end.code == 9
    assert left.end.peak_memory
    assert (left.output.offset, left.output.data) == (0, b"words\r\n")
    assert read_left_behind(folder / "none") is None


async def test_what_goes_while_all_are_adopted_is_left_behind(
    record: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await HolderClient.begin(record)
    (await start_shell(first, folder, "echo last words; exit 5")).keep()
    second = await HolderClient.begin(record)
    ask = second.ask

    async def ask_as_the_first_one_dies(content: dict[str, object]) -> Mapping[str, object]:
        answer = await ask(content)
        if content["do"] == "list":
            first.close()
            await until(is_written_down)
        return answer

    async def is_written_down() -> bool:
        return read_left_behind(folder) is not None

    monkeypatch.setattr(second, "ask", ask_as_the_first_one_dies)
    assert await second.adopt() == []
    left = read_left_behind(folder)
    assert left is not None
    assert left.end.code == 5
    second.close()


async def test_what_was_not_kept_ends_with_its_server(record: Path, folder: Path) -> None:
    script = "trap '' HUP; (setsid sleep 1000 &); sleep 1001; true"
    with killed_server(record, folder, script, "drop") as pid:
        await until(lambda: has_marked(folder, 3))
    await until(lambda: is_gone(pid))
    await until(lambda: has_marked(folder, 0))
    await until(lambda: is_gone_record(record))
    assert not folder.exists()


async def has_marked(folder: Path, count: int) -> bool:
    return len(find_marked(MARK, str(folder))) == count


async def test_a_flood_goes_on_without_loss_over_the_death_of_its_server(
    record: Path, folder: Path
) -> None:
    """What was not acknowledged is kept; a full buffer waits some seconds for the next server."""
    with killed_server(record, folder, "seq 400000; echo the end", "keep"):
        pass
    client = await HolderClient.begin(record)
    (process,) = await client.adopt()
    start, text = await read_all(process)
    lines = text.split(b"\r\n")
    assert lines[-2:] == [b"the end", b""]
    numbers = [int(line) for line in lines[1 if start else 0 : -2]]
    assert numbers == list(range(numbers[0], 400001))
    await LocalTerminal(process).kill()
    client.close()


async def test_nobody_reads_and_the_newest_are_kept_after_a_while(
    record: Path, folder: Path
) -> None:
    impatient = await asyncio.to_thread(begin_holder, str(record), 0.1)
    with killed_server(record, folder, "echo stop here; seq 400000; read -t 300", "keep"):
        impatient.close()

    async def has_gone_on() -> bool:
        link = find_holder(str(record))
        assert link is not None
        link.sendall(b'{"id": 1, "do": "list"}\n')
        with link, link.makefile("rb") as lines:
            answer = json.loads(await asyncio.to_thread(lines.readline))
        # So far that what is kept of it begins behind the number that is looked for.
        return bool(answer["jobs"][0]["channels"]["terminal"][1] > 3_000_000)

    await until(has_gone_on)
    client = await HolderClient.begin(record)
    (process,) = await client.adopt()
    text = await read_until(process, b"\r\n400000\r\n")
    assert len(text) <= 1 << 21
    assert int(text.split(b"\r\n")[1]) > 100_000
    await LocalTerminal(process).kill()
    client.close()


async def test_reading_begins_at_any_offset_that_is_kept(
    holder: HolderClient, folder: Path
) -> None:
    process = await start_shell(holder, folder, "printf 0123456789; read -t 300")
    await read_until(process, b"9")
    assert await read_until(process, b"9", after=4) == b"456789"
    assert await read_until(process, b"9", after=9) == b"9"
    await LocalTerminal(process).kill()


async def test_memory_and_time_are_those_of_the_process(holder: HolderClient, folder: Path) -> None:
    """`ru_maxrss` of a child of this process would be at least as large as this process."""
    ballast = bytearray(os.urandom(1 << 20)) * 120
    small = await start_shell(holder, folder, "exit 0")
    end = await asyncio.wait_for(small.wait(), DEADLINE)
    assert end.peak_memory is not None
    assert end.peak_memory < 40 << 20 < len(ballast)
    code = "b = bytearray(100 << 20)\nfor i in range(3000000): pass"
    large = await start_shell(holder, folder, f"exec {sys.executable} -S -c '{code}'")
    end = await asyncio.wait_for(large.wait(), DEADLINE)
    assert end.peak_memory is not None
    assert 100 << 20 < end.peak_memory < 200 << 20
    assert end.cpu_seconds
    assert end == large.poll() == ProcessEnd(0, end.peak_memory, end.cpu_seconds)


async def test_a_program_with_pipes_has_its_streams_apart(
    holder: HolderClient, folder: Path
) -> None:
    process = await holder.start(
        ["bash", "-c", "read line; echo out $line; echo err >&2; exit 3"],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        folder=str(folder),
    )
    assert process.input is not None
    os.write(process.input, b"word\n")
    await process.close_input()
    streams = {
        name: b"".join([chunk.data async for chunk in process.read(name)])
        for name in ("stdout", "stderr")
    }
    assert streams == {"stdout": b"out word\n", "stderr": b"err\n"}
    assert (await process.wait()).code == 3
    await process.forget()


async def test_what_daemonizes_is_reaped_and_ends_with_its_terminal(
    holder: HolderClient, folder: Path
) -> None:
    script = "(setsid sleep 1000 & echo child=$!); sleep 1001; true"
    process = await start_shell(holder, folder, script)
    text = await read_until(process, b"\r\n")
    child = int(text.partition(b"child=")[2])
    pid = await holder_pid(holder)

    async def is_adopted() -> bool:
        return int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1]) == pid

    await until(is_adopted)
    await LocalTerminal(process).kill()
    # Not even as a zombie.
    await until(lambda: has_no_entry(child))


async def has_no_entry(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_a_killed_holder_is_told_in_words_and_leaves_no_orphan(
    record: Path, folder: Path
) -> None:
    client = await HolderClient.begin(record)
    process = await start_shell(client, folder, "trap '' HUP; setsid sleep 1000 & sleep 1001; true")
    process.keep()
    await until(lambda: has_marked(folder, 3))
    os.kill(await holder_pid(client), signal.SIGKILL)
    with pytest.raises(EnvironmentUnavailable) as caught:
        await asyncio.wait_for(process.wait(), DEADLINE)
    assert "has ended" in caught.value.message
    assert caught.value.next_step
    await until(lambda: has_marked(folder, 0))
    with pytest.raises(EnvironmentUnavailable):
        await client.adopt()
    await LocalTerminal(process).kill()
    fresh = await HolderClient.begin(record)
    assert await fresh.adopt() == []
    fresh.close()


async def test_a_terminated_holder_ends_what_it_holds(record: Path, folder: Path) -> None:
    client = await HolderClient.begin(record)
    process = await start_shell(
        client, folder, "trap '' HUP TERM; setsid sleep 1000 & sleep 1001; true"
    )
    await until(lambda: has_marked(folder, 3))
    os.kill(await holder_pid(client), signal.SIGTERM)
    with contextlib.suppress(EnvironmentUnavailable):
        assert (await asyncio.wait_for(process.wait(), DEADLINE)).code == -signal.SIGKILL
    await until(lambda: has_marked(folder, 0))
    await until(lambda: is_gone_record(record))
    client.close()


async def test_its_socket_is_private_and_goes_with_it(record: Path) -> None:
    link = await asyncio.to_thread(begin_holder, str(record))
    path = Path(record.read_text())
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert record.stat().st_mode & 0o777 == 0o600
    link.close()

    async def is_removed() -> bool:
        return not path.parent.exists()

    await until(is_removed)


@pytest.mark.parametrize(
    "words",
    [
        b"nonsense\n",
        b"[1]\n",
        b'{"id": 1}\n',
        b'{"id": 1, "do": "start"}\n',
        b"\xff\x00\n",
        b"[" * 100_000 + b"\n",
        b'{"id": 1, "do": "start", "folder": "", "argv": ["true"], "terminal": [99999, 1]}\n',
        b'{"id": 1, "do": "start", "folder": "", "argv": ["true"], "terminal": ["a"]}\n',
        b'{"id": 1, "do": "signal", "job": 1, "to": "group", "number": 1e999}\n',
        b'{"id": 1, "do": "signal", "job": 1, "to": "group", "number": 99999999999999}\n',
    ],
    ids=range(10),
)
async def test_who_speaks_another_language_is_hung_up_on(
    record: Path, holder: HolderClient, folder: Path, words: bytes
) -> None:
    process = await start_shell(holder, folder, "read -t 300")
    stranger = find_holder(str(record))
    assert stranger is not None
    stranger.settimeout(DEADLINE)
    stranger.sendall(words)
    assert await asyncio.to_thread(stranger.recv, 10) == b""
    stranger.close()
    assert [each.pid for each in await holder.adopt()] == [process.pid]
    await LocalTerminal(process).kill()


async def test_a_cancelled_start_leaves_no_process(holder: HolderClient, folder: Path) -> None:
    starting = asyncio.create_task(start_shell(holder, folder, "sleep 1000"))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    async def has_nothing() -> bool:
        return not (await holder.ask({"do": "list"}))["jobs"]

    await until(has_nothing)
    assert not find_marked(MARK, str(folder))


async def test_many_terminals_leave_no_process_and_no_descriptor(
    holder: HolderClient, folder: Path
) -> None:
    pid = await holder_pid(holder)

    def descriptors() -> tuple[int, int]:
        return len([*Path(f"/proc/{pid}/fd").iterdir()]), len([*Path("/proc/self/fd").iterdir()])

    async def open_and_close(number: int) -> None:
        own = make_folder()
        process = await start_shell(holder, Path(own), f"echo {number}; read -t 300")
        await read_until(process, b"%d\r\n" % number)
        await LocalTerminal(process).kill()

    await open_and_close(0)
    before = descriptors()
    await asyncio.gather(*(open_and_close(number) for number in range(1, 21)))

    async def is_as_before() -> bool:
        return descriptors() <= before and not (await holder.ask({"do": "list"}))["jobs"]

    await until(is_as_before)
