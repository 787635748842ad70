"""Tour over the workbench: shows a step and detects when the user has done it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static
from textual.widgets._toast import ToastRack

from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.tour import STEPS, Progress
from codeexec.tui.widgets.hints import LINKS
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.surface import Surface, WorkbenchState

R = TypeVar("R")

_LOOK_EVERY = 0.1
"""Seconds between two looks whether the step was done."""

_ROWS_BELOW_TOASTS = 2
"""The prompt and the status line, as in the style sheet."""


class TourBar(Static):
    """What to do next, in a few lines above the status line."""

    DEFAULT_CSS = """
    TourBar {
        height: auto; max-height: 6; padding: 0 1; background: $raised-ground; color: $text;
        LINKS
    }
    """.replace("LINKS", LINKS)

    def on_resize(self, event: events.Resize) -> None:
        self._lift_toasts(event.size.height)

    def on_hide(self) -> None:
        self._lift_toasts(0)

    def _lift_toasts(self, rows: int) -> None:
        """Show toasts above the bar, which holds what the user is to do."""
        for toasts in self.screen.query(ToastRack):
            toasts.styles.margin = (0, 0, _ROWS_BELOW_TOASTS + rows, 0)

    def show(self, progress: Progress, keys: dict[str, str]) -> None:
        """Show the step that the user is at."""
        step = progress.step
        title = f"Step {progress.at + 1} of {len(STEPS)} · {step.title}"
        skip = Content.styled("skip", "@click=screen.command('tour.next')")
        leave = Content.styled("leave", "@click=screen.command('tour.show')")
        skip_key, leave_key = (
            named_keys(f"{{{command_id}}}", keys) for command_id in ("tour.next", "tour.show")
        )
        head = Content.assemble(
            (title, "bold $accent"), "   ", (skip_key, "$accent"), " ", skip, "   ",
            (leave_key, "$accent"), " ", leave,
        )  # fmt: skip
        lines = [head]
        if progress.praise:
            lines.append(Content.styled(f"✓ {named_keys(progress.praise, keys)}", "$success"))
        lines.append(Content(named_keys(step.text, keys)))
        self.update(Content("\n").join(lines))


class TourController:
    """Control of the tour: it waits for the user's actions and runs nothing itself."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        layout: LayoutController,
        screen: Screen[R],
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._layout = layout
        self._screen = screen
        self._bar: TourBar | None = None
        self._progress = Progress(state.app_context.state)
        self._timer: Timer | None = None

    def actions(self) -> Mapping[str, Handler]:
        return {"tour": self.toggle, "tour_step": self.step}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {}

    async def begin(self) -> None:
        """Show the step where the tour was left, with the cursor in its cell."""
        if self._bar is not None:
            return  # the session could not be opened while the documents were: both begin
        self._bar = TourBar()
        await self._screen.mount(self._bar, before=self._screen.query_one(StatusLine))
        self._show()
        self._go_to_cell()
        self._timer = self._surface.repeat(_LOOK_EVERY, self._look)

    def toggle(self) -> None:
        """Leave the tour, or take it up again."""
        if self._bar is None or self._timer is None:
            self._surface.notify("The tour has a session of its own: codeexec-tui demo")
            return
        is_shown = not self._bar.display
        self._bar.display = is_shown
        (self._timer.resume if is_shown else self._timer.pause)()
        if not is_shown:
            key = named_keys("{tour.show}", self._keys)
            self._surface.notify(f"The tour waits at this step: {key} takes it up again.")

    def step(self, by: int) -> None:
        """To the next step or back, whether this one was done or not."""
        if self._bar is not None:
            self._progress.go(by)
            self._show()

    @property
    def _keys(self) -> dict[str, str]:
        return dict(self._state.app_context.keymap.keys)

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.show(self._progress, self._keys)

    def _look(self) -> None:
        if self._progress.look(self._signs()):
            self._show()

    def _signs(self) -> set[str]:
        """What can be seen of what the user has done."""
        screen = self._screen.app.screen
        signs = {f"screen:{type(screen).__name__}"}
        if screen is self._screen:
            signs |= {"workbench", f"pane:{self._layout.here}"}
        for view in self._state.snapshot.executions.values():
            if view.is_open or view.options.silent:
                continue
            if view.cell is None:
                signs.add("prompt")
                continue
            signs.add(f"ran:{view.cell.title}")
            if view.status == "ok":
                signs.add(f"ok:{view.cell.title}")
        return signs

    def _go_to_cell(self) -> None:
        sheet = self._documents.sheet
        cell_title = self._progress.step.cell
        if sheet is None or not cell_title:
            return
        for cell in sheet.editor.cells():
            if cell.title == cell_title:
                sheet.go_to(cell.body)
