"""Messages of the editor: notices about its text, and requests to the widget that hosts it.

Each is a name of the widget, too: `CodeEditor.RunRequested` and so on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.message import Message

from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from codeexec.documents.model import Cell


class RunScope(StrEnum):
    """Which cells a run request covers."""

    CELL = "cell"
    SELECTION = "selection"
    ABOVE = "above"
    BELOW = "below"
    ALL = "all"
    FILE = "file"
    PROGRAM = "program"
    RESTART = "restart"


class EditorMessage(Message, namespace="code_editor"):
    """Message of an editor; `control` is the editor."""

    @property
    def control(self) -> DOMNode | None:
        return self._sender if isinstance(self._sender, DOMNode) else None


class CodeQuestion(EditorMessage, namespace="code_editor"):
    """Request to the kernel about code: `offset` is in code points into `code`, the source of one
    cell.

    `start` is the position of `code` in the text, and `version` the version of the text.
    """

    def __init__(self, code: str, offset: int, start: Location, version: int) -> None:
        super().__init__()
        self.code = code
        self.offset = offset
        self.start = start
        self.version = version

    def location(self, offset: int) -> Location:
        """Where in the text an offset into `code` is."""
        head = self.code[:offset]
        newlines = head.count("\n")
        column = len(head) - head.rfind("\n") - 1
        return Location(self.start.line + newlines, column + (not newlines) * self.start.column)


class TextChanged(EditorMessage, namespace="code_editor"):
    """The text has changed; `version` counts up with every change."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version


class CursorMoved(EditorMessage, namespace="code_editor"):
    """The cursor or the selection has moved; counted from 0, in code points."""

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self.selection = selection


class RunRequested(EditorMessage, namespace="code_editor"):
    """Run these cells, in this order. For a selection there is one, without a title.

    RESTART asks for a fresh kernel first.
    """

    def __init__(self, scope: RunScope, cells: tuple[Cell, ...]) -> None:
        super().__init__()
        self.scope = scope
        self.cells = cells


class CompletionRequested(CodeQuestion, namespace="code_editor"):
    """Request for completions, answered with `show_completions`. `automatic`: made while
    typing, so failures stay silent."""

    automatic = False


class InspectRequested(CodeQuestion, namespace="code_editor"):
    """Answer with `show_docs`."""


class TextCopied(EditorMessage, namespace="code_editor"):
    """Text was copied or cut; other clipboards than the application's may take it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class EditRefused(EditorMessage, namespace="code_editor"):
    """Text was typed or pasted that a read-only text does not take."""


class ModeChanged(EditorMessage, namespace="code_editor"):
    """The mode of a key layer such as vim's has changed; `mode` is its label."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode


class PageRequested(EditorMessage, namespace="code_editor"):
    """A command of the page, by its name: `toggle`, or what is done with cells and outputs."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command


class BlockPressed(EditorMessage, namespace="code_editor"):
    """A mouse button went down on row `row` of a block, at cell `x` of its content, left of it
    below 0. `is_double`: it was the second click there."""

    def __init__(
        self,
        key: str,
        row: int,
        x: int,
        button: int,
        *,
        shift: bool = False,
        is_double: bool = False,
    ) -> None:
        super().__init__()
        self.key = key
        self.row = row
        self.x = x
        self.button = button
        self.shift = shift
        self.is_double = is_double


class PromptRequested(EditorMessage, namespace="code_editor"):
    """Request to open the prompt of this kind (`find`, `replace`, `line`, `cell`, `symbol` or
    `command`) with `text` in it."""

    def __init__(self, kind: str, text: str = "") -> None:
        super().__init__()
        self.kind = kind
        self.text = text
