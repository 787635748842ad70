"""Words for the state of a cluster."""

from __future__ import annotations

from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.text.words import size_words


def cluster_words(cluster: ClusterState) -> str:
    """One line: tasks, workers, memory."""
    failed = f", {cluster.failed} failed" if cluster.failed else ""
    tasks = f"{cluster.done}/{cluster.total} tasks{failed}"
    silent = " (no answer)" if cluster.is_silent else ""
    workers = f"{cluster.workers} worker{'s' if cluster.workers != 1 else ''}"
    memory = size_words(cluster.memory)
    return f"{cluster.library}{silent} {tasks} · {workers} · {memory}"
