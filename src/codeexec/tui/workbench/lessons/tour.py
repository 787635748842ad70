"""A lesson that is a tour of the workbench: shows a step, and detects when the user has done it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static
from textual.widgets._toast import ToastRack

from codeexec.domain.text.printable import printable
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.commands.table import BY_ID
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.widgets.hints import LINKS
from codeexec.tui.widgets.status import StatusLine
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.session.lessons.progress import LessonProgress
    from codeexec.tui.session.lessons.tour_steps import Sign, TourSteps

_OPENED = {"ViewerScreen": "picture", "KeysScreen": "keys", "CommandChooser": "commands"}
"""Screens that a task waits for, by their classes."""

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

    def show(self, progress: LessonProgress, steps: TourSteps, keys: dict[str, str]) -> None:
        """Show the step that the user is at."""
        step = steps.step
        title = f"Step {progress.view.step + 1} of {progress.count} · {printable(step.label)}"
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
        if steps.praise:
            lines.append(Content.styled(f"✓ {_told(steps.praise, keys)}", "$success"))
        if step.task is not None:
            lines.append(Content(_told(step.task.text, keys)))
        self.update(Content("\n").join(lines))


def _told(text: str, keys: dict[str, str]) -> str:
    """Markdown in one paragraph, with the keys of the user."""
    from codeexec.documents.lessons.tasks import with_own_keys  # few sessions have a tour

    return printable(" ".join(named_keys(with_own_keys(text, BY_ID), keys).split()))


class TourConductor:
    """Gives a lesson that is a tour: it waits for the user's actions and runs nothing itself."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        documents: DocumentsPane,
        layout: LayoutController,
        screen: Screen[Any],
    ) -> None:
        self._surface = surface
        self._state = state
        self._documents = documents
        self._layout = layout
        self._screen = screen
        self._bar: TourBar | None = None
        self._timer: Timer | None = None
        self._progress: LessonProgress | None = None
        self._steps: TourSteps | None = None
        self._changed: Callable[[], None] = lambda: None

    @property
    def progress(self) -> LessonProgress | None:
        """None where the session has no tour."""
        return self._progress

    def take(
        self, progress: LessonProgress, changed: Callable[[], None], *, is_new_session: bool
    ) -> None:
        """Give this lesson, from the step where it was left. `changed` is called when other
        clients, also later ones, are to find another step."""
        from codeexec.tui.session.lessons.tour_steps import TourSteps

        self._progress, self._changed = progress, changed
        self._steps = TourSteps(progress, self._state.app_context.state)
        self._steps.begin(is_new_session=is_new_session)

    async def begin(self) -> None:
        """Show the step, with the cursor in its cell; again when the documents are open."""
        if self._steps is None:
            return
        if self._bar is None:
            self._bar = TourBar()
            await self._screen.mount(self._bar, before=self._screen.query_one(StatusLine))
            self._timer = self._surface.repeat(_LOOK_EVERY, self._look)
        self._show()
        self._go_to_cell()

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
        if self._steps is not None:
            self._steps.go(by)
            self._show()
            self._go_to_cell()

    @property
    def _keys(self) -> dict[str, str]:
        return dict(self._state.app_context.keymap.keys)

    def _show(self) -> None:
        if self._bar is not None and self._progress is not None and self._steps is not None:
            self._bar.show(self._progress, self._steps, self._keys)
            self._changed()

    def _look(self) -> None:
        if self._steps is not None and self._steps.look(self._signs()):
            self._show()

    def _signs(self) -> set[Sign]:
        """What can be seen of what the user has done."""
        screen = self._screen.app.screen
        signs: set[Sign] = {("open", _OPENED.get(type(screen).__name__, ""))}
        if screen is self._screen:
            signs |= {("return", ""), ("go", self._layout.here)}
        for view in self._state.snapshot.executions.values():
            if view.is_open or view.options.silent:
                continue
            if view.cell is None:
                signs.add(("prompt", ""))
                continue
            signs.add(("run", view.cell.title))
            if view.status == "ok":
                signs.add(("succeed", view.cell.title))
        return signs

    def _go_to_cell(self) -> None:
        sheet = self._documents.sheet
        if sheet is None or self._steps is None or not self._steps.cell:
            return
        for cell in sheet.editor.cells():
            if cell.title == self._steps.cell:
                sheet.go_to(cell.body)
