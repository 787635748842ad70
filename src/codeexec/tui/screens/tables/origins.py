"""Where the rows of a table screen come from: a variable of a kernel, or a file."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.tablefiles.client import TableFile


class TableOrigin(Protocol):
    """Answers questions about one table. `kernel` is the kernel whose runs may change it; None for
    that of a file. `copies_go_to` says where a copy with a relative name is written."""

    name: str
    kernel: str | None
    copy_stem: str
    copies_go_to: str

    async def ask(self, question: q.TableQuestion, view: q.TableView) -> q.TableAnswer: ...

    async def has_changed(self) -> bool:
        """Whether a file is another one than was read."""
        ...


class VariableOrigin:
    """A variable of a session's kernel; the default kernel where none is named."""

    copies_go_to = "in the kernel's folder"

    def __init__(self, session: SessionClient, name: str, kernel: str = "") -> None:
        self._session = session
        self.name = self.copy_stem = name
        self.kernel: str | None = kernel

    async def ask(self, question: q.TableQuestion, view: q.TableView) -> q.TableAnswer:
        return await self._session.call(q.QueryTable(self.name, question, view, self.kernel or ""))

    async def has_changed(self) -> bool:
        return False  # frames say so


class FileOrigin:
    """A table of a file. Another revision of the view reads the file anew."""

    kernel: str | None = None
    copies_go_to = "in the session's folder"

    def __init__(self, file: TableFile, table: str) -> None:
        self._file = file
        self._table = table
        self._revision = 0
        self.name = f"{file.path.name} · {table}" if table else file.path.name
        stem = f"{file.path.stem}-{table}" if table else file.path.stem
        self.copy_stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:60] or "table"
        if (file.folder / f"{self.copy_stem}.csv").exists():
            self.copy_stem += "-copy"

    async def ask(self, question: q.TableQuestion, view: q.TableView) -> q.TableAnswer:
        if view.revision != self._revision:
            self._revision = view.revision
            await asyncio.to_thread(self._file.tables)
        return await asyncio.to_thread(self._file.ask, self._table, question, view)

    async def has_changed(self) -> bool:
        return await asyncio.to_thread(self._file.has_changed)
