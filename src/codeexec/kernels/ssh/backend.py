"""The backend `ssh`: kernels on machines that `ssh` reaches, in which nothing is installed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from weakref import WeakValueDictionary

from codeexec.domain.errors import CodeexecError, KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.places.backends import OVER_SSH
from codeexec.domain.places.logins import AskUser
from codeexec.domain.places.ssh import SshPlace, parse_ssh_place
from codeexec.domain.requests import KernelInfo
from codeexec.environments.files import Folder
from codeexec.kernels.backends import Backend, BackendContext, RemoteTarget
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Sink
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.ssh.environment import SshSessionPlace
from codeexec.kernels.ssh.kernelspecs import list_specs, names_python
from codeexec.kernels.ssh.life import LIFE, SshLife
from codeexec.kernels.ssh.machine import SshMachine, end_left

log = logging.getLogger(__name__)

OFFERS_WAIT = 5.0
"""Seconds for a machine to list its kernelspecs."""
START_TIMEOUT = 90.0
"""Seconds for a kernel to answer: machines of clusters read packages from slow file systems."""


class FarKernel(NamedTuple):
    """A machine and folder, and an interpreter or kernelspec there; empty: the interpreter that the
    PATH of the login has."""

    place: SshPlace
    argument: str

    @property
    def title(self) -> str:
        if not names_python(self.argument):
            return f"{self.argument} on {self.place.host}"
        python = f" ({self.argument})" if self.argument else ""
        return f"Python on {self.place.host}{python}"

    @property
    def language(self) -> str:
        """Empty: the kernel says it."""
        return "python" if names_python(self.argument) else ""


class SshBackend(Backend):
    """Kernels of interpreters and kernelspecs there, and the environments of their sessions."""

    name = OVER_SSH
    loss_reason = "The session server ended, and the kernel on the other machine with it."

    def __init__(
        self,
        start_timeout: float = START_TIMEOUT,
        remotes: Callable[[], Sequence[RemoteTarget]] = tuple,
    ) -> None:
        """`remotes` gives the machines whose kernels run in jobs."""
        self._start_timeout = start_timeout
        self._remotes = remotes
        self._machines: WeakValueDictionary[tuple[str, SshPlace], SshMachine] = (
            WeakValueDictionary()
        )
        """By session and place: processes of two sessions have nothing to do with each other."""
        self._ending: set[asyncio.Task[None]] = set()

    def choose(self, choice: KernelChoice, argument: str) -> KernelChoice:
        """`argument` is [USER@]HOST[:FOLDER][#PYTHON or #KERNELSPEC]. UsageError."""
        _parse(argument)
        # With the name of the backend: a host may be called as another one.
        return replace(super().choose(choice, f"{OVER_SSH}:{argument}"), language="")

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        far = _parse(choice.name)
        ref = KernelRef(choice.name, far.title, far.language, str(far.place), OVER_SSH)
        machine = self._machine(choice.session, far.place, choice.ask_user)
        return self._kernel(ref, machine, far.argument, choice.env, choice.session, sink)[0]

    def _kernel(
        self,
        ref: KernelRef,
        machine: SshMachine,
        argument: str,
        env: Mapping[str, str],
        session: str,
        sink: Sink,
    ) -> tuple[JupyterKernel, SshLife]:
        kernel: JupyterKernel | None = None

        def use_traits(traits: KernelTraits) -> None:
            if kernel is not None:
                kernel.traits = traits

        life = SshLife(machine, argument, env, session, sink, use_traits)
        kernel = JupyterKernel(
            ref,
            life,
            sink,
            primed=True,
            start_timeout=self._start_timeout,
            open_transport=life.open_transport,
        )
        return kernel, life

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        """Go on with ipykernel, or a kernel of a kernelspec. What cannot be gone on with is ended,
        beside all else where its machine is not reached."""
        spool = str(handle.get("spool") or "")
        if handle.get("life") != LIFE or not spool:
            return None
        place = parse_ssh_place(str(handle.get("place")))
        if handle.get("files"):
            session, stored, env = (
                str(handle.get("of_session")),
                handle.get("ref"),
                handle.get("env"),
            )
            fields = stored if isinstance(stored, dict) else {}
            ref = KernelRef(**{str(key): str(value) for key, value in fields.items()})
            variables = env if isinstance(env, dict) else {}
            launch = str(handle.get("launch") or "")
            machine = self._machine(session, place, ask_user, launch)
            argument = str(handle.get("argument") or "")
            kernel, life = self._kernel(ref, machine, argument, variables, session, sink)
            try:
                if await kernel.adopt(await life.take_over(handle), handle, running):
                    return kernel
                await life.kill()
            except KernelUnavailable as error:
                log.warning("a kernel on %s is not gone on with: %s", place.host, error)
            except BaseException:
                await life.release()
                raise
        ending = asyncio.create_task(end_left(place, spool, log.warning), name="end-left-spool")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return None

    def environment(self, choice: KernelChoice, folder: Folder) -> SshSessionPlace:
        place = _parse(choice.name).place
        return SshSessionPlace(self._machine(choice.session, place, choice.ask_user))

    def _machine(
        self,
        session: str,
        place: SshPlace,
        ask_user: AskUser | None = None,
        launch: str | None = None,
    ) -> SshMachine:
        """`launch` is that of a job that runs already; None: the settings say it."""
        machine = self._machines.get((session, place))
        if machine is None:
            if launch is None:
                launch = next((r.launch for r in self._remotes() if r.name == place.host), "")
            machine = self._machines[session, place] = SshMachine(place, launch)
        machine.ask_user = machine.ask_user or ask_user
        return machine

    async def offers(self) -> Sequence[KernelInfo]:
        """The machines of the settings whose kernels run in jobs."""
        return [
            KernelInfo(
                f"{OVER_SSH}:{target.name}",
                f"Python in a job on {target.name}",
                "python",
                target.launch,
                OVER_SSH,
            )
            for target in await asyncio.to_thread(self._remotes)
            if target.launch
        ]

    async def offers_of_session(self, session: str) -> Sequence[KernelInfo]:
        """Python and the kernelspecs of the machines to which the session has a line."""
        machines = [machine for (of, _), machine in self._machines.items() if of == session]
        lists = await asyncio.gather(*map(_listed, machines))
        return [info for infos in lists for info in infos]

    async def close(self) -> None:
        if self._ending:
            await asyncio.wait(self._ending)


def make_backend(context: BackendContext) -> SshBackend:
    """For the registry."""
    return SshBackend(max(context.start_timeout, START_TIMEOUT), context.remotes)


async def _listed(machine: SshMachine) -> list[KernelInfo]:
    environment, host = machine.environment, machine.place.host
    if environment is None or environment.poll() is not None or environment.cut is not None:
        return []
    name = f"{OVER_SSH}:{machine.place.short}"
    offered = [KernelInfo(name, f"Python on {host}", "python", environment.python, OVER_SSH)]
    try:
        specs = await asyncio.wait_for(list_specs(environment), OFFERS_WAIT)
    except TimeoutError:
        late = f"{host} has not listed its kernelspecs within {OFFERS_WAIT:g} s."
        return [*offered, KernelInfo(name, host, "", "", OVER_SSH, problem=late)]
    except CodeexecError as error:
        problem, fix = error.message, error.next_step
        return [*offered, KernelInfo(name, host, "", "", OVER_SSH, problem=problem, fix=fix)]
    for spec in specs:
        title = f"{spec.title} on {host}"
        full = f"{name}#{spec.argument or spec.name}"
        missing = "" if spec.program else f"The program of {spec.name} is not there."
        offered.append(
            KernelInfo(full, title, spec.language, spec.program, OVER_SSH, problem=missing)
        )
    return offered


def _parse(argument: str) -> FarKernel:
    place, _, kernel = argument.removeprefix(f"{OVER_SSH}:").partition("#")
    if not kernel.isprintable() or kernel.startswith("-"):
        raise UsageError(
            f"{kernel!r} is no path of a Python and no kernelspec.",
            "Write #/path/of/python or #KERNELSPEC.",
        )
    return FarKernel(parse_ssh_place(place), kernel)
