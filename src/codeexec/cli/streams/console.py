"""The face of a headless run: stdout and stderr, a keyboard, and words of our own between."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from codeexec.cli import messages as style
from codeexec.cli.streams.live_rows import PipeSink, Sink, TerminalSink
from codeexec.cli.streams.stdin import StdinReader
from codeexec.cli.streams.writer import AsyncWriter
from codeexec.domain.errors import CodeexecError
from codeexec.domain.outputs import plain
from codeexec.domain.printable import printable_row

if TYPE_CHECKING:
    from codeexec.cli.streams.keys import KeyForwarder
    from codeexec.cli.streams.pictures import TerminalPictures


class RunConsole:
    """`quiet`: only facts are written (`--json`), nothing of ours. `stdin_is_program`: answers
    come from the terminal itself, as stdin holds the code."""

    def __init__(self, color: str, images: str, *, quiet: bool, stdin_is_program: bool) -> None:
        self.out, self.err = AsyncWriter(sys.stdout), AsyncWriter(sys.stderr)
        self.color = (
            style.wants_color(sys.stdout, color),
            style.wants_color(sys.stderr, color),
        )
        self.is_asking = False
        self._is_fetching = False
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
        """None where there is no terminal to draw on, or none that could be asked."""
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
        """A program has the keyboard; what is typed while the terminal is asked goes there."""
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
        """Where answers come from; made when first needed."""
        if self._keyboard is None:
            terminal = StdinReader.of_terminal() if self._stdin_is_program else None
            self._keyboard = terminal or StdinReader(sys.stdin.fileno())
        return self._keyboard

    async def flush(self) -> None:
        """Raises BrokenPipeError when nobody reads any more."""
        await self.out.flush()
        await self.err.flush()

    async def ask(self, prompt: str, *, hidden: bool) -> str | None:
        """The line that is typed or piped in; None when there are no more. UsageError when
        stdin cannot be read."""
        sink = self.err_sink if self.err.is_terminal else self.out_sink
        self.is_asking = True
        try:
            if not self._quiet:
                if isinstance(sink, TerminalSink):
                    sink.set_footer("")  # the answer is typed where it would stand
                sink.say(_printable_prompt(prompt, self.color[sink is self.err_sink]))
                await self.flush()
            text = await self.keyboard.read_line(hidden=hidden)
            if self.keyboard.is_terminal:
                if hidden and not self._quiet:
                    self.err.write("\n")  # what Enter would have echoed
                sink.answered()
            return text
        finally:
            self.is_asking = False

    # -- words of ours, on stderr ----------------------------------------------------------

    def say(self, text: str) -> None:
        """A quiet line."""
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

    async def show_progress(self, label: str) -> None:
        """A footer with these words and the seconds since now, until cancelled."""
        if self._quiet or not isinstance(self.err_sink, TerminalSink):
            return
        began = time.monotonic()
        try:
            while True:
                seconds = time.monotonic() - began
                if not self._is_fetching:
                    self.err_sink.set_footer("" if self.is_asking else f"{label}  {seconds:.0f} s")
                await self.flush()
                await asyncio.sleep(1.0 - seconds % 1.0)
        finally:
            self.err_sink.set_footer("")


def _printable_prompt(prompt: str, color: bool) -> str:
    """The program's own words, which may have styles as its output has."""
    printable_prompt = printable_row(prompt)
    if not color:
        return plain(printable_prompt)
    return f"{printable_prompt}{style.RESET}" if "\x1b" in printable_prompt else printable_prompt


def _sink(writer: AsyncWriter) -> Sink:
    # A dumb terminal, as of an editor or a log, takes lines as a pipe does.
    if writer.is_terminal and not style.is_dumb():
        return TerminalSink(writer.write, writer.size)
    return PipeSink(writer.write)
