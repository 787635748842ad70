"""Editor actions to find, replace, and go to a line, cell or symbol."""

from __future__ import annotations

from dataclasses import dataclass

from codeexec.tui.panes.editor.base import EditorBase
from codeexec.tui.panes.editor.text import search
from codeexec.tui.panes.editor.text.search import CurrentMatch, Query


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that the text defines: a function, a class; `line` from 0."""

    name: str
    kind: str
    line: int


MARK_SECONDS = 0.05
"""For marking the matches of one line that is drawn."""


class FindActions(EditorBase):
    """Search actions of the editor. They post `PromptRequested`; other widgets show the prompts."""

    search_query = Query("")

    def find(
        self, query: Query, step: int = 1, *, at_selection: bool = False
    ) -> CurrentMatch | None:
        """Mark all matches and select the next; see `search.find`. Raises UsageError."""
        self.search_query = query
        self.painter.pattern = None
        current = search.find(self.model, query, step, at_selection=at_selection)
        self.painter.pattern = query.compiled(MARK_SECONDS) if query.text else None
        self.sync()
        self.refresh()
        return current

    def replace(self, query: Query, replacement: str) -> CurrentMatch | None:
        """Replace the match that is selected, and go to the next."""
        search.replace_one(self.model, query, replacement)
        return self.find(query, at_selection=True)

    def replace_all(self, query: Query, replacement: str) -> int:
        """Replace every match in one step; how many there were."""
        count = search.replace_all(self.model, query, replacement)
        self.sync()
        return count

    def stop_finding(self) -> None:
        """Marks no matches any more."""
        self.painter.pattern = None
        self.refresh()

    def symbols(self, first: int = 0, last: int | None = None) -> list[Symbol]:
        """The names that the text defines (in the lines `first` to `last`), in its order; empty
        without a grammar."""
        finder = getattr(self._syntax, "symbols", None)
        return [Symbol(*entry) for entry in finder(first, last)] if finder is not None else []

    def action_find(self) -> None:
        self._ask("find")

    def action_replace(self) -> None:
        self._ask("replace")

    def _ask(self, kind: str) -> None:
        text = self.model.selected_text
        self.post_message(self.PromptRequested(kind, "" if "\n" in text else text))

    def action_find_next(self) -> None:
        self.find(self.search_query)

    def action_find_previous(self) -> None:
        self.find(self.search_query, -1)

    def action_goto_line(self) -> None:
        self.post_message(self.PromptRequested("line"))

    def action_goto_cell(self) -> None:
        self.post_message(self.PromptRequested("cell"))

    def action_goto_symbol(self) -> None:
        self.post_message(self.PromptRequested("symbol"))
