"""Line of key hints, each clickable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.content import Content

LINKS = """
    link-style: none; link-color: $text-muted; link-background: transparent;
    link-background-hover: transparent; link-color-hover: $accent; link-style-hover: none;
"""
"""What the widget needs in its CSS that shows a line of hints."""


@dataclass(frozen=True, slots=True)
class Hint:
    """`action` is one of the screen's."""

    key: str
    label: str
    action: str


def hint_line(hints: Iterable[Hint]) -> Content:
    """All of them side by side."""
    parts = []
    for hint in hints:
        label = Content.styled(hint.label, f"@click=screen.{hint.action}")
        parts.append(Content.assemble(Content.styled(hint.key, "$accent"), " ", label))
    return Content("   ").join(parts)
