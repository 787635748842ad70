"""The first kernel, spawned before the rest of the engine is imported: standard library alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

from codeexec.environments.trust.store import Trust
from codeexec.kernels.find import find_python, has_package
from codeexec.kernels.jupyter.launch import (
    Prepared,
    Spawned,
    prepare_python,
    remove_folder,
    start_directly,
)


class EarlyKernel:
    """At most one kernel process that boots while the engine is imported. The first session with
    the same choice takes it; `end` ends one that was not taken."""

    __slots__ = ("_key", "_spawned")

    def __init__(self) -> None:
        self._spawned: Spawned | None = None
        self._key: tuple[str, str, tuple[tuple[str, str], ...]] = ("", "", ())

    @classmethod
    def start(
        cls,
        session: Mapping[str, object],
        trust: Trust | None = None,
        start: Callable[[Prepared], Spawned] = start_directly,
    ) -> EarlyKernel:
        """`session` holds fields of `OpenSession`; `start` makes the process. Nothing is started,
        and no error raised, where the kernel is no plain Python: it is then started later, with
        all checks."""
        early = cls()
        cwd, env = session.get("cwd"), session.get("env") or {}
        others = session.get("backend", "local") != "local" or session.get("connection_file")
        starts_kernel = session.get("start_kernel", True)
        if not isinstance(cwd, str) or not isinstance(env, Mapping) or others or not starts_kernel:
            return early
        plain = {str(key): str(value) for key, value in env.items()}
        file, name = str(session.get("file") or ""), str(session.get("kernel") or "")
        python = find_python(cwd, file, name, {**os.environ, **plain}, trust)
        if python is None or python.untrusted or not has_package(python, "ipykernel"):
            return early
        try:
            early._spawned = start(prepare_python(python.interpreter, cwd, plain))
        except OSError:
            return early  # said in words by whoever starts it in earnest
        early._key = _key(python.interpreter, cwd, plain)
        return early

    def take(self, interpreter: str, cwd: str, env: Mapping[str, str]) -> Spawned | None:
        """The process, when it is just what is wanted; it then belongs to the caller."""
        if self._key != _key(interpreter, cwd, env):
            return None
        spawned, self._spawned = self._spawned, None
        return spawned

    def end(self) -> None:
        """End it if no session took it."""
        spawned, self._spawned = self._spawned, None
        if spawned is None:
            return
        try:
            os.killpg(spawned.pid, signal.SIGKILL)
            os.waitpid(spawned.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended by itself
        remove_folder(spawned.folder)


def _key(
    interpreter: str, cwd: str, env: Mapping[str, str]
) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return interpreter, cwd, tuple(sorted(env.items()))
