"""AppContext: settings, themes, keymap and paths, shared by all screens of one application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codeexec.config.load import Loaded
from codeexec.config.model import Settings
from codeexec.documents.swap import SwapStore
from codeexec.tui.commands.keymap import Keymap
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.theme.color_depth import TerminalColors
from codeexec.tui.theme.theme import Theme


@dataclass(slots=True)
class AppContext:
    """Shared context of all screens. `me` is the name of this client; `state` is the folder for its
    state.

    Theme, graphics and keymap may be exchanged while the program runs.
    """

    me: str
    state: Path
    loaded: Loaded
    themes: Mapping[str, Theme]
    theme: Theme
    keymap: Keymap
    graphics: Graphics = field(default_factory=Graphics)
    swaps: SwapStore | None = None
    colors: TerminalColors | None = None
    """What the terminal has said of its colours; None where there is no terminal."""

    clusters: bool = True
    """Whether the terminal measures grapheme clusters as we do."""

    key_at: float = 0.0
    """When the last key was pressed or the mouse used, on the monotonic clock."""

    @property
    def settings(self) -> Settings:
        return self.loaded.settings
