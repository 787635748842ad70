"""Blocks of virtual rows below lines of an editor, such as the output of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.tui.panes.editor.code_editor import CodeEditor
    from codeexec.tui.panes.editor.text.blocks import BlockContent, Blocks


class BlockLayer:
    """Adds and removes blocks; the text that is on screen does not move."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor

    def put(self, key: str, line: int, content: BlockContent, height: int) -> None:
        """Show `height` rows of `content` below a line; replaces the block with the same key.

        Edits move the block with its line. Rows above the top of the screen do not move the text.
        """
        self._editor.painter.block_contents[key] = content
        self._change(lambda blocks: blocks.put(key, line, height))

    def remove(self, key: str) -> None:
        """Remove a block, if there is one with this key."""
        self._editor.painter.block_contents.pop(key, None)
        self._change(lambda blocks: blocks.remove(key))

    def _change(self, change: Callable[[Blocks], object]) -> None:
        editor = self._editor
        rows, y = editor.model.rows, editor.scroll_offset.y
        line, part = rows.line_at(rows.text_row(y, 1))
        top = rows.first_row(line) + part
        change(rows.blocks)
        editor.viewport.resize_text()
        shift = rows.first_row(line) + part - top
        if shift:
            editor.scroll_to(y=y + shift, animate=False, force=True)
        editor.popups.redraw()
