"""Lifecycle of a kernel on a machine that `ssh` reaches: ipykernel, or our runner without it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from signal import SIGINT, SIGKILL

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.domain.events.lines import LineCut
from codeexec.domain.text.printable import printable
from codeexec.environments.base import run
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.base import Handle, KernelUsage, Notice, Sink
from codeexec.kernels.jupyter.exit_reason import printable_words
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.jupyter.line.telling import CutTelling
from codeexec.kernels.jupyter.remote.start_steps import StartSteps
from codeexec.kernels.jupyter.transport import Receiver, Transport
from codeexec.kernels.jupyter.zmq_transport import open_zmq
from codeexec.kernels.relay.channel_proxy import Mux, Target, connection
from codeexec.kernels.relay.kernel_exit import kernel_ended
from codeexec.kernels.relay.launcher_files import launcher_files
from codeexec.kernels.runner.kernel import END_PAUSES, NO_PLUGINS
from codeexec.kernels.runner.launch import REQUESTS
from codeexec.kernels.runner.transport import RunnerTransport
from codeexec.kernels.ssh.machine import LEFT, SshMachine
from codeexec.kernels.ssh.runner_pipes import RunnerPipes, send_program

LIFE = "ssh"
"""Of a handle: which life it is of."""
RELAYED = "a relay runs the kernel on {name}; the files shown are of this machine"
PROBE_WAIT = 60.0
WORDS_WAIT = 0.3
"""Seconds for the last words of a kernel that failed; its children may hold the pipe for ever."""

_PROBE = (
    "import json, sys; from importlib.util import find_spec as f; "
    "print(json.dumps([list(sys.version_info[:2]), bool(f('ipykernel') and f('zmq'))]))"
)
_OLDEST = (3, 8)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python there. `has_ipykernel`: with pyzmq, so that a kernel can run."""

    path: str
    version: tuple[int, int]
    has_ipykernel: bool

    def traits(self, name: str) -> KernelTraits:
        """`name` is how the user calls the machine."""
        relayed = RELAYED.format(name=name)
        if self.has_ipykernel:
            return KernelTraits(notices=(relayed,))
        notice = f"no ipykernel: {self.path} -m pip install ipykernel"
        return KernelTraits(END_PAUSES, NO_PLUGINS, (relayed, notice), has_comms=False)


class SshLife:
    """A KernelProcess. It goes on while the line is cut, and ends with its session."""

    def __init__(
        self,
        machine: SshMachine,
        python: str,
        env: Mapping[str, str],
        sink: Sink,
        use_traits: Callable[[KernelTraits], None],
    ) -> None:
        """`python` is the interpreter there; empty: what the PATH of the login has. `use_traits` is
        called at each launch with what sets such a kernel apart."""
        self._machine, self._python, self._env = machine, python, env
        self._sink, self._use_traits = sink, use_traits
        self._telling = CutTelling(sink, machine.place.host)
        self._interpreter: Interpreter | None = None
        self._key, self._name = secrets.token_hex(32), secrets.token_hex(2)
        self._mux: Mux | None = None
        self._pipes: RunnerPipes | None = None
        self._environment: SshEnvironment | None = None
        self._unlisten: Callable[[], None] = lambda: None
        self._process: GuestProcess | None = None
        self._receiver: Receiver | None = None
        self._launches = 0
        self._said = bytearray()
        self._reading: list[asyncio.Task[None]] = []
        self._usage = KernelUsage(None, None)
        self._busy: tuple[float, float] | None = None
        self._asking: asyncio.Task[None] | None = None

    # ---- what it is ----------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        return None  # its number there means nothing here

    @property
    def is_alive(self) -> bool:
        return self._process is not None and not self._process.exit.done()

    @property
    def can_end(self) -> bool:
        return True

    @property
    def is_on_host(self) -> bool:
        return False

    def last_words(self) -> str:
        return printable_words(self._said.decode(errors="replace"))

    def handle(self) -> Handle:
        """For the next session server, which ends what this one has left when it was killed."""
        spool = str(self._environment.own_folder) if self._environment is not None else ""
        return {"life": LIFE, "place": str(self._machine.place), "spool": spool}

    # ---- its process ---------------------------------------------------------------------------

    async def launch(self) -> Mapping[str, object]:
        steps = StartSteps(self._sink)
        try:
            return await self._launch(steps)
        except CodeexecError as error:
            await self.kill()
            raise KernelUnavailable(error.message, error.next_step) from error
        except BaseException:
            await self.kill()
            raise
        finally:
            steps.close()

    async def _launch(self, steps: StartSteps) -> Mapping[str, object]:
        name = self._machine.place.host
        if self._machine.environment is None:
            steps.tell(f"opening the line to {name}")
        environment = await self._machine.use(self)
        steps.tell(f"starting Python on {name}")
        if environment is not self._environment:
            self._unlisten()
            self._environment, self._interpreter = environment, None
            self._unlisten = environment.listen(self._line_changed)
        if self._interpreter is None:
            self._interpreter = await self._probe(environment)
        self._use_traits(self._interpreter.traits(name))
        self._launches += 1
        self._said.clear()
        if self._interpreter.has_ipykernel:
            return await self._launch_ipykernel(environment, self._interpreter.path)
        return await self._launch_runner(environment, self._interpreter.path)

    async def _probe(self, environment: SshEnvironment) -> Interpreter:
        path, name = self._python or environment.python, environment.place.host
        try:
            async with asyncio.timeout(PROBE_WAIT):
                outcome = await run(environment, [path, "-c", _PROBE])
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"{path} on {name} has not answered within {PROBE_WAIT:g} s.",
                "Look at the load of that machine, and try again.",
            ) from None
        lines = outcome.stdout.splitlines()
        match _parsed(lines[-1] if lines else b""):
            case [[int(major), int(minor)], bool(has_ipykernel)]:
                version = major, minor
            case _:
                why = printable(outcome.stderr.decode(errors="replace"))[-200:]
                raise EnvironmentUnavailable(
                    f"{path} on {name} is no Python that runs: {why}",
                    "Name another one: --kernel ssh:HOST:FOLDER#/path/of/python",
                )
        if version < _OLDEST:
            raise EnvironmentUnavailable(
                f"{path} on {name} is Python {major}.{minor}, which is too old.",
                "Name a Python 3.8 or later: --kernel ssh:HOST:FOLDER#/path/of/python",
            )
        return Interpreter(path, version, has_ipykernel)

    async def _launch_ipykernel(
        self, environment: SshEnvironment, python: str
    ) -> Mapping[str, object]:
        if self._mux is None:
            self._mux = Mux()
        await self._mux.listen()
        key = self._key
        folder = f"{environment.own_folder}/{self._name}-{self._launches}"
        own = json.dumps(connection(f"{folder}/k", key))
        files = [(f"{folder}/{name}", content) for name, content in launcher_files()]
        process = await environment.wire.spawn(
            [python, f"{folder}/launch.py", "-f", f"{folder}/kernel.json"],
            cwd=folder,
            env=self._variables(environment),
            stdin=False,
            folders=[folder],
            files=[(f"{folder}/kernel.json", own), *files],
        )
        self._follow(process, process.stdout, process.stderr)
        self._mux.carry_to(Target(environment.wire, process, f"{folder}/k"))
        return dict(connection(self._mux.prefix, key))

    async def _launch_runner(
        self, environment: SshEnvironment, python: str
    ) -> Mapping[str, object]:
        program = await send_program(environment)
        process = await environment.wire.spawn(
            [python, program],
            cwd=str(environment.own_folder),
            env=self._variables(environment),
        )
        self._follow(process, process.stderr)
        self._pipes = RunnerPipes(process)
        return self._pipes.endpoint

    def _variables(self, environment: SshEnvironment) -> dict[str, str]:
        # Our launcher enters the folder when nothing more is imported: not from there.
        own = {"TERM": "xterm-256color", "CODEEXEC_CWD": str(environment.folder)}
        return {**own, **self._env}

    def _follow(self, process: GuestProcess, *outputs: AsyncIterator[bytes]) -> None:
        self._process = process
        self._reading = [asyncio.create_task(self._keep_words(output)) for output in outputs]

    async def _keep_words(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            self._said += chunk
            del self._said[:-8192]

    async def wait(self) -> None:
        if self._process is None:
            return
        try:
            await self._process.wait()
        except EnvironmentUnavailable:
            return  # `explain` says so
        await asyncio.wait(self._reading, timeout=WORDS_WAIT)

    async def explain(self) -> Death:
        process = self._process
        if process is None or not process.exit.done():
            return Death("The kernel has ended.")
        if process.exit.exception() is not None:
            error = self._environment.end_explained() if self._environment is not None else None
            words = (error.message, error.next_step) if error is not None else ()
            return Death(" ".join(filter(None, words)) or "The kernel has ended.")
        return kernel_ended(process.exit.result(), self.last_words(), "").death

    async def interrupt(self) -> bool:
        return await self.signal(SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._process is None or not self.is_alive:
            return False
        if self._environment is not None:
            self._environment.try_now()  # the signal waits for a line that is cut
        if signum == SIGKILL:
            await self._process.kill_family()
        else:
            await self._process.signal(signum)
        return True

    async def kill(self, *, restart: bool = False) -> None:
        if self._process is not None and self.is_alive:
            await self._process.kill_family()
        if self._mux is not None:
            self._mux.carry_to(None)
        if self._pipes is not None:
            await self._pipes.close()
            self._pipes = None
        for task in self._reading:
            task.cancel()
        if restart:
            return
        self._process = None
        self._unlisten()
        self._unlisten = lambda: None
        self._telling.close()
        self._environment = None
        if self._asking is not None:
            self._asking.cancel()
        if not await self._machine.let_go(self):
            left = LEFT.format(name=self._machine.place.host)
            self._sink([Notice("warning", "A kernel may be left on its machine", left)])
        if self._mux is not None:
            await self._mux.close()
            self._mux = None

    async def release(self) -> None:
        await self.kill()

    # ---- its use -------------------------------------------------------------------------------

    def usage(self) -> KernelUsage:
        """As it was at the call before: asking takes a way there and back."""
        if not self.is_alive:
            return KernelUsage(None, None)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_usage(), name="use-of-far-kernel")
        return self._usage

    async def _ask_usage(self) -> None:
        environment, process = self._environment, self._process
        if environment is None or process is None or environment.cut is not None:
            return
        try:
            used, cpu = await environment.wire.use_of(process.number)
        except CodeexecError:
            return  # it ended meanwhile, or the line is cut
        now, last = asyncio.get_running_loop().time(), self._busy
        cores = None
        if last is not None and cpu >= last[1] > 0 and now > last[0]:
            cores = (cpu - last[1]) / (now - last[0])
        self._busy = now, cpu
        self._usage = KernelUsage(cores, used or None)

    # ---- its line ------------------------------------------------------------------------------

    def open_transport(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> Transport:
        """An OpenTransport."""
        self._receiver = receiver
        opens = RunnerTransport if REQUESTS in endpoint else open_zmq
        return opens(endpoint, identity, session, receiver)

    def _line_changed(self, cut: LineCut | None) -> None:
        if cut is not None:
            self._telling.cut(cut)
            return
        self._telling.back()
        if self._receiver is not None:
            # What the sockets there had no room for is in the kernel's outbox.
            self._receiver.line.output_limited()


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
