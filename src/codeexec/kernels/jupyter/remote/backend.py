"""The backend `remote`: kernels of Jupyter servers, by address or by the name of the settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from codeexec.domain.errors import CodeexecError, KernelUnavailable
from codeexec.domain.events import KernelRef
from codeexec.domain.places.backends import KERNEL_PREFIX, REMOTE
from codeexec.domain.places.kernel_variables import add_variables, split_variables
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import KernelInfo
from codeexec.environments.files import Folder
from codeexec.kernels.backends import Backend, BackendContext, RemoteTarget
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Sink
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.jupyter.remote.access import Access, ca_path
from codeexec.kernels.jupyter.remote.address import ServerAddress, parse_address
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.files.environment import ServedPlace
from codeexec.kernels.jupyter.remote.life import LIFE, RemoteLife
from codeexec.kernels.jupyter.remote.login.sign_in import REFUSED, SignIn
from codeexec.kernels.jupyter.remote.rest import JupyterServer, RemoteSpec, RunningKernel
from codeexec.kernels.jupyter.remote.running import running_servers
from codeexec.kernels.jupyter.remote.tokens import keep_token, token_for

START_TIMEOUT = 180.0
"""Seconds for a kernel to answer: kernels of clusters wait for a machine and its image."""

OFFERS_WAIT = 3.0
ADOPT_WAIT = 60.0
"""Seconds that a server is given to answer when its kernel is taken up again."""


@dataclass(frozen=True, slots=True)
class ServedKernel:
    """A server as the user names it, and the kernel there that is meant."""

    name: str
    access: Access
    kernel: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the settings, for kernels of an Enterprise Gateway."""
    named_variables: Mapping[str, str] = field(default_factory=dict)
    """Those that the user names with the kernel."""

    @property
    def kernel_name(self) -> str:
        """Asks for the same kernel again; without a token."""
        fragment = f"#{quote(self.kernel)}" if self.kernel else ""
        return add_variables(f"{REMOTE}:{self.name}{fragment}", self.named_variables)


class RemoteBackend(Backend):
    """Kernels of Jupyter Server, Kernel Gateway and their kin."""

    name = REMOTE
    loss_reason = "The kernel's server has ended it, or does not answer."

    def __init__(
        self, targets: Callable[[], Sequence[RemoteTarget]], start_timeout: float = START_TIMEOUT
    ) -> None:
        self._all_targets = targets
        self._start_timeout = start_timeout

    def _targets(self) -> list[RemoteTarget]:
        return [target for target in self._all_targets() if target.url]

    def choose(self, choice: KernelChoice, argument: str) -> KernelChoice:
        """A token in the address goes to the file of tokens, and is not in the choice."""
        place = self.place(argument)
        name = place.kernel_name.removeprefix(f"{REMOTE}:")
        return replace(super().choose(choice, name), language="")

    def place(self, argument: str) -> ServedKernel:
        """What `remote:ARGUMENT` means: an address, or a name of the settings, and behind `#` a
        kernelspec or the id of a kernel that runs, and variables for a gateway. UsageError for what
        is none of these."""
        name, _, kernel = argument.partition("#")
        target = next((each for each in self._targets() if each.name == name), None)
        if target is not None:
            address = parse_address(target.url)
            kernel, named = split_variables(kernel or address.kernel)
            address = replace(address, kernel=kernel)
            token = target.token or _token(address)
            access = Access(
                address,
                token,
                ca_path(target.ca_file),
                target.keep_active,
                target.password,
                is_kept=not target.token,
            )
            variables = dict(target.kernel_env)
            return ServedKernel(name, access, kernel, variables, named)
        address = parse_address(argument)
        if address.token:
            keep_token(address.name, address.token)
        kernel, named = split_variables(address.kernel)
        address = replace(address, kernel=kernel)
        access = Access(address, _token(address), ca_path(""), is_kept=True)
        return ServedKernel(address.name, access, kernel, named_variables=named)

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        place = self.place(choice.name)
        kernel_id = place.access.address.kernel_id
        life = RemoteLife(
            JupyterServer(place.access, SignIn(choice.ask_user)),
            "" if kernel_id else place.kernel,
            sink,
            kernel_id=kernel_id,
            is_attached=bool(kernel_id),
            place=place.name,
            variables=_variables(place, choice.env),
        )
        return self._kernel(_ref(place), life, sink)

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        kernel_id = str(handle.get("kernel_id") or "")
        if handle.get("life") != LIFE or not kernel_id:
            return None
        stored = handle.get("ref")
        fields = stored if isinstance(stored, dict) else {}
        ref = KernelRef(**{str(key): str(value) for key, value in fields.items()})
        place = self.place(str(handle.get("place") or handle.get("server")))
        named = split_variables(ref.name.partition("#")[2])[1]
        place = replace(place, named_variables=named)
        server = JupyterServer(place.access, SignIn(ask_user))
        if not await _is_there(server, kernel_id):
            await server.close()
            return None
        life = RemoteLife(
            server,
            str(handle.get("spec") or ""),
            sink,
            kernel_id=kernel_id,
            is_attached=bool(handle.get("attached")),
            place=place.name,
            variables=_variables(place, {}),
        )
        kernel = self._kernel(ref, life, sink)
        life.follow()
        if await kernel.adopt({"kernel_id": kernel_id}, handle, running):
            return kernel
        await life.release()
        return None

    def environment(self, choice: KernelChoice, folder: Folder) -> ServedPlace:
        server = JupyterServer(self.place(choice.name).access)
        return ServedPlace(server, super().environment(choice, folder))

    def _kernel(self, ref: KernelRef, life: RemoteLife, sink: Sink) -> JupyterKernel:
        return JupyterKernel(
            ref,
            life,
            sink,
            start_timeout=self._start_timeout,
            open_transport=life.open_transport,
            traits=KernelTraits(has_server=True),
        )

    # -- what there is -------------------------------------------------------------------

    async def offers(self) -> Sequence[KernelInfo]:
        """Kernelspecs of the servers of the settings, and of those that run on this machine."""
        found = await asyncio.to_thread(running_servers)
        for server in found:
            if server.token:
                await asyncio.to_thread(keep_token, server.address.name, server.token)
        names = [target.name for target in self._targets()]
        names += [server.address.name for server in found]
        lists = await asyncio.gather(*map(self.offers_of, dict.fromkeys(names)))
        return [info for infos in lists for info in infos]

    async def offers_of(self, name: str) -> list[KernelInfo]:
        """Of one server: its kernelspecs, then its kernels that run; or why there are none."""
        server: JupyterServer | None = None
        try:
            place = self.place(name)
            server = JupyterServer(place.access)
            specs, running = await asyncio.wait_for(_ask(server), OFFERS_WAIT)
        except TimeoutError:
            return [_problem(name, f"{name} has not answered within {OFFERS_WAIT:g} s.", "")]
        except ServerFailure as error:
            if error.kind == "stopped":
                return [_default(name, "the server does not run; its hub starts it first")]
            if error.kind in REFUSED:
                return [_default(name, "it asks for its token or password first")]
            return [_problem(name, error.message, error.next_step)]
        except CodeexecError as error:
            return [_problem(name, error.message, error.next_step)]
        finally:
            if server is not None:
                await server.close()
        titles = {spec.name: spec.display_name for spec in specs}
        return [
            *(_info(replace(place, kernel=spec.name), spec) for spec in specs),
            *(_running_info(replace(place, kernel=each.id), each, titles) for each in running),
        ]


def make_backend(context: BackendContext) -> RemoteBackend:
    """For the registry."""
    return RemoteBackend(context.remotes, max(context.start_timeout, START_TIMEOUT))


async def _is_there(server: JupyterServer, kernel_id: str) -> bool:
    """Whether the kernel is there, as soon as its server answers; false when no server answers. One
    that does not know us any more may have it: the user is asked as its line is opened."""
    loop = asyncio.get_running_loop()
    end = loop.time() + ADOPT_WAIT
    while True:
        try:
            return await server.kernel(kernel_id) is not None
        except KernelUnavailable as error:
            if isinstance(error, ServerFailure) and error.kind in REFUSED:
                return True
            if loop.time() > end:
                return False
            await asyncio.sleep(1.0)


def _token(address: ServerAddress) -> str:
    """Its own, else that of the hub or of another server of the same user."""
    names = [address.name]
    if address.hub:
        names += [address.hub, *([address.of_user(address.user).base] if address.user else [])]
    return address.token or next(filter(None, map(token_for, names)), "")


def _variables(place: ServedKernel, env: Mapping[str, str]) -> dict[str, str]:
    """What an Enterprise Gateway is told with a start: of our environment, as other clients do,
    then of the settings, then of the session, then those that stand in the kernel's name."""
    told = {**os.environ, **place.variables, **env, **place.named_variables}
    return {name: value for name, value in told.items() if name.startswith(KERNEL_PREFIX)}


def _ref(place: ServedKernel) -> KernelRef:
    kernel = place.kernel or "default kernel"
    where = place.name.removeprefix("http://").removeprefix("https://").rstrip("/")
    return KernelRef(place.kernel_name, f"{kernel} at {where}", "", place.name, REMOTE)


def _info(place: ServedKernel, spec: RemoteSpec) -> KernelInfo:
    return KernelInfo(
        place.kernel_name,
        spec.display_name,
        spec.language,
        " · ".join(filter(None, (place.access.address.name, spec.resources))),
        f"Jupyter server {place.name.rstrip('/')}",
    )


async def _ask(server: JupyterServer) -> tuple[list[RemoteSpec], list[RunningKernel]]:
    specs = await server.specs()
    try:
        return specs, await server.kernels()
    except ServerFailure:
        return specs, []  # gateways may forbid the list


def _running_info(
    place: ServedKernel, kernel: RunningKernel, titles: Mapping[str, str]
) -> KernelInfo:
    title = titles.get(kernel.name, kernel.name)
    clients = "no client" if not kernel.connections else f"{kernel.connections} connected"
    return KernelInfo(
        place.kernel_name,
        f"{title} that runs, {kernel.id[:8]}",
        "",
        f"{kernel.state}, {clients}, last active {kernel.last_activity[:19]}",
        f"Jupyter server {place.name.rstrip('/')}",
    )


def _default(name: str, state: str) -> KernelInfo:
    """The offer of a server whose kernels are not known yet."""
    return KernelInfo(
        f"{REMOTE}:{name}",
        "Default kernel",
        "",
        state,
        f"Jupyter server {name.rstrip('/')}",
    )


def _problem(name: str, problem: str, fix: str) -> KernelInfo:
    return KernelInfo(
        f"{REMOTE}:{name}",
        f"Kernels of {name}",
        "",
        name,
        "Jupyter server",
        problem=problem,
        fix=fix,
    )
