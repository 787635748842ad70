"""Tour over the workbench: shows a step and detects when the user has done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static
from textual.widgets._toast import ToastRack

from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.tour import STEPS, Progress, folder_of
from codeexec.tui.widgets.hints import LINKS

if TYPE_CHECKING:
    from codeexec.tui.workbench.workbench import Workbench

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
        skip = Content.styled("skip", "@click=screen.tour_step(1)")
        leave = Content.styled("leave the tour", "@click=screen.tour")
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


class TourControl:
    """Control of the tour: it waits for the user's actions and runs nothing itself."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._bar: TourBar | None = None
        self._progress = Progress(folder_of(workbench.app_context.state))
        self._timer: Timer | None = None

    async def begin(self) -> None:
        """Show the step where the tour was left, with the cursor in its cell."""
        workbench = self._workbench
        if self._bar is not None:
            return  # the session could not be opened while the documents were: both begin
        self._bar = TourBar()
        await workbench.mount(self._bar, before=workbench.status)
        self._show()
        self._go_to_cell()
        self._timer = workbench.set_interval(_LOOK_EVERY, self._look)

    def toggle(self) -> None:
        """Leave the tour, or take it up again."""
        if self._bar is None or self._timer is None:
            self._workbench.notify("The tour has a session of its own: codeexec-tui demo")
            return
        is_shown = not self._bar.display
        self._bar.display = is_shown
        (self._timer.resume if is_shown else self._timer.pause)()
        if not is_shown:
            key = named_keys("{tour.show}", self._keys)
            self._workbench.notify(f"The tour waits at this step: {key} takes it up again.")

    def step(self, by: int) -> None:
        """To the next step or back, whether this one was done or not."""
        if self._bar is not None:
            self._progress.go(by)
            self._show()

    @property
    def _keys(self) -> dict[str, str]:
        return dict(self._workbench.app_context.keymap.keys)

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.show(self._progress, self._keys)

    def _look(self) -> None:
        if self._progress.look(self._signs()):
            self._show()

    def _signs(self) -> set[str]:
        """What can be seen of what the user has done."""
        workbench = self._workbench
        screen = workbench.app.screen
        signs = {f"screen:{type(screen).__name__}"}
        if screen is workbench:
            signs |= {"workbench", f"pane:{workbench.here}"}
        views = workbench.last.snapshot.executions.values() if workbench.last is not None else ()
        for view in views:
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
        sheet = self._workbench.documents.sheet
        cell_title = self._progress.step.cell
        if sheet is None or not cell_title:
            return
        for cell in sheet.editor.cells():
            if cell.title == cell_title:
                sheet.go_to(cell.body)
