"""Blocks of virtual rows below lines of an editor, such as the output of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.blocks import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.blocks import BlockContent


class BlockLayer:
    """Adds and removes blocks; the text that is on screen does not move."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor

    def put(self, key: str, line: int, content: BlockContent, height: int, hidden: int = 0) -> None:
        """Show `height` rows of `content` below a line, in place of the last `hidden` lines;
        replaces the block with the same key.

        Edits move the block with its line. Rows above the top of the screen do not move the text.
        """
        self.change([(Block(key, line, height, hidden), content)])

    def remove(self, key: str) -> None:
        """Remove a block, if there is one with this key."""
        self.change(removed=[key])

    def change(
        self, blocks: Iterable[tuple[Block, BlockContent]] = (), removed: Iterable[str] = ()
    ) -> None:
        """Put and remove many blocks at once."""
        editor = self._editor
        contents, gone = editor.painter.block_contents, tuple(removed)
        put = tuple(blocks)
        for key in gone:
            contents.pop(key, None)
        contents.update((block.key, content) for block, content in put)
        rows, y = editor.model.rows, editor.scroll_offset.y
        line, part = rows.line_at(rows.text_row(y, 1))
        top = rows.first_row(line) + part
        rows.blocks.change((block for block, _ in put), gone)
        editor.viewport.fit_size()
        y += rows.first_row(line) + part - top if y else 0
        y = max(0, min(y, rows.total - editor.scrollable_content_region.height))
        if y != editor.scroll_offset.y:
            editor.scroll_to(y=y, animate=False, force=True, immediate=True)
        editor.popups.place()
        editor.refresh()
