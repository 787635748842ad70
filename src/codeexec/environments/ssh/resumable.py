"""A line over ssh to a relay that goes on where it was cut: the near end of `guest/relay_spool.py`.

Both ends count the bytes of both directions and keep what the other one has not acknowledged. So
the reader and the writer here see one stream that is silent while the line is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import struct
import time
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import NamedTuple

from codeexec.domain.errors import ProtocolError
from codeexec.domain.events.lines import LineCut
from codeexec.domain.places.logins import AskUser
from codeexec.domain.places.ssh import SshPlace
from codeexec.domain.text.printable import printable
from codeexec.environments.relay.boot import BOOT, relay_source
from codeexec.environments.ssh.command import line_command
from codeexec.environments.ssh.failures import ASKED_ABOUT, SshFailure, failure_of, slow
from codeexec.environments.ssh.login import log_in, master_id
from codeexec.environments.ssh.process import SshProcess

HEADER = struct.Struct(">BQI")
"""Kind, offset in the bytes of its direction, length of the payload."""
HELLO, DATA, ACK, END, GONE, BYE, FRESH, SAID = range(8)
MOST = 1 << 20
"""Bytes of a payload at most."""
ACK_EVERY = 1 << 16
"""Bytes after which they are acknowledged."""
MARK = b"codeexec-spool "
OPEN_WAIT = 40.0
"""Seconds for a machine to answer, with its login."""
END_WAIT = 8.0
"""Seconds for all that runs there to end, and for a line that is cut to come back for that."""
LEAVE_WAIT = 2.0
"""Seconds for what was written last to go out."""
PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before each attempt to open the line again; the last one is used again and again."""

_PYTHONS = "python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9"
_IS_NEW = "import sys; sys.exit(sys.version_info < (3, 9))"


_ending: set[asyncio.Task[None]] = set()
"""Lines that are opened again and again to end what runs there."""


class Far(NamedTuple):
    """What the spool says of itself: its folder, and home folder and Python of the user there."""

    folder: PurePosixPath
    home: PurePosixPath
    python: str
    version: tuple[int, int]


class ResumableLine:
    """One spool with its relay, on the loop that opened it. `reader` has what the relay says, and
    ends when the relay has ended or cannot be reached any more; `failure` says why then."""

    def __init__(
        self,
        place: SshPlace,
        on_line: Callable[[LineCut | None], None],
        ask_user: AskUser | None = None,
        *,
        launch: str = "",
        on_said: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`on_line` is called when the line is cut, at each attempt that fails, and with None when
        it is back. `ask_user` answers what `ssh` asks; None: it asks nothing. `launch` starts the
        relay in a job (`domain/places/jobs.py`), and `on_said` is called with what it says."""
        self.place = place
        self._launch, self._on_said = launch, on_said
        self._ask_user = ask_user
        self._is_tired = False
        """The last login failed: the user is not asked again before they want another attempt."""
        self.reader = asyncio.StreamReader()
        self.failure: SshFailure | None = None
        self.far: Far | None = None
        self._on_line = on_line
        self._writer: asyncio.StreamWriter | None = None
        """Of the line, once the spool has said how much it has."""
        self._kept = bytearray()
        self._acknowledged = 0
        self._received = 0
        self._told = 0
        self._running: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._bye = asyncio.Event()
        self._is_ending = False
        self._is_fresh = False
        """The spool does not know yet that it has another session server."""

    async def open(self) -> Far:
        """Start a spool there. SshFailure."""
        size = len(relay_source())
        order = json.dumps({"relay": size, "boot": BOOT, "launch": self._launch}).encode()
        process, self.far = await self._begin(order, relay_source())
        self._running = asyncio.create_task(self._run(process), name=f"line to {self.place.host}")
        return self.far

    async def take_over(self, folder: str) -> Far:
        """Go on with a spool that another session server has left, with a new relay. SshFailure
        where there is none any more, or no line can be opened."""
        self._is_fresh = True
        process, self.far = await self._begin(json.dumps({"folder": folder}).encode())
        self._running = asyncio.create_task(self._run(process), name=f"line to {self.place.host}")
        return self.far

    async def leave(self) -> None:
        """Close the line, and leave all there for another session server."""
        running, self._running = self._running, None
        if running is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_WAIT):
                    if self._writer is not None:
                        self._writer.transport.set_write_buffer_limits(0)  # drain all
                    await self.drain()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def join(self, folder: str) -> None:
        """Join a spool that another process of this user has left, to end it."""
        self.far = Far(PurePosixPath(folder), PurePosixPath("/"), "", (0, 0))
        self._running = asyncio.create_task(self._run(None), name=f"line to {self.place.host}")

    # ---- for the relay's connection ------------------------------------------------------------

    def write(self, data: bytes) -> None:
        offset = self._acknowledged + len(self._kept)
        self._kept += data
        if self._writer is not None and not self._writer.is_closing():
            self._send_from(self._writer, offset)

    async def drain(self) -> None:
        """What is written while the line is cut is bounded by the relay's own windows."""
        writer = self._writer
        if writer is not None:
            with contextlib.suppress(ConnectionError):
                await writer.drain()

    # ---- its life ------------------------------------------------------------------------------

    def try_now(self) -> None:
        """Make the next attempt to open the line at once."""
        self._is_tired = False
        self._hurry.set()

    async def end(self) -> bool:
        """End all that was started there; false where that is not known, as the line is cut. Then
        it is tried on as long as this process lives."""
        running = self._running
        if running is None:
            return True
        self._is_ending = True
        self.try_now()
        if self._writer is not None:
            self._writer.write(HEADER.pack(END, 0, 0))
        try:
            async with asyncio.timeout(END_WAIT):
                await asyncio.shield(running)
        except TimeoutError:
            _ending.add(running)
            running.add_done_callback(_ending.discard)
        except asyncio.CancelledError:
            running.cancel()
            raise
        return self._bye.is_set()

    async def _run(self, process: SshProcess | None) -> None:
        """Serve the line, and open it again whenever it is cut."""
        assert self.far is not None
        order = json.dumps({"folder": str(self.far.folder)}).encode()
        attempts, since = 0, time.time()
        ends = False
        try:
            while True:
                try:
                    if process is None:
                        process, _ = await self._begin(order)
                    await self._serve(process)
                except SshFailure as error:
                    if error.kind == "gone" and not self._is_ending:
                        self.failure = error
                    if error.kind == "gone":
                        self._bye.set()
                        return
                    failure = error
                else:
                    return
                if process is not None:
                    attempts, since, process = 0, time.time(), None
                if self._is_ending and not ends:
                    ends, attempts = True, 0  # soon, before that is given up
                await self._pause(attempts, since, failure)
                attempts += 1
        finally:
            self._writer = None
            self.reader.feed_eof()

    async def _pause(self, attempts: int, since: float, failure: SshFailure) -> None:
        seconds = PAUSES[min(attempts, len(PAUSES) - 1)]
        self._hurry.clear()
        self._on_line(LineCut(since, failure.message, time.time() + seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _begin(self, order: bytes, relay: bytes = b"") -> tuple[SshProcess, Far]:
        """A process whose stdio is the line, and what the other end says of itself. Where the
        machine does not let us in unasked, the user is asked. SshFailure."""
        place, ask = self.place, self._ask_user
        master = await asyncio.to_thread(master_id, place.host, place.port)
        try:
            return await self._begin_unasked(order, relay)
        except SshFailure as error:
            if ask is None or error.kind not in ASKED_ABOUT or self._is_tired or self._is_ending:
                raise
        self._is_tired = True
        await log_in(place.host, place.port, place.host, ask, master)
        opened = await self._begin_unasked(order, relay)
        self._is_tired = False
        return opened

    async def _begin_unasked(self, order: bytes, relay: bytes) -> tuple[SshProcess, Far]:
        """As `_begin`, and asks nothing."""
        name = self.place.host
        process = await asyncio.to_thread(SshProcess, _command(self.place), name)
        content = spool_source() + struct.pack(">I", len(order)) + order + relay
        sending = asyncio.create_task(_send(process, content))
        try:
            async with asyncio.timeout(OPEN_WAIT):
                answer = await process.answer(MARK, _without_python)
            return process, _far(name, answer)
        except TimeoutError as error:
            process.close()
            raise slow(name) from error
        except BaseException:
            process.close()
            raise
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _serve(self, process: SshProcess) -> None:
        """Carry frames until the relay has ended. SshFailure when the line is cut."""
        reader, writer = await asyncio.open_connection(sock=process.socket)
        try:
            # One that only comes to end the spool does not know how much it has sent.
            first = END if self._is_ending else FRESH if self._is_fresh else HELLO
            writer.write(HEADER.pack(first, self._received, 0))
            self._told = self._received
            while True:
                kind, offset, length = HEADER.unpack(await reader.readexactly(HEADER.size))
                if length > MOST:
                    raise ProtocolError(f"A frame of {length} bytes came over the line.")
                payload = await reader.readexactly(length)
                if kind == GONE and not self._is_ending:
                    # The relay has ended, and nothing can be done with the spool any more.
                    self._is_ending = True
                    writer.write(HEADER.pack(END, 0, 0))
                elif kind == BYE:
                    self._bye.set()
                    return
                else:
                    self._take(kind, offset, payload, writer)
        except ProtocolError as error:
            raise SshFailure("gone", error.message, "Restart the kernel.") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise await asyncio.to_thread(process.failure) from error
        finally:
            self._writer = None
            writer.transport.abort()
            process.close()

    def _take(self, kind: int, offset: int, payload: bytes, writer: asyncio.StreamWriter) -> None:
        if kind in (HELLO, ACK):
            count = offset - self._acknowledged
            if not 0 <= count <= len(self._kept):
                raise ProtocolError("The other end acknowledged what was never sent.")
            del self._kept[:count]
            self._acknowledged = offset
            if kind == HELLO:
                self._is_fresh = False
                self._writer = writer
                self._on_line(None)
                self._send_from(writer, offset)
                if self._is_ending:
                    writer.write(HEADER.pack(END, 0, 0))
        elif kind == DATA:
            if offset != self._received:
                raise ProtocolError("Bytes are missing on the line.")
            self._received += len(payload)
            self.reader.feed_data(payload)
            if self._received - self._told >= ACK_EVERY:
                writer.write(HEADER.pack(ACK, self._received, 0))
                self._told = self._received
        elif kind == SAID:
            self._on_said(payload.decode("utf-8", "replace"))

    def _send_from(self, writer: asyncio.StreamWriter, offset: int) -> None:
        """Send what is kept from this offset on."""
        while unsent := bytes(self._kept[offset - self._acknowledged :][:MOST]):
            writer.write(HEADER.pack(DATA, offset, len(unsent)) + unsent)
            offset += len(unsent)


async def _send(process: SshProcess, content: bytes) -> None:
    with contextlib.suppress(OSError):  # the answer says why it has ended
        await asyncio.get_running_loop().sock_sendall(process.socket, content)


def _command(place: SshPlace) -> list[str]:
    boot = shlex.join(["-IS", "-c", BOOT, str(len(spool_source()))])
    script = (
        f'for python in {_PYTHONS}; do if command -v "$python" >/dev/null 2>&1 && '
        f'"$python" -c {shlex.quote(_IS_NEW)} </dev/null 2>/dev/null; '
        f'then exec "$python" {boot}; fi; done; '
        f'echo; echo \'{MARK.decode()}{{"problem":"python"}}\'; exit 127'
    )
    return line_command(place.host, place.port, script)


def _far(name: str, answer: bytes) -> Far:
    try:
        facts = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise failure_of(name, None, printable(answer[:200].decode("utf-8", "replace"))) from error
    match facts:
        case {"problem": "python"}:
            raise _without_python(name)
        case {"problem": "gone"}:
            raise SshFailure(
                "gone",
                f"What ran on {name} has ended: the machine was started again, or its relay was "
                "ended there.",
                "Restart the kernel.",
            )
        case {"problem": str(), "message": message}:
            why = printable(str(message))
            raise SshFailure("server", f"The relay cannot be started on {name}: {why}.")
        case {
            "folder": str(folder),
            "home": str(home),
            "python": str(python),
            "version": [int(major), int(minor), *_],
        }:
            return Far(PurePosixPath(folder), PurePosixPath(home), python, (major, minor))
    raise failure_of(name, None, "its answer makes no sense")


def _without_python(name: str, why: str = "") -> SshFailure:
    reason = f" ({why})" if why else ""
    return SshFailure(
        "python",
        f"No Python 3.9 or later was found on {name}{reason}.",
        f"Install one there, or look at the PATH of a login: ssh {name} 'echo $PATH'",
    )


@cache
def spool_source() -> bytes:
    """Guest code is read as a file: nothing on our side imports it."""
    return resources.files("codeexec").joinpath("guest", "relay_spool.py").read_bytes()
