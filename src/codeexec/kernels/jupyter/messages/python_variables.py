"""The variables of a Python kernel, read by helper code that runs in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

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
    VariableSizes,
)
from codeexec.kernels.jupyter.messages import questions

Ask = Callable[[str, float], Awaitable[str]]
"""`LanguageService.ask`."""

POLL = 0.1

POLL_SIZES = 0.02
"""Seconds between two questions for memory, each of which holds up a kernel without subshells."""


class PythonVariables:
    """HasVariables, HasTables and HasSizes. ProtocolError where an answer cannot be read, which
    code in the kernel may have changed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._has_table_helpers = False
        self._has_size_helpers = False

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
        view = TableView(order=order, allows_long=True)
        query = QueryTable(request.name, rows, view, request.kernel)
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

    async def measure(self, names: Sequence[str], deadline: float) -> VariableSizes:
        """Counted in a thread of the kernel, which ends where a cell begins."""
        until = time.monotonic() + deadline
        while True:
            answer = questions.parse_sizes(await self._ask_sizes(names, deadline))
            if answer.is_busy:
                raise Busy("The kernel runs code.", "Ask again when the run has ended.")
            if not answer.is_working:
                return VariableSizes(answer.sizes, answer.rest)
            if time.monotonic() > until:
                raise Busy(f"Memory is not counted in {deadline:g} s.", "Try again.")
            await asyncio.sleep(POLL_SIZES)

    async def _ask_sizes(self, names: Sequence[str], deadline: float) -> str:
        if self._has_size_helpers:
            text = await self._ask(questions.sizes_code(names, with_source=False), deadline)
            if text:
                return text
        text = await self._ask(questions.sizes_code(names, with_source=True), deadline)
        self._has_size_helpers = True
        return text
