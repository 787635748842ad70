"""Interrupts around the handling of a message: they end its code, never the kernel."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from codeexec.guest.interrupts import InterruptGuard


@pytest.fixture
def guard() -> Iterator[InterruptGuard]:
    before = signal.getsignal(signal.SIGINT)
    try:
        yield InterruptGuard()
    finally:
        signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_ends_the_handling_and_later_ones_do_nothing(guard: InterruptGuard) -> None:
    before = signal.getsignal(signal.SIGINT)
    handled = []

    def handler(message: str) -> None:
        handled.append((message, signal.getsignal(signal.SIGINT)))
        interrupt()
        handled.append(("not reached", None))

    guard.begin()
    with pytest.raises(KeyboardInterrupt):
        guard.around(handler)("code").send(None)
    interrupt()  # as what the first one did is told
    guard.end()
    assert handled == [("code", signal.default_int_handler)]
    assert signal.getsignal(signal.SIGINT) == before


def test_an_interrupt_before_the_handling_ends_it(guard: InterruptGuard) -> None:
    handled: list[str] = []
    guard.begin()
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        guard.around(handled.append)("code").send(None)
    guard.end()
    assert not handled

    guard.begin()  # it was of the message before
    with pytest.raises(StopIteration):
        guard.around(handled.append)("next").send(None)
    guard.end()
    assert handled == ["next"]


def test_a_message_beside_code_that_awaits_leaves_its_handler(guard: InterruptGuard) -> None:
    def cancel(_number: int, _frame: object) -> None: ...

    guard.begin()
    signal.signal(signal.SIGINT, cancel)  # as ipykernel does while code awaits
    handlers = []
    with pytest.raises(StopIteration):
        guard.around(lambda: handlers.append(signal.getsignal(signal.SIGINT)))().send(None)
    assert handlers == [cancel]
    assert signal.getsignal(signal.SIGINT) is cancel
    guard.end()
