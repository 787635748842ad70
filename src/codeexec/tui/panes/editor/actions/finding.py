"""Search in the editor: the current query, its marks, and replacements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text import search
from codeexec.tui.panes.editor.text.search import CurrentMatch, Query

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.code_editor import CodeEditor

MARK_SECONDS = 0.05
"""For marking the matches of one line that is drawn."""


class TextFinder:
    """Selects and replaces matches of a query; marks all of them until `stop`."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self.query = Query("")

    def find(
        self, query: Query, step: int = 1, *, at_selection: bool = False
    ) -> CurrentMatch | None:
        """Mark all matches and select the next; see `search.find`. Raises UsageError."""
        editor = self._editor
        self.query = query
        editor.painter.pattern = None
        current = search.find(editor.model, query, step, at_selection=at_selection)
        editor.painter.pattern = query.compiled(MARK_SECONDS) if query.text else None
        editor.sync()
        editor.refresh()
        return current

    def find_again(self, step: int = 1) -> CurrentMatch | None:
        """Select the next match (`step` 1) or the previous (-1) of the last query."""
        return self.find(self.query, step)

    def replace(self, query: Query, replacement: str) -> CurrentMatch | None:
        """Replace the match that is selected, and go to the next."""
        search.replace_one(self._editor.model, query, replacement)
        return self.find(query, at_selection=True)

    def replace_all(self, query: Query, replacement: str) -> int:
        """Replace every match in one step; returns how many there were."""
        count = search.replace_all(self._editor.model, query, replacement)
        self._editor.sync()
        return count

    def stop(self) -> None:
        """Mark no matches any more."""
        self._editor.painter.pattern = None
        self._editor.refresh()
