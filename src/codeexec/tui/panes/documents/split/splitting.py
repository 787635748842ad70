"""Documents in the two halves of the editor pane, and which half has the focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.widget import Widget

from codeexec.domain.errors import UsageError
from codeexec.tui.panes.documents.split.stage import (
    LEAST_HEIGHT,
    LEAST_WIDTH,
    Direction,
    Split,
    Stage,
    direction_for,
)
from codeexec.tui.panes.documents.view import DocumentEditor
from codeexec.tui.panes.editor.text.text import Location
from codeexec.tui.session.views import SplitView

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class Splitting:
    """Changes what is on `stage`; `find` gives the document that a widget there shows."""

    def __init__(self, stage: Stage, find: Callable[[str], DocumentView | None]) -> None:
        self._stage = stage
        self._find = find

    @property
    def is_split(self) -> bool:
        return self._stage.split is not None

    def split(self, wish: Direction | None = None) -> None:
        """Show the document in front a second time; raises UsageError where there is no room, or
        nothing is open."""
        sheet, size = self._find(self._stage.current), self._stage.size
        if sheet is None:
            raise UsageError("Nothing is open that could be split.", "Open a file first: Ctrl+O.")
        if direction_for(size.width, size.height, wish) is None:
            raise UsageError(
                f"The editor has {size.width} × {size.height} cells, too few for two halves.",
                f"They need {LEAST_WIDTH} columns or {LEAST_HEIGHT} rows: show the editor alone "
                "(F11, Alt+M), or enlarge the terminal.",
            )
        self._divide(sheet, sheet, wish=wish)

    def _divide(
        self,
        first: DocumentView,
        second: DocumentView,
        wish: Direction | None = None,
        share: int = 50,
    ) -> None:
        beside = second.id or ""
        if first is second:
            view = first.add_view()
            beside = view.id or ""
            self._stage.mount(view)
        self._stage.divide(Split((first.id or "", beside), 1, wish, share))
        self._follow_active()

    def turn(self) -> None:
        """Put halves that are side by side one above the other, or the other way."""
        split = self._stage.split
        if split is not None:
            now = self._stage.direction or split.wish
            self._stage.divide(replace(split, wish="below" if now == "beside" else "beside"))

    def go_other(self) -> None:
        """Give the other half the keys."""
        if self._stage.split is not None:
            self._activate(1 - self._stage.split.active)

    def _activate(self, active: int) -> None:
        if self._stage.split is not None:
            self._stage.divide(replace(self._stage.split, active=active))
            self._follow_active()

    def _follow_active(self) -> None:
        """The document in front acts by the view that has the keys."""
        current = self._stage.current
        sheet = self._find(current)
        if sheet is not None:
            second = sheet.second_view
            is_second = second is not None and second.id == current
            sheet.view = second if is_second and second is not None else sheet.first_view

    def bring(self, sheet: DocumentView) -> None:
        """Show a document in the half that has the keys; or go to the other half, where it is
        there."""
        split = self._stage.split
        if split is None:
            self._stage.current = sheet.id or ""
            return
        current, other = self._find(split.current), self._find(split.other)
        if sheet is current:
            return
        if sheet is other:
            self.go_other()
            return
        if current is not None and current is other:
            split = self._with_one_view(split, kept_id=split.other, sheet=current)
        self._stage.divide(split.with_current(sheet.id or ""))

    @staticmethod
    def _with_one_view(split: Split, kept_id: str, sheet: DocumentView) -> Split:
        """The split with one view of a document that stands in both halves; that of the half
        `kept_id` is meant."""
        second = sheet.second_view
        if second is None:
            return split
        sheet.drop_view(keeps_place=kept_id == second.id)
        place = split.halves.index(kept_id)
        halves = [*split.halves]
        halves[place] = sheet.id or ""
        return replace(split, halves=(halves[0], halves[1]))

    def join(self, closed: int | None = None) -> None:
        """Show one half alone: that with the keys, or the other than `closed`."""
        split = self._stage.split
        if split is None:
            return
        active = split.active if closed is None else 1 - closed
        remaining, closing = self._find(split.halves[active]), self._find(split.halves[1 - active])
        if remaining is not None and remaining is closing:
            split = self._with_one_view(split, kept_id=split.halves[active], sheet=remaining)
        self._stage.divide(replace(split, active=active))
        self._stage.divide(None)
        self._follow_active()

    def close_active(self) -> None:
        """Close the half that has the keys."""
        if self._stage.split is not None:
            self.join(self._stage.split.active)

    def close_view(self, widget_id: str) -> None:
        """Close the half of that title: `widget_id` is that of its view."""
        split = self._stage.split
        if split is None:
            return
        for place, name in enumerate(split.halves):
            sheet = self._find(name)
            first = sheet.first_view.id if sheet is not None and sheet.id == name else name
            if widget_id in (name, first):
                self.join(place)
                return

    def forget(self, sheet: DocumentView) -> None:
        """A document is closed: its half goes with it."""
        split = self._stage.split
        if split is None:
            return
        places = [place for place in (0, 1) if self._find(split.halves[place]) is sheet]
        if places:
            self.join(places[0])

    def note_focus(self, widget: Widget) -> bool:
        """A widget has the keys: its half is the one in use; whether that is news."""
        split = self._stage.split
        view = next(
            (
                ancestor
                for ancestor in widget.ancestors_with_self
                if isinstance(ancestor, DocumentEditor)
            ),
            0,
        )
        if split is None or not isinstance(view, DocumentEditor):
            return False
        sheet = view.sheet
        name = sheet.id if view is sheet.first_view else view.id
        if name not in split.halves or name == split.current:
            return False
        self._activate(split.halves.index(name))
        return True

    # -- kept with the session --------------------------------------------------------------------

    @property
    def state(self) -> SplitView | None:
        """What is kept; None while the pane is whole."""
        split = self._stage.split
        if split is None:
            return None
        first, second = (self._find(name) for name in split.halves)
        if first is None or second is None:
            return None
        line = column = 0
        if first is second:
            half = 1 - split.halves.index(first.id or "")
            assert first.second_view is not None
            line, column = first.second_view.editor.model.cursor
        else:
            half = 1
        names = (first.name_key, second.name_key)
        wish = split.wish or ""
        return SplitView(names, split.active, wish, split.share, half, line, column)

    def restore(self, state: SplitView, by_key: Callable[[str], DocumentView | None]) -> None:
        """Divide the pane as it was, where both documents are open."""
        first, second = (by_key(name) for name in state.halves)
        if self.is_split or first is None or second is None:
            return
        wish: Direction | None = state.wish or None
        share = min(max(state.share, 15), 85)
        self._divide(first, second, wish, share)
        view = first.second_view
        split = self._stage.split
        if first is second and view is not None and split is not None:
            view.editor.move_to(view.editor.model.buffer.clamp(Location(state.line, state.column)))
            if not state.second_half:
                self._stage.divide(replace(split, halves=(split.halves[1], split.halves[0])))
        self._activate(1 if state.active else 0)
