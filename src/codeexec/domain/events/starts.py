"""Events of the start of a kernel that waits for an image, a machine or a server elsewhere."""

from __future__ import annotations

from codeexec.domain.events.base import Event
from codeexec.domain.options import DEFAULT_KERNEL


class ImagePullAdvanced(Event, frozen=True):
    """How far an image has come that a kernel waits for. `done` and `total` are bytes of those
    layers whose size is known by now, 0 where the engine does not tell them."""

    image: str
    layers_done: int = 0
    layers: int = 0
    done: int = 0
    total: int = 0
    kernel: str = DEFAULT_KERNEL


class KernelStartAdvanced(Event, frozen=True):
    """How far the start is: `step` is a printable line in the words of the Hub or engine, `percent`
    is from 0 to 100, None where it is unknown. `since` is when it began (seconds of the epoch)."""

    step: str
    since: float
    percent: int | None = None
    kernel: str = DEFAULT_KERNEL


AnyStartEvent = ImagePullAdvanced | KernelStartAdvanced
