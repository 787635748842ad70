"""The process: requests in from stdin, frames out to what was stdout, one execution at a time."""

from __future__ import annotations

import builtins
import faulthandler
import getpass
import json
import os
import platform
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any

import codeexec.guest.runner as package
from codeexec.guest.libraries import import_hook, screen_width
from codeexec.guest.runner import failures
from codeexec.guest.runner.bundles import bundle_of
from codeexec.guest.runner.channel import EXECUTION, ChildOutput, FrameWriter
from codeexec.guest.runner.console import CellConsole
from codeexec.guest.runner.displays import LIBRARIES, Displays, StandIn
from codeexec.guest.runner.interrupts import Interrupts
from codeexec.guest.runner.loop import Loop
from codeexec.guest.runner.questions import Questions
from codeexec.guest.runner.streams import Input, InputStream, OutputStream

LONGEST_LOGGED = 200
"""Characters of input that is no request, in the log."""
END_SECONDS = 1.0
"""Seconds for running code to end when nobody is there any more."""
ASKED = ("ask", "complete", "inspect", "is_complete")


class Runner:
    def __init__(self) -> None:
        self._log_fd = os.dup(2)
        requests_fd, frames_fd = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        faulthandler.enable(self._log_fd)
        self._requests: SimpleQueue[Any] = SimpleQueue()
        self._questions: SimpleQueue[Any] = SimpleQueue()
        self._answers: SimpleQueue[str] = SimpleQueue()
        self._is_busy = False
        self._serial = 0
        self._folder = ""
        self._left_out: list[str] = []
        """Entries of PYTHONPATH in the folder of the session."""
        self.interrupts = Interrupts()
        self.channel = FrameWriter(frames_fd)
        self.children = ChildOutput(self.channel, self.interrupts)
        self.displays = Displays(self.channel)
        self.loop = Loop()
        self.input = Input(self.channel, self._answers)
        self.console = CellConsole(
            self.channel, self.children, self.displays, self.interrupts, self.loop
        )
        vars(package)["console"] = self.console  # what magics become calls it
        self._set_up_user()
        self.width = _set_up_libraries(self.displays)
        threading.Thread(target=self._answer, name="codeexec-questions", daemon=True).start()
        threading.Thread(
            target=self._read, args=(requests_fd,), name="codeexec-requests", daemon=True
        ).start()

    def _set_up_user(self) -> None:
        """What the user's code finds: streams, `display`, `input`, the working folder."""
        sys.stdout = OutputStream("stdout", 1, self.channel)
        sys.stderr = OutputStream("stderr", 2, self.channel)
        sys.stdin = InputStream(self.input)
        vars(builtins).update(display=self.displays.display, input=self.input.input)
        vars(getpass)["getpass"] = self.input.getpass
        if not os.environ.get("MPLBACKEND") or os.environ["MPLBACKEND"].startswith("module://"):
            os.environ["MPLBACKEND"] = "Agg"
        sys.argv = [""]
        os.register_at_fork(after_in_child=self._forked)
        _follow_threads(self.channel)

    def _forked(self) -> None:
        self.channel.is_forked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def log(self, text: str) -> None:
        os.write(self._log_fd, (text + "\n").encode("utf-8", "backslashreplace"))

    # -- requests ------------------------------------------------------------------------

    def _read(self, fd: int) -> None:
        with os.fdopen(fd, "rb") as file:
            for line in file:
                try:
                    request = json.loads(line)
                    if not isinstance(request, dict):
                        raise ValueError("it is no object")
                except ValueError:
                    shown = line[: 4 * LONGEST_LOGGED].decode("utf-8", "backslashreplace").rstrip()
                    self.log("A line that is no request was skipped: " + shown[:LONGEST_LOGGED])
                else:
                    self._take(request)
        # Whoever started us is gone. Code that runs has a moment to end.
        self._requests.put(None)
        time.sleep(END_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _take(self, request: dict[str, Any]) -> None:
        kind = request.get("type", "execute")
        if kind == "execute" and isinstance(request.get("code"), str):
            self._requests.put(request)
        elif kind == "exit":
            self._requests.put(None)
        elif kind == "wake":
            self.interrupts.wake()
        elif kind == "input":
            self._answers.put(str(request.get("text", "")))
        elif kind in ASKED:
            self._questions.put(request)
        else:
            self.log(f"A request of an unknown kind was skipped: {kind!r:.{LONGEST_LOGGED}}")

    def _answer(self) -> None:
        questions = Questions(self.console.user, self.console.magics.documentation)
        while True:
            request = self._questions.get()
            try:
                fields = questions.answer(request)
            except Exception as error:
                fields = {"error": f"{type(error).__name__}: {failures.text_of(error)}"}
            self.channel.send("answer", str(request.get("id", "")), **fields)

    # -- executions ----------------------------------------------------------------------

    def run(self) -> None:
        """Until the end is asked for."""
        self._folder = os.environ.pop("CODEEXEC_CWD", "")
        path = os.environ.pop("CODEEXEC_PYTHONPATH", "")
        if path:
            safe = os.environ.get("PYTHONPATH", "").split(os.pathsep)
            self._left_out = [place for place in path.split(os.pathsep) if place not in safe]
            os.environ["PYTHONPATH"] = path
        if self._folder:
            os.chdir(self._folder)
        self.channel.send(
            "ready",
            "",
            version=platform.python_version(),
            banner=f"Python {sys.version}",
            pid=os.getpid(),
        )
        while True:
            request = self.loop.wait(self._requests)
            if request is None:
                break
            self._execute(request)
            if self.channel.is_forked:
                os._exit(0)  # code has forked, and its child has come to the end of the cell
        self.channel.flush()

    def _enter_folder(self) -> None:
        """The folder of the session is looked at for modules from the first code on."""
        if self._folder:
            places = [os.path.join(self._folder, place) for place in self._left_out]
            self._folder = ""
            sys.path[:0] = ["", *places]

    def _execute(self, request: dict[str, Any]) -> None:
        execution, console = str(request.get("id", "")), self.console
        is_silent = bool(request.get("silent"))
        is_stored = not is_silent and request.get("storeHistory") is not False
        number = console.number
        self.channel.execution = execution
        EXECUTION.set(execution)
        self.interrupts.forget()
        self._enter_folder()
        self.input.is_allowed = request.get("allowStdin") is not False
        if not is_silent:
            self.channel.send("started", execution, executionCount=number)
        file = f"<cell {number}>" if is_stored else "<cell>"
        failure: BaseException | None = None
        try:
            self.interrupts.run(lambda: self._run_code(request, file, is_silent, is_stored))
        except BaseException as error:
            failure = error
        end: dict[str, Any] = {"status": "ok", "cancelled": False}
        if failure is not None:
            end = self._tell_failure(execution, failure, file)
        self.children.take()
        if console.next_input is not None:
            self.channel.send("next", execution, text=console.next_input, replaces=True)
        self.channel.send("done", execution, executionCount=number, **end)
        if is_stored:
            console.number += 1

    def _run_code(
        self, request: dict[str, Any], file: str, is_silent: bool, is_stored: bool
    ) -> None:
        if self.width is not None:
            self.width.show(request.get("columns", 0))
        try:
            value = self.console.run_cell(request["code"], file, is_stored=is_stored)
            _flush_bytes()
            if value is not None and not is_silent:
                self._show_result(value)
        finally:
            _flush_bytes()
            self.displays.show_figures()

    def _show_result(self, value: Any) -> None:
        bundle, metadata = bundle_of(value)
        self.displays.note_shown(value)
        self.console.keep_result(value)
        self.channel.send(
            "result",
            self.channel.execution,
            bundle=bundle,
            metadata=metadata,
            executionCount=self.console.number,
        )

    def _tell_failure(self, execution: str, failure: BaseException, file: str) -> dict[str, Any]:
        """Send the error of a cell; the fields of its end."""
        name = type(failure).__name__
        value = traceback = None
        self.interrupts.forget()  # one more that came while the first ended the code

        def describe() -> tuple[str, list[str]]:
            tb = failure.__traceback__
            return failures.text_of(failure), failures.lines_of(failure, tb, file)

        try:
            # Python makes "<unprintable>" of an interrupt while it writes a text; a `__str__` of
            # the user's may not end without one.
            is_plain = failures.is_plain(failure)
            value, traceback = describe() if is_plain else self.interrupts.run(describe)
        except BaseException as error:  # an `__str__` of the user's that does not end well
            value, traceback = f"<{type(error).__name__}>", [f"{name}: <{type(error).__name__}>"]
        sys.last_type, sys.last_value = type(failure), failure
        sys.last_traceback = failure.__traceback__
        self.channel.send("error", execution, ename=name, evalue=value, traceback=traceback)
        is_cancelled = isinstance(failure, KeyboardInterrupt)
        return {"status": "error", "ename": name, "evalue": value, "cancelled": is_cancelled}


def _flush_bytes() -> None:
    """What was written to the buffers of the streams stands before what comes now."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, OutputStream):
            stream.buffer.flush()


def _set_up_libraries(displays: Displays) -> Any:
    """Follow imports of libraries that show things or have a width. What sets the width."""
    finders: Any = sys.meta_path
    finders.append(StandIn(displays))
    import_hook.ImportHook(lambda name: name in LIBRARIES, displays.imported)
    import codeexec.guest.libraries.graph_source  # noqa: F401  # acts as it is imported

    width = screen_width.ScreenWidth(None)
    import_hook.ImportHook(
        lambda name: bool(width.columns) and name in width.missing, width.imported
    )
    return width


def _follow_threads(channel: FrameWriter) -> None:
    """What a thread prints belongs to the execution that started it."""
    start = threading.Thread.start

    def start_owned(thread: threading.Thread) -> None:
        vars(thread)["_codeexec_execution"] = channel.owner()
        start(thread)

    vars_of_class: Any = threading.Thread
    vars_of_class.start = start_owned


def main() -> None:
    # This program must not be where the user's code looks for modules.
    program = os.path.dirname(failures.OURS)
    sys.path[:] = [place for place in sys.path if place != program]
    Runner().run()
