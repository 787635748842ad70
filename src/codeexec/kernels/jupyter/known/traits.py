"""Differences between our kinds of kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

POLITE = 1.5  # for a kernel to end by itself when asked
TERMINATE = 0.5


@dataclass(frozen=True, slots=True)
class KernelTraits:
    """What sets the kernels of one kind apart: `end_pauses` are the seconds for a kernel to end by
    itself, and then after SIGTERM; `plugin_problem` says why a Python kernel takes no plugins,
    empty where it does. `has_server`: a server keeps the process, so that a message to shut down
    would be undone by it. `is_primed`: where its backend starts kernels by our launcher, this one
    too, so that it answers our questions. See `Ready.notices` and `Outdating.is_outdated` for the
    others."""

    end_pauses: tuple[float, float] = (POLITE, TERMINATE)
    plugin_problem: str = ""
    notices: tuple[str, ...] = ()
    is_outdated: Callable[[], bool] = lambda: False
    has_server: bool = False
    has_comms: bool = True
    is_primed: bool = True
    can_outlive: bool = True
    """Where its life could: whether such a kernel can outlive the session server."""
    ends_at: float = 0.0
    """See `Ready.ends_at`."""


NO_TRAITS = KernelTraits()
