"""The end of code whose kernel sends output after it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from codeexec.kernels.base import Finished, KernelEvent
from codeexec.kernels.jupyter.known.late_output import LONG_LOOK, LOOK, LateOutput

END = Finished("exec-1", "ok")


class Kernel:
    """Its output after the end of code; `released` has how many messages stood before each end."""

    def __init__(self) -> None:
        self.late = LateOutput(self._put_out)
        self.released: list[int] = []

    def _put_out(self, events: Sequence[KernelEvent]) -> None:
        self.released += [self.late.messages for _ in events]

    async def send(self, pauses: Sequence[float]) -> None:
        for pause in pauses:
            await asyncio.sleep(pause)
            self.late.note_message()


async def test_a_quiet_kernel_ends_at_once() -> None:
    kernel = Kernel()
    kernel.late.note_message()
    kernel.late.hold([END])
    await kernel.late.wait()
    assert kernel.released == [1]


@pytest.mark.slow
async def test_output_that_comes_late_and_in_pieces_stands_before_the_end() -> None:
    kernel = Kernel()
    kernel.late.hold([END])
    pauses = [LOOK / 2, LONG_LOOK / 2, LONG_LOOK / 2]  # a process that waits for its processor
    await asyncio.gather(kernel.late.wait(), kernel.send(pauses))
    assert kernel.released == [3]
