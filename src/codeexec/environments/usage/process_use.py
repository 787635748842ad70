"""Memory of this machine's processes, counted for the sessions that have started them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from codeexec.environments.marks import SESSION, get_variable
from codeexec.environments.usage.process_table import ProcessRow, read_table

STRAY = ""
"""The root of processes whose kernel or terminal is not known, as they have left its tree."""


@dataclass(slots=True)
class SessionUse:
    """`processes` are those of each root (a kernel or terminal of the session) with their
    identities, `memory` the resident bytes of each root; pages that several processes share count
    for each of them."""

    memory: dict[str, int] = field(default_factory=dict)
    processes: dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.memory.values())

    def all_pids(self) -> list[int]:
        return [pid for processes in self.processes.values() for pid in processes]


class ProcessUse:
    """Looks at all processes. Blocks for some milliseconds."""

    def __init__(self) -> None:
        self._marks: dict[int, tuple[str, str]] = {}

    def look(self, sessions: Mapping[str, Mapping[int, str]]) -> dict[str, SessionUse]:
        """What each session uses. It is given by its id with its roots: the name of a kernel or
        terminal by the pid of its process. A process belongs to the root from which it descends,
        else to the session that its environment names."""
        processes = read_table().rows
        self._marks = {
            pid: mark
            for pid, mark in self._marks.items()
            if pid in processes and processes[pid].identity == mark[0]
        }
        roots = {
            pid: (session_id, root)
            for session_id, names in sessions.items()
            for pid, root in names.items()
        }
        uses = {session_id: SessionUse() for session_id in sessions}
        for pid, process in processes.items():
            session_id, root = self._place(pid, processes, roots)
            if (use := uses.get(session_id)) is not None:
                use.memory[root] = use.memory.get(root, 0) + process.memory
                use.processes.setdefault(root, {})[pid] = process.identity
        return uses

    def _place(
        self, pid: int, processes: Mapping[int, ProcessRow], roots: Mapping[int, tuple[str, str]]
    ) -> tuple[str, str]:
        passed: set[int] = set()
        each = pid
        while each in processes and each not in passed:
            if each in roots:
                return roots[each]
            passed.add(each)
            each = processes[each].parent
        return self._mark(pid, processes[pid].identity), STRAY

    def _mark(self, pid: int, identity: str) -> str:
        if pid not in self._marks:
            self._marks[pid] = identity, get_variable(pid, SESSION) or ""
        return self._marks[pid][1]


def exact_memory(pids: Iterable[int]) -> int:
    """Bytes that these processes take, where a page that several of them share counts once.
    Blocks, for milliseconds for each gigabyte."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            memory = psutil.Process(pid).memory_full_info()
            total += getattr(memory, "pss", memory.rss)
    return total


def keep_on_cores(pids: Iterable[int], cores: set[int]) -> None:
    """Let all threads of these processes run on these cores alone, where the system can. What they
    start later inherits it."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(int(thread.name), cores)
