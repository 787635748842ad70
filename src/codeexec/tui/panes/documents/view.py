"""Editor with find bar, and a title while two share the pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.find_bar import FindBar
from codeexec.tui.theme.theme import Theme
from codeexec.tui.widgets.chrome import Tab, TabStrip

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class ViewTitle(TabStrip):
    """The title of a half: a click gives it the keys, × closes it, a drag moves the division."""


class DocumentEditor(Vertical):
    """An editor on a document, with its find bar and title.

    `DocumentView` holds the first editor of a document. A second editor in the other half has its
    own cursor, scroll offset and search, and shares the text and the undo history.
    """

    DEFAULT_CSS = """
    DocumentEditor { height: 1fr; }
    DocumentEditor CodeEditor { height: 1fr; }
    DocumentEditor ViewTitle { display: none; }
    DocumentEditor.-titled ViewTitle { display: block; }
    """

    def __init__(self, sheet: DocumentView, editor: CodeEditor, theme: Theme) -> None:
        super().__init__(id=f"view-{id(editor)}")
        self.sheet = sheet
        self.editor = editor
        self.find_bar = FindBar(editor)
        self.title_bar = ViewTitle(theme)

    def compose(self) -> ComposeResult:
        yield self.title_bar
        yield self.editor
        yield self.find_bar

    def on_unmount(self) -> None:
        self.editor.model.close()

    def entitle(self, is_titled: bool, is_active: bool) -> None:
        """Have a title row, or none; that of the half with the keys stands out."""
        self.set_class(is_titled, "-titled")
        if is_titled:
            mark = "●" if self.sheet.is_changed else ""
            tab = Tab(self.id or "", self.sheet.title, mark, "run.edited", closable=True)
            self.title_bar.show([tab], tab.key if is_active else "")
            self.title_bar.light(is_active)
