"""The wire against a real relay without any engine, and against peers that mean harm."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.domain.errors import EnvironmentUnavailable, ProtocolError
from codeexec.environments.base import TerminalSize
from codeexec.environments.processes import Child, start
from codeexec.environments.relay import connection as connection_module
from codeexec.environments.relay import processes as processes_module
from codeexec.environments.relay.boot import boot_arguments, relay_source
from codeexec.environments.relay.connection import RelayConnection
from codeexec.environments.relay.frames import HEADER, MOST, WINDOW, Kind
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.resumable import spool_source
from support.containers import until


@pytest.fixture
async def relay() -> AsyncIterator[Child]:
    child = await start([sys.executable, *boot_arguments()])
    assert child.stdin is not None
    child.stdin.write(relay_source())
    yield child
    await child.end()


@pytest.fixture
async def wire(relay: Child) -> AsyncIterator[RelayConnection]:
    assert relay.stdin is not None
    assert relay.stdout is not None
    made = RelayConnection(relay.stdout, relay.stdin)
    running = asyncio.create_task(made.run())
    await asyncio.wait_for(made.hello, 90)
    yield made
    running.cancel()


async def test_a_process_says_how_it_ended(wire: RelayConnection) -> None:
    process = await wire.spawn(["sh", "-c", "exit 7"], cwd="/", env={})
    assert await process.wait() == 7
    assert process.pid > 1


async def test_a_socket_that_is_bound_later_is_reached(
    wire: RelayConnection, tmp_path: Path
) -> None:
    path = str(tmp_path / "s")
    code = (
        "import socket, time\n"
        "time.sleep(0.2)\n"
        f"s = socket.socket(socket.AF_UNIX); s.bind({path!r}); s.listen()\n"
        "c, _ = s.accept()\n"
        "while data := c.recv(65536): c.sendall(data.upper())\n"
    )
    process = await wire.spawn([sys.executable, "-c", code], cwd="/", env={}, stdin=False)
    stream = wire.open(path, process)
    await stream.write(b"sent before it was bound")
    assert await asyncio.wait_for(stream.read(), 30) == b"SENT BEFORE IT WAS BOUND"
    stream.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_a_socket_that_is_never_bound_ends_with_its_process(
    wire: RelayConnection, tmp_path: Path
) -> None:
    process = await wire.spawn(["sleep", "0.1"], cwd="/", env={})
    stream = wire.open(str(tmp_path / "never"), process)
    assert await asyncio.wait_for(stream.read(), 30) == b""
    with pytest.raises(BrokenPipeError):
        await stream.write(b"x")


@pytest.mark.slow
async def test_the_end_of_the_pipe_ends_every_process(wire: RelayConnection, relay: Child) -> None:
    process = await wire.spawn(["sleep", "1000"], cwd="/", env={})
    assert relay.stdin is not None
    relay.stdin.close()
    assert await asyncio.wait_for(relay.wait(), 30) == 0
    with pytest.raises(EnvironmentUnavailable):
        await asyncio.wait_for(process.wait(), 90)

    async def gone() -> bool:
        return not Path(f"/proc/{process.pid}").exists()

    await until(gone)


def framing() -> Any:
    """The part of a spool that follows the frames of a relay in a job."""
    names: dict[str, Any] = {"__name__": "spool"}
    exec(spool_source().decode().removesuffix("main()\n"), names)
    spool = names["RelaySpool"].__new__(names["RelaySpool"])
    spool.kept, spool.unwritten = bytearray(), bytearray()
    spool.unfinished, spool.unparsed, spool.frame_rest = bytearray(), bytearray(), 0
    spool.awaits_greeting = False
    return spool


async def test_another_host_goes_on_with_the_processes_of_the_last(relay: Child) -> None:
    assert relay.stdin is not None
    spool, reader, next_reader = framing(), asyncio.StreamReader(), asyncio.StreamReader()

    async def carry() -> None:
        assert relay.stdout is not None
        while chunk := await relay.stdout.read(997):
            reader.feed_data(spool.after_greeting(chunk))

    first = RelayConnection(reader, relay.stdin)
    tasks = [asyncio.create_task(carry()), asyncio.create_task(first.run())]
    await asyncio.wait_for(first.hello, 90)
    process = await first.spawn(["sh", "-c", "read line; echo $line; exit 7"], cwd="/", env={})
    flood = await first.spawn(["yes"], cwd="/", env={}, stdin=False)
    terminal = await first.open_terminal(["sleep", "999"], size=TerminalSize(), cwd="/", env={})
    # The last host is killed amid a frame.
    half = HEADER.pack(Kind.DATA, 1, 100) + b"half"
    relay.stdin.write(spool.whole_frames(half))
    reader = next_reader
    spool.reset_relay()
    relay.stdin.write(bytes(spool.unwritten))
    second = RelayConnection(reader, relay.stdin)
    tasks.append(asyncio.create_task(second.run()))
    await asyncio.wait_for(second.hello, 90)
    assert second.process_of(terminal.pid) is None
    kept, other = second.process_of(process.pid), second.process_of(flood.pid)
    assert kept is not None
    assert other is not None
    assert (await asyncio.wait_for(anext(other.stdout), 90)).strip(b"y\n") == b""
    await kept.write(b"as before\n")
    assert await asyncio.wait_for(anext(kept.stdout), 90) == b"as before\n"
    assert await asyncio.wait_for(kept.wait(), 90) == 7
    fresh = await second.spawn(["sh", "-c", "exit 3"], cwd="/", env={})
    assert await asyncio.wait_for(fresh.wait(), 90) == 3
    await other.kill()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_command_too_long_for_a_frame_is_refused(wire: RelayConnection) -> None:
    with pytest.raises(EnvironmentUnavailable) as caught:
        await wire.spawn(["echo", "x" * MOST], cwd="/", env={})
    assert "stdin" in caught.value.next_step


# ---- peers that mean harm ----------------------------------------------------------------------


class Sink:
    """A writer that keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        return


def frame(kind: int, number: int, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, number, len(payload)) + payload


async def heard(*frames: bytes, opened: bool = False) -> RelayConnection:
    """A wire that was told these frames, to the pipe's end."""
    reader = asyncio.StreamReader()
    wire = RelayConnection(reader, Sink())
    if opened:
        spawning = asyncio.ensure_future(wire.spawn(["x"], cwd="/", env={}, stdin=False))
        await asyncio.sleep(0)
        assert not spawning.done()
        spawning.add_done_callback(lambda task: task.cancelled() or task.exception())
    for each in frames:
        reader.feed_data(each)
    reader.feed_eof()
    await asyncio.wait_for(wire.run(), 90)
    return wire


@pytest.mark.parametrize(
    "forged",
    [
        HEADER.pack(Kind.DATA, 1, MOST + 1),
        HEADER.pack(Kind.DATA, 1, 0xFFFFFFFF),
        frame(99, 1),
        frame(Kind.SPAWN, 1, b"{}"),
        frame(Kind.HELLO, 0, b"not json"),
        frame(Kind.HELLO, 0, b"[1]"),
        frame(Kind.HELLO, 0, b"[" * 100_000),
        frame(Kind.GRANT, 1, b"xx"),
    ],
    ids=lambda forged: forged[:9].hex(),
)
async def test_frames_that_make_no_sense_end_the_wire(forged: bytes) -> None:
    with pytest.raises(ProtocolError):
        await heard(forged)


async def test_a_stream_cannot_exceed_what_was_granted() -> None:
    flood = [frame(Kind.DATA, 2, bytes(1 << 17)) for _ in range((WINDOW >> 17) + 1)]
    with pytest.raises(ProtocolError):
        await heard(*flood, opened=True)


async def test_nobody_is_granted_what_was_never_sent() -> None:
    with pytest.raises(ProtocolError):
        await heard(frame(Kind.GRANT, 2, struct.pack(">I", 1)), opened=True)


async def test_an_exit_without_numbers_ends_the_wire() -> None:
    with pytest.raises(ProtocolError):
        await heard(frame(Kind.EXIT, 1, json.dumps({"code": "x"}).encode()), opened=True)


async def test_frames_for_what_is_not_there_are_passed_over() -> None:
    await heard(
        frame(Kind.DATA, 77, b"x"),
        frame(Kind.EOF, 77),
        frame(Kind.EXIT, 77, b"{}"),
        frame(Kind.ANSWER, 77, b"{}"),
        frame(Kind.FAILED, 77, b"{}"),
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5), st.binary(max_size=60))))
def test_whatever_comes_the_wire_ends_in_one_of_two_ways(
    frames: list[tuple[int, int, bytes]],
) -> None:
    async def tell() -> None:
        try:
            await heard(*(frame(*each) for each in frames), opened=True)
        except ProtocolError:
            pass

    asyncio.run(tell())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_frames_do_no_harm(noise: bytes) -> None:
    async def tell() -> None:
        try:
            await heard(noise)
        except ProtocolError:
            pass

    asyncio.run(tell())


# ---- answers that cannot be read, or never come -------------------------------------------------


async def answered(
    reader: asyncio.StreamReader, answer: bytes
) -> tuple[RelayConnection, asyncio.Future[None], asyncio.Future[GuestProcess]]:
    """A wire that runs, and a command to be spawned, which is answered so."""
    wire = RelayConnection(reader, Sink())
    running = asyncio.ensure_future(wire.run())
    spawning = asyncio.ensure_future(wire.spawn(["x"], cwd="/", env={}, stdin=False))
    await asyncio.sleep(0)
    reader.feed_data(frame(Kind.ANSWER, 1, answer))
    return wire, running, spawning


@pytest.mark.parametrize(
    "answer",
    [b"not json", b"[1]", b"[" * 100_000, b"{", b"\xff\xfe", b'{"pid": 1' + b"0" * 5000 + b"}"],
    ids=lambda answer: answer[:8].hex(),
)
async def test_who_waits_for_an_answer_that_cannot_be_read_hears_of_it(answer: bytes) -> None:
    reader = asyncio.StreamReader()
    _, running, spawning = await answered(reader, answer)
    with pytest.raises(EnvironmentUnavailable):
        await asyncio.wait_for(spawning, 90)
    with pytest.raises(ProtocolError):
        await asyncio.wait_for(running, 90)


@pytest.mark.parametrize(
    "answer",
    [b"{}", b'{"pid": "1"}', b'{"pid": true}', b'{"pid": null}', b'{"pid": 1' + b"0" * 400 + b"}"],
)
async def test_an_answer_without_its_number_is_an_error_of_the_request(answer: bytes) -> None:
    reader = asyncio.StreamReader()
    wire, running, spawning = await answered(reader, answer)
    with pytest.raises(ProtocolError, match="without a number 'pid'"):
        await asyncio.wait_for(spawning, 90)
    assert wire.running == []
    reader.feed_eof()
    await running


@pytest.mark.parametrize(
    "frames",
    [
        (),  # none at all
        (frame(Kind.ANSWER, 99, b'{"pid": 1}'), frame(Kind.FAILED, 99, b"{}")),  # another request's
        (frame(Kind.EXIT, 1, b'{"code": 0, "kills": 0, "peak": 0, "limit": 0}'),),
        (HEADER.pack(Kind.ANSWER, 1, 100) + b"half a frame",),
    ],
    ids=["none", "of another", "exit first", "half"],
)
async def test_an_answer_that_never_comes_is_an_error_in_words(
    frames: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "ANSWER_DEADLINE", 0.2)
    reader = asyncio.StreamReader()
    wire = RelayConnection(reader, Sink())
    running = asyncio.ensure_future(wire.run())
    for each in frames:
        reader.feed_data(each)
    for asked in (wire.spawn(["x"], cwd="/", env={}), wire.usage(), wire.sweep()):
        with pytest.raises(EnvironmentUnavailable, match=r"did not answer for 0\.2 s"):
            await asyncio.wait_for(asked, 90)
    assert wire.running == []
    running.cancel()


async def test_a_request_of_another_kind_that_fails_is_an_error_too() -> None:
    reader = asyncio.StreamReader()
    wire = RelayConnection(reader, Sink())
    running = asyncio.ensure_future(wire.run())
    asking = asyncio.ensure_future(wire.usage())
    await asyncio.sleep(0)
    reader.feed_data(frame(Kind.FAILED, 1, b'{"message": "no"}'))
    with pytest.raises(EnvironmentUnavailable, match="no"):
        await asyncio.wait_for(asking, 90)
    running.cancel()


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
async def test_a_word_that_no_command_can_have_leaves_the_relay_alive(
    wire: RelayConnection, word: str
) -> None:
    with pytest.raises(EnvironmentUnavailable, match="cannot be started"):
        await wire.spawn(["echo", word], cwd="/", env={})
    process = await wire.spawn(["sh", "-c", "exit 3"], cwd="/", env={})
    assert await asyncio.wait_for(process.wait(), 30) == 3


async def test_a_killed_process_whose_end_is_never_told_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes_module, "KILL_DEADLINE", 0.1)
    reader = asyncio.StreamReader()
    wire = RelayConnection(reader, Sink())
    running = asyncio.ensure_future(wire.run())
    spawning = asyncio.ensure_future(wire.spawn(["x"], cwd="/", env={}))
    await asyncio.sleep(0)
    reader.feed_data(frame(Kind.ANSWER, 1, b'{"pid": 7}'))
    process = await asyncio.wait_for(spawning, 90)
    await asyncio.wait_for(process.kill(), 90)
    running.cancel()


# ---- files without a name -----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["open", "mapped"])
async def test_bytes_of_files_without_a_name_are_counted(
    wire: RelayConnection, tmp_path: Path, how: str
) -> None:
    code = (
        "import mmap, os, sys\n"
        "file = open('filler', 'w+b'); file.write(bytes(8 << 20)); file.flush()\n"
        "os.unlink('filler')\n"
        f"if {how!r} == 'mapped':\n"
        "    area = mmap.mmap(file.fileno(), 8 << 20); file.close()\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    for _ in range(20):  # other programs of this machine may close theirs meanwhile
        before, _ = await wire.unnamed(str(tmp_path))
        process = await wire.spawn([sys.executable, "-c", code], cwd=str(tmp_path), env={})
        assert (await anext(process.stdout)).startswith(b"ready")
        during, _ = await wire.unnamed(str(tmp_path))
        await process.kill()
        assert during >= 8 << 20
        if during >= before + (8 << 20):
            return
    pytest.fail(f"8 MB were never counted: {before} before, {during} then")
