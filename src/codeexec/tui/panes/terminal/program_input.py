"""What goes to the program of the terminal that is shown: keys, pastes, lines; and when."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widget import Widget

from codeexec.domain.terminals import AnyInput, FocusChanged, KeyPress, Pasted, TerminalView
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.panes.terminal.scrolling import Reader
from codeexec.tui.panes.terminal.sending import InputSender
from codeexec.tui.panes.terminal.typing import key_press
from codeexec.tui.session.ask import Failed, NoticePosted
from codeexec.tui.session.watch_only import refusal

_LONGEST_PASTE = 1_000_000
"""Characters of a paste; more is cut, and said."""
_LEAVE = "terminal.leave"


class ProgramInput:
    """`is_inside`: keys go to the program, all but the one that leaves it. `on_change` is called
    when that has changed."""

    def __init__(
        self,
        widget: Widget,
        sender: InputSender,
        reader: Reader,
        on_change: Callable[[], object],
        *,
        watch_only: bool,
    ) -> None:
        self._widget = widget
        self._sender = sender
        self._reader = reader
        self._on_change = on_change
        self.watch_only = watch_only
        self.is_inside = False
        self._leave_keys: tuple[str, ...] = ()
        self._held: list[events.Key | events.Paste] | None = None
        """What was typed for a program that is being started; None while none is."""

    @property
    def terminal(self) -> TerminalView | None:
        """The terminal that is shown."""
        return self._reader.terminal

    @property
    def may_type(self) -> bool:
        """Whether there is a program, and this client may type."""
        terminal = self.terminal
        return terminal is not None and terminal.state == "running" and not self.watch_only

    def enter(self) -> None:
        """Let keys go to the program."""
        if self.may_type:
            self._reader.stop()
            self._leave_keys = self._bound_keys()
            held, self._held = self._held or [], None
            self.set_inside(True)
            for event in held:
                self.grab(event)

    def hold(self) -> None:
        """Keep what is typed for a program that is being started, until `enter` or `drop`."""
        self._held = self._held or []
        self._leave_keys = self._bound_keys()
        self.set_inside(True)

    def drop(self) -> None:
        """It was not started."""
        if self._held is not None:
            self.set_inside(False)

    def stop(self) -> None:
        """The program that has the keys ended, or another one is shown."""
        if self._held is None:
            self.set_inside(False)

    def set_inside(self, is_inside: bool) -> None:
        if not is_inside:
            self._held = None
        if is_inside != self.is_inside:
            self.is_inside = is_inside
            self._on_change()

    def leave(self) -> None:
        """Stop typing into the program; out of it, its key goes there."""
        if self.is_inside:
            self.set_inside(False)
        elif self.may_type:
            press = key_press(events.Key(self._bound_keys()[0], None))
            if press is not None:
                self.type(press)
            self.enter()

    def _bound_keys(self) -> tuple[str, ...]:
        keys = self._widget.app._keymap.get(_LEAVE, BY_ID[_LEAVE].keys)
        return tuple(keys.split(","))

    def grab(self, event: events.Key | events.Paste) -> bool:
        """Send a key or a paste to the program; False for the key that leaves it, and out of it."""
        if isinstance(event, events.Key) and event.key in self._leave_keys:
            return False
        if self._held is not None:
            self._held.append(event)
            return True
        if not self.is_inside or not self.may_type:
            return False
        if isinstance(event, events.Paste):
            self.paste(event.text)
            return True
        press = key_press(event)
        if press is not None:
            self.type(press)
        return True

    def type(self, item: AnyInput) -> None:
        """Type into the terminal, and show its screen."""
        if self.terminal is None or not self.may_type:
            return
        if not isinstance(item, FocusChanged):
            self._reader.stop()
        self._sender.send(self.terminal.terminal_id, item)

    def paste(self, text: str) -> None:
        if len(text) > _LONGEST_PASTE:
            self._say(f"Only the first {_LONGEST_PASTE:,} characters were pasted.")
        self.type(Pasted(text[:_LONGEST_PASTE]))

    def run_line(self, text: str) -> None:
        """Type a line into the shell and press Enter; not while another program runs there."""
        terminal = self.terminal
        if self.watch_only:
            self._widget.post_message(Failed(refusal()))
        elif terminal is None or terminal.state != "running":
            self._say("The program of this terminal has ended.")
        elif terminal.running is not None:
            self._say(f"The shell is busy with {terminal.running.text!r}.")
        else:
            self.paste(text.rstrip("\n"))
            self.type(KeyPress("enter"))

    def _say(self, message: str) -> None:
        self._widget.post_message(NoticePosted(message))
