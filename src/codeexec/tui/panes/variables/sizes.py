"""Memory that variables hold with all that is in them, asked of the kernel in several rounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from codeexec.client.api import SessionClient
from codeexec.domain.events import Variable
from codeexec.domain.requests import MeasureVariables, VariableSize
from codeexec.domain.text.words import size_words

MOST_ROUNDS = 10
"""Answers of 250 ms of the kernel's processor each; what is left then keeps its own size."""

PAUSE = 0.1
"""Seconds between two rounds, and before the first, as several runs may follow one another."""


async def measured(
    session: SessionClient,
) -> AsyncIterator[Mapping[str, VariableSize]]:
    """All that is known after each round, by name. CodeexecError; Busy while code runs."""
    sizes: dict[str, VariableSize] = {}
    rest: tuple[str, ...] = ()
    for _ in range(MOST_ROUNDS):
        await asyncio.sleep(PAUSE)
        answer = await session.call(MeasureVariables(rest))
        sizes |= {size.name: size for size in answer.sizes}
        yield sizes
        if not answer.rest or answer.rest == rest:
            return
        rest = answer.rest


def bytes_of(variable: Variable, sizes: Mapping[str, VariableSize]) -> int | None:
    """What it holds as far as that is counted, else its own size; None where nothing is known."""
    size = sizes.get(variable.name)
    return variable.size if size is None else size.size


def words_of(variable: Variable, sizes: Mapping[str, VariableSize]) -> str:
    """Its size in at most eight cells; `≥12 MB` where not everything was counted."""
    size = sizes.get(variable.name)
    if size is None:
        return "" if variable.size is None else size_words(variable.size)
    return f"{'' if size.is_whole else '≥'}{size_words(size.size)}"
