"""One process of `ssh`, whose stdio is a line to another machine."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from signal import SIGKILL, SIGTERM
from typing import IO

from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.text.printable import printable
from codeexec.environments.ssh.failures import SshFailure, failure_of
from codeexec.hostfiles.programs import safe_environ

_MAX_BEFORE = 1 << 20
"""Bytes that a login shell may print before the program there answers."""
_LAST_WORDS = 4000
_END_WAIT = 2.0


class SshProcess:
    """A process of `ssh`; `socket` is our end of its stdio."""

    def __init__(self, command: Sequence[str], name: str) -> None:
        """Starts it; `name` is how the user names the machine. SshFailure."""
        self.name = name
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the line)
        self.socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
                env=without_secrets(safe_environ()),
                start_new_session=True,  # no terminal to ask on, and no Ctrl+C of ours reaches it
            )
        except OSError as error:
            self.socket.close()
            self._errors.close()
            raise SshFailure("ssh", f"{command[0]} cannot be run: {error.strerror}.") from error
        finally:
            theirs.close()
        self.socket.setblocking(False)

    async def answer(self, mark: bytes, endless: Callable[[str, str], SshFailure]) -> bytes:
        """The rest of the line that begins with `mark`, which the program there prints first.
        SshFailure where none comes; `endless` makes it where the login shell prints on and on.

        Bytes are read up to the end of that line and no further."""
        loop = asyncio.get_running_loop()
        text = bytearray(b"\n")
        while True:
            start = text.find(b"\n" + mark)
            end = text.find(b"\n", start + 1) if start >= 0 else -1
            if end > 0:
                return bytes(text[start + 1 + len(mark) : end])
            if len(text) > _MAX_BEFORE:
                raise endless(self.name, "It prints without end at the login.")
            try:
                chunk = await loop.sock_recv(self.socket, 1 << 16)
            except OSError:
                chunk = b""
            if not chunk:
                raise await asyncio.to_thread(self.failure)
            text += chunk

    def failure(self) -> SshFailure:
        """Why it has ended. Waits for its end, two seconds at most."""
        try:
            status = self._process.wait(_END_WAIT)
        except subprocess.TimeoutExpired:
            status = None
        self._errors.seek(0)
        text = self._errors.read()[-_LAST_WORDS:].decode("utf-8", "replace").replace("\r", "")
        return failure_of(self.name, status, printable(text, lines=True))

    def close(self) -> None:
        """End the process, in a thread: one whose network is gone does not end by itself."""
        self.socket.close()
        threading.Thread(target=self._end, name="end-ssh", daemon=True).start()

    def _end(self) -> None:
        for signum in (None, SIGTERM, SIGKILL):
            if signum is not None:
                self._process.send_signal(signum)
            try:
                self._process.wait(_END_WAIT)
                break
            except subprocess.TimeoutExpired:
                continue
        self._errors.close()
