"""Messages of views that draw widgets to the workbench."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from codeexec.tui.output.ipywidgets.drawing import Control


@dataclass
class WidgetPressed(Message):
    """The user clicked a control of a widget; `x` counts from the first column of the output."""

    pressed: Control
    x: int
