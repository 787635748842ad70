"""Random kills (-9) of the client, the server, the kernel, and all of them, while one cell prints
and another waits; then what was lost, doubled or left behind.

    python benchmarks/kills.py [KILLS] [SEED] [SECONDS]

By default 100 kills within 1,800 seconds. Ends with 1 when a bound below is broken.

The cell prints a numbered line and flushes it, then appends the number to a file: all numbers in
that file were printed. After each kill, the journal is compared with it:

- lost: lines of the file that the journal does not have. Where the kernel lives on (client,
  server), all of them count. Where the kernel is killed, lines that it had printed last but not
  yet handed out died with it: they are reported as `cut off` and not counted. A line that is
  missing before a later one that is there counts always. Bound: 0.
- doubled: lines that the journal has twice. Bound: 0.
- open: executions that did not end, or ended otherwise than they must: where the kernel lives on
  both as `ok`; else the first as `lost`, and the queued one not as `ok`. Bound: 0.
- kernels: the most kernel processes that the session had at once after a kill. Bound: 1.
- left: processes and temporary folders of kernels after `sessions stop` of all. Bound: 0.

Folders and processes are of this run alone; only pids that it started are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from codeexec.client.socket import SocketHost
from codeexec.client.spawn import Starting
from codeexec.client.wire import Address
from codeexec.config.paths import find_paths, read_lock
from codeexec.domain.errors import CodeexecError
from codeexec.domain.fold import apply
from codeexec.domain.outputs import iter_rows
from codeexec.domain.requests import ClientInfo, Execute, OpenSession, ReadRows, StopHost
from codeexec.domain.snapshot import Snapshot
from codeexec.environments.marks import MARK

LINES = 300
PAUSE = 0.002
PATIENCE = 60.0
"""Seconds after which something that must come is given up."""

TARGETS = ("client", "server", "kernel", "all")
CODE = """
import time
with open({path!r}, 'a', buffering=1) as file:
    for i in range({lines}):
        print('line', i, flush=True)
        file.write(f'{{i}}\\n')
        time.sleep({pause})
"""


@dataclass
class Counts:
    """What was found over all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    printed: int = 0
    lost: int = 0
    cut_off: int = 0
    doubled: int = 0
    open: int = 0
    kernels: int = 0
    left: int = 0

    @property
    def is_broken(self) -> bool:
        return bool(self.lost or self.doubled or self.open or self.left or self.kernels > 1)


class User:
    """A user of their own: folders, environment, and the processes that run with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CODEEXEC_")},
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
        }
        for name in ("run", "work"):
            (folder / name).mkdir(mode=0o700)
        self.paths = find_paths(self.environ)

    def host(self) -> SocketHost:
        starting = Starting(self.paths, environ=self.environ)
        return SocketHost(starting=starting, client=ClientInfo("kills"))

    def environs(self) -> dict[int, dict[str, str]]:
        """Pid and environment of the living processes of this user, but for ours."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                env = process.environ()
                mine = env.get("XDG_STATE_HOME") == self.environ["XDG_STATE_HOME"]
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = env
        return found

    def kernels(self) -> set[str]:
        """The marks of the session's kernels that live."""
        return {env[MARK] for env in self.environs().values() if env.get(MARK, "").startswith("/")}

    def server(self) -> int | None:
        """The pid of the server, if it is one of this user's that lives."""
        holder = read_lock(self.paths)
        return holder.pid if holder is not None and holder.pid in self.environs() else None


class Listener:
    """Follows the session in this process, over reconnections and new servers."""

    def __init__(self, host: SocketHost, session_id: str) -> None:
        self.snapshot = Snapshot()
        self._task = asyncio.create_task(self._listen(host, session_id))

    async def _listen(self, host: SocketHost, session_id: str) -> None:
        async for batch in host.session(session_id).events(0, "tail"):
            self.snapshot = apply(self.snapshot, batch)

    def has_ended(self, execution_id: str) -> bool:
        if self._task.done():
            raise RuntimeError(f"the events ended: {self._task.exception()}")
        view = self.snapshot.executions.get(execution_id)
        return view is not None and not view.is_open

    def close(self) -> None:
        self._task.cancel()


async def until(holds: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > limit:
            raise TimeoutError(f"never came: {what}")
        await asyncio.sleep(0.005)


def start_client(user: User, session_id: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, __file__, "--client", str(user.paths.socket), session_id],
        env=user.environ,
        stdout=subprocess.DEVNULL,
    )


def numbers(path: Path) -> list[int]:
    """Those that the cell wrote down; a torn last line does not count."""
    text = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [int(line) for line in text.split()]


async def journaled(host: SocketHost, session_id: str, execution_id: str) -> list[int]:
    page = await host.session(session_id).call(ReadRows(execution_id, 0, 5000, whole=True))
    rows = [row.text.split() for row in iter_rows(page.runs)]
    return [int(words[1]) for words in rows if len(words) == 2 and words[0] == "line"]


async def one_kill(
    user: User,
    host: SocketHost,
    session_id: str,
    listener: Listener,
    chance: random.Random,
    counts: Counts,
) -> None:
    number = sum(counts.kills.values())
    target = chance.choice(TARGETS)
    first, queued = f"exec-{number}-printing", f"exec-{number}-queued"
    path = user.folder / first
    code = CODE.format(path=str(path), lines=LINES, pause=PAUSE)
    client = start_client(user, session_id)
    try:
        session = host.session(session_id)
        await session.call(Execute(code, first))
        await session.call(Execute(f"print('queued', {number})", queued))
        wanted = chance.randrange(1, LINES * 3 // 4)
        await until(lambda: len(numbers(path)) >= wanted, f"{wanted} printed lines")
        pids = {
            "client": client.pid,
            "server": user.server(),
            "kernel": listener.snapshot.kernel.pid,
        }
        for name in pids if target == "all" else (target,):
            pid = pids[name]
            if pid is not None and pid in user.environs():
                os.kill(pid, signal.SIGKILL)
        counts.kills[target] += 1
        for execution_id in (first, queued):
            await until(
                partial(listener.has_ended, execution_id),
                f"the end of {execution_id} after a kill of the {target}",
            )
    finally:
        client.kill()
        client.wait()
    lives_on = target in ("client", "server")
    statuses = [listener.snapshot.executions[each].status for each in (first, queued)]
    is_right = statuses == ["ok", "ok"] if lives_on else statuses[0] == "lost"
    printed, found = numbers(path), await journaled(host, session_id, first)
    missing = set(printed) - set(found)
    cut_off = set() if lives_on else {each for each in missing if each > max(found, default=-1)}
    counts.printed += len(printed)
    counts.lost += len(missing - cut_off)
    counts.cut_off += len(cut_off)
    counts.doubled += len(found) - len(set(found))
    counts.open += not is_right
    counts.kernels = max(counts.kernels, len(user.kernels()))
    if missing - cut_off or not is_right or len(found) != len(set(found)):
        print(f"  kill {number} ({target}): {len(missing)} of {len(printed)} missing, {statuses}")


async def benchmark(user: User, kills: int, seed: int, seconds: float) -> Counts:
    counts, chance = Counts(), random.Random(seed)
    end = time.monotonic() + seconds
    async with user.host() as host:
        opened = await host.call(OpenSession(cwd=str(user.folder / "work"), name="kills"))
        listener = Listener(host, opened.session_id)
        while sum(counts.kills.values()) < kills and time.monotonic() < end:
            await one_kill(user, host, opened.session_id, listener, chance, counts)
        folders = user.kernels()
        listener.close()
        await host.call(StopHost(sessions=True))
    with contextlib.suppress(TimeoutError):
        await until(lambda: not user.environs(), "the end of all processes")
    counts.left = len(user.environs()) + sum(Path(each).exists() for each in folders)
    return counts


async def follow(socket: str, session_id: str) -> None:
    """The client that is killed: it hears all that the session says."""
    async with SocketHost(Address(socket=socket)) as host:
        async for _ in host.session(session_id).events(0, "full"):
            pass


def main(words: list[str]) -> int:
    if words[:1] == ["--client"]:
        with contextlib.suppress(CodeexecError):
            asyncio.run(follow(words[1], words[2]))
        return 0
    kills, seed, seconds = (int(a) for a in (*words, *("100", "1", "1800")[len(words) :]))
    folder = tempfile.mkdtemp(prefix="cx-", dir="/tmp")
    user = User(Path(folder))
    try:
        counts = asyncio.run(benchmark(user, kills, seed, seconds))
    finally:
        for pid in user.environs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    done = sum(counts.kills.values())
    print(f"kills      {done} of {kills}: {dict(counts.kills)}")
    print(f"lines      {counts.printed} printed, {counts.lost} lost, {counts.doubled} doubled")
    print(f"cut off    {counts.cut_off} lines died with their kernel")
    print(f"executions {counts.open} ended otherwise than they must")
    print(f"kernels    {counts.kernels} at once at most")
    print(f"left       {counts.left} processes and folders")
    return 1 if counts.is_broken or done < kills else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
