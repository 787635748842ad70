"""How events are handed on: long output in pieces, and what belongs together in one batch."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from codeexec.kernels.base import Displayed, KernelEvent, Reached, Started, StreamWritten


def slices(written: StreamWritten, size: int) -> Iterator[StreamWritten]:
    """The event as events of `size` characters at most."""
    for at in range(0, len(written.text), size):
        yield replace(written, text=written.text[at : at + size])


def is_within_line(event: KernelEvent) -> bool:
    """A piece of one long row, which nothing rewrites: taking it costs next to nothing, while a
    line of 5 MB in batches of 128 KB would be 100 MB of rows."""
    if not isinstance(event, StreamWritten):
        return False
    return not any(sign in event.text for sign in "\n\r\x1b\b")


def is_end_near(event: KernelEvent) -> bool:
    """Whether a short execution ends right after this: it has begun, or has its value."""
    if isinstance(event, Displayed):
        return event.role == "result"
    return isinstance(event, Started | Reached)
