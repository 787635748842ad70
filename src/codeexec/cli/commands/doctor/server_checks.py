"""The checks of `doctor --server`: the way to a kernel of a Jupyter server, step by step."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from codeexec.cli.commands.doctor.checks import DoctorCheck, Grade
from codeexec.cli.servers.jupyter import find_place
from codeexec.domain.errors import CodeexecError
from codeexec.domain.text.printable import printable
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.backend import ServedKernel
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.hub import Hub
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.server.start import remote_targets

KEPT = "all output is kept until it has arrived"
NOT_KEPT = "output that is lost on the way is told with its size"
CHANGES = {"spawn": "it is being started", "stop": "it is being stopped"}


def server_checks(server: str) -> Iterator[DoctorCheck]:
    """Each as soon as it is known, up to the first that fails."""
    try:
        place = find_place(server)
    except ServerFailure as error:
        yield _failed("login", error)
        return
    except CodeexecError as error:
        yield _failed("address", error)
        return
    yield DoctorCheck("address", "ok", place.access.address.name)
    checks: queue.Queue[DoctorCheck | None] = queue.Queue()

    async def look() -> None:
        async for check in _walk(place):
            checks.put(check)

    def work() -> None:
        try:
            asyncio.run(look())
        finally:
            checks.put(None)

    thread = threading.Thread(target=work, name="server-checks", daemon=True)
    thread.start()
    while (check := checks.get()) is not None:
        yield check
    thread.join()


async def _walk(place: ServedKernel) -> AsyncIterator[DoctorCheck]:
    api = JupyterServer(place.access)
    walk = _walk_server(api, place) if api.hub is None else _walk_hub(api, api.hub, place)
    try:
        async for check in walk:
            yield check
    finally:
        await api.close()


async def _walk_server(api: JupyterServer, place: ServedKernel) -> AsyncIterator[DoctorCheck]:
    step = "server"
    try:
        told = f"Jupyter server {await api.version()}"
        if api.gateway:
            told = f"Enterprise Gateway {api.gateway} ({told})"
        yield DoctorCheck(step, "ok", told)
        step = "login" if place.access.is_login or place.access.password else "token"
        specs = await api.specs()
        yield DoctorCheck(*_known(api.access))
        names = ", ".join(spec.name for spec in specs)
        yield DoctorCheck("kernelspecs", "ok" if specs else "fail", names or "there are none")
        step = "kernels"
        try:
            running = len(await api.kernels())
            yield DoctorCheck(step, "ok", f"{running} running")
        except CodeexecError as error:
            yield DoctorCheck(step, "warn", error.message, "The server may forbid the list alone.")
        step = "start"
        if specs:
            yield await _start(place)
    except CodeexecError as error:
        yield _failed(step, error)


async def _walk_hub(
    api: JupyterServer, hub: Hub, place: ServedKernel
) -> AsyncIterator[DoctorCheck]:
    """A server that does not run is started for the check, and stopped again."""
    step = "hub"
    try:
        yield DoctorCheck(step, "ok", f"JupyterHub {await hub.version()}")
        step = "hub token"
        owner = await hub.user()
        yield DoctorCheck(step, "ok", f"it is accepted, and belongs to {printable(owner)}")
        step = "hub server"
        address = place.access.address
        user = address.user or owner
        state = await hub.state(user, address.server)
        if not state.is_stopped:
            yield DoctorCheck(step, "ok", CHANGES.get(state.pending, "it runs"))
        else:
            yield DoctorCheck(step, "ok", "it does not run; the hub starts it for the next check")
            step = "start"
            yield await _start(place)
            step = "hub server"
            await hub.stop(user, address.server, remove=not state.is_known)
            yield DoctorCheck(step, "ok", "the hub stops it again")
            return
    except CodeexecError as error:
        yield _failed(step, error)
        return
    async for check in _walk_server(api, place):
        yield check


def _known(access: Access) -> tuple[str, Grade, str]:
    """How the server knows us."""
    if access.is_login:
        return "login", "ok", "the password was accepted; its cookies are kept"
    return "token", "ok", "it is accepted" if access.token else "none is needed"


async def _start(place: ServedKernel) -> DoctorCheck:
    """Start a kernel and end it."""
    kernels = Kernels(remotes=remote_targets)
    begin = time.monotonic()
    kernel = kernels.create(KernelChoice(str(Path.cwd()), place.kernel_name), lambda events: None)
    ready = await kernel.start()
    seconds = time.monotonic() - begin
    grade = KEPT if kernel.capabilities.outbox else NOT_KEPT
    await kernel.shutdown()
    told = f"{ready.language} {ready.version} was ready after {seconds:.1f} s; {grade}"
    return DoctorCheck("start", "ok", told)


def _failed(name: str, error: CodeexecError) -> DoctorCheck:
    return DoctorCheck(name, "fail", error.message, error.next_step)
