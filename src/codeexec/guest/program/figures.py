"""matplotlib's backend in a program: `plt.show()` sends the figures as PNG and returns."""

from __future__ import annotations

import atexit
import sys
from base64 import b64encode
from io import BytesIO
from typing import Any

from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg


class FigureManager(FigureManagerBase):
    """Sends its figure; one that is shown again replaces the picture that it made before."""

    canvas: Any

    def __init__(self, canvas: Any, num: Any) -> None:
        super().__init__(canvas, num)
        self.is_sent = False

    def show(self) -> None:
        canvas = self.canvas
        png = BytesIO()
        canvas.print_png_of_figure(png)
        text = b64encode(png.getvalue()).decode()
        channel = getattr(sys, "_codeexec_channel", None)
        if channel is not None:
            channel.send(
                "update" if self.is_sent else "display",
                data={"image/png": text, "text/plain": repr(canvas.figure)},
                metadata={},
                display_id=f"figure-{id(self):x}",
            )
        self.is_sent = True

    @classmethod
    def pyplot_show(cls, *, block: Any = None) -> None:
        """Send all figures. They are closed unless the program goes on with them (`block=False`,
        as `plt.pause` does)."""
        for manager in Gcf.get_all_fig_managers():
            manager.show()
        if block is not False:
            Gcf.destroy_all()


class FigureCanvas(FigureCanvasAgg):
    """Remembers whether the program saved the figure itself."""

    manager_class = FigureManager
    is_saved = False

    def print_figure(self, *args: Any, **kwargs: Any) -> Any:
        self.is_saved = True
        return super().print_figure(*args, **kwargs)

    def print_png_of_figure(self, file: Any) -> None:
        """As the inline backend of Jupyter draws it: cut to what is drawn, at its own dpi."""
        figure = self.figure
        super().print_figure(
            file,
            format="png",
            dpi=figure.dpi,
            facecolor=figure.get_facecolor(),
            edgecolor=figure.get_edgecolor(),
            bbox_inches="tight",
        )


def show(*args: Any, **kwargs: Any) -> None:
    """For matplotlib before 3.6, which asks the module instead of the manager."""
    FigureManager.pyplot_show(block=kwargs.get("block", args[0] if args else None))


def send_unseen() -> None:
    """At exit: figures that the program neither showed nor saved; none after an interrupt, which
    the interpreter would forget (see `send_end`)."""
    if isinstance(getattr(sys, "last_value", None), KeyboardInterrupt):
        return
    for manager in Gcf.get_all_fig_managers():
        if isinstance(manager, FigureManager) and not (manager.is_sent or manager.canvas.is_saved):
            manager.show()


# After matplotlib has registered the closing of its figures, so called before that.
atexit.register(send_unseen)
