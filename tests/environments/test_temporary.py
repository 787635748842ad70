"""Temporary folders with a lock: left ones go, whatever else lies beside them stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from codeexec.environments.temporary import LockedFolder, sweep

KILLED = """
import os, sys
from codeexec.environments.temporary import LockedFolder
folder = LockedFolder("cx-", sys.argv[1])
(folder.path / "journal").write_text("x")
print(folder.path, flush=True)
os.kill(os.getpid(), 9)
"""


def leave_one(parent: Path) -> Path:
    """A folder whose owner was killed."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(parent)], capture_output=True, text=True
    )
    assert done.returncode == -9
    return Path(done.stdout.strip())


def test_only_folders_whose_owner_is_gone_are_swept(tmp_path: Path) -> None:
    mine = LockedFolder("cx-", str(tmp_path))
    left = leave_one(tmp_path)
    os.utime(mine.path / "lock", (0, 0))  # the age says nothing
    other = leave_one(tmp_path)
    other.rename(tmp_path / "target")
    (tmp_path / "cx-link").symlink_to(tmp_path / "target")
    (tmp_path / "cx-unlocked").mkdir()
    (tmp_path / "cx-lock-is-a-link").mkdir()
    (tmp_path / "cx-lock-is-a-link" / "lock").symlink_to(tmp_path / "target" / "lock")
    (tmp_path / "cx-file").write_text("")
    abandoned: list[Path] = []
    assert sweep("cx-", str(tmp_path), abandoned.append) == [left] == abandoned
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ("cx-file", "cx-link", "cx-lock-is-a-link", "cx-unlocked", mine.path.name, "target")
    )
    assert (tmp_path / "target" / "journal").exists()
    mine.remove()
    mine.remove()
    assert not mine.path.exists()


def test_a_folder_of_another_user_stays(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        return  # nobody else can be had
    left = leave_one(tmp_path)
    os.chown(left, 12345, -1)
    assert sweep("cx-", str(tmp_path)) == []
    assert left.exists()
