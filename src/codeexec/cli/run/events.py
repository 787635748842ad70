"""Events of a run's session: prints output, and keeps the state that the runner asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.cli.streams.console import RunConsole
from codeexec.cli.streams.printer import OutputPrinter
from codeexec.domain.events import (
    AnyEvent,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    KernelDied,
    KernelReady,
    KernelRef,
    KernelStarting,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    StdinAnswered,
    StdinRequested,
    StepEnded,
)
from codeexec.domain.events.clusters import ClustersChanged
from codeexec.domain.events.logins import LoginQuestionAsked, LoginQuestionClosed
from codeexec.domain.events.starts import ImagePullAdvanced, KernelStartAdvanced
from codeexec.domain.options import PROGRAMS
from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.programs import StepResult
from codeexec.domain.text.printable import printable_json
from codeexec.domain.text.pulls import pull_words
from codeexec.domain.wire.codec import encode

if TYPE_CHECKING:
    from codeexec.client.api import SessionClient


class RunEvents:
    """Reads the events of one session.

    `as_json`: events are printed as JSON in place of output. `answer` starts a task that
    answers a request for input or of a login.
    """

    def __init__(
        self,
        console: RunConsole,
        *,
        as_json: bool,
        answer: Callable[[StdinRequested | LoginQuestionAsked], asyncio.Task[None]],
    ) -> None:
        self._console = console
        self._as_json = as_json
        self._answer = answer
        self._answering: asyncio.Task[None] | None = None
        self._printers: dict[str, OutputPrinter] = {}
        self._ended_printers: dict[str, OutputPrinter] = {}
        self._ends: dict[str, asyncio.Future[ExecutionFinished]] = {}
        self.started: set[str] = set()
        """Ids of executions that have started."""
        self.counts: dict[str, int] = {}
        """Prompt numbers by execution id."""
        self.steps: list[StepResult] = []
        """Those of programs, in the order in which they ended."""
        self.kernel: KernelRef | None = None
        self.ready: KernelReady | None = None
        self._clusters: dict[str, tuple[ClusterState, ...]] = {}
        """Those that code uses, by kernel."""
        self._programs: set[str] = set()
        """Kernels that build and run programs."""
        self._deaths: dict[str, KernelDied] = {}
        """By kernel; without those that were started again."""
        self.running_on = ""
        """The kernel of the execution that was queued last."""
        self._default_kernel = ""
        """Of the session: the one that was started first."""
        self.code_started_at: float | None = None
        """Monotonic time of the first start of the run's code."""

    def begin(self, execution_id: str, printer: OutputPrinter) -> asyncio.Future[ExecutionFinished]:
        """Print the output of an execution; the future is done when the execution has ended."""
        self._printers[execution_id] = printer
        return self.watch(execution_id)

    def watch(self, execution_id: str) -> asyncio.Future[ExecutionFinished]:
        """The future is done when the execution has ended; its output is not printed."""
        end: asyncio.Future[ExecutionFinished] = asyncio.get_running_loop().create_future()
        self._ends[execution_id] = end
        return end

    def end(self, execution_id: str) -> None:
        """Complete the output of an execution; rows after this are printed as late output."""
        printer = self._printers.pop(execution_id)
        printer.end()
        self._ended_printers[execution_id] = printer

    @property
    def is_on_programs(self) -> bool:
        """Whether a kernel of programs runs what was queued last."""
        return self.running_on in self._programs

    @property
    def death(self) -> KernelDied | None:
        """How the kernel of the execution that was queued last has ended, if it has."""
        return self._deaths.get(self.running_on or self._default_kernel)

    def close(self) -> None:
        """Complete the output of all executions."""
        for printer in self._printers.values():
            printer.end()
        for printer in self._ended_printers.values():
            printer.end_late()

    async def read(self, session: SessionClient) -> None:
        """Process events until cancelled."""
        async for batch in session.events(0, "full"):
            ended: list[ExecutionFinished] = []
            for record in batch:
                if self._as_json:
                    self._console.out.write(printable_json(encode(record).decode()) + "\n")
                await self._take(record.event)
                if isinstance(record.event, ExecutionFinished):
                    ended.append(record.event)
            await self._console.flush()
            for event in ended:
                waiting = self._ends.pop(event.execution_id, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(event)

    async def _take(self, event: AnyEvent) -> None:
        match event:
            case OutputChanged() if not self._as_json:
                if printer := self._printers.get(event.execution_id):
                    await printer.take(event)
                elif printer := self._ended_printers.get(event.execution_id):
                    await printer.take_late(event)
            case DisplayUpdated() if not self._as_json:
                for printer in self._printers.values():
                    await printer.update(event)
            case ExecutionStarted():
                self.started.add(event.execution_id)
                if event.execution_id in self._ends and self.code_started_at is None:
                    self.code_started_at = time.monotonic()
            case StepEnded():
                self.steps.append(event.step)
            case InputCounted():
                self.counts[event.execution_id] = event.count
            case ExecutionQueued():
                self.running_on = event.options.kernel
            case KernelStarting():
                self._deaths.pop(event.kernel, None)
                if event.ref.backend == PROGRAMS:
                    self._programs.add(event.kernel)
                self._default_kernel = self._default_kernel or event.kernel
                if event.kernel == self._default_kernel:
                    self.kernel = event.ref
            case ClustersChanged():
                self._clusters[event.kernel] = event.clusters
                self._console.show_clusters(
                    [each for some in self._clusters.values() for each in some]
                )
            case ImagePullAdvanced():
                self._console.show_pull(event.image, pull_words(event))
            case KernelStartAdvanced():
                self._console.show_start(event)
            case KernelReady():
                self._console.show_start(None)
                self._console.show_pull("", None)
                if event.kernel == self._default_kernel:
                    self.ready = event
            case KernelDied():
                self._console.show_start(None)
                self._console.show_pull("", None)
                self._deaths[event.kernel] = event
            case NextInputOffered() if not self._as_json:
                await self._console.flush()
                self._console.say(f"Offered as the next input, which a run has not:\n{event.text}")
            case NoticeGiven():
                await self._console.flush()
                self._console.say(f"{event.title}: {event.message} {event.next_step}".rstrip())
            case StdinAnswered():
                if printer := self._printers.get(event.execution_id):
                    printer.shows_answers = event.origin != "run"
            case StdinRequested() | LoginQuestionAsked():
                self._console.show_start(None)
                await self._console.flush()
                self._answering = self._answer(event)
            case LoginQuestionClosed() | ExecutionFinished() if self._answering is not None:
                self._answering.cancel()
                self._answering = None
            case _:
                pass  # irrelevant to a run without a screen
