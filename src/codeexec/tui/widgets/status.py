"""Status line: kernel state, container, position and hints."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from codeexec.client.api import Link
from codeexec.domain.events import KernelRef
from codeexec.domain.requests import Usage
from codeexec.domain.snapshot import KernelState, KernelView, Snapshot
from codeexec.domain.text.clusters import cluster_words
from codeexec.domain.text.glyphs import KERNELS
from codeexec.domain.text.pulls import pull_words
from codeexec.domain.text.starts import progress_words
from codeexec.domain.text.words import duration, time_left
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.theme.theme import Theme

_STATES: dict[KernelState, str] = {
    "none": "muted",
    "starting": "run.queued",
    "idle": "ok",
    "busy": "run.running",
    "dead": "error",
    "stopped": "muted",
}
"""The meaning of each state, which colours its glyph."""

_LADDER = {
    "interrupt": "interrupting",
    "interrupt_again": "interrupting again",
    "terminate": "ending the kernel",
    "kill": "killing the kernel",
}

_NEXT_RUNG = {
    "interrupt": " · F9 again interrupts once more",
    "interrupt_again": " · F9 again ends the kernel",
    "terminate": " · F9 again kills it",
}
"""What the key does next, said before it does so."""

_SOON_OVER = 300.0
"""Seconds that are left of a job when that stands out."""
SHOW_BUSY_AFTER = 0.08
"""Seconds. A run that ends sooner is not drawn as running, which saves two repaints."""

_SENTENCE = re.compile(r"\.\s|\n|\.$|; ")

_IMAGE_ROOM = 30
"""Cells of an image's name, so that the policy stands beside it in 80 columns too."""

Piece = tuple[str, str, str]
"""Words, their meaning, and the command that a click on them means."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the cursor is, from 1; `of` names the cell or the mode."""

    line: int = 0
    column: int = 0
    of: str = ""


class StatusLine(Widget):
    """Derived from the snapshot, the link, the last usage and the position; holds no more."""

    DEFAULT_CSS = """
    StatusLine { height: 1; }
    """

    @dataclass
    class CommandClicked(Message):
        """The user clicked a part that runs a command."""

        command: str

    def __init__(self, theme: Theme) -> None:
        super().__init__(id="status")
        self._theme = theme
        self._snapshot = Snapshot()
        self._link = Link("connecting")
        self._usage = Usage()
        self._position = Position()
        self._watching = ""
        self._server = ""
        """The name of a server of another machine; empty for this one's."""
        self._ended = False
        self._restricted = False
        self._hint = ""
        self._shows_position = True
        self._spans: list[tuple[int, int, str]] = []
        self._said: tuple[list[Piece], list[Piece]] = ([], [])
        self._problems = (0, 0)
        self._profile = ""
        self._presenting = ""
        """How presentation mode is ended; empty while it is off."""
        self._ticker: Timer | None = None

    def on_mount(self) -> None:
        self._ticker = self.set_interval(0.1, self._refresh_if_other, pause=True)

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def show(
        self,
        snapshot: Snapshot | None = None,
        link: Link | None = None,
        usage: Usage | None = None,
        position: Position | None = None,
        watching: str | None = None,
        server: str | None = None,
        hint: str | None = None,
        ended: bool | None = None,
        restricted: bool | None = None,
        shows_position: bool | None = None,
        presenting: str | None = None,
        problems: tuple[int, int] | None = None,
        profile: str | None = None,
    ) -> None:
        """Bring some of what is shown up to date."""
        self._ended = self._ended if ended is None else ended
        self._restricted = self._restricted if restricted is None else restricted
        self._snapshot = snapshot or self._snapshot
        self._link = link or self._link
        self._usage = usage or self._usage
        self._position = position or self._position
        self._watching = self._watching if watching is None else watching
        self._server = self._server if server is None else server
        self._hint = self._hint if hint is None else hint
        self._presenting = self._presenting if presenting is None else presenting
        self._problems = self._problems if problems is None else problems
        self._profile = self._profile if profile is None else profile
        if shows_position is not None:
            self._shows_position = shows_position
        kernel = self._snapshot.kernel
        is_timed = bool(kernel.line_cut or kernel.start or kernel.ends_at)
        moves = self._snapshot.is_running or is_timed or self._link.state == "reconnecting"
        if self._ticker is not None:
            (self._ticker.resume if moves else self._ticker.pause)()
        self._refresh_if_other()

    @property
    def clients(self) -> int:
        """How many clients the session has, ourselves among them."""
        return len(self._usage.clients)

    def _refresh_if_other(self) -> None:
        pieces = (self._left(), self._right())
        if pieces != self._said:
            self._said = pieces
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        for start, end, command in self._spans:
            if start <= event.x < end and command and event.button == 1:
                self.post_message(self.CommandClicked(command))

    # -- what it says ---------------------------------------------------------------------------

    def _state(self) -> Piece:
        link, kernel = self._link, self._snapshot.kernel
        if link.state == "reconnecting":
            wait = max((link.retry_at or 0.0) - time.monotonic(), 0.0)
            when = f"in {wait:.0f} s" if wait >= 0.5 else "…"
            return f"⇄ reconnecting {when} · try now", "warn", "app.reconnect"
        if link.state == "closed":
            return "⇄ not connected", "error", ""
        if self._ended:
            return "○ session ended · begin a new one", "warn", "app.new_session"
        if link.state == "connecting":
            return "⇄ connecting", "run.queued", ""
        if kernel.paused:
            return f"{KERNELS['paused']} paused", "warn", "kernel.pause"
        if kernel.pull is not None:
            return (
                f"{KERNELS['starting']} fetching {pull_words(kernel.pull)}".rstrip(),
                "run.queued",
                "",
            )
        if kernel.start is not None:
            progress = progress_words(kernel.start, time.time())
            room = max(self._room, self.size.width // 2) - len(progress)
            words = f"{fitted(one_line(kernel.start.step), max(room, 12))}{progress}".lstrip()
            return f"{KERNELS['starting']} {words}", "run.queued", "kernel.interrupt"
        if kernel.ladder is not None:
            text = _LADDER.get(kernel.ladder.stage, kernel.ladder.stage)
            pid = f" pid {kernel.ladder.pid}" if kernel.ladder.pid else ""
            elapsed = duration(kernel.ladder.elapsed)
            next_key = _NEXT_RUNG.get(kernel.ladder.stage, "")
            return f"↯ {text}{pid} {elapsed}{next_key}", "warn", "kernel.interrupt"
        if kernel.line_cut is not None:
            away = duration(max(time.time() - kernel.line_cut.since, 0.0))
            wait = kernel.line_cut.next_try - time.time()
            when = f"next try in {wait:.0f} s" if wait >= 0.5 else "trying again"
            return f"⇄ line to the kernel cut {away}, {when}", "warn", "kernel.choose"
        running = self._snapshot.running
        if self._snapshot.asking is not None:
            return "⌨ waiting for your answer", "stream.stdin", "pane.console"
        shape, meaning = KERNELS[kernel.state], _STATES[kernel.state]
        text = kernel.state if kernel.state != "none" else "no kernel"
        if kernel.state == "busy" and running is not None and running.started_at is not None:
            taken = time.time() - running.started_at
            if taken < SHOW_BUSY_AFTER:
                return f"{KERNELS['idle']} idle", "ok", ""
            text = f"busy {duration(taken)}"
        if kernel.state == "dead" and kernel.death is not None:
            # Its first sentence; the rest was told when it died.
            text = f"dead: {_SENTENCE.split(kernel.death.message, maxsplit=1)[0]}"
        dead = "kernel.restart" if kernel.kernel is not None else "kernel.choose"
        commands = {"dead": dead, "busy": "kernel.interrupt"}
        return f"{shape} {text}", meaning, commands.get(kernel.state, "")

    @property
    def _room(self) -> int:
        """Cells for a sentence."""
        return max(self.size.width - 90, self.size.width // 3, 12)

    def _local(self, ref: KernelRef) -> list[Piece]:
        notices = self._snapshot.kernel.notices
        pieces: list[Piece] = [(ref.display_name or ref.name, "text", "kernel.choose")]
        if len(notices) == 1:
            pieces.append((fitted(one_line(notices[0]), self._room), "warn", "kernel.choose"))
        elif notices:
            pieces.append((f"{len(notices)} limits", "muted", "kernel.choose"))
        return [*pieces, (ref.backend, "muted", "")]

    def _contained(self, ref: KernelRef) -> list[Piece]:
        """Which container, and what it may do; whether all of that holds."""
        policy = ref.policy.partition(" · ")[0]
        notices = len(self._snapshot.kernel.notices)
        label = {0: policy, 1: f"{policy}, 1 notice"}.get(notices, f"{policy}, {notices} notices")
        return [
            (f"{ref.engine} {_image_words(ref.path)}", "text", "kernel.choose"),
            (label, "warn" if notices else "muted", "kernel.policy"),
        ]

    def _problem_counts(self) -> list[Piece]:
        """Errors and warnings of all files; a click lists them."""
        signs = (("●", "error"), ("▲", "warn"))
        return [
            (f"{sign} {count}", meaning, "problem.list")
            for count, (sign, meaning) in zip(self._problems, signs, strict=True)
            if count
        ]

    def _left(self) -> list[Piece]:
        kernel, snapshot = self._snapshot.kernel, self._snapshot
        pieces = [self._state()]
        if self._server:
            pieces.append((f"on {self._server}", "accent", "app.servers"))
        if self._watching:
            pieces.append((self._watching, "warn", "app.follow"))
        if self._presenting:
            pieces.append((self._presenting, "muted", "pane.presentation"))
        if self._restricted:
            pieces.append(("restricted", "warn", "app.trust"))
        pieces += self._problem_counts()
        if self._profile:
            pieces.append((self._profile, "action.build", "program.profile"))
        ref = kernel.kernel
        if len(snapshot.kernels) > 1:
            room = max(self.size.width // 4, 12)
            pieces.append((_kernels_words(snapshot, room), "accent", "kernel.focus"))
        if ref is not None:
            pieces += self._contained(ref) if ref.engine else self._local(ref)
        if self._presenting:
            return pieces
        if kernel.pid is not None and kernel.state in ("idle", "busy"):
            pieces.append((f"pid {kernel.pid}", "muted", ""))
        for cluster in kernel.clusters:
            pieces.append((cluster_words(cluster), "warn" if cluster.is_silent else "accent", ""))
        if kernel.ends_at:
            left = kernel.ends_at - time.time()
            meaning = "warn" if left < _SOON_OVER else "muted"
            pieces.append((time_left(left), meaning, "kernel.choose"))
        if self._usage.rss:
            pieces.append((f"{self._usage.rss / 1e6:.0f} MB", "muted", ""))
        if waiting := len(snapshot.queue):
            pieces.append((f"{waiting} queued", "run.queued", "kernel.clear_queue"))
        if (clients := len(self._usage.clients)) > 1:
            pieces.append((f"{clients} clients", "run.origin", "app.sessions"))
        return pieces

    def _right(self) -> list[Piece]:
        pieces: list[Piece] = []
        if self._hint:
            pieces.append((self._hint, "accent", ""))
        if self._position.line and self._shows_position:
            position = f"{self._position.line}:{self._position.column}"
            title = fitted(one_line(self._position.of), max(self.size.width // 4, 1))
            of = f"{title}  " if title else ""
            pieces.append((f"{of}{position}", "muted", ""))
        if self._snapshot.kernel.state == "dead":
            is_known = self._snapshot.kernel.kernel is not None
            pieces.append(
                ("Shift+F9 new kernel", "accent", "kernel.restart")
                if is_known
                else ("F12 choose a kernel", "accent", "kernel.choose")
            )
        pieces.append(("F1 keys", "muted", "app.help"))
        pieces.append(("^P commands", "muted", "app.palette"))
        return pieces

    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self._theme.style
        state_pieces, key_pieces = _printable(self._left()), _printable(self._right())
        is_dead = self._snapshot.kernel.state == "dead"
        # The least important goes first where there is no room.
        # That nothing may be changed is never left out, nor how presentation mode is ended.
        least = 1 + bool(self._watching) + bool(self._presenting)
        while _size(state_pieces, " · ") + _size(key_pieces, "   ") + 3 > width:
            last = key_pieces[-1][2]
            if last == "app.palette" or (is_dead and last == "app.help"):
                key_pieces.pop()
            elif is_dead and not key_pieces[0][2]:
                key_pieces.pop(0)  # the position matters less than the key of a new kernel
            elif state_pieces[least:]:
                state_pieces.pop()
            elif len(key_pieces) > 1 and key_pieces[-1][2]:
                key_pieces.pop()
            else:
                break
        self._spans = []
        segments = [Segment(" ")]
        at = 1
        for number, (text, meaning, command) in enumerate(state_pieces):
            if number:
                segments.append(Segment("  " if number == 1 else " · ", style("faint")))
                at += 2 if number == 1 else 3
            segments.append(Segment(text, style(meaning)))
            self._spans.append((at, at + cell_len(text), command))
            at += cell_len(text)
        gap = max(width - at - _size(key_pieces, "   ") - 1, 1)
        segments.append(Segment(" " * gap))
        at += gap
        for number, (text, meaning, command) in enumerate(key_pieces):
            if number:
                segments.append(Segment("   "))
                at += 3
            segments.append(Segment(text, style(meaning)))
            self._spans.append((at, at + cell_len(text), command))
            at += cell_len(text)
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)


def _kernels_words(snapshot: Snapshot, room: int) -> str:
    """The kernel in focus, and the others with the sign of their state where that is another than
    idle; only how many there are and run, where their names do not fit."""
    focus = snapshot.default_kernel
    others = {name: view for name, view in snapshot.kernels.items() if name != focus}
    names = [
        f"{one_line(name)} {sign}" if (sign := _sign(view)) else one_line(name)
        for name, view in others.items()
    ]
    whole = f"{focus} + {', '.join(names)}"
    if cell_len(whole) <= room:
        return whole
    busy = sum(view.state == "busy" for view in others.values())
    text = f"{focus} +{len(others)}"
    return f"{text} ({busy} busy)" if busy else text


def _sign(view: KernelView) -> str:
    """Of a kernel that is not in focus; none while it is idle."""
    if view.line_cut is not None:
        return "⇄"
    return "" if view.state == "idle" else KERNELS[view.state]


def _image_words(image: str) -> str:
    """Without the registry and most of a digest where the whole of it is long."""
    if len(image) <= _IMAGE_ROOM:
        return image
    name, _, digest = image.rpartition("/")[2].partition("@sha256:")
    name = f"{name}@{digest[:8]}" if digest else name
    return name if len(name) <= _IMAGE_ROOM else f"{name[: _IMAGE_ROOM - 1]}…"


def _printable(pieces: list[Piece]) -> list[Piece]:
    return [(one_line(text), meaning, command) for text, meaning, command in pieces]


def _size(pieces: list[Piece], between: str) -> int:
    return sum(cell_len(text) for text, _, _ in pieces) + len(between) * (len(pieces) - 1)
