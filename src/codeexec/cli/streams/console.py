"""Console of a headless run: stdout and stderr, the keyboard, messages and progress."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from codeexec.cli import messages as style
from codeexec.cli.streams.live_rows import PipeSink, Sink, TerminalSink
from codeexec.cli.streams.stdin import StdinReader
from codeexec.cli.streams.writer import AsyncWriter
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events.starts import KernelStartAdvanced
from codeexec.domain.outputs import plain
from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.text.clusters import cluster_words
from codeexec.domain.text.printable import printable_row
from codeexec.domain.text.starts import start_words

if TYPE_CHECKING:
    from codeexec.cli.streams.keys import KeyForwarder
    from codeexec.cli.streams.pictures import TerminalPictures


class RunConsole:
    """The terminal or pipes of one run.

    `quiet` (`--json`): no messages and prompts are printed. `stdin_is_program`: stdin holds the
    code, so input() reads from the controlling terminal.
    """

    def __init__(self, color: str, images: str, *, quiet: bool, stdin_is_program: bool) -> None:
        self.out, self.err = AsyncWriter(sys.stdout), AsyncWriter(sys.stderr)
        self.color = (
            style.wants_color(sys.stdout, color),
            style.wants_color(sys.stderr, color),
        )
        self.is_asking = False
        self._is_fetching = False
        self._start: KernelStartAdvanced | None = None
        self._clusters = ""
        """Words for what the clusters do that code uses; kept as they were when they have gone."""
        self._has_clusters = self._has_progress = False
        self._quiet = quiet
        self._stdin_is_program = stdin_is_program
        self._keyboard: StdinReader | None = None
        self._keys: KeyForwarder | None = None
        if self.out.is_terminal and self.err.is_terminal:
            self.out_sink = self.err_sink = _sink(self.out)
        else:
            self.out_sink, self.err_sink = _sink(self.out), _sink(self.err)
        self.pictures = self._make_pictures(images)

    def _make_pictures(self, images: str) -> TerminalPictures | None:
        """None without a terminal for output and keyboard, which a query of graphics needs."""
        if not (self.out.is_terminal and self.color[0] and sys.stdin.isatty()):
            return None
        from codeexec.cli.streams.pictures import TerminalPictures

        return TerminalPictures(
            sys.stdin.fileno(),
            self.out.fd,
            images,
            self.out.size,
            self._accept_typed,
            lambda: self.is_asking,
            self._release_keys,
        )

    def forward_keys_to(self, keys: KeyForwarder) -> None:
        """Send keys typed during a query of the terminal to the program that has the keyboard."""
        self._keys = keys

    def _release_keys(self) -> None:
        if self._keys is not None:
            self._keys.stop()

    def _accept_typed(self, typed: bytes) -> None:
        if self._keys is not None:
            self._keys.start()
            self._keys.send(typed)
        else:
            self.keyboard.hold(typed)

    @property
    def keyboard(self) -> StdinReader:
        """The reader of input() lines, created at first use."""
        if self._keyboard is None:
            terminal = StdinReader.of_terminal() if self._stdin_is_program else None
            self._keyboard = terminal or StdinReader(sys.stdin.fileno())
        return self._keyboard

    async def flush(self) -> None:
        """Write buffered output. BrokenPipeError when the reader closed the pipe."""
        await self.out.flush()
        await self.err.flush()

    async def ask(self, prompt: str, *, hidden: bool, echoed: bool = False) -> str | None:
        """Print a prompt and read a line; None at the end of input. `echoed`: the program shows
        itself what is typed, and has written its prompt. UsageError when stdin cannot be read."""
        sink = self.err_sink if self.err.is_terminal else self.out_sink
        self.is_asking = True
        try:
            # Before the prompt: whoever sees that may type at once.
            with self.keyboard.without_echo() if hidden or echoed else nullcontext():
                if not self._quiet and not echoed:
                    if isinstance(sink, TerminalSink):
                        sink.set_footer("")  # the user types on its line
                    sink.say(_printable_prompt(prompt, self.color[sink is self.err_sink]))
                    await self.flush()
                text = await self.keyboard.read_line()
            if self.keyboard.is_terminal and not echoed:
                if hidden and not self._quiet:
                    self.err.write("\n")  # echo was off, also for Enter
                sink.answered()
            return text
        finally:
            self.is_asking = False

    # -- messages, on stderr ---------------------------------------------------------------

    def say(self, text: str) -> None:
        """Print a dim message on stderr."""
        if not self._quiet:
            self.err_sink.end()
            self.err.write(style.paint(text, "dim", self.color[1], lines=True) + "\n")

    def show_error(self, error: CodeexecError) -> None:
        if not self._quiet:
            self.err_sink.end()
            self.err.write(style.error_lines(error, self.color[1]) + "\n")

    def show_pull(self, image: str, progress: str | None) -> None:
        """Show the progress of an image pull in the footer; None ends it. Without a terminal,
        one line at the start of the pull is printed."""
        if self._quiet:
            return
        if isinstance(self.err_sink, TerminalSink):
            if progress is not None or self._is_fetching:
                self._is_fetching = progress is not None
                self.err_sink.set_footer(
                    f"fetching {image}  {progress}" if progress is not None else ""
                )
        elif progress == "":
            self.say(f"Fetching the image {image}.")

    def show_start(self, start: KernelStartAdvanced | None) -> None:
        """Show how far the start of the kernel is in the footer; None ends it. Without a terminal,
        a line for each step that another program tells."""
        before, self._start = self._start, start
        is_footer = isinstance(self.err_sink, TerminalSink)
        if start is None or is_footer or start.percent is None:
            return
        if before is None or before.step != start.step:
            self.say(start.step)

    def show_clusters(self, clusters: Sequence[ClusterState]) -> None:
        """Show what the clusters do that code uses in the footer."""
        if self._quiet or not (clusters or self._has_clusters):
            return
        self._has_clusters = bool(clusters)
        self._clusters = " · ".join(map(cluster_words, clusters)) or self._clusters
        if isinstance(self.err_sink, TerminalSink) and not self._has_progress:
            is_shown = self._has_clusters and not self.is_asking
            self.err_sink.set_footer(self._clusters if is_shown else "")

    def end_clusters(self) -> None:
        """At the end of the code: take them from the footer. Without a terminal, the last state is
        printed."""
        text, self._clusters, self._has_clusters = self._clusters, "", False
        if isinstance(self.err_sink, TerminalSink):
            if text and not self._has_progress:
                self.err_sink.set_footer("")
        elif text:
            self.say(text)

    async def show_progress(self, label: str) -> None:
        """Show a footer with the label and the elapsed seconds, until cancelled."""
        if self._quiet or not isinstance(self.err_sink, TerminalSink):
            return
        began = time.monotonic()
        self._has_progress = True
        try:
            while True:
                seconds = time.monotonic() - began
                if not self._is_fetching:
                    text = f"{label}  {seconds:.0f} s"
                    if self._has_clusters:
                        text += f"  {self._clusters}"
                    if self._start is not None:
                        text = start_words(self._start, time.time())
                    self.err_sink.set_footer("" if self.is_asking else text)
                await self.flush()
                await asyncio.sleep(1.0 - seconds % 1.0)
        finally:
            self._has_progress = False
            self.err_sink.set_footer("")


def _printable_prompt(prompt: str, color: bool) -> str:
    """The prompt of a program, made printable; escape sequences for style are kept in colour."""
    printable_prompt = printable_row(prompt)
    if not color:
        return plain(printable_prompt)
    return f"{printable_prompt}{style.RESET}" if "\x1b" in printable_prompt else printable_prompt


def _sink(writer: AsyncWriter) -> Sink:
    # A dumb terminal, such as in an editor, takes lines like a pipe.
    if writer.is_terminal and not style.is_dumb():
        return TerminalSink(writer.write, writer.size)
    return PipeSink(writer.write)
