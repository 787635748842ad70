"""In a container: makes the build folder of a project ready, and tells what its tools wrote there.

Run as `python3 -c SOURCE`. The request on stdin and the answer on stdout are JSON objects; see
`kernels/process/projects/guest.py`, which makes and reads them.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import sys

MOST_BYTES = 32 << 20
"""Characters of all files of an answer."""


def prepare(folder: str, is_fresh: bool, files: dict[str, str], most: int) -> None:
    """Make the folder with these files where they are missing, and remove the folders beside it
    that were used least recently, beyond `most`."""
    if is_fresh:
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, 0o700, exist_ok=True)
    os.utime(folder)
    for name, text in files.items():
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    with os.scandir(os.path.dirname(folder)) as entries:
        folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    folders.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in folders[most:]:
        shutil.rmtree(entry.path, ignore_errors=True)


def read(folder: str, patterns: list[str]) -> dict[str, str]:
    """Texts of the files that match, by their path in the folder."""
    texts: dict[str, str] = {}
    room = MOST_BYTES
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern))):
            if os.path.isfile(path) and room > 0:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read(room)
                room -= len(text)
                texts[os.path.relpath(path, folder)] = text
    return texts


def count_cpus() -> int:
    """Processors that the container may use."""
    count = len(os.sched_getaffinity(0))
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = (int(word) for name in names for word in _words(name))
        except (OSError, ValueError):
            continue  # the other version of cgroups, or no limit
        if quota > 0 and period > 0:
            return max(1, min(count, -(-quota // period)))
    return count


def _words(name: str) -> list[str]:
    with open("/sys/fs/cgroup/" + name) as file:
        return file.read().split()


def main() -> None:
    request = json.load(sys.stdin)
    folder = request["folder"]
    answer: dict[str, object] = {"cpus": count_cpus()}
    try:
        if request["prepare"] is not None:
            prepare(folder, **request["prepare"])
        for name in request["remove"]:
            if os.path.exists(os.path.join(folder, name)):
                os.unlink(os.path.join(folder, name))
        answer["present"] = [
            name for name in request["present"] if os.path.exists(os.path.join(folder, name))
        ]
        answer["files"] = read(folder, request["read"])
    except OSError as error:
        answer["error"] = f"{error.filename}: {error.strerror}"
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
