"""A login of the system's `ssh` that has to ask: the user of a session answers, without a terminal.

The login becomes our master connection; all later lines go through it and ask nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary

from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.places.logins import (
    MOST_TEXT,
    NO,
    AskUser,
    LoginKind,
    LoginPrompt,
    LoginUnanswered,
)
from codeexec.domain.text.printable import printable
from codeexec.environments.short_folders import make_folder, remove_flat
from codeexec.environments.ssh import askpass
from codeexec.environments.ssh.command import master_command, master_socket, ssh_command
from codeexec.environments.ssh.failures import SshFailure, failure_of, slow
from codeexec.hostfiles.programs import safe_environ
from codeexec.hostfiles.state import state_folder

LOGIN_WAIT = 40.0
"""Seconds for the machine to go on, before a question and after an answer."""

_PYTHON, _PROGRAM = "CODEEXEC_ASKPASS_PYTHON", "CODEEXEC_ASKPASS_PROGRAM"
_SCRIPT = f'#!/bin/sh\nexec "${_PYTHON}" -IS "${_PROGRAM}" "$@"\n'
_YES_OR_NO = re.compile(r"\(yes/no(/\[fingerprint\])?\)\?\s*$|^Please type 'yes', 'no'")
_MOST_SAID = 4000

_logins: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
"""One login at a time for each master connection."""


def master_id(host: str, port: int) -> int | None:
    """Tells one master connection from the next; None where there is none."""
    return _inode(master_socket(host, port))


async def log_in(host: str, port: int, name: str, ask: AskUser, old_master: int | None) -> None:
    """Open our master connection, unless another login has opened it since its id was `old_master`.
    `name` is how the user names the machine. SshFailure. Cancelled, it leaves nothing."""
    path = master_socket(host, port)
    lock = _logins.setdefault(path, asyncio.Lock())
    async with lock:
        if _inode(path) not in (old_master, None):
            return
        command = master_command(ssh_command(), host, port)
        await asyncio.to_thread(_make_own, path.parent)
        path.unlink(missing_ok=True)
        folder = await asyncio.to_thread(make_folder)
        try:
            await _Login(command, name, ask, folder).run(path)
        finally:
            await asyncio.to_thread(remove_flat, folder)


class _Login:
    """One process of `ssh` that asks through a socket in `folder`."""

    def __init__(self, command: list[str], name: str, ask: AskUser, folder: str) -> None:
        self._command, self._name, self._ask = command, name, ask
        self._socket = f"{folder}/s"
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = 0
        self._printed = 0
        """Bytes of stderr that were told with a question."""
        self._unanswered: LoginUnanswered | None = None
        self._is_refused = False
        self._limit: asyncio.Timeout | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, master: Path) -> None:
        """Ends when the master connection is there. SshFailure."""
        with tempfile.TemporaryFile() as errors:
            server = await asyncio.start_unix_server(self._connected(errors), self._socket)
            try:
                status = await self._status(errors)
            finally:
                server.close()
                for task in self._asking:
                    task.cancel()
                await asyncio.gather(*self._asking, return_exceptions=True)
            if self._unanswered is not None:
                raise SshFailure("login", self._unanswered.reason, "Try again to be asked again.")
            if status != 0 and _inode(master) is None:
                raise self._failure(status, _text(errors))

    async def _status(self, errors: IO[bytes]) -> int:
        process = self._process = await asyncio.to_thread(self._start, errors)
        ending = asyncio.create_task(asyncio.to_thread(process.wait))
        try:
            async with asyncio.timeout(LOGIN_WAIT) as self._limit:
                return await asyncio.shield(ending)
        except TimeoutError as error:
            raise slow(self._name) from error
        finally:
            if not ending.done():
                process.kill()
                await ending

    def _start(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        own = {
            "SSH_ASKPASS": str(_script()),
            "SSH_ASKPASS_REQUIRE": "force",
            askpass.SOCKET: self._socket,
            _PYTHON: sys.executable,
            _PROGRAM: askpass.__file__,
        }
        try:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=without_secrets(safe_environ()) | own,
                start_new_session=True,  # no terminal to ask on
            )
        except OSError as error:
            program = self._command[0]
            raise SshFailure("ssh", f"{program} cannot be run: {error.strerror}.") from error

    def _failure(self, status: int, text: str) -> SshFailure:
        failure = failure_of(self._name, status, text)
        if failure.kind == "host_key" and self._is_refused:
            return SshFailure(
                "host_key",
                f"The host key of {self._name} was refused.",
                "Ask its administrator for the fingerprint, and try again.",
            )
        if failure.kind == "login" and self._answers:
            return SshFailure(
                "login",
                f"{self._name} has not accepted the answer.",
                f"Look at the name of the user there and at the key, then try again: ssh "
                f"{self._name}",
            )
        return failure

    # ---- its questions -------------------------------------------------------------------------

    def _connected(
        self, errors: IO[bytes]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer, errors), name="login question")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

        return connected

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, errors: IO[bytes]
    ) -> None:
        """Answer one question. It is taken back when the program that asks has ended."""
        asking: asyncio.Task[str] | None = None
        try:
            question = json.loads(await reader.readline())
            prompt = self._prompt(str(question["prompt"]), str(question["hint"]), errors)
            asking = asyncio.create_task(self._answer(prompt))
            hang_up = asyncio.create_task(reader.read(1))
            await asyncio.wait([asking, hang_up], return_when=asyncio.FIRST_COMPLETED)
            hang_up.cancel()
            if asking.done():
                writer.write(json.dumps(await asking).encode() + b"\n")
                await writer.drain()
        except LoginUnanswered as error:
            self._unanswered = error
            if self._process is not None:
                self._process.kill()
        except (ConnectionError, ValueError, KeyError, TypeError):
            pass  # no question of ours: `ssh` goes on without an answer
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            writer.close()

    async def _answer(self, prompt: LoginPrompt) -> str:
        loop = asyncio.get_running_loop()
        if self._limit is not None:
            self._limit.reschedule(None)
        try:
            text = await self._ask(prompt)
        finally:
            if self._limit is not None and not self._limit.expired():
                self._limit.reschedule(loop.time() + LOGIN_WAIT)
        self._answers += 1
        self._is_refused = prompt.kind == "confirm" and text == NO
        return text

    def _prompt(self, text: str, hint: str, errors: IO[bytes]) -> LoginPrompt:
        """The question as it is shown: here its text, and that of stderr, becomes printable."""
        printed = _text(errors)
        new, self._printed = printed[self._printed :], len(printed)
        kind: LoginKind = "secret"
        if hint == "none":
            kind = "wait"
        elif hint == "confirm" or _YES_OR_NO.search(text):
            kind = "confirm"
        return LoginPrompt(self._name, _shown(text), kind, _shown(new))


def _shown(text: str) -> str:
    text = printable(text.replace("\r", ""), lines=True).strip()
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def _text(errors: IO[bytes]) -> str:
    """What `ssh` has printed. It writes at the same offset of the same file."""
    text = os.pread(errors.fileno(), _MOST_SAID, 0)
    return text.decode("utf-8", "replace").replace("\r", "")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _make_own(folder: Path) -> None:
    """The folder of master connections: whoever can write there can speak for us."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise SshFailure(
            "ssh",
            f"{printable(str(folder))} is not a folder of ours alone.",
            "Remove it, or set XDG_RUNTIME_DIR to a folder of yours with a short path.",
        )


def _script() -> Path:
    """The program for SSH_ASKPASS. In the state folder: programs of /tmp may not be run."""
    folder = Path(state_folder())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "askpass"
    with contextlib.suppress(OSError):
        if path.read_text() == _SCRIPT and os.access(path, os.X_OK):
            return path
    handle, fresh = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w") as script:
        script.write(_SCRIPT)
    Path(fresh).chmod(0o700)
    return Path(fresh).replace(path)
