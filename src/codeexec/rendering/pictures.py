"""Pictures of what is no picture yet: SVG, charts, diagrams, formulas and PDF, drawn to PNG."""

from __future__ import annotations

import threading
from collections import OrderedDict
from importlib.util import find_spec

from codeexec.domain.content.charts import chart_in_html, chart_label, drawn_format
from codeexec.domain.content.mime import FORMULAS, bare
from codeexec.domain.errors import DocumentError
from codeexec.domain.text.printable import printable
from codeexec.rendering.faults import Fault
from codeexec.rendering.svg import cannot_draw, longer_side, without_references
from codeexec.sandbox.optional import INSTALL

_PACKAGES = {"vega": "vl_convert", "mermaid": "mermaidx", "pdf": "pypdfium2"}
"""The optional package that draws a format; what is not here needs none."""

OPENS = " · O opens it"
"""At the end of a refusal: what a key of the workbench does."""

_KEPT = 16
_MOST_KEPT = 1 << 20
"""Drawn pictures that are kept, so that another width of the screen costs no drawing, and the most
bytes of the data that one of them is drawn from."""

_drawn: OrderedDict[tuple[str, str, bytes], bytes] = OrderedDict()
_lock = threading.Lock()


def is_formula(mime: str) -> bool:
    """Whether a value of this type is LaTeX."""
    return bare(mime) in FORMULAS


def is_drawn(mime: str) -> bool:
    """Whether a value of this type, or a chart in it, is drawn here; SVG is told by its bytes."""
    return is_formula(mime) or drawn_format(mime) is not None or bare(mime) == "text/html"


def can_draw_formulas() -> bool:
    """Whether the library for formulas is installed."""
    return find_spec("ziamath") is not None


def draw_svg(data: bytes) -> bytes:
    """An SVG document drawn to PNG bytes, its longer side LONGEST pixels.

    Blocks for as long as that takes. Files and addresses it refers to are not fetched. Raises
    DocumentError where it cannot be drawn within the limits.
    """
    text = without_references(data.decode("utf-8", "replace"))
    options = {"kind": "svg", "side": longer_side(text)}
    from codeexec.rendering.renderer import renderer  # not at the start

    try:
        return renderer.draw(options, text.encode("utf-8", "replace"))
    except Fault as fault:
        raise cannot_draw(str(fault)) from None


def draw(mime: str, data: bytes, ground: str) -> bytes:
    """A chart, diagram, formula or first page of this type as PNG bytes, for the ground `#rrggbb`.

    Blocks for as long as that takes. Raises DocumentError: what it is, why it is not drawn, and
    what to do, on one line.
    """
    key = mime, ground, data
    with _lock:
        if key in _drawn:
            _drawn.move_to_end(key)
            return _drawn[key]
    picture = _draw_anew(mime, data, ground)
    if len(data) > _MOST_KEPT:
        return picture
    with _lock:
        _drawn[key] = picture
        while len(_drawn) > _KEPT:
            _drawn.popitem(last=False)
    return picture


def _draw_anew(mime: str, data: bytes, ground: str) -> bytes:
    if is_formula(mime):
        options = {"kind": "latex", "ground": ground}
        label, package = "formula", "ziamath"
    else:
        text = data.decode("utf-8", "replace")
        chart = chart_in_html(text) if bare(mime) == "text/html" else None
        if chart is not None:
            mime, text = chart
            data = text.encode("utf-8", "replace")
        kind = drawn_format(mime)
        label = printable(chart_label(mime, text))
        if kind is None:
            raise DocumentError(f"{label}: it needs a browser{OPENS}")
        options = {"kind": kind, "mime": mime, "ground": ground}
        package = _PACKAGES.get(kind, "")
    if package and find_spec(package) is None:
        raise DocumentError(f"{label}: {INSTALL} draws it here{OPENS}")
    from codeexec.rendering.renderer import renderer  # not at the start

    try:
        return renderer.draw(options, data)
    except Fault as fault:
        raise DocumentError(f"{label} is not drawn: {fault}{OPENS}") from None
