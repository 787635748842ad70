"""A Transport over the pipes of a runner: translates Jupyter's requests and the runner's frames.

The runner (`guest/runner`) speaks lines of JSON. What it has no frame for is answered here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping

import msgspec

from codeexec.domain.text.printable import printable
from codeexec.kernels.jupyter.messages.codec import Message, Parent, decode_object
from codeexec.kernels.jupyter.transport import Channel, Receiver
from codeexec.kernels.runner.launch import FRAMES, REQUESTS

log = logging.getLogger(__name__)

TRACE = "CODEEXEC_IPC_TRACE"
"""The variable of the environment with which frames are logged."""
LONGEST_TRACED = 2000
LONGEST_LOGGED = 200
LONGEST_FRAME = 80 << 20
"""Bytes of a line; a longer one is left out. The runner itself sends no longer ones than 64 MiB."""
CHUNK = 1 << 16
IMPLEMENTATION = "runner"

_encode = msgspec.json.Encoder().encode

_MESSAGES: Mapping[str, tuple[Channel, str]] = {
    "started": ("iopub", "execute_input"),
    "stdout": ("iopub", "stream"),
    "stderr": ("iopub", "stream"),
    "display": ("iopub", "display_data"),
    "result": ("iopub", "execute_result"),
    "error": ("iopub", "error"),
    "clear": ("iopub", "clear_output"),
    "input": ("stdin", "input_request"),
}
_QUESTIONS = {
    "complete_request": "complete",
    "inspect_request": "inspect",
    "is_complete_request": "is_complete",
    "comm_open": "ask",
}


class RunnerTransport:
    """Open from the start of a process to its end, or to `close`."""

    outbox_codec = None
    answers_beside_code = True

    def __init__(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> None:
        self._requests, self._frames = int(str(endpoint[REQUESTS])), int(str(endpoint[FRAMES]))
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[memoryview] = deque()
        self._line = bytearray()
        self._skipped = 0
        """Bytes of a line that is too long, up to now."""
        self._info: dict[str, object] | None = None
        self._greetings: list[tuple[Channel, str]] = []
        self._payloads: dict[str, list[dict[str, object]]] = {}
        self._turning: asyncio.Handle | None = None
        self._count = self._delivered = 0
        self._is_closed = self._is_ended = False
        self._is_traced = bool(os.environ.get(TRACE))
        for fd in (self._requests, self._frames):
            os.set_blocking(fd, False)
        self._loop.add_reader(self._frames, self._read)

    # -- requests ------------------------------------------------------------------------

    def send(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        *,
        msg_id: str,
        subshell: str = "",
        parent: bytes = b"{}",
        metadata: dict[str, object] | None = None,
    ) -> None:
        if kind == "kernel_info_request":
            if self._info is not None:
                self._write(type="wake")  # it is asked for this after an interrupt
            self._greetings.append((channel, msg_id))
            self._greet()
        elif kind == "execute_request":
            self._write(
                id=msg_id,
                code=content["code"],
                silent=content["silent"],
                storeHistory=content["store_history"],
                allowStdin=content["allow_stdin"],
                columns=(metadata or {}).get("codeexec_columns", 0),
            )
        elif kind == "input_reply":
            self._write(type="input", text=content["value"])
        elif kind == "shutdown_request":
            self._write(type="exit")
        elif kind in _QUESTIONS:
            data = content.get("data")
            code = data["code"] if isinstance(data, dict) else content.get("code", "")
            cursor, detail = content.get("cursor_pos", 0), content.get("detail_level", 0)
            self._write(type=_QUESTIONS[kind], id=msg_id, code=code, cursor=cursor, detail=detail)
        else:
            log.debug("a runner has no request of the type %s", kind)

    def _write(self, **request: object) -> None:
        if self._is_closed:
            return
        line = _encode(request)
        if self._is_traced:
            traced = b'{"type":"input"}' if request.get("type") == "input" else line
            self._trace(">", traced)  # an answer may be a password
        self._unsent.append(memoryview(line + b"\n"))
        if len(self._unsent) == 1:
            self._flush()

    def _flush(self) -> None:
        while self._unsent:
            try:
                written = os.write(self._requests, self._unsent[0])
            except BlockingIOError:
                self._loop.add_writer(self._requests, self._flush)
                return
            except OSError:
                self._unsent.clear()  # it has ended, which others tell
                break
            self._unsent[0] = self._unsent[0][written:]
            if not self._unsent[0]:
                self._unsent.popleft()
        self._loop.remove_writer(self._requests)

    # -- frames --------------------------------------------------------------------------

    def _read(self) -> None:
        """One turn: what is there, up to a chunk."""
        try:
            data = os.read(self._frames, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._is_ended = True
            self._loop.remove_reader(self._frames)
            return
        self._count += 1
        self._take(data)
        if self._receiver.turned() and not self._is_closed:
            self._loop.remove_reader(self._frames)
            self._turning = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Hand on the rest of what was read before more is read."""
        self._turning = None
        if self._receiver.turned():
            self._turning = self._loop.call_soon(self._turn)
        elif not self._is_closed and not self._is_ended:
            self._loop.add_reader(self._frames, self._read)

    def _take(self, data: bytes) -> None:
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._line += end
            line, self._line = bytes(self._line), bytearray()
            skipped, self._skipped = self._skipped, 0
            if skipped or len(line) > LONGEST_FRAME:
                self._tell_left_out(skipped + len(line))
            elif not self._is_closed:
                self._take_line(line)
        self._line += rest
        if len(self._line) > LONGEST_FRAME or self._skipped:
            self._skipped += len(self._line)
            self._line.clear()

    def _take_line(self, line: bytes) -> None:
        if self._is_traced:
            self._trace("<", line)
        try:
            frame = decode_object(line)
        except (ValueError, RecursionError):
            log.warning(
                "a line of a runner that is no frame was skipped: %s", _logged(line, LONGEST_LOGGED)
            )
            return
        kind, parent = str(frame.get("type", "")), str(frame.get("id", ""))
        if kind in _MESSAGES:
            channel, name = _MESSAGES[kind]
            if kind == "display" and frame.get("update"):
                name = "update_display_data"
            self._deliver(channel, name, parent, _CONTENTS[kind](frame))
        elif kind == "done":
            self._finish(frame, parent)
        elif kind == "answer":
            self._answer(frame, parent)
        elif kind == "next":
            payload = {"source": "set_next_input", "text": frame.get("text"),
                       "replace": frame.get("replaces") is True}  # fmt: skip
            self._payloads.setdefault(parent, []).append(payload)
        elif kind == "ready":
            self._info = _kernel_info(frame)
            self._greet()
        else:
            log.warning("a frame of an unknown type was skipped: %s", _logged(line, LONGEST_LOGGED))

    def _finish(self, frame: dict[str, object], parent: str) -> None:
        reply = {
            "status": frame.get("status"),
            "execution_count": frame.get("executionCount"),
            "ename": frame.get("ename"),
            "evalue": frame.get("evalue"),
            "payload": self._payloads.pop(parent, []),
        }
        self._deliver("shell", "execute_reply", parent, reply)
        self._deliver("iopub", "status", parent, {"execution_state": "idle"})

    def _answer(self, frame: dict[str, object], parent: str) -> None:
        fields = {key: value for key, value in frame.items() if key not in ("type", "id")}
        # The answer to helper code comes as that to a comm does.
        content: dict[str, object] = (
            {"data": fields} if fields.keys() & {"text", "error"} else fields
        )
        self._deliver("shell", "reply", parent, content)

    def _greet(self) -> None:
        """Answer requests for kernel information, once the runner has described itself."""
        info = self._info
        if info is None:
            return
        greetings, self._greetings = self._greetings, []
        idle: dict[str, object] = {"execution_state": "idle"}
        for channel, msg_id in greetings:
            # Later, as the asker may not wait yet.
            self._loop.call_soon(self._deliver, "iopub", "status", "", idle)
            self._loop.call_soon(self._deliver, channel, "kernel_info_reply", msg_id, info)

    def _deliver(
        self, channel: Channel, kind: str, parent: str, content: dict[str, object]
    ) -> None:
        """Hand a message on that answers or belongs to the request `parent`."""
        if not self._is_closed:
            header = _encode({"msg_id": parent, "msg_type": "execute_request"})
            self._delivered += 1
            msg_id = f"frame-{self._delivered}"
            message = Message(kind, msg_id, Parent(msg_id=parent), content, header)
            self._receiver.received(channel, message)

    def _tell_left_out(self, size: int) -> None:
        log.warning("a line of a runner was left out: it has %d bytes", size)
        text = f"[A message of {size:,} bytes was left out: {LONGEST_FRAME:,} are the most.]\n"
        self._deliver("iopub", "stream", "", {"name": "stderr", "text": text})

    def _trace(self, direction: str, line: bytes) -> None:
        log.info("runner %s %s", direction, _logged(line, LONGEST_TRACED))

    # -- the end -------------------------------------------------------------------------

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._turning is not None:
            self._turning.cancel()
        self._loop.remove_reader(self._frames)
        self._loop.remove_writer(self._requests)
        os.close(self._frames)
        os.close(self._requests)

    async def drain(self, quiet: float, longest: float) -> None:
        end = self._loop.time() + longest
        while not self._is_closed and not self._is_ended and self._loop.time() < end:
            count = self._count
            await asyncio.sleep(quiet)
            if self._count == count and self._turning is None:
                return


def _kernel_info(frame: dict[str, object]) -> dict[str, object]:
    version = str(frame.get("version", ""))
    return {
        "status": "ok",
        "implementation": IMPLEMENTATION,
        "banner": str(frame.get("banner", "")),
        "language_info": {
            "name": "python",
            "version": version,
            "mimetype": "text/x-python",
            "file_extension": ".py",
            "pygments_lexer": "ipython3",
            "nbconvert_exporter": "python",
            "codemirror_mode": {"name": "ipython", "version": 3},
        },
        "supported_features": [],
    }


def _display(frame: dict[str, object]) -> dict[str, object]:
    return {
        "data": frame.get("bundle"),
        "metadata": frame.get("metadata"),
        "transient": {"display_id": frame.get("displayId")},
        "execution_count": frame.get("executionCount"),
    }


_CONTENTS: Mapping[str, Callable[[dict[str, object]], dict[str, object]]] = {
    "started": lambda frame: {"execution_count": frame.get("executionCount")},
    "stdout": lambda frame: {"name": "stdout", "text": frame.get("data")},
    "stderr": lambda frame: {"name": "stderr", "text": frame.get("data")},
    "display": _display,
    "result": _display,
    "error": lambda frame: {key: frame.get(key) for key in ("ename", "evalue", "traceback")},
    "clear": lambda frame: {"wait": frame.get("wait")},
    "input": lambda frame: {key: frame.get(key) for key in ("prompt", "password")},
}


def _logged(line: bytes, limit: int) -> str:
    return printable(line[: 4 * limit].decode("utf-8", "replace"))[:limit]
