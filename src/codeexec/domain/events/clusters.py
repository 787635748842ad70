"""Event of the clusters that code in a kernel uses."""

from __future__ import annotations

from codeexec.domain.events.base import Event
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.places.clusters import ClusterState


class ClustersChanged(Event, frozen=True):
    """All clusters that are connected now, at most once a second."""

    clusters: tuple[ClusterState, ...]
    kernel: str = DEFAULT_KERNEL
