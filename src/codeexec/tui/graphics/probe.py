"""Query the terminal's graphics features, with a deadline and defaults.

The questions are written together and end with one that every terminal answers (DA1), so the
wait ends with that answer and not by the clock. They must be asked before Textual reads the
keyboard; what was typed meanwhile is handed back, not lost. Nothing here waits at import.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import termios
import tty
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from codeexec.domain.errors import UsageError
from codeexec.hostfiles.programs import which
from codeexec.tui.graphics.cell_size import NOMINAL_CELL, CellSize
from codeexec.tui.theme.color_depth import may_ask

Way = Literal["kitty", "sixel", "sextant", "quadrant", "half", "none"]
"""How pictures are shown; `none` shows their description alone."""

WAYS: tuple[Way, ...] = ("kitty", "sixel", "sextant", "quadrant", "half", "none")

_DA1 = "\x1b[c"
_PICTURES = (
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"  # kitty: would you take one pixel?
    "\x1b[>q"  # XTVERSION: who are you?
    "\x1b[16t"  # how many pixels has a cell?
)
_COLORS = (
    # DECRQSS: a colour is set, and asked for: has it been kept, or turned into another?
    "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[m"
    "\x1bP+q524742\x1b\\"  # XTGETTCAP: have you the capability RGB?
    "\x1b[?2027$p"  # DECRQM: do you measure grapheme clusters, rather than code points?
)
QUESTIONS = f"{_PICTURES}{_COLORS}{_DA1}"
"""All of them, for a terminal that reads DCS strings."""


def questions(environ: Mapping[str, str]) -> str:
    """What may be asked of this terminal."""
    return QUESTIONS if may_ask(environ) else f"{_PICTURES}{_DA1}"


_ANSWERS = re.compile(
    rb"\x1b_G(?P<kitty>[^\x1b]*)\x1b\\"
    rb"|\x1bP>\|(?P<version>[^\x1b]*)\x1b\\"
    rb"|\x1bP[01]\$r(?P<look>[\d;:]*)m?\x1b\\"
    rb"|\x1bP(?P<has>[01])\+r(?P<capability>[\dA-Fa-f=;]*)\x1b\\"
    rb"|\x1b\[\?2027;(?P<clusters>[0-4])\$y"
    rb"|\x1b\[6;(?P<height>\d{1,4});(?P<width>\d{1,4})t"
    rb"|\x1b\[\?(?P<attributes>[\d;]*)c"
)
_PLACEHOLDER_TERMINALS = ("kitty", "ghostty")
"""Those that draw kitty's Unicode placeholders; others answer yes and then show boxes."""

_NOMINAL_BOUNDS = range(4, 200)


class TerminalReplies(Struct, frozen=True):
    """Replies of the terminal; `complete` after the last one."""

    kitty: bool = False
    sixel: bool = False
    version: str = ""
    cell: CellSize | None = None
    complete: bool = False
    true_color: bool | None = None
    """None where the terminal does not say whether it shows 24-bit colour."""

    clusters: bool = False
    """Whether it measures grapheme clusters."""


class Graphics(Struct, frozen=True):
    """Graphics method of the terminal. `cell` is in pixels; `tmux`: wrap sequences for the outer
    terminal."""

    way: Way = "quadrant"
    cell: CellSize = NOMINAL_CELL
    tmux: bool = False

    @property
    def has_pixels(self) -> bool:
        """Whether small print can be read in pictures: blocks are too coarse for it."""
        return self.way in ("kitty", "sixel")


def parse(data: bytes) -> tuple[TerminalReplies, bytes]:
    """The answers within what was read, and the rest: keys that were typed in between."""
    kitty = sixel = complete = clusters = False
    version = ""
    cell: CellSize | None = None
    true_color: bool | None = None
    for match in _ANSWERS.finditer(data):
        if (reply := match["kitty"]) is not None:
            kitty = reply.endswith(b";OK")
        elif (name := match["version"]) is not None:
            version = name.decode("ascii", errors="replace")
        elif (look := match["look"]) is not None:
            true_color = _is_our_color(look) if true_color is None else true_color
        elif match["has"] is not None:
            # A no is none: xterm has the capability under one of its names only.
            if match["has"] == b"1" and match["capability"].upper().startswith(b"524742"):
                true_color = True
        elif (mode := match["clusters"]) is not None:
            clusters = mode in (b"1", b"3")
        elif (attributes := match["attributes"]) is not None:
            sixel = b"4" in attributes.split(b";")
            complete = True
        else:
            cell = _sane(int(match["width"]), int(match["height"]))
    answers = TerminalReplies(kitty, sixel, version, cell, complete, true_color, clusters)
    return answers, _ANSWERS.sub(b"", data)


_BACKGROUND = re.compile(rb"(?:^|;)48[;:](?P<kind>[25])[;:](?P<numbers>[\d;:]*)")


def _is_our_color(look: bytes) -> bool | None:
    """Whether the colour that was set is as it was set; None where the answer has none."""
    match = _BACKGROUND.search(look)
    if match is None:
        return None
    numbers = [part for part in re.split(rb"[;:]", match["numbers"]) if part]
    return match["kind"] == b"2" and numbers[-3:] == [b"1", b"2", b"3"]


def decide(
    answers: TerminalReplies,
    environ: Mapping[str, str],
    *,
    setting: str = "auto",
    cell: CellSize | None = None,
    tmux_client: str = "",
) -> Graphics:
    """The best way for this terminal.

    `setting` is `auto` or one of WAYS, and wins. `cell` is a configured cell size, and wins too.
    `tmux_client` is what `ask_tmux` said of the terminal outside. Raises UsageError for a setting
    that is no way.
    """
    tmux = bool(environ.get("TMUX")) or environ.get("TERM", "").startswith("tmux")
    size = cell or answers.cell or _configured_cell(environ) or NOMINAL_CELL
    if setting != "auto":
        return Graphics(_way_named(setting), size, tmux)
    if tmux:
        return Graphics(_through_tmux(answers, tmux_client), size, True)
    name = f"{answers.version} {environ.get('TERM', '')} {environ.get('TERM_PROGRAM', '')}".lower()
    placeholders = any(terminal in name for terminal in _PLACEHOLDER_TERMINALS)
    if placeholders and (answers.kitty or not answers.complete):
        return Graphics("kitty", size)
    if answers.sixel:
        return Graphics("sixel", size)
    # The console of the kernel has 256 or 512 glyphs, and quadrants are not among them.
    return Graphics("half" if environ.get("TERM") == "linux" else "quadrant", size)


def _way_named(setting: str) -> Way:
    for way in WAYS:
        if way == setting:
            return way
    raise UsageError(
        f"Pictures cannot be shown by {setting!r}.", f"Choose auto or one of {', '.join(WAYS)}."
    )


def _through_tmux(answers: TerminalReplies, client: str) -> Way:
    """tmux draws sixels itself where it can; kitty's messages it hides unless told to pass them."""
    passes = "passthrough" in client.split()
    if passes and any(terminal in client for terminal in _PLACEHOLDER_TERMINALS):
        return "kitty"
    return "sixel" if answers.sixel else "quadrant"


def cell_from(text: str) -> CellSize | None:
    """A size as people write it, such as `10x20`; None for what is no size."""
    width, _, height = text.replace("×", "x").partition("x")
    if not (width.strip().isdecimal() and height.strip().isdecimal()):
        return None
    return _sane(int(width), int(height))


def _configured_cell(environ: Mapping[str, str]) -> CellSize | None:
    """What textual-serve says of the browser's cells."""
    width = environ.get("TEXTUAL_CELL_WIDTH", "")
    height = environ.get("TEXTUAL_CELL_HEIGHT", "")
    if width.isascii() and width.isdigit() and height.isascii() and height.isdigit():
        return _sane(int(width), int(height))
    return None


def _sane(width: int, height: int) -> CellSize | None:
    return (
        CellSize(width, height) if width in _NOMINAL_BOUNDS and height in _NOMINAL_BOUNDS else None
    )


def cell_of_window(descriptor: int) -> CellSize | None:
    """The cell size that the kernel knows of the terminal, at once and without a question."""
    try:
        packed = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("4H", packed)
    return _sane(width // columns, height // rows) if rows and columns else None


class Probe:
    """One round of queries to a terminal, over its input and output descriptors.

    `ask` writes and returns at once, so that imports run while the terminal thinks; `answers`
    waits for what is still missing. `rest` then holds the keys typed meanwhile.
    """

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._mode: list[int | list[bytes | int]] | None = None
        self._read = bytearray()
        self.rest = b""

    def ask(self) -> None:
        """Put the questions, with echo off so that the answers are not seen."""
        if not (os.isatty(self._source) and os.isatty(self._sink)):
            return
        self._mode = termios.tcgetattr(self._source)
        tty.setcbreak(self._source, termios.TCSANOW)
        os.write(self._sink, questions(os.environ).encode("ascii"))

    async def answers(self, timeout: float = 0.2) -> TerminalReplies:
        """What was answered within `timeout` seconds; nothing when `ask` found no terminal."""
        if self._mode is None:
            return TerminalReplies()
        done = asyncio.Event()
        loop = asyncio.get_running_loop()

        def take() -> None:
            try:
                data = os.read(self._source, 4096)
            except OSError:
                data = b""
            self._read += data
            if not data or parse(bytes(self._read))[0].complete:
                done.set()

        loop.add_reader(self._source, take)
        try:
            async with asyncio.timeout(timeout):
                await done.wait()
        except TimeoutError:
            pass  # a silent terminal is a plain one: what has been read is what there is
        finally:
            loop.remove_reader(self._source)
            termios.tcsetattr(self._source, termios.TCSANOW, self._mode)
            self._mode = None
        replies, self.rest = parse(bytes(self._read))
        if replies.cell is None and (cell := cell_of_window(self._sink)) is not None:
            return TerminalReplies(
                replies.kitty, replies.sixel, replies.version, cell, replies.complete
            )
        return replies


async def ask_tmux(environ: Mapping[str, str], timeout: float = 0.5) -> str:
    """Words about the terminal outside tmux: its name, its features, `passthrough` if allowed.

    Empty outside tmux, and when tmux does not answer in time.
    """
    if not environ.get("TMUX"):
        return ""
    question = "#{client_termname} #{client_termtype} #{client_termfeatures} #{allow-passthrough}"
    program = which("tmux", environ)
    if program is None:
        return ""
    try:
        tmux = await asyncio.create_subprocess_exec(
            program,
            *("display-message", "-p", question),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(timeout):
            output, _ = await tmux.communicate()
    except TimeoutError:
        tmux.kill()
        await tmux.wait()
        return ""
    features = output.decode("utf-8", errors="replace").lower().split()
    # The word for it depends on the version: 3.3 counts, later ones say on or all.
    passing = features[-1:] != [] and features[-1] in ("1", "2", "on", "all")
    return " ".join([*features[:-1], "passthrough"] if passing else features)
