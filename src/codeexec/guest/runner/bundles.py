"""MIME bundles of values, by the methods that Jupyter's convention names."""

from __future__ import annotations

import base64
import pprint
import sys
import traceback
from io import BytesIO
from itertools import islice
from typing import Any

METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
    "_repr_pdf_": "application/pdf",
}
CANARY = "_ipython_canary_method_should_not_exist_"
"""An object that has this has every attribute, as mocks do: its methods mean nothing."""
MOST_ITEMS = 1000
NARROW = 79


def bundle_of(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The MIME bundle of a value, and its metadata."""
    data: dict[str, Any] = {"text/plain": plain_text(value)}
    metadata: dict[str, Any] = {}
    for method, mime in (("_repr_mimebundle_", ""), *METHODS.items()):
        add(value, method, mime, data, metadata)
    if is_figure(value):
        data["image/png"] = png_of(value)
    return encoded(data), metadata


def add(value: Any, method: str, mime: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
    """What one method says. An error in it is shown, and the other methods are asked too."""
    if isinstance(value, type):
        return
    try:
        function = getattr(value, method, None)
        if not callable(function) or getattr(value, CANARY, None) is not None:
            return
        made = function(include=None, exclude=None) if not mime else function()
    except NotImplementedError:
        return
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return
    about: Any = None
    if isinstance(made, tuple) and len(made) == 2:
        made, about = made
    if made is None:
        return
    if mime:
        data[mime] = made
        if about:
            metadata[mime] = about
    elif isinstance(made, dict):
        data.update(made)
        metadata.update(about or {})


def encoded(data: Any) -> dict[str, Any]:
    """As Jupyter sends it: bytes become base64."""
    return {
        str(mime): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in dict(data).items()
    }


def plain_text(value: Any) -> str:
    """The repr; long containers over several lines, and cut after many items."""
    try:
        if type(value) in (list, tuple, set, frozenset, dict):
            return container_text(value)
        return repr(value)
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return f"<{type(value).__name__}>"


def container_text(value: Any) -> str:
    shown, dots = value, ""
    if len(value) > MOST_ITEMS:
        items = islice(value.items() if isinstance(value, dict) else value, MOST_ITEMS)
        shown = type(value)(items)
        dots = f"\n… {len(value) - MOST_ITEMS:,} more"
    text = repr(shown)
    if len(text) > NARROW:
        text = pprint.pformat(shown, width=NARROW, compact=True, sort_dicts=False)
    return text + dots


def is_figure(value: Any) -> bool:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def png_of(figure: Any) -> bytes:
    """As the inline backend of Jupyter draws it: cut to what is drawn, at the figure's own dpi."""
    png = BytesIO()
    figure.savefig(png, format="png", dpi=figure.dpi, bbox_inches="tight",
                   facecolor=figure.get_facecolor())  # fmt: skip
    return png.getvalue()
