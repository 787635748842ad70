"""The backend `local`: kernels of this machine, chosen, found, attached to or left by a server."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.env_vars.inherited import rule_of
from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.events import RESTRICTED, KernelRef
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.places.logins import AskUser
from codeexec.environments.pythons.folders import looks_like_path, owner_folder
from codeexec.environments.trust.store import Trust, trust_step
from codeexec.hostfiles.place import locate
from codeexec.kernels.backends import Backend
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Notice, Sink
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.find import Found, candidates
from codeexec.kernels.jupyter import discover, launch
from codeexec.kernels.jupyter import exit_reason as death
from codeexec.kernels.jupyter.attached import AttachedLife
from codeexec.kernels.jupyter.discover import KernelSpec
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.known.table import known_by_command
from codeexec.kernels.jupyter.life import KernelProcess
from codeexec.kernels.jupyter.outbox.leftovers import folder_of, hand_on_left
from codeexec.kernels.jupyter.process import LocalProcess

if TYPE_CHECKING:
    from codeexec.environments.base import Environment
    from codeexec.environments.files import Folder
    from codeexec.environments.holder.holding import Holding

Start = Callable[[], Awaitable[launch.Spawned]]
"""Starts a process of a kernel: the first, or the next after a restart."""


class LocalBackend(Backend):
    """Kernels of this machine: interpreters, kernelspecs, and kernels that are attached to.
    `trust` decides which interpreters of folders may be used; `early` may have the first kernel."""

    name = LOCAL

    def __init__(
        self,
        early: EarlyKernel,
        trust: Trust,
        start_timeout: float,
        holding: Holding | None = None,
    ) -> None:
        self._holding = holding
        self._early = early
        self._trust = trust
        self._start_timeout = start_timeout

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        if choice.connection_file or choice.name.endswith(".json"):
            return self._attach(choice, sink)
        if not locate(Path(choice.cwd)).real.is_dir():
            raise KernelUnavailable(
                f"The folder {choice.cwd} is not there.", "Choose one that is: --cwd FOLDER"
            )
        environ = {**os.environ, **choice.env}
        chosen = discover.choose(choice.cwd, choice.file, choice.name, environ, self._trust)
        if isinstance(chosen, Found):
            if not choice.name:
                self._tell_restricted(choice, environ, chosen, sink)
            if not discover.has_ipykernel(chosen):
                return self._runner(chosen, choice, sink)
            return self._python(chosen.interpreter, _ref_of(chosen), choice, sink)
        ref = _ref_of_spec(chosen)
        both = {**chosen.fill_env(environ), **choice.env}
        if chosen.python and not chosen.by_message:
            return self._python(chosen.python, ref, replace(choice, env=both), sink)
        if chosen.options is not None:
            # Through our launcher too: it imports nothing of the folder.
            argv = [*launch.python_argv(chosen.command[0]), *chosen.options]
            prepare = functools.partial(
                launch.prepare, argv, choice.cwd, both, ref.name, choice.session
            )
            life: KernelProcess = LocalProcess(
                self._trusting(prepare, argv[0]),
                interrupt_by_message=chosen.by_message,
                holding=self._holding,
            )
            return JupyterKernel(ref, life, sink, primed=True, start_timeout=self._start_timeout)
        if chosen.provisioner:
            from codeexec.kernels.jupyter.managed import ManagedLife

            life = ManagedLife(chosen.name, choice.cwd, choice.env)
        else:
            program = chosen.command[0]
            first, *others = (
                self._trusting(_spec_plan(chosen, choice, both, transport), program)
                for transport in chosen.transports
            )
            life = LocalProcess(
                first,
                interrupt_by_message=chosen.by_message,
                other_launch=next(iter(others), None),
                holding=self._holding,
            )
        return JupyterKernel(ref, life, sink, known=chosen.known, start_timeout=self._start_timeout)

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        stored_ref = handle.get("ref")
        fields = stored_ref if isinstance(stored_ref, dict) else {}
        ref = KernelRef(**{str(key): str(value) for key, value in fields.items()})
        primed = bool(handle.get("primed"))
        if handle.get("life") == "attached":
            life: KernelProcess = AttachedLife(Path(str(handle["connection_file"])))
            kernel = JupyterKernel(ref, life, sink, primed=primed)
            try:
                connection = await life.launch()
            except KernelUnavailable:
                return None
        else:
            process = LocalProcess.adopt(handle, self._relaunch(handle, ref), self._holding)
            if process is None:
                try:
                    await hand_on_left(handle, sink, running)
                    _tell_end(handle, sink)
                finally:
                    await LocalProcess.clean_up(handle)
                return None
            life, connection = process, process.connection
            argv = handle.get("argv")
            known = known_by_command([str(arg) for arg in argv] if isinstance(argv, list) else [])
            kernel = JupyterKernel(
                ref,
                process,
                sink,
                primed=primed,
                known=known,
                start_timeout=self._start_timeout,
            )
        try:
            is_adopted = await kernel.adopt(connection, handle, running)
        except BaseException:
            await life.release()
            raise
        if not is_adopted:
            # What it had on disk goes with it; a kernel of somebody else is only let go of.
            await life.kill()
            return None
        return kernel

    def _tell_restricted(
        self, choice: KernelChoice, env: Mapping[str, str], used: Found, sink: Sink
    ) -> None:
        """Say which interpreter would have been used, were its folder trusted."""
        best = next(iter(candidates(choice.cwd, choice.file, env, self._trust)))
        if best.untrusted:
            message = f"{best.interpreter} is not used: {best.untrusted} is not trusted. "
            message += f"Code runs with {used.interpreter}."
            sink([Notice("info", RESTRICTED, message, trust_step(best.untrusted))])

    def _python(self, interpreter: str, ref: KernelRef, choice: KernelChoice, sink: Sink) -> Kernel:
        cwd, env = choice.cwd, dict(choice.env)
        spawned = self._early.take(interpreter, cwd, env)
        if spawned is not None:
            spawned.session = choice.session  # of those that are started after it
        self._early.end()
        prepare = functools.partial(launch.prepare_python, interpreter, cwd, env, choice.session)
        start = self._trusting(prepare, interpreter)
        life = LocalProcess(start, spawned, holding=self._holding)
        return JupyterKernel(ref, life, sink, primed=True, start_timeout=self._start_timeout)

    def _runner(self, python: Found, choice: KernelChoice, sink: Sink) -> Kernel:
        """For an interpreter without ipykernel."""
        from codeexec.kernels.runner.kernel import START_TIMEOUT, make_runner_kernel
        from codeexec.kernels.runner.launch import prepare_runner, start_runner

        self._early.end()
        interpreter = python.interpreter
        prepare = functools.partial(
            prepare_runner, interpreter, choice.cwd, dict(choice.env), choice.session
        )

        async def start(prepared: launch.Prepared) -> launch.Spawned:
            return start_runner(prepared)  # its pipes are ours, so the holder cannot start it

        return make_runner_kernel(
            _ref_of(python),
            self._trusting(prepare, interpreter, start),
            sink,
            start_timeout=min(self._start_timeout, START_TIMEOUT),
            install_command=discover.fix(python),
            is_outdated=lambda: discover.has_ipykernel(python),
        )

    def _attach(self, choice: KernelChoice, sink: Sink) -> Kernel:
        path = Path(choice.cwd, choice.connection_file or choice.name).expanduser()
        ref = KernelRef(str(path), path.stem, "", str(path), LOCAL)
        return JupyterKernel(ref, AttachedLife(path), sink, start_timeout=self._start_timeout)

    def _relaunch(self, handle: Handle, ref: KernelRef) -> Start:
        """How to start an adopted kernel afresh: as its first process was."""
        stored_argv, cwd, env = handle.get("argv"), str(handle.get("cwd") or "/"), handle.get("env")
        argv = [str(arg) for arg in stored_argv] if isinstance(stored_argv, list) else []
        plain = {str(k): str(v) for k, v in env.items()} if isinstance(env, dict) else {}
        session = str(handle.get("session_id") or "")
        transport = str(handle.get("transport") or "ipc")
        prepare = functools.partial(launch.prepare, argv, cwd, plain, ref.name, session, transport)
        return self._trusting(prepare, argv[0] if argv else "")

    def _trusting(
        self,
        prepare: Callable[[], launch.Prepared],
        program: str,
        start: Callable[[launch.Prepared], Awaitable[launch.Spawned]] | None = None,
    ) -> Start:
        """Start what `prepare` makes, by `start` if that is given; refused where code in a
        container could have changed the program since: a kernel is restarted long after it was
        chosen. KernelUnavailable."""

        async def checked() -> launch.Spawned:
            if program != sys.executable and not self._trust.allows_named(program):
                raise KernelUnavailable(
                    discover.changeable(program), trust_step(owner_folder(program))
                )
            return await (start or self._start)(prepare())

        return checked

    async def _start(self, prepared: launch.Prepared) -> launch.Spawned:
        if self._holding is None:
            return launch.start_directly(prepared)
        from codeexec.kernels.held import start_held  # servers alone have a holder

        return await start_held(self._holding, prepared)

    def environment(self, choice: KernelChoice, folder: Folder) -> Environment:
        from codeexec.environments.local import LocalEnvironment  # not at the start

        return LocalEnvironment(folder, self._holding, rule_of(choice.env))

    async def close(self) -> None:
        if self._holding is not None:
            self._holding.close()

    def held_back(self, choice: KernelChoice) -> tuple[str, str]:
        name = choice.name.lower()
        if not name or looks_like_path(name):
            return "", ""
        spec = discover.find_specs().get(name)
        if spec is None or spec.options is not None or self._trust.allows(choice.cwd, choice.cwd):
            return "", ""
        reason = f"The kernel {spec.name} starts with the first run: at its start it may read and "
        reason += f"execute files of {choice.cwd}, which is not trusted."
        return reason, trust_step(choice.cwd)


def _tell_end(handle: Handle, sink: Sink) -> None:
    """Say how a kernel ended while no server was there, where the holder has written it down."""
    from codeexec.environments.holder.client import read_left_end  # not at the start

    folder = folder_of(handle)
    if folder is None or (end := read_left_end(folder)) is None:
        return
    explanation = death.explain(
        end.code, last_words=death.read_last_words(folder / launch.LOG_FILE)
    )
    sink([Notice("warning", "The kernel ended while no session server ran", explanation.message)])


def _ref_of(python: Found) -> KernelRef:
    path = python.interpreter
    return KernelRef(path, discover.display_name(python), "python", path, LOCAL)


def _ref_of_spec(spec: KernelSpec) -> KernelRef:
    return KernelRef(spec.name, spec.display_name, spec.language, str(spec.folder), LOCAL)


def _spec_plan(
    spec: KernelSpec, choice: KernelChoice, env: Mapping[str, str], transport: str
) -> Callable[[], launch.Prepared]:
    return functools.partial(
        launch.prepare, spec.command, choice.cwd, env, spec.name, choice.session, transport
    )
