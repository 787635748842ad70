"""Requests of the panes beside the centre: full screens, tables, cards, lines of documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from textual.geometry import Region
from textual.message import Message

from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.layout.layout_controller import LayoutController
from codeexec.tui.workbench.layout.panes import PaneSet
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.artifacts.pane import ArtifactPane
    from codeexec.tui.panes.outline.pane import OutlinePane
    from codeexec.tui.panes.variables.pane import VariablesPane


class SideController:
    """`show_card` goes to the card of an execution; `on_item_shown` is called when the
    artifacts pane shows another item; `edit_code` puts code into the document in front."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        panes: PaneSet,
        layout: LayoutController,
        show_card: Callable[[str], Awaitable[None]],
        on_item_shown: Callable[[], None],
        edit_code: Callable[[str], Awaitable[None]],
    ) -> None:
        self._surface = surface
        self._state = state
        self._panes = panes
        self._layout = layout
        self._show_card = show_card
        self._on_item_shown = on_item_shown
        self._edit_code = edit_code

    def late_messages(self) -> Mapping[type[Message], Handler]:
        """Handlers of messages whose classes are loaded after the first frame."""
        from codeexec.tui.panes.artifacts.pane import ArtifactPane
        from codeexec.tui.panes.artifacts.preview import Preview
        from codeexec.tui.panes.outline.pane import OutlinePane
        from codeexec.tui.panes.variables.pane import VariablesPane

        return {
            ArtifactPane.ItemOpenRequested: self.open_item,
            ArtifactPane.TableRequested: InWorker(self.open_table),
            ArtifactPane.CardRequested: self.go_to_card,
            Preview.ItemShown: lambda _: self._on_item_shown(),
            VariablesPane.VariableTableRequested: InWorker(self.open_table),
            OutlinePane.JumpRequested: self.go_to_line,
            OutlinePane.LeaveRequested: lambda _: self._layout.go("editor"),
        }

    def open_item(self, _: ArtifactPane.ItemOpenRequested) -> None:
        """Show the selected artifact on the full screen."""
        from codeexec.tui.screens.viewer import ViewerScreen  # seldom needed: not at the start

        pane = self._panes.artifacts
        if pane is not None and pane.selected is not None:
            graphics = self._state.app_context.graphics
            self._surface.open_screen(
                ViewerScreen(
                    pane.artifact_index, pane.store, pane.selected, graphics, self._show_table
                )
            )

    async def open_table(
        self, event: ArtifactPane.TableRequested | VariablesPane.VariableTableRequested
    ) -> None:
        """Show a table of the kernel; the code of a view goes into the editor."""
        await self._show_table(event.name, None)

    async def _show_table(self, name: str, place: Region | None) -> bool:
        """Show the table of a variable, on the whole screen where no place is given; whether code
        of a view was put into the editor."""
        from codeexec.tui.screens.tables.origins import VariableOrigin  # not at the start either
        from codeexec.tui.screens.tables.table_screen import TableScreen

        kernel = self._state.snapshot.default_kernel if self._state.last is not None else ""
        screen = TableScreen(VariableOrigin(self._state.session, name, kernel), place)
        code = await self._surface.ask_user(screen)
        if code is not None:
            await self._edit_code(code)
        return code is not None

    async def go_to_card(self, event: ArtifactPane.CardRequested) -> None:
        """Go to the output that an artifact belongs to."""
        await self._show_card(event.execution_id)

    def go_to_line(self, event: OutlinePane.JumpRequested) -> None:
        """Go to a line of a document."""
        self._panes.documents.front.bring(event.sheet)
        event.sheet.go_to(event.line)
        self._layout.go("editor")
