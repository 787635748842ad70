"""Policy chooser: permissions of code in the container, and which cannot be enforced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from codeexec.domain.snapshot import KernelView
from codeexec.tui.options import Policy
from codeexec.tui.screens.picker import Picker, spread
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, Pieces

POLICIES: dict[Policy, str] = {
    "locked": "no network · 1 GB · 1 cpu",
    "network": "network, so that pip works · 2 GB · 1 cpu",
    "open": "network · all memory · all cpus",
}
"""What each allows, in the order of how much; `tests/docker` holds them to what is enforced."""

REACH = (
    "`network` and `open` reach services of this machine over the engine's bridge (databases, "
    "development servers, a router's page), and all that this machine reaches."
)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """Row of a policy; `description` of the current policy includes changes by settings."""

    name: Policy
    description: str
    is_current: bool

    def pieces(self, width: int) -> Pieces:
        shape: tuple[str, Ink] = ("● ", "ok") if self.is_current else ("○ ", "muted")
        label: Pieces = [shape, (self.name, "text")]
        if self.is_current:
            label.append(("  in use", "accent"))
        return spread(label, [(self.description, "muted")], width)


class PolicyScreen(Picker[Policy | None]):
    """Dismissed with the policy for a new container."""

    typing: ClassVar[bool] = False

    def __init__(self, kernel: KernelView) -> None:
        super().__init__("What code in the container may do")
        ref = kernel.kernel
        self._notices = kernel.notices
        self._policy, _, self._words = (ref.policy if ref is not None else "").partition(" · ")

    def hints(self) -> Sequence[Hint]:
        return (
            Hint("enter", "start a fresh container with it", "choose"),
            Hint("esc", "close", "leave"),
        )

    def begin(self) -> None:
        current = self._policy.partition(",")[0]
        rows = [
            PolicyRow(name, self._words if name == current else description, name == current)
            for name, description in POLICIES.items()
        ]
        self.show(rows, next((at for at, row in enumerate(rows) if row.is_current), 0))
        files_note = "It sees no files of this machine but those of the working folder."
        self.say(
            "\n".join([*self._notices, files_note, REACH]), "warn" if self._notices else "muted"
        )

    def choose(self, at: int) -> None:
        row = self.list.rows[at]
        if isinstance(row, PolicyRow):
            self.dismiss(row.name)
