"""Follows a script that runs as a process: prints its output, forwards keys and signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from codeexec.cli import exit_codes as exits
from codeexec.cli.failed_output import leave_quietly
from codeexec.cli.streams.console import RunConsole
from codeexec.cli.streams.keys import KeyForwarder
from codeexec.cli.streams.signals import SignalPipe
from codeexec.kernels.base import Finished
from codeexec.kernels.process.program import ProgramRun, signal_name
from codeexec.kernels.process.spawn import SpawnedProgram

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.cli.script.output import ProgramPrinter

QUIT_WINDOW = 2.0
"""Seconds within which a second Ctrl+C ends the program."""

END_SECONDS = 2.0
"""Seconds that the program has between SIGTERM and SIGKILL."""

QUIET = (signal.SIGINT, signal.SIGPIPE)
"""Signals that end a program without a message, as in a shell."""


def follow(spawned: SpawnedProgram, signals: SignalPipe, options: RunOptions) -> int:
    """Print the output of the program until it ends; returns the exit status."""
    gc.enable()
    gc.freeze()
    # Log records of libraries are not for the user of a script.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        return asyncio.run(_follow(spawned, signals, options))
    except BrokenPipeError:
        leave_quietly()
        return exits.PIPE_CLOSED


async def _follow(spawned: SpawnedProgram, signals: SignalPipe, options: RunOptions) -> int:
    return await ScriptRun(spawned, signals, options).run()


class ScriptRun:
    """One run of a script; `run` is called once."""

    def __init__(self, spawned: SpawnedProgram, signals: SignalPipe, options: RunOptions) -> None:
        self._signals = signals
        self._options = options
        self._program = ProgramRun(spawned, "")
        self._console = RunConsole(
            options.color, options.images, quiet=False, stdin_is_program=True
        )
        self._output: ProgramPrinter | None = None
        self._ended_by: int | None = None
        self._interrupted_at = -QUIT_WINDOW
        self._ending: asyncio.Task[None] | None = None
        self._keys: KeyForwarder | None = None
        if spawned.keys is not None:
            program = self._program
            self._keys = KeyForwarder(
                0, spawned.keys, self._note_interrupt, program.pause, program.resume
            )
            self._console.forward_keys_to(self._keys)

    async def run(self) -> int:
        self._listen_to_signals()
        if self._keys is not None:
            self._keys.start()
        timer = None
        if self._options.timeout is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self._options.timeout, self._end, exits.TIMED_OUT)
        try:
            if self._options.artifacts is not None:
                self._make_output()  # fails early if the folder cannot be created
            async for events in self._program.events():
                if self._output is None and isinstance(events[0], Finished):
                    break  # the program had no output for us
                await self._make_output().take(events)
                await self._console.flush()
        except BaseException:
            await self._program.end(END_SECONDS)
            raise
        finally:
            if self._keys is not None:
                self._keys.stop()
            if timer is not None:
                timer.cancel()
            if self._output is not None:
                self._output.close()
        return await self._judge()

    def _make_output(self) -> ProgramPrinter:
        if self._output is None:
            from codeexec.cli.script.output import ProgramPrinter

            self._output = ProgramPrinter(
                self._console, self._program.spawned.spool.path, self._options.artifacts
            )
        return self._output

    async def _judge(self) -> int:
        """Print how the program ended; returns its status, or ours if we ended it."""
        code = self._program.spawned.process.returncode
        if self._ended_by == exits.TIMED_OUT:
            from codeexec.cli.outcome import OutOfTime

            self._console.show_error(OutOfTime(f"It ran longer than {self._options.timeout:g} s."))
        elif self._ended_by is None and code < 0 and -code not in QUIET:
            self._console.say(f"The program was ended by {signal_name(-code)}.")
        with suppress(BrokenPipeError, TimeoutError):
            async with asyncio.timeout(1.0 if self._ended_by else None):
                await self._console.flush()
        return self._program.status if self._ended_by is None else self._ended_by

    # -- signals -------------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._signals.fd, self._take_signals)
        if self._keys is not None:
            loop.add_signal_handler(signal.SIGCONT, self._keys.start)  # in the foreground again
        if self._console.out.is_terminal or self._console.err.is_terminal:
            loop.add_signal_handler(signal.SIGWINCH, self._resize)
            self._resize()  # the size may have changed during imports

    def _take_signals(self) -> None:
        for number, is_from_terminal in self._signals.read():
            if number == signal.SIGINT:
                self._on_interrupt(is_from_terminal)
            else:
                self._end(exits.TERMINATED)

    def _resize(self) -> None:
        import termios

        columns, lines = self._console.out.size()
        is_new = False
        for fd in (self._program.spawned.stdout, self._program.spawned.stderr):
            if fd is not None and os.isatty(fd) and termios.tcgetwinsize(fd) != (lines, columns):
                termios.tcsetwinsize(fd, (lines, columns))
                is_new = True
        # Without keys the program is not in the group of the pseudo-terminal and gets no signal.
        if is_new and self._keys is None:
            with suppress(ProcessLookupError):
                self._program.spawned.process.send_signal(signal.SIGWINCH)

    def _on_interrupt(self, is_from_terminal: bool) -> None:
        if not is_from_terminal or self._keys is not None:
            self._program.interrupt()
        self._note_interrupt()

    def _note_interrupt(self) -> None:
        """Record an interrupt of the program; a second within QUIT_WINDOW ends it."""
        now = time.monotonic()
        if now - self._interrupted_at < QUIT_WINDOW:
            self._end(exits.INTERRUPTED)
        self._interrupted_at = now

    def _end(self, status: int) -> None:
        if self._ending is None:
            self._ended_by = status
            self._ending = asyncio.create_task(self._program.end(END_SECONDS))
