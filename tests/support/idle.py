"""How Textual's pilot waits after each key and click: until the app has nothing to do.

Textual looks every 20 ms whether the process used no CPU since it looked last, for a second at
most: on a slow machine, or beside a thread that parses, each key of a test then takes two seconds.
Here the app has nothing to do when no message waits in a queue of it, its screen has no layout,
painting or callback before it, and the process was nearly idle, twice in a row. Time alone does not
end the wait: a process that stood still for a second has done nothing in it. What workers, threads
and timers bring is for the test to wait for.
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
TURNS = 10
"""Steps that every wait for an app at work has, however long they took."""
LONGEST = 1.0
"""Seconds after which an app is left whose messages never end."""


async def wait_for_idle(min_sleep: float = 0.02, max_sleep: float = 0.3) -> None:
    """Return when the app of this test is idle.

    At the latest after `max_sleep` seconds where only the processor is busy, and after `LONGEST`
    where messages come all the time.
    """
    started = monotonic()
    idle_steps = steps = 0
    while True:
        used = process_time()
        await asyncio.sleep(STEP)
        used = process_time() - used
        has_work = _has_work()
        idle_steps = idle_steps + 1 if used < BUSY and not has_work else 0
        elapsed = monotonic() - started
        steps += 1
        if elapsed > min_sleep and idle_steps >= IDLE_STEPS:
            return
        if steps >= TURNS and elapsed >= (LONGEST if has_work else max_sleep):
            return


def _has_work() -> bool:
    """Whether a message waits, or a key for the focus to move (the app looks for that by a timer),
    or the screen has something to lay out, paint or call."""
    app = active_app.get(None)
    if app is None or not app._running:
        return False
    key_order = getattr(app, "_key_order", None)  # of the workbench alone
    if key_order is not None and key_order._held:
        return True
    nodes = [node for screen in app.screen_stack for node in screen.walk_children(with_self=True)]
    if any(node.message_queue_size for node in (app, *nodes)):
        return True
    if not app.screen_stack or app._batch_count:
        return False
    screen = app.screen
    return bool(
        screen._callbacks
        or screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._dirty_widgets
    )


def install() -> None:
    """Let every pilot of this process wait so."""
    for module in (textual.app, textual.pilot):
        vars(module)["wait_for_idle"] = wait_for_idle
