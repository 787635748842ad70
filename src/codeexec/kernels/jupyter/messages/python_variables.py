"""The variables of a Python kernel, read by helper code that runs in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from codeexec.domain.errors import Busy, UsageError
from codeexec.domain.requests import (
    QueryTable,
    ReadTable,
    SortKey,
    TableAnswer,
    TablePage,
    TableRows,
    TableView,
    VariableDetail,
    Variables,
)
from codeexec.kernels.jupyter.messages import questions

Ask = Callable[[str, float], Awaitable[str]]
"""`LanguageService.ask`."""

POLL = 0.1


class PythonVariables:
    """HasVariables and HasTables. ProtocolError where an answer cannot be read, which code in the
    kernel may have changed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._has_table_helpers = False

    async def variables(self, deadline: float) -> Variables:
        return questions.parse_variables(await self._ask(questions.variables_code(), deadline))

    async def describe(self, name: str, deadline: float) -> VariableDetail:
        return questions.parse_detail(await self._ask(questions.detail_code(name), deadline))

    async def delete(self, name: str, deadline: float) -> None:
        questions.check_done(await self._ask(questions.delete_code(name), deadline))

    async def read_table(self, request: ReadTable, deadline: float) -> TablePage:
        """UsageError where it is no table; Busy where it takes longer than that."""
        order = (SortKey(request.sort, request.descending),) if request.sort else ()
        rows = TableRows(request.start, request.count)
        query = QueryTable(request.name, rows, TableView(order=order), request.kernel)
        until = time.monotonic() + deadline
        while True:
            answer = await self.query_table(query, deadline)
            if answer.fault:
                raise UsageError(answer.fault)
            if answer.page is not None:
                return answer.page
            if time.monotonic() > until:
                raise Busy(f"{answer.working} takes longer than {deadline:g} s.", "Try again.")
            await asyncio.sleep(POLL)

    async def query_table(self, request: QueryTable, deadline: float) -> TableAnswer:
        """What is slow goes on in the kernel, and the answer says so."""
        text = ""
        if self._has_table_helpers:
            text = await self._ask(questions.table_code(request, with_source=False), deadline)
        if not text:  # a fresh kernel
            text = await self._ask(questions.table_code(request, with_source=True), deadline)
            self._has_table_helpers = True
        return questions.parse_table_answer(text)
