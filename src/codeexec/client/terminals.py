"""Follows the screen of a terminal for a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from codeexec.client.api import SessionClient
from codeexec.domain.errors import ProtocolError
from codeexec.domain.terminals import ScreenUpdate, TerminalScreen, apply_update, stream_of

_decoder = msgspec.json.Decoder(ScreenUpdate)


async def follow_screen(session: SessionClient, terminal_id: str) -> AsyncIterator[TerminalScreen]:
    """The screen now, and the newest one whenever it has changed, at most 30 times a second,
    across reconnections; ends when the terminal is closed. NotFound when there is none."""
    screen = TerminalScreen()
    async for chunk in session.stream(stream_of(terminal_id)):
        try:
            update = _decoder.decode(chunk.data)
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"This update of a screen cannot be read: {error}.") from error
        screen = apply_update(screen, update)
        yield screen
