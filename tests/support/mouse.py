"""A person with a mouse: points at words on screen."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from support.bench import Bench

MENU = "All commands of this pane…"
"""The last row of the menu of the right button."""


@dataclass
class Mouse:
    """Points at words on screen."""

    bench: Bench

    def find(self, words: str, nth: int = 1) -> tuple[int, int] | None:
        """Column and row of the nth place where the words stand."""
        for y, line in enumerate(self.bench.screen().split("\n")):
            at = line.find(words)
            while at >= 0:
                nth -= 1
                if not nth:
                    return cell_len(line[:at]), y
                at = line.find(words, at + 1)
        return None

    async def click(
        self, words: str, nth: int = 1, *, button: int = 1, times: int = 1, right: int = 0
    ) -> tuple[int, int]:
        """Click on words, as soon as they stand still; `right` of their beginning. Where that
        is."""
        place: tuple[int, int] | None = None
        while place is None or place != self.find(words, nth):
            await self.bench.until(lambda: self.find(words, nth), f"{words!r} to click on")
            place = self.find(words, nth)
            await self.bench.pilot.pause()
        spot = (place[0] + right, place[1])
        await self.bench.pilot.click(offset=spot, button=button, times=times)
        return spot

    async def menu(self, words: str, command: str, nth: int = 1) -> None:
        """Choose a command from what the right button offers there."""
        await self.click(words, nth, button=3)
        await self.bench.sees(MENU)
        await self.click(f" {command} ", right=2)
        await self.bench.sees_no_more(MENU)
