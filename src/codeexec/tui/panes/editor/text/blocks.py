"""Blocks of rows between text lines: their line and height."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from textual.strip import Strip


class BlockContent(Protocol):
    """Draws the rows of a block, such as the output of a cell."""

    def render_row(self, row: int, width: int) -> Strip:
        """Row `row` of the block, from 0, in at most `width` cells."""


@dataclass(slots=True)
class Block:
    """`height` rows below line `line`. The key is unique in one editor."""

    key: str
    line: int
    height: int


class Blocks:
    """All blocks of a text in order. Below the same line they stand in the order of keys."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._lines: list[int] = []
        self._heights = [0]  # of all blocks before the one with the same index

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def put(self, key: str, line: int, height: int) -> None:
        """Add a block, or move and resize the block that has this key."""
        if height < 1 or line < 0:
            raise ValueError(f"a block of {height} rows below line {line}")
        blocks = [block for block in self._blocks if block.key != key]
        self._take([*blocks, Block(key, line, height)])

    def remove(self, key: str) -> bool:
        """Remove a block; whether there was one."""
        blocks = [block for block in self._blocks if block.key != key]
        is_removed = len(blocks) < len(self._blocks)
        if is_removed:
            self._take(blocks)
        return is_removed

    def _take(self, blocks: list[Block]) -> None:
        self._blocks = sorted(blocks, key=lambda block: (block.line, block.key))
        self._lines = [block.line for block in self._blocks]
        self._heights = [0]
        for block in self._blocks:
            self._heights.append(self._heights[-1] + block.height)

    def splice(self, first: int, removed: int, inserted: int) -> None:
        """Lines `first : first + removed` have become `inserted` lines.

        A block below the last of the replaced lines stays below the last of the new ones, so that
        a cell that grows at its end keeps its output below it.
        """
        if not self._blocks or removed == inserted:
            return
        shift, last = inserted - removed, first + removed - 1
        for block in self._blocks:
            if block.line >= last:
                block.line = max(block.line + shift, 0)
            elif block.line >= first:
                block.line = max(min(block.line, first + inserted - 1), 0)
        self._take(self._blocks)

    @property
    def total(self) -> int:
        """The height of all blocks together."""
        return self._heights[-1]

    def rows_above(self, line: int) -> int:
        """The height of all blocks above this line."""
        return self._heights[bisect_left(self._lines, line)]

    def height_before(self, index: int) -> int:
        """The height of all blocks before the one with this index."""
        return self._heights[index]

    def lines(self) -> list[int]:
        """The line of each block, in ascending order."""
        return self._lines

    def at(self, index: int) -> Block:
        """The block with this index."""
        return self._blocks[index]
