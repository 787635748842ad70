"""Panel below a table with facts about one column."""

from __future__ import annotations

import asyncio

from textual.content import Content
from textual.widgets import Static

from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import DescribeColumn
from codeexec.tui.render.plain import one_line
from codeexec.tui.screens.tables.table_reader import POLL, TableReader
from codeexec.tui.screens.tables.table_words import facts_content

_MOST_LOOKS = 60
"""Looks for what takes longer than its deadline in the kernel."""


class FactsPanel(Static):
    """`column` is the one that is described; empty while the panel is closed."""

    DEFAULT_CSS = """
    FactsPanel { display: none; height: auto; max-height: 60%; padding: 0 1; background: $panel; }
    FactsPanel.-open { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(id="facts")
        self.column = ""

    async def describe(self, reader: TableReader, column: str) -> None:
        """Show what there is at once, and the rest as it comes."""
        self.column = column
        self.update(Content.styled("Reading the column…", "$text-muted"))
        self.add_class("-open")
        try:
            for _ in range(_MOST_LOOKS):
                answer = await reader.ask(DescribeColumn(column))
                if answer.fault:
                    self._show_fault(answer.fault)
                    return
                if answer.facts is not None:
                    width = self.app.size.width - 2
                    self.update(facts_content(column, answer.facts, width))
                if not answer.working:
                    return
                await asyncio.sleep(POLL * 2)
        except CodeexecError as error:
            self._show_fault(str(error))

    def _show_fault(self, words: str) -> None:
        self.update(Content.styled(one_line(words), "$text-error"))

    def close(self) -> None:
        self.column = ""
        self.remove_class("-open")
