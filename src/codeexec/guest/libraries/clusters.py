"""Tells the session what clusters of Dask and Ray do that code in this kernel has connected to.

Loaded into each kernel of ipykernel that we start; standard library only, Python 3.8 on. Nothing is
imported that the user has not imported: until `distributed` or `ray` is there, there is no thread
either. The thread asks once a second, beside the code, and less often where there are many tasks.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from codeexec_import_hook import ImportHook  # type: ignore[import-not-found]  # see import_hook.py

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

MESSAGE = "codeexec_report"
LIBRARIES = ("distributed", "ray")
PACE = 1.0  # seconds between two questions
SHARE = 50.0  # the pause is at least so many times what the answer took of the processor
ASK_WAIT = 2.0  # seconds for a scheduler to answer
ENDED = ("memory", "erred", "released")  # states of Dask's tasks that have run
UNENDED = ("processing", "waiting")


def dask_clusters(last: dict[object, dict[str, Any]]) -> Iterator[tuple[object, dict[str, Any]]]:
    """Of each scheduler that a client of this process is connected to, and what identifies it.
    `last` has what they said last."""
    module = sys.modules.get("distributed.client")
    client_class: Any = getattr(module, "Client", None)
    for client in list(getattr(client_class, "_instances", ())):
        scheduler = getattr(client, "scheduler", None)
        if getattr(client, "status", "") != "running" or scheduler is None:
            continue
        key = ("Dask", scheduler.address)
        question = ask_dask(client, scheduler)
        try:
            answer = asyncio.run_coroutine_threadsafe(question, client.loop.asyncio_loop)
        except RuntimeError:  # its loop has just ended
            question.close()
            continue
        try:
            yield key, answer.result(ASK_WAIT)
        except Exception:  # no answer in time, or a version that answers otherwise
            answer.cancel()
            if key in last and client.status == "running":
                yield key, {**last[key], "is_silent": True}


async def ask_dask(client: Any, scheduler: Any) -> dict[str, Any]:
    by_name, identity = await asyncio.gather(
        scheduler.get_task_prefix_states(), scheduler.identity()
    )
    states = list(by_name.values())
    ended = sum(state.get(name, 0) for state in states for name in ENDED)
    unended = sum(state.get(name, 0) for state in states for name in UNENDED)
    # The scheduler does not tell of tasks that it holds back. One of this process is looked at; of
    # another one those are known that the client waits for.
    held_back = len(getattr(getattr(client.cluster, "scheduler", None), "queued", ()))
    pending = sum(future.status == "pending" for future in list(client.futures.values()))
    workers = identity["workers"].values()
    return {
        "library": "Dask",
        "done": ended,
        "total": ended + max(unended + held_back, pending),
        "failed": sum(state.get("erred", 0) for state in states),
        "workers": len(workers),
        "memory": sum(int(worker["metrics"].get("memory", 0)) for worker in workers),
    }


def ray_clusters(last: dict[object, dict[str, Any]]) -> Iterator[tuple[object, dict[str, Any]]]:
    """The cluster that this process is connected to, as its head tells it."""
    ray = sys.modules.get("ray")
    if ray is None or not getattr(ray, "is_initialized", bool)():
        return
    try:
        yield "Ray", ask_ray(ray)
    except Exception:  # it was shut down meanwhile, or is a version that answers otherwise
        if "Ray" in last and ray.is_initialized():
            yield "Ray", {**last["Ray"], "is_silent": True}


def ask_ray(ray: Any) -> dict[str, Any]:
    state = sys.modules["ray._private.state"].state
    protocol: Any = sys.modules["ray.core.generated.common_pb2"]
    job = ray._private.worker.global_worker.current_job_id.hex()
    status, kind = protocol.TaskStatus, protocol.TaskType
    tasks = [
        task.state_updates.state_ts_ns
        for task in state._get_all_task_events()
        if task.job_id.hex() == job and task.task_info.type != kind.Value("DRIVER_TASK")
    ]
    finished, failed = status.Value("FINISHED"), status.Value("FAILED")
    failures = sum(failed in times for times in tasks)
    store = "object_store_memory"
    used = ray.cluster_resources().get(store, 0) - ray.available_resources().get(store, 0)
    return {
        "library": "Ray",
        "done": failures + sum(finished in times for times in tasks),
        "total": len(tasks),
        "failed": failures,
        "workers": len(state.workers()),
        "memory": max(int(used), 0),
    }


class ClusterWatcher:
    """Asks and tells in a thread of its own, once a library is there."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.lock = threading.Lock()
        self.is_running = False
        self.last: dict[object, dict[str, Any]] = {}

    def begin(self, name: str, module: ModuleType) -> None:
        with self.lock:
            if not self.is_running:
                self.is_running = True
                threading.Thread(target=self.run, name="clusters", daemon=True).start()

    def run(self) -> None:
        while True:
            began = time.thread_time()
            clusters = dict(dask_clusters(self.last))
            clusters.update(ray_clusters(self.last))
            if clusters != self.last:
                self.last = clusters
                self.tell(list(clusters.values()))
            time.sleep(max(PACE, SHARE * (time.thread_time() - began)))

    def tell(self, clusters: list[dict[str, Any]]) -> None:
        content = {"kind": "clusters", "clusters": clusters}
        self.kernel.session.send(self.kernel.iopub_socket, MESSAGE, content, parent={})


def register() -> None:
    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", bool)()
    kernel = getattr(shell, "kernel", None)
    if not hasattr(kernel, "iopub_socket") or not hasattr(kernel, "session"):
        return  # another kernel than ipykernel
    watcher = ClusterWatcher(kernel)
    ImportHook(lambda name: name in LIBRARIES, watcher.begin)
    for name in LIBRARIES:
        if name in sys.modules:
            watcher.begin(name, sys.modules[name])


register()
