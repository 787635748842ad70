"""How Textual's pilot waits after each key and click: until the app has nothing to do.

Textual looks every 20 ms whether the process used no CPU since it looked last, for a second at
most: on a slow machine, or beside a thread that parses, each key of a test then takes two seconds.
Here the app has nothing to do when no message waits in a queue of it, and the process was nearly
idle, twice in a row. What comes later is for the test to wait for.
"""

from __future__ import annotations

import asyncio
from time import monotonic, process_time

import textual.app
import textual.pilot
from textual._context import active_app

STEP = 0.005
BUSY = STEP / 5
"""Seconds of CPU in one step from which on the process is at work."""
IDLE_STEPS = 2
"""Idle steps in a row after which the app has nothing to do."""


async def wait_for_idle(min_sleep: float = 0.02, max_sleep: float = 0.3) -> None:
    """Return when the app of this test is idle, at the latest after `max_sleep` seconds."""
    started = monotonic()
    idle_steps = 0
    while True:
        used = process_time()
        await asyncio.sleep(STEP)
        used = process_time() - used
        idle_steps = idle_steps + 1 if used < BUSY and not _has_messages() else 0
        elapsed = monotonic() - started
        if elapsed >= max_sleep or (elapsed > min_sleep and idle_steps >= IDLE_STEPS):
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
