"""`display`, `clear_output` and figures; and `IPython.display` where there is no IPython.

An installed IPython without a kernel prints what it is to display: its functions are replaced as
they are imported.
"""

from __future__ import annotations

import sys
import uuid
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner.bundles import bundle_of, encoded, is_figure, png_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.guest.runner.channel import FrameWriter


class DisplayHandle:
    """A display that can be shown anew."""

    def __init__(self, display_id: str, show: Callable[..., Any]) -> None:
        self.display_id = display_id
        self._show = show

    def display(self, value: Any, **options: Any) -> None:
        self._show(value, display_id=self.display_id, **options)

    def update(self, value: Any, **options: Any) -> None:
        self._show(value, display_id=self.display_id, update=True, **options)

    def __repr__(self) -> str:
        return f"<DisplayHandle display_id={self.display_id}>"


class Displays:
    """`captured` takes the displays in place of the channel while `%%capture` runs."""

    def __init__(self, channel: FrameWriter) -> None:
        self._channel = channel
        self.captured: list[dict[str, Any]] | None = None
        self._shown_figures: list[Any] = []

    def publish(
        self, data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False,
        **_options: Any,
    ) -> None:  # fmt: skip
        """Show a MIME bundle as it is."""
        display_id = (transient or {}).get("display_id")
        bundle = encoded(data)
        if self.captured is not None:
            self.captured.append(bundle)
            return
        self._channel.send(
            "display",
            self._channel.owner(),
            bundle=bundle,
            metadata=dict(metadata or {}),
            displayId=display_id,
            update=update,
        )

    def display(
        self,
        *values: Any,
        include: Any = None,
        exclude: Any = None,
        metadata: Any = None,
        transient: Any = None,
        display_id: Any = None,
        raw: bool = False,
        clear: bool = False,
        update: bool = False,
        **_options: Any,
    ) -> Any:
        """Show values by their richest form; with `raw` MIME bundles."""
        transient = dict(transient or {})
        if display_id is True:
            display_id = uuid.uuid4().hex
        if update and not display_id:
            raise TypeError("display_id required for update_display")
        if display_id:
            transient["display_id"] = display_id
        if clear:
            self.clear_output(wait=True)
        for value in values:
            if raw:
                self.publish(value, metadata, transient=transient, update=update)
                continue
            self.note_shown(value)
            data, about = bundle_of(value)
            wanted = {
                mime: text
                for mime, text in data.items()
                if (not include or mime in include) and mime not in (exclude or ())
            }
            self.publish(wanted, {**about, **(metadata or {})}, transient=transient, update=update)
        return DisplayHandle(display_id, self.display) if display_id else None

    def update_display(self, value: Any, *, display_id: str, **options: Any) -> None:
        self.display(value, display_id=display_id, update=True, **options)

    def clear_output(self, wait: bool = False) -> None:
        self._channel.send("clear", self._channel.owner(), wait=bool(wait))

    # -- figures -------------------------------------------------------------------------

    def note_shown(self, value: Any) -> None:
        """A value was shown: if it is a figure, the end of the cell need not show it."""
        if is_figure(value):
            self._shown_figures.append(value)

    def show_figures(self) -> None:
        """Show and close the open figures of matplotlib.pyplot, each once: `plt.show()`, and the
        end of a cell."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        numbers = pyplot.get_fignums() if pyplot is not None else ()
        for number in numbers:
            figure = pyplot.figure(number)  # type: ignore[union-attr]
            if not any(figure is shown for shown in self._shown_figures):
                data = {"image/png": png_of(figure), "text/plain": repr(figure)}
                self.publish(data)
        if numbers:
            pyplot.close("all")  # type: ignore[union-attr]
        self._shown_figures.clear()

    def imported(self, name: str, module: ModuleType) -> None:
        """A library is there that shows things."""
        if name == "matplotlib.pyplot":

            def show(*_arguments: Any, **_options: Any) -> None:
                """Show and close all open figures."""
                self.show_figures()

            vars(module)["show"] = show  # a function: matplotlib sets attributes of it
        else:
            vars(module).update(
                display=self.display,
                publish_display_data=self.publish,
                clear_output=self.clear_output,
                update_display=self.update_display,
            )


LIBRARIES = ("matplotlib.pyplot", "IPython.core.display_functions")


class Value:
    """Base of the classes of `IPython.display` that hold a text of one MIME type."""

    mime = "text/plain"

    def __init__(self, data: Any = None, url: Any = None, filename: Any = None, **_: Any) -> None:
        if data is None and filename is not None:
            with open(filename, "rb") as file:
                data = file.read()
        self.data = data if data is not None else ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        data = self.data
        if isinstance(data, bytes) and not self.mime.startswith("image/p"):
            data = data.decode()
        return {self.mime: data}

    def __repr__(self) -> str:
        return f"<IPython.core.display.{type(self).__name__} object>"


class HTML(Value):
    mime = "text/html"

    def __html__(self) -> str:
        return str(self.data)


class Markdown(Value):
    mime = "text/markdown"


class Latex(Value):
    mime = "text/latex"


class Math(Latex):
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {self.mime: "$\\displaystyle %s$" % str(self.data).strip("$")}  # noqa: UP031


class SVG(Value):
    mime = "image/svg+xml"


class JSON(Value):
    mime = "application/json"


class Javascript(Value):
    mime = "application/javascript"


class Pretty(Value):
    def __repr__(self) -> str:
        return str(self.data)


class Image(Value):
    """A picture of a file or of bytes: PNG, JPEG or GIF."""

    mime = "image/png"

    def __init__(self, data: Any = None, url: Any = None, filename: Any = None, **_: Any) -> None:
        if isinstance(data, str):
            data, filename = None, data
        super().__init__(data, url, filename)
        if self.data[:2] == b"\xff\xd8":
            self.mime = "image/jpeg"
        elif self.data[:3] == b"GIF":
            self.mime = "image/gif"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {self.mime: self.data}


CLASSES = (HTML, Markdown, Latex, Math, SVG, JSON, Javascript, Pretty, Image, DisplayHandle)


class StandIn:
    """The last finder: `IPython.display` of our making where IPython is not installed."""

    def __init__(self, displays: Displays) -> None:
        self._displays = displays

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in ("IPython", "IPython.display"):
            return None
        loader: Any = self
        return ModuleSpec(name, loader, is_package=name == "IPython")

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual module."""

    def exec_module(self, module: ModuleType) -> None:
        names = vars(module)
        if module.__name__ == "IPython":
            # Some libraries ask for the version before they ask whether a shell runs.
            names.update(get_ipython=lambda: None, version_info=(9, 0, 0), __version__="9.0.0")
            return
        names.update((each.__name__, each) for each in CLASSES)
        names.update(
            display=self._displays.display,
            update_display=self._displays.update_display,
            publish_display_data=self._displays.publish,
            clear_output=self._displays.clear_output,
        )
