"""The variables of a Python kernel, read by helper code that runs in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from codeexec.domain.requests import ReadTable, TablePage, VariableDetail, Variables
from codeexec.kernels.jupyter.messages import questions

Ask = Callable[[str, float], Awaitable[str]]
"""`LanguageService.ask`."""


class PythonVariables:
    """HasVariables and HasTables. ProtocolError where an answer cannot be read, which code in the
    kernel may have changed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def variables(self, deadline: float) -> Variables:
        return questions.parse_variables(await self._ask(questions.variables_code(), deadline))

    async def describe(self, name: str, deadline: float) -> VariableDetail:
        return questions.parse_detail(await self._ask(questions.detail_code(name), deadline))

    async def delete(self, name: str, deadline: float) -> None:
        questions.check_done(await self._ask(questions.delete_code(name), deadline))

    async def read_table(self, request: ReadTable, deadline: float) -> TablePage:
        return questions.parse_table(await self._ask(questions.table_code(request), deadline))
