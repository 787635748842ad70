"""What is in use on disk stays when the rest is freed."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from codeexec.domain.errors import Conflict
from codeexec.domain.requests import SessionSummary
from codeexec.session.directory import SessionDirectory
from codeexec.session.storage.disk_usage import DiskUsage

DAY = 86_400


class Disk:
    """A state folder with an open and a closed session, each with its workspace, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.state, self.cache = folder / "state", folder / "cache"
        self.directory = SessionDirectory(self.state / "sessions")
        self.sessions = [
            self._session("session-open", "idle"),
            self._session("session-end", "closed"),
        ]
        for name in ("session-open", "session-end"):
            self.write(self.state / "workspaces" / "user-1" / name / "data", 100)
        self.old = self.write(self.state / "workspaces" / "workspace-old" / "data", 1000).parent
        os.utime(self.old, (DAY, DAY))
        self.fresh = self.write(self.state / "workspaces" / "workspace-new" / "data", 10).parent
        self.idle_build = self.write(self.cache / "builds" / "idle" / "program", 5000).parent
        self.busy_build = self.write(self.cache / "builds" / "busy" / "lock", 0).parent
        self.write(self.state / "history.db", 7)
        self.usage = DiskUsage(self.state, self.cache, lambda: self.sessions, self.remove)

    def _session(self, session_id: str, state: str) -> SessionSummary:
        folder = self.directory.make(session_id)
        self.write(folder / "journal.db", 500)
        self.directory.release(session_id)
        if state == "closed":
            self.directory.shut(session_id)
        cwd = self.state / "workspaces" / "user-1" / session_id / "below"
        return SessionSummary(session_id, session_id, str(cwd), state)

    @staticmethod
    def write(path: Path, size: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        return path

    def remove(self, session_id: str) -> None:
        self.directory.remove(session_id)
        self.sessions = [s for s in self.sessions if s.session_id != session_id]


def test_it_measures_what_is_there_and_what_can_go(tmp_path: Path) -> None:
    usages = {usage.kind: usage for usage in Disk(tmp_path).usage.measure()}
    measured = {kind: (u.count, u.bytes, u.free_count, u.free_bytes) for kind, u in usages.items()}
    assert measured == {
        "sessions": (2, 1000, 1, 500),
        "workspaces": (4, 1210, 1, 1000),
        "builds": (2, 5000, 2, 5000),
        "other": (1, 7, 0, 0),
    }
    assert DiskUsage(tmp_path / "none", tmp_path / "none", list, print).measure()[0].bytes == 0


def test_freeing_leaves_what_is_in_use(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    link = disk.cache / "builds" / "link"
    link.symlink_to(disk.old)
    with (disk.busy_build / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert disk.usage.free("builds")[0] == 2
    assert (disk.old / "data").exists()
    assert disk.busy_build.exists()
    assert not disk.idle_build.exists()
    assert disk.usage.free("workspaces") == (1, 1000)
    assert not disk.old.exists()
    assert disk.fresh.exists()
    assert disk.usage.free("sessions") == (1, 500)
    assert (disk.state / "sessions" / "session-open" / "journal.db").exists()
    closed = disk.state / "workspaces" / "user-1" / "session-end"
    os.utime(closed, (DAY, DAY))
    assert disk.usage.free("workspaces") == (1, 100)
    assert (disk.state / "workspaces" / "user-1" / "session-open" / "data").exists()


def test_a_session_that_was_opened_meanwhile_stays(tmp_path: Path) -> None:
    disk = Disk(tmp_path)

    def refuse(session_id: str) -> None:
        raise Conflict(f"{session_id} is open.")

    usage = DiskUsage(disk.state, disk.cache, lambda: disk.sessions, refuse)
    assert usage.free("sessions") == (0, 0)
    assert (disk.state / "sessions" / "session-end").exists()
