"""How a run starts its container."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.kernels.docker.containers import ContainerSettings


def single_container() -> ContainerSettings:
    """The user's settings, but for the spare container: a run or build starts one only."""
    from codeexec.server.start import container_settings

    return replace(container_settings(), spare=False)
