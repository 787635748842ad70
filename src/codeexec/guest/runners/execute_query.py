"""Runner script: run the code of a query, and write what happens as events of a session.

stdin: `{"session_id", "query", "execution_id", "base_paths"}`. The events are those of a session:
`execution_queued`, `execution_started`, `output_changed`, `execution_finished`. All that the code,
its children and its libraries print is in them, as descriptors 1 and 2 are pipes that the
script reads.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import linecache
import os
import re
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from codeexec.guest.runners.query_journal import QueryJournal, read_request
else:
    from query_journal import QueryJournal, read_request

QUERY = "<query>"
_PIECE = 1 << 16
_LONGEST_OPEN = 1 << 16
"""Characters of a line whose end has not come: a longer one is broken."""
_REPEATED = 100_000
"""Characters a second of lines whose end has not come: each piece that is added has all of it told
again."""
_LONGEST_TEXT = 100_000
"""Characters of a result or an error."""
_LAST_OUTPUT = 1.0
"""Seconds that children of the code may hold its pipes at the end."""
_GRACE = 2.0
"""Seconds between the interrupt and the end of code whose reader is gone."""
_UNSAFE = re.compile(
    r"\x1b\[[0-9;:]*m|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_SGR = re.compile(r"\x1b\[[0-9;:]*m")


class QueryOutput:
    """Rows of the execution, made from what comes out of the code's pipes."""

    def __init__(self, journal: QueryJournal, execution_id: str) -> None:
        self._journal = journal
        self._execution_id = execution_id
        self._total = 0
        self._open_kind = ""
        self._open_text = ""
        self._lock = threading.Lock()
        ends = [os.pipe(), os.pipe()]
        self._kinds = {ends[0][0]: "stdout", ends[1][0]: "stderr"}
        self._partial = dict.fromkeys(self._kinds, b"")
        for target, (_, write_end) in zip((1, 2), ends, strict=True):
            os.dup2(write_end, target)
            os.close(write_end)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        sys.stdout = _text_stream(1, "replace")
        sys.stderr = _text_stream(2, "backslashreplace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def finish(self) -> None:
        """Wait for what has been printed."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        self._reader.join(_LAST_OUTPUT)

    def add_object(self, run: dict[str, Any]) -> None:
        """A row that is an object: a result, an error."""
        with self._lock:
            self._open_kind = self._open_text = ""
            self._emit(self._total, [run], 1, False)

    def _read(self) -> None:
        """In a thread. Code whose reader is gone is interrupted, and then ended."""
        pipes = select.poll()
        for pipe in self._kinds:
            pipes.register(pipe, select.POLLIN)
        pipes.register(self._journal.stdout, 0)
        is_open = set(self._kinds)
        try:
            while is_open:
                for file, _ in pipes.poll():
                    if file == self._journal.stdout:
                        raise BrokenPipeError
                    data = os.read(file, _PIECE)
                    if not data:
                        pipes.unregister(file)
                        is_open.discard(file)
                    self._take(file, data)
                if len(self._open_text) > len(data):
                    time.sleep(len(self._open_text) / _REPEATED)
        except OSError:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(_GRACE)
            os.killpg(0, signal.SIGKILL)

    def _take(self, file: int, data: bytes) -> None:
        data = self._partial[file] + data
        # A character may be cut in two.
        cut = len(data) - _incomplete(data)
        self._partial[file] = data[cut:]
        if text := data[:cut].decode("utf-8", "replace"):
            with self._lock:
                self._add_text(self._kinds[file], text)

    def _add_text(self, kind: str, text: str) -> None:
        start = self._total
        if self._open_kind == kind:
            start -= 1
            text = self._open_text + text
        *whole, last_line = text.split("\n")
        last_line = last_line[
            last_line.rstrip("\r").rfind("\r") + 1 :
        ]  # what was written over is not shown
        is_open = bool(last_line) and len(last_line) <= _LONGEST_OPEN
        rows = [*whole, last_line] if last_line else whole
        self._open_kind, self._open_text = (kind, last_line) if is_open else ("", "")
        if rows:
            run: dict[str, Any] = {"kind": kind, "text": "\n".join(map(_safe, rows))}
            if is_open:
                run["open"] = True
            self._emit(start, [run], len(rows), is_open)

    def _emit(self, start: int, runs: list[dict[str, Any]], rows: int, is_open: bool) -> None:
        self._total = start + rows
        event: dict[str, Any] = {
            "type": "output_changed",
            "execution_id": self._execution_id,
            "start": start,
            "total": self._total,
            "runs": runs,
        }
        if is_open:
            event["unfinished"] = True
        self._journal.emit(event)


def _text_stream(file: int, errors: str) -> TextIO:
    return open(file, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False)


def _incomplete(data: bytes) -> int:
    """Bytes at the end that begin a character of UTF-8 whose rest has not come."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 2 if byte >> 5 == 6 else 3 if byte >> 4 == 14 else 4 if byte >> 3 == 30 else 1
        return back if needed > back else 0
    return 0


def _safe(row: str) -> str:
    """Text of a row that is safe to show: of escape sequences it keeps colours alone."""
    row = row.rstrip("\r").rsplit("\r", 1)[-1]
    row = _UNSAFE.sub(lambda match: match[0] if _SGR.fullmatch(match[0]) else "", row)
    return f"{row}\x1b[0m" if "\x1b[" in row else row


def run_code(query: str) -> object:
    """The value of the last expression, or None. Top-level `await` works."""
    linecache.cache[QUERY] = (len(query), None, query.splitlines(keepends=True), QUERY)
    tree = ast.parse(query, QUERY)
    last = tree.body[-1] if tree.body else None
    shown = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    if shown is not None:
        tree.body.pop()
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def evaluate(code: Any) -> Any:
        return eval(code, names)

    whole = compile(tree, QUERY, "exec", flags=flags)
    final = compile(shown, QUERY, "eval", flags=flags) if shown is not None else None
    codes = [code for code in (whole, final) if code is not None]
    if not any(code.co_flags & inspect.CO_COROUTINE for code in codes):
        values = [evaluate(code) for code in codes]
    else:

        async def run() -> list[object]:
            found = []
            for code in codes:
                value = evaluate(code)
                found.append(await value if code.co_flags & inspect.CO_COROUTINE else value)
            return found

        values = asyncio.run(run())
    return values[-1] if final is not None else None


def error_of(error: BaseException) -> dict[str, Any]:
    """An exception of the code, without our own frames."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != QUERY:
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error, frames)
    text = "".join(line[:_LONGEST_TEXT] for line in lines).rstrip("\n").split("\n")
    return {
        "name": type(error).__name__,
        "value": _shown(str, error),
        "traceback": [_safe(line) for line in text],
    }


def _shown(write: Callable[[object], str], value: object) -> str:
    """The text of an object of the code, cut to _LONGEST_TEXT, also where it cannot be written."""
    try:
        text = write(value)
    except Exception as error:
        text = f"<{type(value).__name__}: its text cannot be made: {type(error).__name__}>"
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}… ({len(text):,} characters)"
    return "\n".join(map(_safe, text.split("\n")))


def result_of(value: object, execution_id: str) -> dict[str, Any]:
    text = _shown(repr, value)
    part = {"mime": "text/plain", "size": len(text.encode("utf-8", "replace")), "text": text}
    return {
        "kind": "display",
        "display": {"key": f"{execution_id}-result", "parts": [part], "role": "result"},
    }


def main() -> int:
    request = read_request()
    query, execution_id = str(request.get("query", "")), str(request.get("execution_id") or "query")
    journal = QueryJournal(request)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with journal.locked():
        queued = {"type": "execution_queued", "execution_id": execution_id, "code": query}
        journal.emit(queued)
        journal.emit({"type": "execution_started", "execution_id": execution_id})
        output = QueryOutput(journal, execution_id)
        # Not the folder of this script, which is what Python puts there.
        sys.path[0] = os.getcwd()
        ended: dict[str, Any] = {"type": "execution_finished", "execution_id": execution_id}
        process = os.getpid()
        shown, error = None, None
        try:
            value = run_code(query)
            if value is not None:
                shown = result_of(value, execution_id)
            ended["status"] = "ok"
        except KeyboardInterrupt:
            ended |= {"status": "cancelled", "reason": "It was interrupted."}
        except BaseException as raised:
            if isinstance(raised, SystemExit) and raised.code in (None, 0):
                ended["status"] = "ok"
            else:
                error = error_of(raised)
                ended |= {"status": "error", "error": error}
        if os.getpid() != process:
            sys.stdout.flush()
            os._exit(0 if error is None else 1)  # the code has forked: this is not the query
        output.finish()
        if shown is not None:
            output.add_object(shown)
        if error is not None:
            output.add_object({"kind": "error", "error": error})
        journal.emit(ended)
    reason = ended.get("reason", "")
    if error is not None:
        reason = f"{error['name']}: {error['value']}" if error["value"] else error["name"]
    result = shown["display"]["parts"][0]["text"] if shown is not None else None
    data = {"execution_id": execution_id, "status": ended["status"], "result": result}
    return journal.finish(data, reason)


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    finally:
        if sys.exc_info()[0] is None:
            os._exit(code)  # threads that the code left do not keep it
