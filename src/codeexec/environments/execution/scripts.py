"""Runs a runner script: JSON to its stdin, events from the lines of its stdout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.text.printable import printable
from codeexec.environments.base import EnvironmentPrimitive, ExecHandle
from codeexec.environments.execution.events import SCRIPT_OUTPUT, ScriptOutput, StreamEvent
from codeexec.environments.execution.standstill import wait_while_running

log = logging.getLogger(__name__)

LONGEST_LINE = 16 << 20
"""Bytes of an event; a longer line is skipped."""
KEPT_ERRORS = 2000
"""Bytes at the end of stderr that explain a failure."""
SHOWN = 80
"""Characters of a bad line in its warning."""
LINGER = 1.0
"""Seconds for which more output is waited for after the end of a script: what it has started, and
left, may hold it open for ever."""
STOP_GRACE = 2.0
"""Seconds between the interrupt of a script that is no longer wanted, and its end."""


async def run_script(
    primitive: EnvironmentPrimitive,
    name: str,
    command: Sequence[str],
    request: Mapping[str, object],
    env: Mapping[str, str],
) -> AsyncGenerator[StreamEvent, None]:
    """The events of a script, as they come; the last is a ScriptOutput, also where the script
    wrote none. A line that is no event is skipped with a warning. A caller that stops iterating
    interrupts the script, and ends it after STOP_GRACE. EnvironmentUnavailable: it cannot be
    started, or its place has ended."""
    handle = await primitive.exec(command, stdin=json.dumps(request), env=env)
    errors = asyncio.ensure_future(_end_of(_until_end(handle, handle.stderr)))
    output: ScriptOutput | None = None
    skipped = 0
    is_over = False
    try:
        async with aclosing(_until_end(handle, handle.stdout)) as chunks:
            async for line in _lines(chunks):
                if line is not None and not line.strip():
                    continue
                event = _event(line)
                if event is None:
                    skipped += 1
                    _warn(name, line)
                elif isinstance(event, ScriptOutput):
                    output = event
                elif output is None:
                    yield event
        code = await handle.wait()
        is_over = True
        yield _outcome(name, output, code, skipped, await errors)
    finally:
        if not is_over:
            await asyncio.shield(_stop(handle))
        errors.cancel()


async def _until_end(
    handle: ExecHandle, chunks: AsyncIterator[bytes]
) -> AsyncGenerator[bytes, None]:
    """A stream of a script to its end, or until LINGER has been waited after the script's."""
    loop = asyncio.get_running_loop()
    ending = asyncio.ensure_future(handle.wait())
    reading: asyncio.Future[bytes | None] = loop.create_future()
    left = LINGER
    try:
        while True:
            reading = asyncio.ensure_future(_next(chunks))
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                left = await wait_while_running({reading}, left)
            if not reading.done() or (chunk := reading.result()) is None:
                return
            yield chunk
    finally:
        reading.cancel()
        ending.cancel()
        await asyncio.gather(reading, ending, return_exceptions=True)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Lines without their ends; None for one that was too long."""
    pending: list[bytes] = []
    size = 0
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        size += len(first)
        if size <= LONGEST_LINE:
            pending.append(first)
        if not others:
            continue
        yield b"".join(pending) if size <= LONGEST_LINE else None
        for line in others[:-1]:
            yield line
        pending, size = [others[-1]], len(others[-1])
    if size:
        yield b"".join(pending) if size <= LONGEST_LINE else None


def _event(line: bytes | None) -> StreamEvent | None:
    """The event of a line; None for a line that has none."""
    try:
        value = json.loads(line or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(kind := value.get("type"), str):
        return None
    context = value.get("context")
    context = context if isinstance(context, dict) else {}
    payload = value.get("payload")
    if kind != SCRIPT_OUTPUT:
        return StreamEvent(kind, payload, context)
    error = value.get("error")
    return ScriptOutput(
        kind,
        payload,
        context,
        success=value.get("success") is True,
        data=value.get("data"),
        error=_words(error if isinstance(error, str) else json.dumps(error) if error else ""),
    )


def _outcome(
    name: str, output: ScriptOutput | None, code: int, skipped: int, errors: str
) -> ScriptOutput:
    ending = f"ended with exit code {code}" if code >= 0 else f"was ended by {_signal(-code)}"
    because = f": {errors.splitlines()[-1]}" if errors else ""
    if output is None and not code:
        error = f"The script {name} ended without a script_output{because}."
    elif output is None:
        error = f"The script {name} {ending}{because}."
    elif output.success and code:
        error = f"The script {name} {ending} after a script_output of success{because}."
    elif output.success:
        error = ""
    else:
        error = output.error or f"The script {name} {ending}{because}."
    return ScriptOutput(
        SCRIPT_OUTPUT,
        output.payload if output is not None else None,
        output.context if output is not None else {},
        success=not error,
        data=output.data if output is not None else None,
        error=error,
        skipped=skipped,
        exit_code=code,
    )


def _warn(name: str, line: bytes | None) -> None:
    if line is None:
        log.warning("a line of %s is longer than %d MB: skipped", name, LONGEST_LINE >> 20)
        return
    text = printable(line[: 4 * SHOWN].decode("utf-8", "replace")[:SHOWN])
    log.warning("a line of %s is no event, and is skipped: %s", name, text)


async def _end_of(chunks: AsyncIterator[bytes]) -> str:
    """The last line or lines of stderr, safe to show."""
    kept = b""
    async for chunk in chunks:
        kept = (kept + chunk)[-KEPT_ERRORS:]
    return _words(kept.decode("utf-8", "replace"))


def _words(text: str) -> str:
    """Its lines, safe to show, without empty ones."""
    return "\n".join(words for line in text.splitlines() if (words := printable(line.strip())))


async def _stop(handle: ExecHandle) -> None:
    with contextlib.suppress(EnvironmentUnavailable, TimeoutError):
        await handle.signal(signal.SIGINT)
        async with asyncio.timeout(STOP_GRACE):
            await handle.wait()
    await handle.kill()


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
