"""What a click on a line of output leads to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codeexec.domain.outputs import Display

if TYPE_CHECKING:
    from codeexec.tui.output.ipywidgets.drawing import Control
    from codeexec.tui.render.traceback import TracebackFrame


@dataclass(frozen=True, slots=True)
class FramesFold:
    """A click shows all frames of the traceback, or the user's alone (`toggle_frames`)."""


@dataclass(frozen=True, slots=True)
class SourceLink:
    """A click goes to the source of a frame."""

    frame: TracebackFrame


@dataclass(frozen=True, slots=True)
class DisplayLink:
    """A double click opens the display."""

    display: Display


@dataclass(frozen=True, slots=True)
class WidgetLink:
    """A click operates a control of a widget; `x` counts from the first column of the output."""

    control: Control
    x: int


ClickTarget = FramesFold | SourceLink | DisplayLink | WidgetLink
