"""The journal of a session of queries: one event a line, in the format of a session's own journal.

A line is `{"seq": …, "at": …, "event": {"type": …}}`. Standard library alone: this is copied into
containers, beside the runner scripts that import it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

APP = "codeexec-tui"


class QueryJournal:
    """Written by one process at a time, which holds its lock."""

    def __init__(self, request: dict[str, Any]) -> None:
        """`request` is that of a runner script; its `session_id` is a plain name of a folder."""
        self.session_id = str(request["session_id"])
        if not self.session_id or self.session_id.startswith(".") or "/" in self.session_id:
            raise ValueError(f"{self.session_id!r} is no id of a session")
        state = os.environ.get("XDG_STATE_HOME", "")
        if not os.path.isabs(state):
            home = (request.get("base_paths") or {}).get("HOME_DIR") or os.path.expanduser("~")
            state = os.path.join(home, ".local", "state")
        self.folder = os.path.join(state, APP, "queries", self.session_id)
        self.path = os.path.join(self.folder, "journal.jsonl")
        self.seq = 0
        self.stdout = os.dup(1)
        """Where events go; descriptor 1 belongs to the code later."""
        self._file = -1
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """Be the one writer; waits for another query. Yields whether the session is new. What was
        cut off as its writer was killed is mended first."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file = os.open(self.path, flags, 0o600)
        os.register_at_fork(after_in_child=self._let_go)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            is_open = ""
            end = 0
            for record, after in read_records(self.path, 0):
                end = after
                self.seq = record["seq"]
                event = record["event"]
                if event["type"] == "execution_started":
                    is_open = event["execution_id"]
                elif event["type"] == "execution_finished":
                    is_open = ""
            os.ftruncate(self._file, end)
            if is_open:
                self.append(
                    {
                        "type": "execution_finished",
                        "execution_id": is_open,
                        "status": "lost",
                        "reason": "Its process was ended.",
                    }
                )
            yield self.seq == 0
        finally:
            os.close(self._file)

    def _let_go(self) -> None:
        """In a process that the code has forked: it must not hold the lock, nor the stream, open
        for as long as it runs."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        for file in (self.stdout, self._file):
            os.dup2(nothing, file, inheritable=False)
        os.close(nothing)

    def append(self, event: dict[str, Any]) -> dict[str, Any]:
        """Record an event; returns its line of the stream."""
        with self._writing:
            self.seq += 1
            record = {"seq": self.seq, "at": time.time(), "event": event}
            write_all(self._file, _line(record))
        return stream_event(self.session_id, record)

    def emit(self, event: dict[str, Any]) -> None:
        """Record an event, and write it to the stream."""
        write_all(self.stdout, _line(self.append(event)))

    def finish(self, data: object = None, error: str = "") -> int:
        """Write the script_output; returns the exit code."""
        output: dict[str, Any] = {"type": "script_output", "success": not error, "data": data}
        if error:
            output["error"] = error
        write_all(self.stdout, _line(output))
        return 1 if error else 0


def stream_event(session_id: str, record: dict[str, Any]) -> dict[str, Any]:
    context = {"session_id": session_id, "seq": record["seq"], "at": record["at"]}
    return {"type": record["event"]["type"], "payload": record["event"], "context": context}


def read_records(path: str, start: int) -> Iterator[tuple[dict[str, Any], int]]:
    """Records from a byte of the file on, each with the byte after it. A line without an end is
    not there yet; a damaged one is passed over."""
    try:
        file = open(path, "rb")  # noqa: SIM115  # in the next block
    except FileNotFoundError:
        return
    with file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            try:
                record = json.loads(line)
                record["event"]["type"], record["seq"], record["at"]
            except (ValueError, TypeError, KeyError):
                continue
            yield record, start


def read_request() -> dict[str, Any]:
    """The JSON object on stdin; exits with words for anything else."""
    try:
        request = json.load(sys.stdin)
    except ValueError as error:
        sys.exit(f"stdin is not JSON: {error}")
    if not isinstance(request, dict) or not isinstance(request.get("session_id"), str):
        sys.exit("stdin is not a JSON object with a session_id")
    return request


def write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"
