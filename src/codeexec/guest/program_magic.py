"""`%program FILE [ARGUMENTS]` in a kernel: runs the file as a program, its output in the cell.

Registered by `launch.py` in every kernel that we launch. The standard library and IPython.
"""

from __future__ import annotations

import codecs
import json
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Any

END_OF_INPUT = "\x04"
"""An answer of this alone ends the program's input, as Ctrl+D does."""

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "program")
"""The folder of the `sitecustomize` that sends displays and asks for input."""

CHUNK = 1 << 16
LINGER = 1.0
"""Seconds that the streams are read on after the program's end where a child still holds them."""


class Program:
    """One run of a program: `follow` returns its exit status, as `Popen.returncode` has it."""

    def __init__(self, arguments: list[str], hook: str) -> None:
        self._spool = tempfile.mkdtemp(prefix="codeexec-program-")
        self._channel, channel = os.pipe()
        ack, self._ack = os.pipe()
        env = dict(os.environ)
        if "PYTHONPATH" in env:
            env["CODEEXEC_PYTHONPATH"] = env["PYTHONPATH"]
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [hook, env.get("PYTHONPATH")]))
        env["CODEEXEC_PROGRAM"] = f"{channel}:{ack}::i:{self._spool}"
        # Our kernel has no terminal, and the matplotlib backend of a kernel is for kernels.
        if env.get("MPLBACKEND", "").startswith("module://matplotlib_inline"):
            del env["MPLBACKEND"]
        try:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(channel, ack),
                # An interrupt of the kernel reaches its group; the program gets it from us, once.
                start_new_session=True,
            )
        finally:
            os.close(channel)
            os.close(ack)
        self._partial = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ)
        self._decoders: dict[int, tuple[Any, Any]] = {}
        for pipe, stream in ((self._process.stdout, "stdout"), (self._process.stderr, "stderr")):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self._decoders[pipe.fileno()] = (decoder, stream)
            self._selector.register(pipe.fileno(), selectors.EVENT_READ)

    def follow(self) -> int:
        try:
            while self._process.poll() is None:
                try:
                    self._take(0.1)
                except KeyboardInterrupt:
                    self._process.send_signal(signal.SIGINT)
            self._drain()
            return self._process.returncode
        finally:
            self._close()

    def _take(self, seconds: float) -> bool:
        """Hand on what is there; whether there was something."""
        ready = [key.fd for key, _ in self._selector.select(seconds)]
        # The program flushed its streams before it sent a message.
        for fd in list(self._decoders):
            self._read(fd)
        if self._channel in ready:
            self._read_messages()
        return bool(ready)

    def _drain(self) -> None:
        until = LINGER
        while self._decoders and until > 0:
            if not self._take(0.05):
                until -= 0.05

    def _read(self, fd: int) -> None:
        decoder, stream = self._decoders[fd]
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        text = decoder.decode(data, final=not data)
        if text:
            getattr(sys, stream).write(text)
        if not data:
            self._selector.unregister(fd)
            del self._decoders[fd]

    # -- messages --------------------------------------------------------------------------

    def _read_messages(self) -> None:
        data = os.read(self._channel, CHUNK)
        if not data:
            self._selector.unregister(self._channel)
            return
        *names, self._partial = (self._partial + data).split(b"\n")
        for name in names:
            path = os.path.join(self._spool, os.path.basename(name.decode("ascii", "replace")))
            try:
                with open(path, encoding="utf-8") as file:
                    message = json.load(file)
                os.remove(path)
            except (OSError, ValueError):
                message = {}
            self._show(message)
            try:
                os.write(self._ack, b".")
            except OSError:
                pass  # it has ended meanwhile

    def _show(self, message: dict[str, Any]) -> None:
        from IPython import display

        kind = message.get("kind")
        if kind in ("display", "update"):
            display_id = message.get("display_id")
            publish: Any = display.publish_display_data
            publish(
                message.get("data") or {},
                message.get("metadata") or {},
                transient={"display_id": display_id} if display_id else {},
                update=kind == "update",
            )
        elif kind == "clear":
            clear: Any = display.clear_output
            clear(wait=bool(message.get("wait")))
        elif kind == "input":
            self._answer(str(message.get("prompt") or ""), bool(message.get("password")))

    def _answer(self, prompt: str, password: bool) -> None:
        import getpass

        sys.stdout.flush()
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        try:
            text = getpass.getpass(prompt) if password else input(prompt)
            if text == END_OF_INPUT:
                pipe.close()
                return
            pipe.write((text + "\n").encode())
            pipe.flush()
        except BrokenPipeError:
            pass  # the program has closed its input, or has ended
        except (EOFError, RuntimeError):
            pipe.close()  # nobody answers: the end of its input

    def _close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass
        self._selector.close()
        os.close(self._channel)
        os.close(self._ack)
        shutil.rmtree(self._spool, ignore_errors=True)


class ProgramFailed(Exception):
    """The end of a program with another exit status than 0, which is its only argument."""

    def _render_traceback_(self) -> list[str]:
        return [f"The program ended with exit status {self.args[0]}."]


def program(line: str) -> None:
    """Run a file as a program of its own: `%program FILE [ARGUMENTS]`."""
    arguments = shlex.split(line)
    if not arguments:
        raise ValueError("Name a file: %program FILE [ARGUMENTS]")
    status = Program(arguments, HOOK).follow()
    if status == -signal.SIGINT:
        raise KeyboardInterrupt
    if status < 0:
        sys.stderr.write(f"The program was ended by {signal.Signals(-status).name}.\n")
        status = 128 - status
    if status:
        raise ProgramFailed(status)


def register() -> None:
    from IPython import get_ipython

    get_ipython().register_magic_function(program, "line", "program")


register()
