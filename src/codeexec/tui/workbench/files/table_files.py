"""Files with tables: which of them, then its rows on the full screen, then the others again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.errors import CodeexecError, DocumentError
from codeexec.tui.render.plain import one_line
from codeexec.tui.widgets.dialogs import Choice, Chooser
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tablefiles.client import FileTable, TableFile

_NOTICE_AFTER = 0.7
"""Seconds of reading after which the user is told."""


class TableFileController:
    """Shows the tables of a file; `edit_code` puts the code of a view into the document in
    front."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        edit_code: Callable[[str], Awaitable[None]],
    ) -> None:
        self._surface = surface
        self._state = state
        self._edit_code = edit_code

    def open(self, path: Path) -> None:
        """Show a file; its process ends when the user leaves it."""
        self._surface.start(lambda: self._browse(path), "table-file", exclusive=False)

    async def _browse(self, path: Path) -> None:
        from codeexec.tablefiles.client import TableFile  # seldom needed

        file = TableFile(path, self._state.place.folder)
        try:
            tables = await self._tables_of(file)
            if not tables:
                raise DocumentError(f"{path.name} has no tables.", "")
            if len(tables) == 1:
                await self._show(file, tables[0])
                return
            await self._choose(file, tables)
        except CodeexecError as error:
            self._surface.show_error(error)
        finally:
            await asyncio.to_thread(file.close)

    async def _tables_of(self, file: TableFile) -> tuple[FileTable, ...]:
        reading = asyncio.create_task(asyncio.to_thread(file.tables))
        if not (await asyncio.wait([reading], timeout=_NOTICE_AFTER))[0]:
            self._surface.notify(f"Reading {one_line(file.path.name)}…")
        return await reading

    async def _choose(self, file: TableFile, tables: tuple[FileTable, ...]) -> None:
        """The list of tables, until it is left; from the rows of one the way back leads here."""
        choices = [
            Choice(str(at), one_line(table.name), _words(table)) for at, table in enumerate(tables)
        ]
        current = "0"
        while True:
            chooser = Chooser(f"Tables of {one_line(file.path.name)}", choices, current=current)
            chosen = await self._surface.ask_user(chooser)
            if chosen is None:
                return
            current = chosen
            if await self._show(file, tables[int(chosen)]):
                return

    async def _show(self, file: TableFile, table: FileTable) -> bool:
        """Show the rows of a table; whether its code was put into the editor."""
        from codeexec.tui.screens.tables.origins import FileOrigin
        from codeexec.tui.screens.tables.table_screen import TableScreen

        code = await self._surface.ask_user(TableScreen(FileOrigin(file, table.name)))
        if code is not None:
            await self._edit_code(code)
        return code is not None


def _words(table: FileTable) -> str:
    if not table.columns:
        return table.kind
    return f"{table.kind}, {table.columns} column{'s' if table.columns != 1 else ''}"
