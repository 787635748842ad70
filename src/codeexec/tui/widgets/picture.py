"""Picture widget: the terminal's best method, with zoom and pan.

Decoding and painting happen in a thread; what was shown before stays until the new is ready.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual import events, work
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.errors import DocumentError
from codeexec.tui.commands.table import bindings
from codeexec.tui.graphics import kitty
from codeexec.tui.graphics.animation import Animation, open_animation
from codeexec.tui.graphics.images import WHOLE, Extent, View, decode, fit
from codeexec.tui.graphics.painting import Painting, paint
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.render.plain import one_line
from codeexec.tui.theme.colors import Color

if TYPE_CHECKING:
    from PIL.Image import Image

ZOOM_STEP = 1.25
PAN_STEP = 0.2
"""A step of zoom is a factor, one of pan a share of what is seen."""

_UNBOUNDED_ROWS = 1000


class Picture(Widget, can_focus=True):
    """Shows image bytes, or a chart or formula of type `mime`, their shape kept, no larger than
    they are unless `grow`.

    `graphics` says how the terminal shows pictures. With `navigable`, keys, wheel and drag zoom
    and pan, and the picture stands in the middle.
    """

    DEFAULT_CSS = """
    Picture { width: 1fr; height: auto; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("picture")]

    class Shown(Message):
        """The picture is on screen, or cannot be: then `fault` says why. `data` is what was shown,
        and `size` its width and height in pixels."""

        def __init__(
            self,
            picture: Picture,
            data: bytes,
            size: tuple[int, int] | None = None,
            fault: str = "",
        ) -> None:
            super().__init__()
            self.picture = picture
            self.data = data
            self.size = size
            self.fault = fault

        @property
        def control(self) -> Picture:
            return self.picture

    def __init__(
        self,
        data: bytes = b"",
        *,
        mime: str = "",
        graphics: Graphics | None = None,
        description: str = "",
        navigable: bool = False,
        grow: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._data = data
        self._mime = mime
        self._graphics = graphics or Graphics()
        self._description = description
        self._navigable = navigable
        self._grow = grow
        self._image: Image | None = None
        self._decoded: bytes | None = None
        """The data that `_image` or `_fault` comes from."""
        self._view = WHOLE
        self._painting: Painting | None = None
        self._fault = ""
        self._is_covered = False
        self._dragged_from: tuple[int, int] | None = None
        self._animation: Animation | None = None
        """The frames of what is shown, while it is played or stopped."""
        self._player: object | None = None
        """Stands for the run of `_play` that goes on; None: nothing moves."""

    # -- what is shown -----------------------------------------------------------------

    @property
    def pixel_size(self) -> tuple[int, int] | None:
        """Width and height of the picture itself, once it is decoded."""
        return self._image.size if self._image else None

    @property
    def view(self) -> View:
        """What part of the picture is seen."""
        return self._view

    @property
    def fault(self) -> str:
        """Why there is no picture, or nothing."""
        return self._fault

    def show(self, data: bytes, description: str = "", mime: str = "") -> None:
        """Show another picture, or a new state of it; the view stays if its size does."""
        if data is not self._data:
            self._let_go_of_frames()
        self._data = data
        self._mime = mime
        self._description = description
        self._repaint()

    def use(self, graphics: Graphics) -> None:
        """Show pictures in another way from now on."""
        self._graphics = graphics
        self._repaint()

    def fill(self, grow: bool) -> None:
        """Whether a picture smaller than its room is enlarged to fill it."""
        if grow != self._grow:
            self._grow = grow
            self.refresh(layout=True)
            self._repaint()

    def zoom(self, factor: float) -> None:
        """Nearer by a factor above 1, farther by one below."""
        self._look(self._view.zoomed(factor))

    def pan(self, right: float, down: float) -> None:
        """Move the view by shares of what is seen."""
        self._look(self._view.panned(right, down))

    def reset_view(self) -> None:
        """Show the whole picture again."""
        self._look(WHOLE)

    def _look(self, view: View) -> None:
        if view != self._view:
            self._view = view
            self._repaint()

    # -- animation ---------------------------------------------------------------------

    def play(self) -> None:
        """Play an animated picture, or stop it at the frame that is seen."""
        if self._player is not None:
            self._player = None
        elif self._image is not None:
            self._player = object()
            self._play(self._data, self._player)

    @work(group="play", exclusive=True)
    async def _play(self, data: bytes, player: object) -> None:
        """Frame by frame, as often as the picture says; a frame that takes longer to paint than it
        is to be seen makes the animation slower."""
        animation = self._animation
        try:
            if animation is None:
                animation = await asyncio.to_thread(open_animation, data, self._ground())
                if animation is None or self._player is not player:
                    return
                self._animation = animation
            rounds = 0
            while self._player is player:
                began = asyncio.get_running_loop().time()
                frame, seconds = await asyncio.to_thread(animation.next_frame)
                if self._player is not player:
                    return
                self._image = frame
                await self._paint_image()
                rounds += animation.is_at_start
                if animation.loops and rounds >= animation.loops:
                    return
                until = began + seconds
                await asyncio.sleep(max(until - asyncio.get_running_loop().time(), 0.0))
        except (OSError, ValueError, EOFError):
            return  # a damaged frame: the one before stays
        finally:
            if self._player is player:
                self._player = None

    def _let_go_of_frames(self) -> None:
        self._player = self._animation = None

    # -- keys and mouse ----------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Arrow keys belong to the pane around unless the picture can be walked about in."""
        if action in {"zoom_in", "zoom_out", "whole", "pan", "play"}:
            return self._navigable
        return True

    def action_zoom_in(self) -> None:
        self.zoom(ZOOM_STEP)

    def action_zoom_out(self) -> None:
        self.zoom(1 / ZOOM_STEP)

    def action_whole(self) -> None:
        self.reset_view()

    def action_play(self) -> None:
        self.play()

    def action_pan(self, right: int, down: int) -> None:
        self.pan(right * PAN_STEP, down * PAN_STEP)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, ZOOM_STEP)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1 / ZOOM_STEP)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        if self._navigable:
            event.stop()
            self.zoom(factor)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self._navigable:
            self._dragged_from = (event.x, event.y)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged_from is None or self._painting is None:
            return
        was_x, was_y = self._dragged_from
        self._dragged_from = (event.x, event.y)
        columns, rows = self._painting.extent
        self.pan((was_x - event.x) / columns, (was_y - event.y) / rows)

    def on_mouse_up(self) -> None:
        if self._dragged_from is not None:
            self._dragged_from = None
            self.release_mouse()

    # -- painting ----------------------------------------------------------------------

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._repaint_on_new_ground())
        self._repaint()

    def on_resize(self) -> None:
        self._repaint()

    def on_unmount(self) -> None:
        self._forget(self._painting)

    def _repaint_on_new_ground(self) -> None:
        """What is transparent in the picture shows the ground that the theme has now."""
        self._decoded = None
        self._repaint()

    def _repaint(self) -> None:
        if self.is_mounted and self._data:
            self._paint()

    @work(group="paint", exclusive=True)
    async def _paint(self) -> None:
        """Paint the current data at the current size; a newer call cancels this one.

        What to decode is found here and not given by the caller: a resize that cancels the paint of
        new data must decode that data too.
        """
        data = self._data
        if data is not self._decoded:
            try:
                image = await asyncio.to_thread(decode, data, self._ground(), self._mime)
            except DocumentError as fault:
                self._image, self._fault, self._decoded = None, str(fault), data
                self._replace(None)
                self.post_message(self.Shown(self, data, fault=self._fault))
                return
            self._decoded = data
            same_size = self._image is not None and self._image.size == image.size
            self._image, self._fault = image, ""
            self._view = self._view if same_size else WHOLE
            if not same_size:
                self.refresh(layout=True)
        if await self._paint_image() and self._image is not None:
            self.post_message(self.Shown(self, data, self._image.size))

    async def _paint_image(self) -> bool:
        """Paint what is decoded; whether it can be seen."""
        if self._image is None or not self.size or self._graphics.way == "none":
            self._replace(None)
            return False
        extent = fit(
            *self._image.size,
            Extent(self.size.width, self.size.height),
            self._graphics.cell,
            grow=self._grow or self._navigable,
        )
        painting = await asyncio.to_thread(paint, self._image, extent, self._view, self._graphics)
        self._write(painting.sent)
        self._replace(painting)
        return True

    def _ground(self) -> Color:
        _, ground = self.background_colors
        return Color(*ground.rgb)

    def _replace(self, painting: Painting | None) -> None:
        previous, self._painting = self._painting, painting
        self.refresh()
        self._forget(previous)

    def _forget(self, painting: Painting | None) -> None:
        if painting is not None and painting.image_id:
            self._write(kitty.delete(painting.image_id, tmux=self._graphics.tmux))

    def _write(self, sequence: str) -> None:
        # The driver's queue is the one way to the terminal that keeps its order with the frames.
        driver = self.app._driver
        if sequence and driver is not None:
            driver.write(sequence)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return self._wanted(container.width, container.height).columns

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._wanted(width, container.height).rows

    def _wanted(self, width: int, height: int) -> Extent:
        if self._image is None or self._graphics.way == "none":
            return Extent(max(len(self._fault or self._description), 1), 1)
        room = Extent(max(width, 1), height or _UNBOUNDED_ROWS)
        return fit(*self._image.size, room, self._graphics.cell, grow=self._grow)

    def render_lines(self, crop: Region) -> list[Strip]:
        """As any widget, but a picture of sixels that is partly hidden is shown in blocks.

        Sixels are painted on top of what is there; a dialog over them would be painted over.
        """
        columns = self._painting.extent.columns if self._painting else 0
        first_column = self._offset()[0]
        covered = (
            crop.x > first_column
            or crop.right < first_column + columns
            or not self.screen.is_active
        )
        if covered != self._is_covered:
            self._is_covered = covered
            self._styles_cache.clear()
        return super().render_lines(crop)

    def _offset(self) -> tuple[int, int]:
        """Where the picture stands within the widget, in cells."""
        if self._painting is None or not self._navigable:
            return 0, 0
        columns, rows = self._painting.extent
        return max(self.size.width - columns, 0) // 2, max(self.size.height - rows, 0) // 2

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        plain = self.visual_style.rich_style
        if self._painting is None:
            message = one_line(self._fault or self._description)
            row = message[y * width : (y + 1) * width] if width else ""
            return Strip([Segment(row.ljust(width), plain)], width)
        indent, top = self._offset()
        rows = self._painting.covered if self._is_covered else self._painting.rows
        if not 0 <= y - top < len(rows):
            return Strip.blank(width, plain)
        columns = self._painting.extent.columns
        return Strip(
            [
                Segment(" " * indent, plain),
                *rows[y - top],
                Segment(" " * max(width - indent - columns, 0), plain),
            ]
        )
