"""Screen on which the keys operate a widget of the kernel, and all that is in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Protocol

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from codeexec.tui.commands.table import bindings
from codeexec.tui.output.ipywidgets.board import WidgetBoard
from codeexec.tui.output.ipywidgets.drawing import Control, Drawing
from codeexec.tui.output.ipywidgets.operate import Effect, Move, activate, move, press
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

_HINTS = (
    Hint("tab", "next", "step(1)"),
    Hint("←→", "change", "move('more')"),
    Hint("enter", "press, type", "activate"),
    Hint("esc", "close", "close"),
)

_EMPTY = "Nothing here takes keys. Esc closes."


class PaintsWidgets(Protocol):
    """Paints a model in so many columns."""

    def __call__(self, model: str, width: int) -> Drawing: ...


class WidgetPanel(ScrollView):
    """The drawing of one widget."""

    DEFAULT_CSS = """
    WidgetPanel { height: auto; max-height: 100%; background: $surface; overflow-x: hidden; }
    """

    class Pressed(Message):
        """The user clicked a control at column `x`."""

        def __init__(self, control: Control, x: int) -> None:
            super().__init__()
            self.pressed, self.x = control, x

    def __init__(self, model: str, paint: PaintsWidgets) -> None:
        super().__init__()
        self._model, self._paint = model, paint
        self.drawing = Drawing()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Show the widget as it is now."""
        height = len(self.drawing.lines)
        self.drawing = self._paint(self._model, max(self.scrollable_content_region.width, 20))
        if len(self.drawing.lines) != height:
            self.virtual_size = Size(self.size.width, len(self.drawing.lines))
            self.refresh(layout=True)
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self.drawing.lines), 1)

    def reveal(self, control: Control) -> None:
        """Scroll a control into view."""
        self.scroll_to_region(Region(0, control.row, 1, 1), animate=False)

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        for control in self.drawing.controls:
            if control.row == row and control.x <= event.x < control.x + control.width:
                self.post_message(self.Pressed(control, event.x))

    def render_line(self, y: int) -> Strip:
        row, width = y + self.scroll_offset.y, self.size.width
        lines = self.drawing.lines
        line = lines[row] if row < len(lines) else Strip([Segment("")])
        base = self.rich_style
        return line.apply_style(base).adjust_cell_length(width, base)


class WidgetScreen(Modal[None]):
    """`do` carries out what a key does; `focus` is the control that has the keys first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("widgets")]

    DEFAULT_CSS = """
    WidgetScreen { align: center middle; background: $surface 40%; }
    WidgetScreen > Vertical {
        width: 100; max-width: 96%; height: auto; max-height: 90%;
        padding: 1 2; background: $surface; border: round $accent;
    }
    WidgetScreen #keys { height: 1; margin: 1 0 0 0; color: $text-muted; LINKS }
    """.replace("LINKS", LINKS)

    def __init__(
        self,
        board: WidgetBoard,
        model: str,
        paint: PaintsWidgets,
        do: Callable[[Effect], Awaitable[None]],
        focus: Control | None = None,
    ) -> None:
        super().__init__()
        self._board, self._do, self._first = board, do, focus
        self._panel = WidgetPanel(model, paint)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._panel
            yield Static(hint_line(_HINTS), id="keys")

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._panel.draw()
        places = [control.place for control in self._panel.drawing.controls]
        if self._first is not None and self._first.place in places:
            self._focus(self._first)
        elif self._panel.drawing.controls:
            self._focus(self._panel.drawing.controls[0])
        else:
            self.query_one("#keys", Static).update(_EMPTY)

    def on_unmount(self) -> None:
        self._board.focus_on(None)

    def show_frame(self, frame: Frame) -> None:
        """The session has changed."""
        self.draw()

    def draw(self) -> None:
        """Draw the widget again."""
        if self.is_mounted:
            self._panel.draw()

    @property
    def focused_control(self) -> Control | None:
        """The control with the keys, as it is drawn now."""
        controls, focus = self._panel.drawing.controls, self._board.focus
        return next((control for control in controls if control.place == focus), None)

    def _focus(self, control: Control) -> None:
        self._board.focus_on(control.place)
        self._panel.draw()
        self._panel.reveal(control)

    async def _run(self, effect: Effect | None) -> None:
        if effect is not None:
            await self._do(effect)
            self.draw()

    # -- keys and clicks ---------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """To the next control; of a long list to the next option, also one that is not drawn."""
        controls, control = self._panel.drawing.controls, self.focused_control
        if not controls:
            return
        if control is None:
            self._focus(controls[0])
            return
        self._focus(controls[(controls.index(control) + by) % len(controls)])

    async def action_move(self, how: Move) -> None:
        """Change the value of the control with the keys."""
        if (control := self.focused_control) is None:
            return
        effect = move(self._board, control, how)
        if effect is None and how in ("less", "more"):
            self.action_step(1 if how == "more" else -1)  # buttons in a row
        await self._run(effect)

    async def action_activate(self) -> None:
        """Press it, switch it, choose it, or type its value."""
        if (control := self.focused_control) is not None:
            self.run_worker(self._run(activate(self._board, control)), exclusive=True)

    def on_widget_panel_pressed(self, event: WidgetPanel.Pressed) -> None:
        event.stop()
        self._focus(event.pressed)
        effect = press(self._board, event.pressed, event.x)
        self.run_worker(self._run(effect), exclusive=True)

    def action_close(self) -> None:
        self.dismiss(None)
