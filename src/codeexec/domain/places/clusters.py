"""What a cluster of Dask or Ray does that code in a kernel uses."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

MOST_CLUSTERS = 8
"""Clusters of a kernel that are shown."""


class ClusterState(Struct, frozen=True):
    """`done` of `total` tasks have ended, `failed` of them badly. `memory` in bytes: what the
    workers of Dask use, or what is in the object store of Ray. `is_silent`: the scheduler does not
    answer, and the numbers are the last ones."""

    library: Literal["Dask", "Ray"]
    done: int = 0
    total: int = 0
    failed: int = 0
    workers: int = 0
    memory: int = 0
    is_silent: bool = False
