"""Actions on the kernel and the session from anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from textual import work

from codeexec.client.api import HostClient
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.domain.events import CellRef, LadderStage
from codeexec.domain.requests import Request
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.context import AppContext
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.render.counts import counted
from codeexec.tui.session.ask import Failed, ask
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.widgets.dialogs import Asker, Confirm
from codeexec.tui.workbench.arrangement import Arrangement
from codeexec.tui.workbench.kernel_choices import KernelChoices

R = TypeVar("R")


class KernelActions(Arrangement):
    """Actions on the kernel: each sends one request, after a dialog if something would be lost."""

    session: DeferredSession
    host: HostClient
    place: Workspace
    app_context: AppContext
    last: Frame | None
    documents: DocumentsPane

    @property
    def kernel_choices(self) -> KernelChoices:
        return KernelChoices(self)

    @work(group="choose", exclusive=True)
    async def action_start_kernel(self) -> None:
        await self.kernel_choices.start()

    @work(group="choose", exclusive=True)
    async def action_focus_kernel(self) -> None:
        await self.kernel_choices.focus()

    @work(group="choose", exclusive=True)
    async def action_kernel_of_document(self) -> None:
        await self.kernel_choices.for_document()

    @work(group="choose", exclusive=True)
    async def action_default_kernel(self) -> None:
        await self.kernel_choices.set_default()

    @work(group="choose", exclusive=True)
    async def action_remove_kernel(self) -> None:
        await self.kernel_choices.remove()

    def action_next_kernel(self) -> None:
        self.kernel_choices.next()

    def tell(self, request: Request[R]) -> None:
        """Ask, and wait in the background; only a refusal is heard of again."""

        async def asked() -> None:
            await ask(self, self.session, request)

        self.run_worker(asked(), group="tell")

    def action_interrupt(self) -> None:
        """The first rung of the ladder, or the next while one is being climbed. Where nothing
        runs yet, what waits is let go: a kernel that starts has nothing to be interrupted in. A
        kernel in focus that does nothing leaves the key to the one that has begun last."""
        snapshot = self.last.snapshot if self.last is not None else Snapshot()
        waiting = snapshot.queue_of("")
        name = "" if waiting else _busy_kernel(snapshot)
        if snapshot.running is None and waiting:
            # The first may have begun since: then it is interrupted.
            self.tell(q.CancelExecution(waiting[0].execution_id))
            self.tell(q.ClearQueue(snapshot.default_kernel))
            return
        ladder = snapshot.kernel_named(name).ladder
        if ladder is None:
            self.run_worker(self._interrupt(name), group="tell")
            return
        order: tuple[LadderStage, ...] = ("interrupt", "interrupt_again", "terminate", "kill")
        at = order.index(ladder.stage) if ladder.stage in order else 0
        self.tell(q.Interrupt(order[min(at + 1, len(order) - 1)], kernel=name))

    async def _interrupt(self, name: str = "") -> None:
        """Nothing to interrupt is no failure; of a dead kernel the console says which keys help,
        and no notification may cover that."""
        try:
            await self.session.call(q.Interrupt(kernel=name))
        except Conflict as error:
            kernel = self.last.snapshot.kernel if self.last is not None else KernelView()
            if kernel.paused:
                self.post_message(Failed(error))
            elif kernel.state != "dead":
                self.notify(str(error), timeout=2)
        except CodeexecError as error:
            self.post_message(Failed(error))

    @work(group="restart", exclusive=True)
    async def action_restart(self) -> None:
        if await self._may_restart(asks_for_variables=True):
            await ask(self, self.session, q.RestartKernel())

    async def _may_restart(self, *, asks_for_variables: bool = False) -> bool:
        """Ask where a cell runs or waits; `asks_for_variables`: also where variables are lost that
        no run of all cells makes again."""
        snapshot = self.last.snapshot if self.last is not None else None
        if snapshot is None:
            return True
        queue = snapshot.queue_of("")
        if snapshot.running is None and not queue:
            return not asks_for_variables or await self._may_lose_variables(snapshot)
        waiting = len(queue)
        wait = f"{waiting} more wait" if waiting > 1 else "one more waits"
        message = f"A cell is running, and {wait}." if waiting else "A cell is running."
        if snapshot.running is None:
            message = f"{waiting} cells wait." if waiting > 1 else "A cell waits."
        answer = await self.app.push_screen_wait(
            Confirm("Restart the kernel?", message, [("restart", "Restart"), ("cancel", "Cancel")])
        )
        return answer == "restart"

    async def _may_lose_variables(self, snapshot: Snapshot) -> bool:
        """Ask before variables are lost, unless that is set otherwise."""
        count = len(snapshot.kernel.variables) if snapshot.kernel.state in ("idle", "busy") else 0
        if not count or not self.app_context.settings.console.confirm_restart:
            return True
        message = f"{counted(count, 'variable')} {'is' if count == 1 else 'are'} lost."
        answers = [("restart", "Restart"), ("cancel", "Cancel")]
        dialog = Confirm("Restart the kernel?", message, answers)
        return await self.app.push_screen_wait(dialog) == "restart"

    @work(group="restart", exclusive=True)
    async def action_restart_and_run_all(self) -> None:
        sheet = self.documents.sheet
        if sheet is None or not await self._may_restart():
            return
        kernel = self.session.focus.of_document(sheet.name_key)
        if await ask(self, self.session, q.RestartKernel(kernel=kernel)) is not None:
            await self.documents.runner.run_all(sheet)

    @work(group="restart", exclusive=True)
    async def run_cells_afresh(self, cells: tuple[tuple[str, CellRef], ...]) -> None:
        """Restart, then run these: `(code, where it is from)`."""
        if not cells or not await self._may_restart():
            return
        kernel = self.session.focus.of_document(cells[0][1].document)
        if await ask(self, self.session, q.RestartKernel(kernel=kernel)) is None:
            return
        for code, cell in cells:
            request = q.Execute(code, origin=self.app_context.me, cell=cell)
            if await ask(self, self.session, request) is None:
                return

    @work(group="choose", exclusive=True)
    async def action_choose_kernel(self) -> None:
        from codeexec.tui.screens.kernels import KernelsScreen  # seldom needed: not at the start

        ref = self.last.snapshot.kernel.kernel if self.last is not None else None
        name, policy = (ref.name, ref.policy) if ref is not None else ("", "")
        screen = KernelsScreen(self.host, str(self.place.folder), name, policy)
        chosen = await self.app.push_screen_wait(screen)
        if chosen is not None and await self._may_restart():
            await ask(self, self.session, q.RestartKernel(chosen))

    @work(group="choose", exclusive=True)
    async def action_choose_policy(self) -> None:
        from codeexec.tui.screens.policies import PolicyScreen  # not at the start either

        kernel = self.last.snapshot.kernel if self.last is not None else KernelView()
        if kernel.kernel is None or not kernel.kernel.policy:
            self.notify("This kernel is in no container. Choose one that is: F12", timeout=4)
            return
        chosen = await self.app.push_screen_wait(PolicyScreen(kernel))
        if chosen is not None and await self._may_restart():
            policy = replace(self.app_context.settings.docker, policy=chosen).wanted
            await ask(self, self.session, q.RestartKernel(policy=policy))

    def action_pause_kernel(self) -> None:
        paused = self.last is not None and self.last.snapshot.kernel.paused
        self.tell(q.UnpauseKernel() if paused else q.PauseKernel())

    def action_shut_down(self) -> None:
        self.tell(q.ShutDownKernel())

    def action_clear_queue(self) -> None:
        self.tell(q.ClearQueue())

    @work(group="choose", exclusive=True)
    async def action_rename_session(self) -> None:
        name = self.last.snapshot.name if self.last is not None else ""
        new_name = await self.app.push_screen_wait(Asker("A name for this session", name))
        if new_name is not None:
            await ask(self, self.session, q.RenameSession(new_name))


def _busy_kernel(snapshot: Snapshot) -> str:
    """The kernel that runs what has begun last, where the one in focus runs nothing; else empty."""
    if snapshot.running is not None:
        return ""
    running = [view for view in snapshot.executions.values() if view.status == "running"]
    last = max(running, key=lambda view: view.started_at or 0.0, default=None)
    return last.kernel if last is not None else ""
