"""Writes to stdout and stderr without blocking the event loop, even if the reader is slow."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import shutil
import threading
from queue import SimpleQueue
from typing import TextIO

from codeexec.cli.failed_output import output_error

_AT_ONCE = select.PIPE_BUF
"""Bytes that a ready descriptor takes without blocking."""


class AsyncWriter:
    """A standard stream: `write` buffers text, `flush` writes it."""

    def __init__(self, stream: TextIO) -> None:
        self.fd = stream.fileno()
        self.is_terminal = stream.isatty()
        self._pending: list[str] = []
        self._writer: _WriterThread | None = None
        stream.flush()

    def write(self, text: str) -> None:
        self._pending.append(text)

    def size(self) -> tuple[int, int]:
        """Current columns and lines of the terminal."""
        try:
            size = os.get_terminal_size(self.fd)
        except OSError:
            size = shutil.get_terminal_size()
        return max(size.columns, 2), max(size.lines, 2)

    async def flush(self) -> None:
        """Write the buffered text. BrokenPipeError when the reader closed the pipe, StorageError
        when it cannot be written, such as to a full disk."""
        if not self._pending:
            return
        data = "".join(self._pending).encode("utf-8", "replace")
        self._pending.clear()
        try:
            await self._send(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.errno == errno.EIO and self.is_terminal:  # the terminal was closed
                raise BrokenPipeError from error
            raise output_error(error) from error

    async def _send(self, data: bytes) -> None:
        if len(data) <= _AT_ONCE and self._is_ready():
            _write_all(self.fd, data)
            return
        # Not a thread of the loop's executor: while it blocks, the process could not exit.
        self._writer = self._writer or _WriterThread(self.fd)
        await self._writer.write(data)

    def _is_ready(self) -> bool:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        return bool(poll.poll(0))


class _WriterThread:
    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._jobs: SimpleQueue[tuple[bytes, asyncio.Future[None]]] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, name=f"write-{fd}", daemon=True).start()

    async def write(self, data: bytes) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((data, done))
        await done

    def _work(self) -> None:
        while True:
            data, done = self._jobs.get()
            problem: OSError | None = None
            try:
                _write_all(self._fd, data)
            except OSError as error:
                problem = error
            try:
                self._loop.call_soon_threadsafe(_settle, done, problem)
            except RuntimeError:
                return  # the loop has ended without waiting for us


def _settle(done: asyncio.Future[None], problem: OSError | None) -> None:
    if done.done():
        return
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            # Another process that shares the terminal has made it non-blocking.
            select.select([], [fd], [])
