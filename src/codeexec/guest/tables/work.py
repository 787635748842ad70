"""Work of questions in threads of their own: a question waits for a while, the work goes on.

A thread that is never done (a lazy table whose code sleeps) costs that question a sentence, and
its table no second thread. Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

MOST_RESULTS = 6
"""Orders and filtered rows that are held; the one that was used longest ago is let go first."""

LARGE = ("filter", "order", "find", "column", "columns")
MOST_FACTS = 60

BYTES_A_ROW = 28
"""What ordering a row takes while it runs."""


class StillWorking(Exception):
    """The work is not done; its thread goes on."""


class Refused(Exception):
    """A question that is not answered, in words for the user."""


class LongWork(Exception):
    """Work that is not begun, as it takes long: in words, so that the user can agree."""


class TableJob:
    def __init__(self, title: str) -> None:
        self.title = title
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = threading.Event()
        self.began = time.monotonic()
        self.is_cancelled = False


_jobs: OrderedDict[Any, TableJob] = OrderedDict()
_lock = threading.RLock()
"""Reentrant: a result that goes may be the last that held another table, whose end comes here."""


def work(key: Any, title: str, function: Callable[[TableJob], Any], seconds: float) -> Any:
    """The result of `function`, which runs once for that key; StillWorking after `seconds`."""
    with _lock:
        job = _jobs.get(key)
        is_new = job is None
        if job is None:
            forget_old()
            job = _jobs[key] = TableJob(title)
        _jobs.move_to_end(key)
    if is_new:
        # Not under the lock: garbage that the new thread collects before it has started may be a
        # table, whose end needs the lock.
        threading.Thread(target=do, args=(job, function), daemon=True, name=title).start()
    if not job.done.wait(seconds):
        raise StillWorking(title)
    if job.error is not None:
        with _lock:
            if _jobs.get(key) is job:
                del _jobs[key]
        raise job.error
    return job.result


def do(job: TableJob, function: Callable[[TableJob], Any]) -> None:
    try:
        job.result = function(job)
    except BaseException as error:  # whoever waits is told
        job.error = error
    job.done.set()


def once(table: Any, title: str, function: Callable[[], Any], seconds: float) -> Any:
    """The result of work that is not kept. While work on this table that took too long goes on,
    no other begins."""
    key = ("once", table)
    with _lock:
        job = _jobs.get(key)
    if job is not None and not job.done.wait(min(seconds, 0.5)):
        raise StillWorking(job.title)
    with _lock:
        _jobs.pop(key, None)
    try:
        return work(key, title, lambda _: function(), seconds)
    finally:
        with _lock:
            job = _jobs.get(key)
            if job is not None and job.done.is_set():
                del _jobs[key]


def cancel(table: Any) -> int:
    """Let go of the work for a table that is not done; how many. What a library computes in one
    piece ends by itself, and is thrown away."""
    count = 0
    with _lock:
        for key, job in list(_jobs.items()):
            if key[1] == table and not job.done.is_set():
                job.is_cancelled = True
                count += 1
                if key[0] != "once":
                    _jobs.pop(key, None)
    return count


def forget(table: Any, revision: int) -> None:
    """Results of a table before this revision."""
    with _lock:
        for key, job in list(_jobs.items()):
            if key[0] != "once" and key[1] == table and key[2] != revision:
                job.is_cancelled = True
                _jobs.pop(key, None)


def forget_old() -> None:
    done = [key for key, job in _jobs.items() if job.done.is_set()]
    large = [key for key in done if key[0] in LARGE]
    for key in large[: max(len(large) - MOST_RESULTS + 1, 0)]:
        _jobs.pop(key, None)
    few = [key for key in done if key[0] not in LARGE]
    for key in few[: max(len(few) - MOST_FACTS, 0)]:
        _jobs.pop(key, None)


def finished(key: Any) -> Any:
    """The result of work that is done; None where it is not, or failed."""
    with _lock:
        job = _jobs.get(key)
    return job.result if job is not None and job.done.is_set() else None


def is_begun(key: Any) -> bool:
    """Whether this work goes on, or is done."""
    with _lock:
        return key in _jobs


def forget_one(key: Any) -> None:
    with _lock:
        _jobs.pop(key, None)


def forget_all_of(table: Any) -> None:
    with _lock:
        for key in [key for key in _jobs if key[0] != "once" and key[1] == table]:
            job = _jobs.pop(key, None)
            if job is not None:
                job.is_cancelled = True


def check_memory(
    rows: int, free: int | None = None, make_room: Callable[[], None] | None = None
) -> None:
    """Refused where the order of so many rows would not be held, also after `make_room`."""
    free = free_memory() if free is None else free
    needed = rows * BYTES_A_ROW
    if free and needed > free * 0.8 and make_room is not None:
        make_room()
        free = free_memory()
    if free and needed > free * 0.8:
        raise Refused(
            f"The order of {rows:,} rows takes {size_words(needed)}; {size_words(free)} are free."
            " Filter first."
        )


def size_words(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def free_memory() -> int:
    """Bytes that this process may still take; 0 where that is not known."""
    free = 0
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            free = next(
                int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable")
            )
    except (OSError, StopIteration, ValueError):
        pass
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        try:
            with open(limit, encoding="ascii") as file:
                bound = int(file.read())
            with open(used, encoding="ascii") as file:
                free = min(free or bound, bound - int(file.read()))
        except (OSError, ValueError):
            continue  # no such bound
    private = private_memory()
    return max(min(free or private, private) if private is not None else free, 0)


def private_memory() -> int | None:
    """Bytes up to the limit on private memory of this process, where it has one."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
        if limit == resource.RLIM_INFINITY:
            return None
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:
            used = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmData"))
        return max(limit - used, 1)
    except (ImportError, OSError, StopIteration, ValueError):
        return None


def runs_user_code() -> bool:
    """Whether a cell runs now, in the main thread. One of our questions may run there as a cell."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if file == "<question>":
            return False
        if file.startswith("<cell"):  # of a Python without IPython
            return True
        if name == "run_code" and "interactiveshell" in os.path.basename(file):
            return True
        frame = frame.f_back
    return False
