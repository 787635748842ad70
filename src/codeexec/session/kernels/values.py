"""Values from other kernels of the session for code that asks for them: `%get x from python`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.domain.errors import Busy, CodeexecError, Conflict, NotFound, UsageError
from codeexec.kernels.base import ExecuteCall
from codeexec.session.kernels.names import same_language

if TYPE_CHECKING:
    from codeexec.session.kernels.slot import KernelSlot

DEADLINE = 10.0
"""Seconds in which a kernel has to tell its values."""
MAGIC = "%get"


def wants_values(call: ExecuteCall) -> bool:
    """Whether the code, or a cell whose declarations are part of it, may begin with `%get`."""
    texts = (call.code, *(cell.code for cell in call.options.above))
    return any(text.lstrip().startswith(MAGIC) for text in texts)


async def with_values(
    call: ExecuteCall,
    language: str,
    slots: Iterable[KernelSlot],
    language_of: Callable[[KernelSlot], str],
) -> ExecuteCall:
    """The call with its values, for a kernel of this language. A cell above gets its own anew.
    CodeexecError in words for the user."""
    from codeexec.languages import values as languages  # of such code alone

    gets, code = languages.take_gets(call.code)
    above = []
    for cell in call.options.above:
        others, rest = languages.take_gets(cell.code)
        gets = [*others, *gets]
        above.append(replace(cell, code=rest))
    by_name = {slot.name: slot for slot in slots}
    values: dict[str, object] = {}
    size = 0
    for get in gets:
        slot = by_name.get(get.kernel)
        if slot is None:
            wanted = same_language(get.kernel)
            slot = next((one for one in by_name.values() if language_of(one) == wanted), None)
        if slot is None:
            raise NotFound(
                f"There is no kernel {get.kernel!r} in this session.",
                f"There are: {', '.join(by_name)}. Run a cell of that language first.",
            )
        for name, text in (await _read(slot, get.names)).items():
            size += len(text)
            if size > languages.MOST_JSON:
                raise UsageError(
                    f"The values have more than {languages.MOST_JSON:,} characters as JSON.",
                    "Write them to a file, and read that.",
                )
            values[name] = languages.check_json(name, text)
    made = languages.with_values(language, code, values)
    options = replace(call.options, above=tuple(above))
    return replace(call, code=made.code, preamble=made.preamble, options=options)


async def _read(slot: KernelSlot, names: tuple[str, ...]) -> dict[str, str]:
    kernel = slot.supervisor.kernel
    if slot.supervisor.is_paused:
        raise Conflict(f"The container of {slot.name} is paused.", "Let it go on first.")
    if kernel is None or not slot.supervisor.is_ready or not kernel.is_alive:
        raise Conflict(
            f"The kernel {slot.name} does not run, so it has no {', '.join(names)}.",
            "Run the cell that makes the value.",
        )
    able = kernel.capabilities.values
    if able is None:
        raise UsageError(
            f"The kernel {slot.name} cannot tell its values to others.",
            "Programs keep none; kernels of Python, bash, R and JavaScript tell theirs.",
        )
    try:
        return dict(await able.read_values(names, DEADLINE))
    except Busy as error:
        raise Busy(
            f"The kernel {slot.name} runs code, and cannot tell its values meanwhile.",
            "Run this again when that has ended.",
        ) from error
    except CodeexecError as error:
        raise type(error)(f"{slot.name}: {error.message}", error.next_step) from error
