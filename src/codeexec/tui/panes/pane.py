"""The Pane protocol: what the workbench asks of a pane, and what it gives to one that it builds.

A pane is a Textual widget with `take_focus`. Whatever else it can do, it shows by having the
method of another protocol here, or of `tui/session/feed.py: FrameListener` if it takes frames. Its
requests to the workbench are messages: `tui/session/ask.py` has those that every pane may post.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from textual import events
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.documents.swap import SwapStore
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.session.machine_files import MachineFiles
from codeexec.tui.theme.theme import Theme


@runtime_checkable
class Pane(Protocol):
    """A pane in its box on the screen."""

    def take_focus(self) -> None:
        """Have the keys."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a pane may be built from. `me` is the name of this client; `find_pane` returns another
    pane by name, if it has been built."""

    folder: Path
    session: SessionClient
    me: str
    theme: Theme
    graphics: Graphics
    swaps: SwapStore | None
    find_pane: Callable[[str], Widget | None]
    watch_only: bool = False
    machine_files: MachineFiles | None = None
    """Files of the session, where another machine has them."""


class BuildPane(Protocol):
    """`build` in the module `pane` of a pane's folder; the widget is a `Pane`."""

    def __call__(self, context: BuildContext) -> Widget: ...


@runtime_checkable
class GrabsKeys(Protocol):
    """A widget that hands keys and pastes on to a program, before any binding has them."""

    def grab(self, event: events.Key | events.Paste) -> bool:
        """Take a key or a paste; False for one that is to go its usual way."""

    @property
    def grabs(self) -> bool:
        """Whether keys go to the program now."""


PaneState = dict[str, object]
"""State of a pane as JSON."""


@runtime_checkable
class KeepsState(Protocol):
    """A pane whose state is stored with the layout of the folder."""

    def pane_state(self) -> PaneState: ...

    def restore_pane_state(self, state: Mapping[str, object]) -> None:
        """Take a state that was stored, by this version or another: ignore what is not valid."""


@runtime_checkable
class FollowsDocument(Protocol):
    """A pane about the document in front."""

    def follow_document(self) -> None:
        """Called when the document, its cursor or its marks may have changed."""


@runtime_checkable
class ShowsStoredOutputs(Protocol):
    """A pane that shows outputs of notebooks' files beside those of the session."""

    def show_stored(self, views: Sequence[ExecutionView]) -> None: ...
