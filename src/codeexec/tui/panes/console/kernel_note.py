"""Line below the cards about the kernel: that it ended, or that a new one has run nothing yet."""

from __future__ import annotations

from codeexec.tui.panes.console.cards.card_list import CardList
from codeexec.tui.panes.console.paint import restarted
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.feed import Frame

_ENDED = "Kernel ended. Enter starts a new one · F12 another · Ctrl+Q leaves"

_NOT_FOUND = "Enter or F12 chooses a kernel · Ctrl+Q leaves"
"""The keys where the kernel that was asked for is not there: the same one would fail again."""

_LAST_CARDS = 20
"""Cards among which the last generation of the kernel is looked for."""


class KernelNote:
    """`text` is empty where there is nothing to say."""

    def __init__(self) -> None:
        self.text = ""

    def follow(self, frame: Frame, card_list: CardList) -> bool:
        """Take in a frame; whether the text has changed."""
        previous, kernel = self.text, frame.snapshot.kernel
        name = frame.snapshot.default_kernel
        views = (card.view for card in card_list.cards[-_LAST_CARDS:])
        last = max((view.generation for view in views if view.kernel == name), default=0)
        if kernel.state == "dead" and kernel.kernel is None:
            reason = kernel.death.message if kernel.death is not None else "There is no kernel."
            self.text = f"{one_line(reason)} {_NOT_FOUND}"
        elif kernel.state == "dead":
            self.text = _ENDED
        elif kernel.state in ("idle", "busy") and 0 < last < kernel.generation:
            self.text = restarted(kernel.ready_at)
        else:
            self.text = ""
        return previous != self.text

    @property
    def start_command(self) -> str:
        """The command that gets another kernel where this one is dead."""
        return "kernel.choose" if _NOT_FOUND in self.text else "kernel.restart"
