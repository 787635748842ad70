"""The plugins of the session: load, test, unload, and where each came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType

from codeexec.domain.plugins import PluginView
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import fitted, one_line, padded
from codeexec.tui.screens.picker import Picker
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, Pieces

_EMPTY = "No plugins. L loads one from a Python file, or all of a folder."
_WORDS = 8
"""Lines of a message that are shown below the list."""


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A plugin: its name, its state, and where it came from."""

    plugin: PluginView

    def pieces(self, width: int) -> Pieces:
        plugin = self.plugin
        state: str = plugin.state
        ink: Ink = "accent" if plugin.is_loaded else "muted"
        if not plugin.succeeded:
            state, ink = "failed" if not plugin.is_loaded else "loaded, failed", "error"
        head = f"{padded(one_line(plugin.name), 20)} {padded(state, 15)}"
        source = one_line(plugin.source)
        if "/" in source:
            source = f"{PurePath(source).name}  {PurePath(source).parent}"
        return [(head, ink), (fitted(source or "-", max(width - len(head), 1)), "text")]


class PluginsScreen(Picker[None]):
    """`act` is called with what is to be done, `load`, `test` or `unload`, and a plugin's name;
    the name is empty for one that is to be loaded from a file."""

    typing: ClassVar[bool] = False

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("plugins")]

    def __init__(self, snapshot: Snapshot, act: Callable[[str, str], None]) -> None:
        super().__init__("Plugins of the session")
        self._snapshot = snapshot
        self._act = act

    def begin(self) -> None:
        self._fill()

    def show_frame(self, frame: Frame) -> None:
        is_new = frame.snapshot.plugins != self._snapshot.plugins
        self._snapshot = frame.snapshot
        if is_new and self.is_mounted:
            self._fill()

    @property
    def _chosen(self) -> PluginView | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row.plugin if isinstance(row, PluginRow) else None

    def _fill(self) -> None:
        """The cursor stays on its plugin."""
        name = chosen.name if (chosen := self._chosen) is not None else ""
        plugins = list(self._snapshot.plugins.values())
        names = [plugin.name for plugin in plugins]
        at = names.index(name) if name in names else self.list.cursor
        self.show([PluginRow(plugin) for plugin in plugins], at)
        self._describe()
        self.refresh_hints()

    def moved(self, at: int) -> None:
        self._describe()

    def _describe(self) -> None:
        """What there is to say of the plugin under the cursor."""
        plugin = self._chosen
        if plugin is None:
            self.say(_EMPTY)
            return
        lines = [] if plugin.succeeded else plugin.message.split("\n")[-_WORDS:]
        if plugin.succeeded and plugin.message:
            lines.append(plugin.message)
        if plugin.tests:
            lines.append(f"Tests: {', '.join(plugin.tests)}")
        if plugin.config:
            lines.append(f"Settings: {', '.join(plugin.config)}")
        words = "\n".join(one_line(line) for line in lines)
        self.say(words, "muted" if plugin.succeeded else "error")

    def hints(self) -> Sequence[Hint]:
        entries = [Hint("l", "load…", "load")]
        if self._chosen is not None:
            entries += [Hint("t", "test", "test"), Hint("u", "unload", "unload")]
        return (*entries, Hint("esc", "close", "leave"))

    def choose(self, at: int) -> None:
        self.action_test()

    def action_load(self) -> None:
        self._act("load", "")

    def action_test(self) -> None:
        if (chosen := self._chosen) is not None:
            self._act("test", chosen.name)

    def action_unload(self) -> None:
        if (chosen := self._chosen) is not None:
            self._act("unload", chosen.name)
