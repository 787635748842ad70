"""IPython's display functions in a program: they send to the parent instead of printing reprs."""

from __future__ import annotations

from base64 import b64encode
from typing import Any


def encoded(data: Any) -> Any:
    """A MIME bundle as Jupyter sends it: bytes become base64."""
    return {
        str(mime): b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in dict(data).items()
    }


def png_of(figure: Any) -> bytes:
    from io import BytesIO

    from matplotlib.backends.backend_agg import FigureCanvasAgg

    png = BytesIO()
    FigureCanvasAgg(figure).print_figure(
        png, format="png", dpi=figure.dpi, facecolor=figure.get_facecolor(), bbox_inches="tight"
    )
    return bytes(png.getvalue())


def replace_displays(module: Any, channel: Any) -> None:
    """Replace what `IPython.core.display_functions` has just defined."""
    formatters: list[Any] = []

    def formatter() -> Any:
        if not formatters:
            from IPython.core.formatters import DisplayFormatter

            made = DisplayFormatter()
            made.formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", png_of)
            formatters.append(made)
        return formatters[0]

    def publish_display_data(
        data: Any, metadata: Any = None, *, transient: Any = None, update: bool = False, **_: Any
    ) -> None:
        display_id = (transient or {}).get("display_id")
        channel.send(
            "update" if update else "display",
            data=encoded(data),
            metadata=dict(metadata or {}),
            display_id=display_id,
        )

    def display(
        *objs: Any,
        include: Any = None,
        exclude: Any = None,
        metadata: Any = None,
        transient: Any = None,
        display_id: Any = None,
        raw: bool = False,
        clear: bool = False,
        **kwargs: Any,
    ) -> Any:
        transient = dict(transient or {})
        if display_id is True:
            import uuid

            display_id = uuid.uuid4().hex
        if kwargs.get("update") and not display_id:
            raise TypeError("display_id required for update_display")
        if display_id:
            transient["display_id"] = display_id
        update = bool(kwargs.pop("update", False))
        if clear:
            clear_output(wait=True)
        for value in objs:
            if raw:
                publish_display_data(value, metadata, transient=transient, update=update)
                continue
            data, format_metadata = formatter().format(value, include=include, exclude=exclude)
            if data:
                format_metadata = {**dict(format_metadata), **dict(metadata or {})}
                publish_display_data(data, format_metadata, transient=transient, update=update)
        return module.DisplayHandle(display_id) if display_id else None

    def clear_output(wait: bool = False) -> None:
        channel.send("clear", wait=bool(wait))

    module.publish_display_data = publish_display_data
    module.display = display
    module.clear_output = clear_output
