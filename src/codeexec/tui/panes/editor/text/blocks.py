"""Blocks of rows between text lines, or in place of lines: their line and height."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.strip import Strip


class BlockContent(Protocol):
    """Draws the rows of a block, such as the output of a cell."""

    def render_row(self, row: int, width: int) -> Strip:
        """Row `row` of the block, from 0, in at most `width` cells."""


@dataclass(slots=True)
class Block:
    """`height` rows below line `line`. The key is unique in one editor.

    The last `hidden` lines up to `line` are not shown: the block stands in their place. The caret
    passes over a block that `is_closed`, instead of entering the lines.
    """

    key: str
    line: int
    height: int
    hidden: int = 0
    is_closed: bool = False


class Blocks:
    """All blocks of a text in order. Below the same line they stand in the order of keys."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._by_key: dict[str, Block] = {}
        self._lines: list[int] = []
        self._heights = [0]  # of all blocks before the one with the same index
        self.version = 0
        """Counts up when a block moves or gets another height."""
        self.rows_of: Callable[[int, int], int] = lambda first, end: end - first
        """Rows that the lines from `first` to `end` would have; given by the owner."""

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def put(self, key: str, line: int, height: int, hidden: int = 0) -> None:
        """Add a block, or move and resize the block that has this key."""
        self.change([Block(key, line, height, hidden)])

    def remove(self, key: str) -> bool:
        """Remove a block; whether there was one."""
        count = len(self._blocks)
        self.change(removed=[key])
        return len(self._blocks) < count

    def change(self, blocks: Iterable[Block] = (), removed: Iterable[str] = ()) -> None:
        """Add blocks, or move and resize those that have their keys, and remove others, at once."""
        fresh = {block.key: block for block in blocks}
        for block in fresh.values():
            if block.height < 1 or not 0 <= block.hidden <= block.line + 1:
                raise ValueError(f"a block of {block.height} rows below line {block.line}")
        gone = fresh.keys() | set(removed)
        self._take([*(block for block in self._blocks if block.key not in gone), *fresh.values()])

    def _take(self, blocks: list[Block]) -> None:
        self._blocks = sorted(blocks, key=lambda block: (block.line, block.key))
        self._by_key = {block.key: block for block in self._blocks}
        self.recount()

    def recount(self) -> None:
        """Add up the heights again: blocks have moved, or hidden lines have other rows."""
        self.version += 1
        self._lines = [block.line for block in self._blocks]
        self._heights = heights = [0]
        for block in self._blocks:
            height = block.height
            if block.hidden:
                height -= self.rows_of(block.line + 1 - block.hidden, block.line + 1)
            heights.append(heights[-1] + height)

    @property
    def hides_lines(self) -> bool:
        """Whether a block stands in place of lines."""
        return any(block.hidden for block in self._blocks)

    def splice(self, first: int, removed: int, inserted: int) -> None:
        """Lines `first : first + removed` have become `inserted` lines.

        A block below the last of the replaced lines stays below the last of the new ones, so that
        a cell that grows at its end keeps its output below it.
        """
        if not self._blocks or removed == inserted:
            return
        shift, last = inserted - removed, first + removed - 1
        lines, is_shown = self._lines, False
        for at in range(bisect_left(lines, first), len(lines)):
            block = self._blocks[at]
            if block.hidden and block.line + 1 - block.hidden <= last:
                # What it stands for has changed: it stands below that until it is put anew.
                block.hidden = 0
                is_shown = True
            if block.line >= last:
                block.line = max(block.line + shift, 0)
            else:
                block.line = max(min(block.line, first + inserted - 1), 0)
            lines[at] = block.line
        self.version += 1
        if is_shown or shift < 0:
            self._take(self._blocks)  # blocks of other lines may stand below the same line now

    @property
    def total(self) -> int:
        """The height of all blocks together, less the rows of the lines that they hide."""
        return self._heights[-1]

    def rows_above(self, line: int) -> int:
        """The height of all blocks above this line, less the rows that they hide."""
        return self._heights[bisect_left(self._lines, line)]

    def height_before(self, index: int) -> int:
        """The height of all blocks before the one with this index, less the rows they hide."""
        return self._heights[index]

    def lines(self) -> list[int]:
        """The line of each block, in ascending order."""
        return self._lines

    def starts(self) -> list[int]:
        """The row at which each block begins, where each line has one row."""
        places = zip(self._blocks, self._heights, strict=False)
        return [block.line + 1 - block.hidden + above for block, above in places]

    def get(self, key: str) -> Block | None:
        """The block with this key."""
        return self._by_key.get(key)

    def keys(self) -> tuple[str, ...]:
        """The keys of all blocks."""
        return tuple(self._by_key)

    def index(self, block: Block) -> int:
        """The index of a block."""
        return self._blocks.index(block, bisect_left(self._lines, block.line))

    def at(self, index: int) -> Block:
        """The block with this index."""
        return self._blocks[index]
