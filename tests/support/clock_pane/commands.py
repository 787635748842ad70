"""Commands and keys of the clock pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command

COMMANDS: tuple[Command, ...] = (
    Command("pane.clock", "Go to the clock", "anywhere", "go('clock')", "alt+f12", priority=True),
    Command("pane.toggle_clock", "Show or hide the clock", "anywhere", "toggle_pane('clock')"),
    Command("clock.wind", "Wind the clock", "clock", "wind(2)", "w"),
)
