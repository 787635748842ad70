"""The first words with a kernel that runs already."""

from __future__ import annotations

import asyncio

from codeexec.kernels.jupyter.conversation import Conversation
from codeexec.kernels.jupyter.outbox import read_announcement
from codeexec.kernels.jupyter.wire import Message

NUDGE = 0.5
"""Seconds after which a kernel that booted is asked again."""
QUESTION = 5.0
"""Seconds that a kernel is given to answer."""


async def greet_beside(talk: Conversation) -> Message:
    """Until it has answered and its output is heard, beside code that may be running: the control
    channel is answered then."""
    kind = "kernel_info_request"
    info = await talk.questions.ask("control", kind, {}, QUESTION)
    while not talk.heard.is_set():
        try:
            await asyncio.wait_for(talk.heard.wait(), NUDGE)
        except TimeoutError:
            talk.send("control", kind, {})
    announced = read_announcement(info.content)
    if announced is None or announced.token != talk.outbox.token:
        talk.outbox.abandon()
    return info
