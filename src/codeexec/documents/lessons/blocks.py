"""Requests that run the blocks of a lesson, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from codeexec.documents.lessons.model import CodeBlock
from codeexec.domain.events import CellRef
from codeexec.domain.ids import EXECUTION, new_id
from codeexec.domain.options import CodeAbove, ExecuteOptions
from codeexec.domain.requests import Execute

ORIGIN = "lesson"
"""`Execute.origin` of what a lesson runs."""


class BlockRequests:
    """`main` is the language of the session's default kernel; `carries` says of which languages a
    block has the declarations of those before it."""

    def __init__(self, main: str, carries: Callable[[str], bool]) -> None:
        self.main = main
        self._carries = carries
        self._above: dict[str, dict[int, CodeAbove]] = {}
        """By language and the line of the block: code that was run last."""

    def forget(self) -> None:
        """Fresh kernels: nothing was run yet."""
        self._above.clear()

    def note(self, block: CodeBlock, code: str) -> None:
        """A block was run, be it by another client."""
        if self._carries(block.language):
            codes = self._above.setdefault(block.language, {})
            codes[block.line] = CodeAbove(code, block.line)

    def request(
        self,
        block: CodeBlock,
        code: str,
        *,
        timeout: float | None = None,
        cell: CellRef | None = None,
        columns: int = 0,
        counts: bool = True,
    ) -> Execute:
        """Run `code` in place of that of the block; `counts` as in `plain_request`."""
        options = ExecuteOptions(
            store_history=counts,
            stop_on_error=False,
            timeout=timeout,
            columns=columns,
            language=self.language(block.language),
            above=self._above_of(block),
        )
        self.note(block, code)
        return Execute(code, new_id(EXECUTION), origin=ORIGIN, cell=cell, options=options)

    def check(self, block: CodeBlock, code: str, timeout: float, *, is_silent: bool) -> Execute:
        """Run a check of a block that was run, for at most `timeout` seconds; a silent one shows
        nothing."""
        options = ExecuteOptions(
            silent=is_silent,
            store_history=False,
            allow_stdin=False,
            stop_on_error=False,
            timeout=timeout,
            language=self.language(block.language),
            above=self._above_of(block),
        )
        return Execute(code, new_id(EXECUTION), origin=ORIGIN, options=options)

    def _above_of(self, block: CodeBlock) -> tuple[CodeAbove, ...]:
        """The code that a block takes declarations of: that of others in its language."""
        codes = self._above.get(block.language, {})
        return tuple(code for line, code in codes.items() if line != block.line)

    def language(self, name: str) -> str:
        """What `ExecuteOptions.language` says for code of a language; empty: the default kernel."""
        return "" if name == self.main else name


def plain_request(code: str, language: str = "") -> Execute:
    """Run code that is no block of the lesson: it has no number and no place in the history."""
    options = ExecuteOptions(store_history=False, stop_on_error=False, language=language)
    return Execute(code, new_id(EXECUTION), origin=ORIGIN, options=options)


def missing_packages_code(names: Iterable[str]) -> str:
    """Python code that prints which of these packages are not installed."""
    return _MISSING.format(names=list(names))


_MISSING = """
from importlib.metadata import PackageNotFoundError as _missing, distribution as _distribution
def _lesson_missing(name):
    try:
        _distribution(name)
    except _missing:
        return True
print(*filter(_lesson_missing, {names!r}))
del _lesson_missing, _missing, _distribution
"""
