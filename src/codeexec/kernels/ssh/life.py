"""Lifecycle of a kernel on a machine that `ssh` reaches: ipykernel, or our runner without it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from signal import SIGINT, SIGKILL
from typing import cast

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.domain.events.lines import LineCut
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.base import Handle, KernelUsage, Notice, Sink
from codeexec.kernels.jupyter.discover import KernelSpec
from codeexec.kernels.jupyter.exit_reason import printable_words
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.jupyter.line.telling import CutTelling
from codeexec.kernels.jupyter.remote.start_steps import StartSteps
from codeexec.kernels.jupyter.transport import Receiver, Transport
from codeexec.kernels.jupyter.zmq_transport import open_zmq
from codeexec.kernels.relay.channel_proxy import Mux, Target, connection
from codeexec.kernels.relay.kernel_exit import kernel_ended
from codeexec.kernels.runner.launch import REQUESTS
from codeexec.kernels.runner.transport import RunnerTransport
from codeexec.kernels.ssh.counted import ROOM, CountedMessages
from codeexec.kernels.ssh.interpreter import Interpreter
from codeexec.kernels.ssh.kernelspecs import (
    find_kernel,
    read_stored,
    stored,
    traits_of,
)
from codeexec.kernels.ssh.launching import launch_ipykernel, launch_runner, launch_spec
from codeexec.kernels.ssh.machine import LEFT, SshMachine
from codeexec.kernels.ssh.runner_pipes import RunnerPipes
from codeexec.kernels.ssh.watcher import watch_kernel

LIFE = "ssh"
"""Of a handle: which life it is of."""
IN_JOB = "runs in {job}, and ends with it"
"""Notice of a kernel."""
WORDS_WAIT = 0.3
"""Seconds for the last words of a kernel that failed; its children may hold the pipe for ever."""


class SshLife:
    """A KernelProcess. It goes on while the line is cut, and without a session server where it is
    ipykernel; and ends with its session."""

    def __init__(
        self,
        machine: SshMachine,
        argument: str,
        env: Mapping[str, str],
        session: str,
        sink: Sink,
        use_traits: Callable[[KernelTraits], None],
    ) -> None:
        """`argument` is an interpreter or kernelspec there; empty: the interpreter that the PATH of
        the login has. `use_traits` is called at each launch with what sets such a kernel apart."""
        self._machine, self._argument, self._env = machine, argument, env
        self._session = session
        self._sink, self._use_traits = sink, use_traits
        self._telling = CutTelling(sink, machine.place.host)
        self._started: Interpreter | KernelSpec | None = None
        """What is started at each launch, once it was found there."""
        self._ports: tuple[int, ...] = ()
        """Of a kernel there that has no Unix sockets."""
        self._key, self._name = secrets.token_hex(32), secrets.token_hex(2)
        self._mux: Mux | None = None
        self._pipes: RunnerPipes | None = None
        self._environment: SshEnvironment | None = None
        self._unlisten: Callable[[], None] = lambda: None
        self._process: GuestProcess | None = None
        self._folder = ""
        """Of the present process of ipykernel, there."""
        self._adopted = 0
        """The pid there of a process of another relay, which another session server has started;
        `_process` watches it."""
        self._receiver: Receiver | None = None
        self._counted: CountedMessages | None = None
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

    @property
    def can_outlive(self) -> bool:
        return True  # of ipykernel; traits say which it is

    def let_outlive(self) -> None:
        if self._process is not None:
            self._machine.outliving[self] = self._process

    def handle(self) -> Handle:
        """For the next session server, which goes on with the kernel, or ends what is left."""
        environment, started = self._environment, self._started
        if environment is None or started is None:
            return {"life": LIFE}
        return {
            "life": LIFE,
            "place": str(self._machine.place),
            "spool": str(environment.own_folder),
            "env": dict(self._env),
            "of_session": self._session,
            "launch": self._machine.launch,
            "argument": self._argument,
            **stored(started),
            "ports": list(self._ports),
            "files": self._folder,
            "key": self._key,
            "far_pid": self._far_pid,
        }

    @property
    def _far_pid(self) -> int:
        return self._adopted or (self._process.pid if self._process is not None else 0)

    async def take_over(self, handle: Handle) -> Mapping[str, object]:
        """The connection of a kernel that another session server has left. KernelUnavailable where
        it has ended, or cannot be reached."""
        try:
            environment = await self._machine.take_over(self, str(handle["spool"]))
            self._join(environment)
            self._started = read_stored(handle)
            self._use_traits(self._traits(environment, self._started))
            self._ports = tuple(int(str(port)) for port in cast("list[object]", handle["ports"]))
            self._key, self._folder = str(handle["key"]), str(handle["files"])
            pid = int(str(handle["far_pid"]))
            if handle.get("launch"):  # the settings may be others now
                process = _of_job(environment, pid)
                self._follow(process, process.stdout, process.stderr)
            else:
                self._adopted = pid
                process = await watch_kernel(environment, pid)
                self._follow(process)
            self.let_outlive()
            return await self._channels(environment, process)
        except (KeyError, ValueError, TypeError) as error:
            await self.kill()
            raise KernelUnavailable("The journal does not say where the kernel is.") from error
        except CodeexecError as error:
            await self.kill()
            raise KernelUnavailable(error.message, error.next_step) from error
        except BaseException:
            await self.release()
            raise

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
        self._machine.on_said = steps.tell
        try:
            environment = await self._machine.use(self, is_start=True)
        finally:
            self._machine.on_said = lambda line: None
        steps.tell(f"starting {self._argument or 'Python'} on {name}")
        if environment is not self._environment:
            self._join(environment)
            self._started = None
        self._adopted = 0
        if self._started is None:
            self._started = await find_kernel(environment, self._argument, self._env)
        self._use_traits(self._traits(environment, self._started))
        self._launches += 1
        self._said.clear()
        self._ports = ()
        if isinstance(self._started, KernelSpec):
            return await self._launch_spec(environment, self._started)
        if self._started.has_ipykernel:
            return await self._launch_ipykernel(environment, self._started)
        return await self._launch_runner(environment, self._started)

    def _traits(
        self, environment: SshEnvironment, started: Interpreter | KernelSpec
    ) -> KernelTraits:
        traits = traits_of(started, self._machine.place.host)
        if not self._machine.launch:
            return traits
        job = f"job {environment.job.number}" if environment.job.number else "a job"
        notices = (IN_JOB.format(job=job), *traits.notices[1:])
        ends_at = environment.job.ends_at
        return replace(traits, notices=notices, ends_at=ends_at)

    def _join(self, environment: SshEnvironment) -> None:
        self._unlisten()
        self._environment = environment
        self._unlisten = environment.listen(self._line_changed)

    async def _launch_ipykernel(
        self, environment: SshEnvironment, python: Interpreter
    ) -> Mapping[str, object]:
        folder = self._new_folder(environment)
        process = await launch_ipykernel(environment, python, folder, self._key, self._env)
        return await self._reach(environment, process, folder)

    async def _launch_spec(
        self, environment: SshEnvironment, spec: KernelSpec
    ) -> Mapping[str, object]:
        folder = self._new_folder(environment)
        process, self._ports = await launch_spec(environment, spec, folder, self._key, self._env)
        return await self._reach(environment, process, folder)

    def _new_folder(self, environment: SshEnvironment) -> str:
        return f"{environment.own_folder}/{self._name}-{self._launches}"

    async def _reach(
        self, environment: SshEnvironment, process: GuestProcess, folder: str
    ) -> Mapping[str, object]:
        self._folder = folder
        self._follow(process, process.stdout, process.stderr)
        return await self._channels(environment, process)

    async def _channels(
        self, environment: SshEnvironment, process: GuestProcess
    ) -> Mapping[str, object]:
        """Sockets here for those of the kernel there."""
        if self._mux is None:
            self._mux = Mux()
        await self._mux.listen()
        room = ROOM if isinstance(self._started, KernelSpec) else 0  # others have an outbox
        target = Target(
            environment.wire, process, f"{self._folder}/k", self._ports, room, self._note_full
        )
        self._mux.carry_to(target)
        return dict(connection(self._mux.prefix, self._key))

    async def _launch_runner(
        self, environment: SshEnvironment, python: Interpreter
    ) -> Mapping[str, object]:
        process = await launch_runner(environment, python, self._env)
        self._follow(process, process.stderr)
        self._pipes = RunnerPipes(process)
        return self._pipes.endpoint

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
        if self._reading:
            await asyncio.wait(self._reading, timeout=WORDS_WAIT)

    async def explain(self) -> Death:
        process = self._process
        if process is None or not process.exit.done():
            return Death("The kernel has ended.")
        if process.exit.exception() is not None:
            error = self._environment.end_explained() if self._environment is not None else None
            texts = (error.message, error.next_step) if error is not None else ()
            return Death(" ".join(filter(None, texts)) or "The kernel has ended.")
        if self._adopted:
            return Death("The kernel has ended.")  # a process of another relay
        return kernel_ended(process.exit.result(), self.last_words(), "").death

    async def interrupt(self) -> bool:
        if isinstance(self._started, KernelSpec) and self._started.by_message:
            return False
        return await self.signal(SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._process is None or not self.is_alive:
            return False
        if self._environment is not None:
            self._environment.try_now()  # the signal waits for a line that is cut
        if signum == SIGKILL:
            await self._process.kill_family(self._adopted)
        else:
            await self._process.signal(signum)
        return True

    async def kill(self, *, restart: bool = False) -> None:
        if self._process is not None and self.is_alive:
            await self._process.kill_family(self._adopted)
        if self._mux is not None:
            self._mux.carry_to(None)
        if self._pipes is not None:
            await self._pipes.close()
            self._pipes = None
        for task in self._reading:
            task.cancel()
        if restart:
            return
        self._forget()
        if not await self._machine.let_go(self):
            warning = LEFT.format(name=self._machine.place.host)
            self._sink([Notice("warning", "A kernel may be left on its machine", warning)])
        await self._close_mux()

    def _forget(self) -> None:
        self._process = None
        self._unlisten()
        self._unlisten = lambda: None
        self._telling.close()
        self._environment = None
        if self._asking is not None:
            self._asking.cancel()

    async def release(self) -> None:
        self.let_outlive()
        self._forget()
        await self._machine.leave()
        await self._close_mux()

    async def _close_mux(self) -> None:
        mux, self._mux = self._mux, None
        if mux is not None:
            mux.carry_to(None)
            await mux.close()

    # ---- its use -------------------------------------------------------------------------------

    def usage(self) -> KernelUsage:
        """As it was at the call before: asking takes a way there and back."""
        if not self.is_alive:
            return KernelUsage(None, None)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_usage(), name="use-of-far-kernel")
        return self._usage

    async def _ask_usage(self) -> None:
        environment = self._environment
        if environment is None or environment.cut is not None:
            return
        try:
            used, cpu = await environment.wire.use_of(self._far_pid)
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
        self._counted = None
        if isinstance(self._started, KernelSpec):
            receiver = self._counted = CountedMessages(receiver)
        self._receiver = receiver
        opens = RunnerTransport if REQUESTS in endpoint else open_zmq
        return opens(endpoint, identity, session, receiver)

    def _note_full(self) -> None:
        if self._counted is not None:
            self._counted.suspect()

    def _line_changed(self, cut: LineCut | None) -> None:
        if cut is not None:
            self._telling.cut(cut)
            return
        self._telling.back()
        if self._receiver is not None:
            # What the sockets there had no room for is in the kernel's outbox.
            self._receiver.line.output_limited()


def _of_job(environment: SshEnvironment, pid: int) -> GuestProcess:
    """The kernel with this number, which the relay in the job still has. EnvironmentUnavailable."""
    process = environment.wire.process_of(pid)
    if process is None:
        raise EnvironmentUnavailable("The kernel has ended.", "Restart the kernel.")
    return process
