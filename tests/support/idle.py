"""How Textual's pilot waits after each key and click: until the app has nothing to do.

Textual looks every 20 ms whether the process used no CPU. Here it looks every 5 ms, which saves
a minute of the suite. Messages that wait in a queue of the app count as work, because a process
that is not given the CPU on a loaded machine looks idle, too.
"""

from __future__ import annotations

import asyncio
from time import monotonic, process_time

import textual.app
import textual.pilot
from textual._context import active_app

STEP = 0.005
BUSY = STEP / 20
"""Seconds of CPU in one step from which on the process is at work, as Textual has it."""


async def wait_for_idle(min_sleep: float = 0.02, max_sleep: float = 1) -> None:
    """Return when the app of this test is idle, at the latest after `max_sleep` seconds."""
    started = monotonic()
    while True:
        used = process_time()
        await asyncio.sleep(STEP)
        used = process_time() - used
        elapsed = monotonic() - started
        if elapsed >= max_sleep:
            return
        if elapsed > min_sleep and used < BUSY and not _has_messages():
            return


def _has_messages() -> bool:
    app = active_app.get(None)
    if app is None or not app._running:
        return False
    nodes = [node for screen in app.screen_stack for node in screen.walk_children(with_self=True)]
    return any(node.message_queue_size for node in (app, *nodes))


def install() -> None:
    """Let every pilot of this process wait so."""
    for module in (textual.app, textual.pilot):
        vars(module)["wait_for_idle"] = wait_for_idle
