"""Mermaid diagrams as PNG, by mermaidx, which runs Mermaid itself and has a font of its own."""

from __future__ import annotations

from codeexec.rendering.faults import Fault
from codeexec.rendering.inks import Inks
from codeexec.rendering.svg import LONGEST, svg_size, without_references

MOST_CHARS = 50_000
"""Mermaid's own limit on the text of a diagram (`maxTextSize`)."""
_SCALE = 2.0


def mermaid_png(text: str, ground: str) -> bytes:
    """The diagram on the ground colour (`#rrggbb`), its longer side at most LONGEST pixels. Raises
    Fault: for a source that cannot be read with Mermaid's words and the line."""
    if len(text) > MOST_CHARS:
        raise Fault(f"it has more than {MOST_CHARS:,} characters")
    from mermaidx import render, svg_to_png

    inks = Inks(ground)
    try:
        svg = without_references(render(text, theme="dark" if inks.is_dark else "default").svg())
    except RuntimeError as error:
        raise Fault(_first_words(str(error))) from None
    size = svg_size(svg.encode("utf-8", "replace"))
    if size is None:
        raise Fault("it has no size")
    scale = min(_SCALE, LONGEST / max(size))
    return bytes(
        svg_to_png(
            svg,
            width=max(round(size[0] * scale), 1),
            height=max(round(size[1] * scale), 1),
            background=inks.ground,
        )
    )


def _first_words(message: str) -> str:
    """What was wrong and where, without the name of the library and the quoted source."""
    message_text = message.removeprefix("Mermaid rendering failed: ").removeprefix("Error: ")
    lines = message_text.strip().splitlines() or ["it cannot be read"]
    if lines[0].startswith("UnknownDiagramError"):
        return "its first word names no kind of diagram"
    return lines[0].rstrip(":")[:200]
