"""All processes of this machine at a moment, read once for all that look at them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psutil

from codeexec.environments.processes import boot_id, has_proc

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process that runs. `identity` is that of `processes.identify`, `memory` its resident
    bytes."""

    parent: int
    identity: str
    memory: int


class ProcessTable:
    """`rows` by pid. `read_at` is a time of the monotonic clock."""

    def __init__(self, rows: Mapping[int, ProcessRow], read_at: float) -> None:
        self.rows = rows
        self.read_at = read_at
        self._children: dict[int, list[int]] = {}
        for pid, row in rows.items():
            self._children.setdefault(row.parent, []).append(pid)

    def is_there(self, pid: int, identity: str) -> bool:
        row = self.rows.get(pid)
        return row is not None and row.identity == identity

    def descendants(self, pid: int) -> dict[int, str]:
        """Children and theirs, each with its identity."""
        identities: dict[int, str] = {}
        parents = [pid]
        while parents:
            for child in self._children.get(parents.pop(), ()):
                if child not in identities:
                    identities[child] = self.rows[child].identity
                    parents.append(child)
        return identities


_last: list[ProcessTable] = []
_reading = threading.Lock()


def read_table(age: float = 0.0) -> ProcessTable:
    """The processes now, or those of the last look, if that was at most `age` seconds ago. Blocks
    for some milliseconds."""
    with _reading:
        now = time.monotonic()
        if not _last or now - _last[0].read_at > age:
            _last[:] = [ProcessTable(dict(_rows()), now)]
        return _last[0]


def _rows() -> Iterator[tuple[int, ProcessRow]]:
    boot = boot_id()
    if not has_proc():
        for process in psutil.process_iter(["pid", "ppid", "memory_info"]):
            seen = process.info
            if seen["memory_info"] is not None:
                identity = f"{boot}:{hash(process)}"
                yield seen["pid"], ProcessRow(seen["ppid"], identity, seen["memory_info"].rss)
        return
    for name in os.listdir("/proc"):  # noqa: PTH208  # each second
        # Processes end meanwhile.
        with contextlib.suppress(OSError, IndexError, ValueError):
            if not name.isdigit():
                continue
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  # hundreds
                # Fields from the third on; the second may hold spaces and brackets.
                fields = file.read().rpartition(b")")[2].split()
            if fields[0] not in b"ZX":
                identity = f"{boot}:{fields[19].decode()}"
                yield int(name), ProcessRow(int(fields[1]), identity, int(fields[21]) * _PAGE)
