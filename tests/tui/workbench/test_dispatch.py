"""Dispatch of commands and messages to controllers, and controllers without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.actions import parse
from textual.message import Message

from codeexec.client.embedded import EmbeddedHost
from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.domain.errors import Conflict
from codeexec.domain.requests import Execute, OpenSession
from codeexec.tui.commands.keymap import Keymap
from codeexec.tui.commands.table import COMMANDS
from codeexec.tui.context import AppContext
from codeexec.tui.options import OpenOptions
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.session.ask import Failed, NoticePosted
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.feed import frames
from codeexec.tui.session.workspace import Workspace
from codeexec.tui.theme.theme import DEFAULT, built_in_folder, find_theme
from codeexec.tui.workbench.dispatch import Dispatcher, Handler, InWorker
from codeexec.tui.workbench.session.kernel_controller import KernelController
from codeexec.tui.workbench.surface import WorkbenchState
from support.bench import open_bench
from support.surface import QuietSurface


class Counter:
    """A controller that counts."""

    def __init__(self) -> None:
        self.count = 0

    def actions(self) -> Mapping[str, Handler]:
        return {"add": self.add, "add_later": InWorker(self.add_later, "count")}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {NoticePosted: lambda event: self.add(int(event.message))}

    def add(self, by: int) -> None:
        self.count += by

    async def add_later(self, by: int) -> None:
        await asyncio.sleep(0)
        self.count += by


async def test_actions_are_called_with_their_arguments_and_messages_by_type() -> None:
    surface, counter = QuietSurface(), Counter()
    dispatcher = Dispatcher(surface)
    dispatcher.add(counter)
    await dispatcher.run("add(3)")
    assert counter.count == 3
    await dispatcher.deliver(NoticePosted("4"))
    await dispatcher.deliver(Failed(Conflict("not mine")))
    assert counter.count == 7
    with pytest.raises(KeyError):
        await dispatcher.run("no_such_action")


async def test_an_exclusive_worker_ends_the_one_before_it() -> None:
    surface, counter = QuietSurface(), Counter()
    dispatcher = Dispatcher(surface)
    dispatcher.add(counter)
    await dispatcher.run("add_later(1)")
    await dispatcher.run("add_later(10)")
    await surface.finish()
    assert counter.count == 10
    assert list(surface.work) == ["count"]


def test_two_controllers_for_one_action_are_refused() -> None:
    dispatcher = Dispatcher(QuietSurface())
    dispatcher.add(Counter())
    with pytest.raises(ValueError, match="handled twice"):
        dispatcher.add(Counter())


async def test_each_command_of_the_workbench_has_a_handler_and_each_handler_a_command(
    tmp_path: Path,
) -> None:
    named = {parse(command.action)[1] for command in COMMANDS if command.where == "anywhere"}
    async with open_bench(tmp_path) as bench:
        assert bench.workbench.dispatcher.names == named


@pytest.mark.slow
async def test_commands_on_the_kernel_need_no_screen(tmp_path: Path) -> None:
    """On a real session: interrupt, and restart after its question."""
    theme = find_theme(DEFAULT, [built_in_folder()])
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(OpenSession(cwd=str(tmp_path)))
        session = DeferredSession(lambda: 80)
        session.become(host.session(summary.session_id))
        context = AppContext("me", tmp_path, Loaded(Settings(), {}), {}, theme, Keymap({}))
        state = WorkbenchState(host, session, OpenOptions(), Workspace(tmp_path, ()), context)
        surface = QuietSurface(answers=["cancel", "restart"])
        kernels = KernelController(surface, state, DocumentsPane(theme))
        states: list[str] = []

        async def follow() -> None:
            async for frame in frames(session.events()):
                state.last = frame
                views = frame.snapshot.executions.values()
                states[:] = [view.status for view in views]
                changed.set()

        changed = asyncio.Event()

        async def until(*statuses: str) -> None:
            try:
                async with asyncio.timeout(90):
                    while states != list(statuses):
                        changed.clear()
                        await changed.wait()
            except TimeoutError:
                raise AssertionError(f"{states} never became {statuses}") from None

        following = asyncio.create_task(follow())
        await session.call(Execute("while True: pass"))
        await until("running")
        await kernels.restart()
        await until("running")  # the answer was to cancel
        kernels.interrupt()
        await until("cancelled")
        await session.call(Execute("while True: pass"))
        await until("cancelled", "running")
        await kernels.restart()
        await until("cancelled", "cancelled")
        assert len(surface.dialogs) == 2 and not surface.answers
        await surface.finish()
        assert surface.errors == [] and surface.posted == []
        following.cancel()
