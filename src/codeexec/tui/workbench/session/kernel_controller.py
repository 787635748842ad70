"""Actions on the kernel and the session from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from msgspec.structs import replace
from msgspec.structs import replace as struct_replace
from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.domain.events import LadderStage
from codeexec.domain.requests import Request
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.render.counts import counted
from codeexec.tui.render.kernel_words import language_title
from codeexec.tui.render.plain import one_line
from codeexec.tui.session.ask import Failed, ask
from codeexec.tui.session.kernel_focus import kernel_of_language
from codeexec.tui.widgets.dialogs import Asker, Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.session.kernel_choices import KernelChoices
from codeexec.tui.workbench.surface import Surface, WorkbenchState

R = TypeVar("R")


class KernelController:
    """Commands on the kernel in focus: each sends one request, after a dialog if something would
    be lost."""

    def __init__(self, surface: Surface, state: WorkbenchState, documents: DocumentsPane) -> None:
        self._surface = surface
        self._state = state
        self._choices = KernelChoices(surface, state, documents)

    def actions(self) -> Mapping[str, Handler]:
        choices = self._choices
        return {
            "interrupt": self.interrupt,
            "restart": InWorker(self.restart, "restart"),
            "choose_kernel": InWorker(self.choose_kernel),
            "choose_policy": InWorker(self.choose_policy),
            "pause_kernel": self.pause_or_unpause,
            "shut_down": lambda: self.tell(q.ShutDownKernel()),
            "clear_queue": lambda: self.tell(q.ClearQueue()),
            "rename_session": InWorker(self.rename_session),
            "start_kernel": InWorker(choices.start),
            "focus_kernel": InWorker(choices.focus),
            "kernel_of_document": InWorker(choices.for_document),
            "default_kernel": InWorker(choices.set_default),
            "remove_kernel": InWorker(choices.remove),
            "next_kernel": choices.next,
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {
            ConsolePane.InterruptRequested: lambda _: self.interrupt(),
            DocumentsPane.RestartRequested: InWorker(self.run_afresh, "restart"),
        }

    def tell(self, request: Request[R]) -> None:
        """Send a request, and wait for its reply in the background; only an error is shown."""

        async def send() -> None:
            await self._ask(request)

        self._surface.start(send, "tell")

    async def _ask(self, request: Request[R]) -> R | None:
        return await ask(self._surface, self._state.session, request)

    def interrupt(self) -> None:
        """The first rung of the ladder, or the next while one is being climbed. Where nothing
        runs yet, what waits is let go: a kernel that starts has nothing to be interrupted in. A
        kernel in focus that does nothing leaves the key to the one that has begun last."""
        snapshot = self._state.snapshot
        waiting = snapshot.queue_of("")
        if snapshot.kernel.start is not None or snapshot.kernel.pull is not None:
            self.tell(q.Interrupt())  # gives the start up
            return
        name = "" if waiting else _busy_kernel(snapshot)
        if snapshot.running is None and waiting:
            # The first may have begun since: then it is interrupted.
            self.tell(q.CancelExecution(waiting[0].execution_id))
            self.tell(q.ClearQueue(snapshot.default_kernel))
            return
        self.interrupt_kernel(name)

    def interrupt_kernel(self, name: str) -> None:
        """The first rung of the ladder of a kernel (empty: the one in focus), or the next."""
        ladder = self._state.snapshot.kernel_named(name).ladder
        if ladder is None:
            self._surface.start(partial(self._interrupt, name), "tell")
            return
        order: tuple[LadderStage, ...] = ("interrupt", "interrupt_again", "terminate", "kill")
        at = order.index(ladder.stage) if ladder.stage in order else 0
        self.tell(q.Interrupt(order[min(at + 1, len(order) - 1)], kernel=name))

    async def _interrupt(self, name: str = "") -> None:
        """Nothing to interrupt is no failure; of a dead kernel the console says which keys help,
        and no notification may cover that."""
        try:
            await self._state.session.call(q.Interrupt(kernel=name))
        except Conflict as error:
            kernel = self._state.snapshot.kernel
            if kernel.paused:
                self._surface.post_message(Failed(error))
            elif kernel.state != "dead":
                self._surface.notify(str(error), timeout=8 if error.next_step else 2)
        except CodeexecError as error:
            self._surface.post_message(Failed(error))

    async def restart(self) -> None:
        focus = self._state.session.focus
        if focus.is_missing:
            self._surface.notify(
                f"No kernel runs {language_title(focus.cell_language)} yet: run this cell to start "
                "one.",
                timeout=4,
            )
        elif await self._may_restart(asks_for_variables=True):
            await self._ask(q.RestartKernel())

    async def _may_restart(self, kernel: str = "", *, asks_for_variables: bool = False) -> bool:
        """Ask where a cell runs or waits in this kernel (empty: the one in focus);
        `asks_for_variables`: also where variables are lost that no run of all cells makes again."""
        snapshot = self._state.snapshot
        if kernel:
            snapshot = struct_replace(snapshot, default_kernel=kernel)
        queue = snapshot.queue_of("")
        if snapshot.running is None and not queue:
            return not asks_for_variables or await self._may_lose_variables(snapshot)
        waiting = len(queue)
        wait = f"{waiting} more wait" if waiting > 1 else "one more waits"
        message = f"A cell is running, and {wait}." if waiting else "A cell is running."
        if snapshot.running is None:
            message = f"{waiting} cells wait." if waiting > 1 else "A cell waits."
        answer = await self._surface.ask_user(Confirm(_restart_title(snapshot), message, _RESTART))
        return answer == "restart"

    async def _may_lose_variables(self, snapshot: Snapshot) -> bool:
        """Ask before variables are lost, unless that is set otherwise."""
        count = len(snapshot.kernel.variables) if snapshot.kernel.state in ("idle", "busy") else 0
        if not count or not self._state.settings.console.confirm_restart:
            return True
        message = f"{counted(count, 'variable')} {'is' if count == 1 else 'are'} lost."
        dialog = Confirm(_restart_title(snapshot), message, _RESTART)
        return await self._surface.ask_user(dialog) == "restart"

    async def run_afresh(self, event: DocumentsPane.RestartRequested) -> None:
        """Restart the kernels that run the cells of the message, then run them."""
        names = [self._kernel_of(run.cell.document, run.options.language) for run in event.cells]
        kernels = dict.fromkeys(name for name in names if name is not None)
        for kernel in kernels:
            if not await self._may_restart(kernel):
                return
        for kernel in kernels:
            if await self._ask(q.RestartKernel(kernel=kernel)) is None:
                return
        for run in event.cells:
            if await self._ask(run.request(self._state.me)) is None:
                return

    def _kernel_of(self, document: str, language: str) -> str | None:
        """The kernel that runs cells of a document in this language (empty: that of the document);
        None where it is still to be started."""
        if not language:
            return self._state.session.focus.of_document(document)
        return kernel_of_language(self._state.snapshot, language) or None

    async def choose_kernel(self) -> None:
        from codeexec.tui.screens.kernels import KernelsScreen  # seldom needed: not at the start

        ref = self._state.snapshot.kernel.kernel
        name, policy = (ref.name, ref.policy) if ref is not None else ("", "")
        if (focus := self._state.session.focus).is_missing:
            await self._choices.start_for(focus.cell_language)
            return
        screen = KernelsScreen(
            self._state.host,
            str(self._state.place.folder),
            name,
            policy,
            self._state.snapshot.session_id,
        )
        chosen = await self._surface.ask_user(screen)
        if chosen is not None and await self._may_restart():
            await self._ask(q.RestartKernel(chosen))

    async def choose_policy(self) -> None:
        from codeexec.tui.screens.policies import PolicyScreen  # not at the start either

        kernel = self._state.snapshot.kernel
        if kernel.kernel is None or not kernel.kernel.policy:
            self._surface.notify(
                "This kernel is in no container. Choose one that is: F12", timeout=4
            )
            return
        chosen = await self._surface.ask_user(PolicyScreen(kernel))
        if chosen is not None and await self._may_restart():
            policy = replace(self._state.settings.docker, policy=chosen).wanted
            await self._ask(q.RestartKernel(policy=policy))

    def pause_or_unpause(self) -> None:
        """Pause the container, or let it go on."""
        paused = self._state.snapshot.kernel.paused
        self.tell(q.UnpauseKernel() if paused else q.PauseKernel())

    async def rename_session(self) -> None:
        asker = Asker("A name for this session", self._state.snapshot.name)
        new_name = await self._surface.ask_user(asker)
        if new_name is not None:
            await self._ask(q.RenameSession(new_name))


_RESTART = [("restart", "Restart"), ("cancel", "Cancel")]


def _restart_title(snapshot: Snapshot) -> str:
    """The question names the kernel in focus where there are several."""
    if len(snapshot.kernels) < 2:
        return "Restart the kernel?"
    return f"Restart the kernel {one_line(snapshot.default_kernel)}?"


def _busy_kernel(snapshot: Snapshot) -> str:
    """The kernel that runs what has begun last, where the one in focus runs nothing; else empty."""
    if snapshot.running is not None:
        return ""
    running = [view for view in snapshot.executions.values() if view.status == "running"]
    last = max(running, key=lambda view: view.started_at or 0.0, default=None)
    return last.kernel if last is not None else ""
