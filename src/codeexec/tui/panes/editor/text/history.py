"""Undo history: changes grouped by typed word or command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.text.text import Selection, TextChange


@dataclass(slots=True)
class UndoStep:
    """Changes that are undone together, with the selections and the keys of cells around them."""

    kind: str
    before: Selection
    after: Selection
    changes: list[TextChange] = field(default_factory=list)
    keys_before: tuple[str, ...] = ()
    keys_after: tuple[str, ...] = ()


class UndoHistory:
    """Steps done and undone. `kind` names what may merge: `type`, `delete`; empty never does."""

    def __init__(self) -> None:
        self._done: list[UndoStep] = []
        self._undone: list[UndoStep] = []
        self._saved: UndoStep | None = None
        self._lost_saved = False
        self._open = False

    def record(
        self,
        changes: list[TextChange],
        kind: str,
        before: Selection,
        after: Selection,
        keys: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    ) -> None:
        """One step more; what was undone is forgotten. `keys` are those of the cells before and
        after it."""
        if any(step is self._saved for step in self._undone):
            self._lost_saved = True
        self._undone.clear()
        last = self._done[-1] if self._done and self._open else None
        if last is not None and kind and self._merges(last, kind, changes, before):
            last.changes.extend(changes)
            last.after = after
            last.keys_after = keys[1]
        else:
            self._done.append(UndoStep(kind, before, after, list(changes), *keys))
        self._open = True

    def _merges(
        self, last: UndoStep, kind: str, changes: list[TextChange], selection: Selection
    ) -> bool:
        if last is self._saved or last.kind != kind or last.after != selection or len(changes) != 1:
            return False
        if kind != "type":
            return "\n" not in changes[0].removed
        typed, previous = changes[0].inserted, last.changes[-1].inserted
        # A newline was added to what was typed, where it needs a line of its own.
        starts_word = previous.removesuffix("\n")[-1:].isspace() and not typed[:1].isspace()
        return "\n" not in typed and not starts_word

    def close(self) -> None:
        """Whatever comes next is a step of its own (the cursor was moved, say)."""
        self._open = False

    def undo(self) -> UndoStep | None:
        self._open = False
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> UndoStep | None:
        self._open = False
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def mark_saved(self) -> None:
        """The text as it is now is what the file holds."""
        self._open = False
        self.mark_saved_at(self.last)

    def mark_saved_at(self, step: UndoStep | None) -> None:
        """What the file holds is the text after this step (None: before the first)."""
        self._saved = step
        steps = (*self._done, *self._undone)
        self._lost_saved = step is not None and all(one is not step for one in steps)

    @property
    def is_saved(self) -> bool:
        """Is the text what it was at `mark_saved`?"""
        return not self._lost_saved and self._saved is (self._done[-1] if self._done else None)

    @property
    def last(self) -> UndoStep | None:
        """The step that was done last."""
        return self._done[-1] if self._done else None

    def was_saved_before(self, step: UndoStep) -> bool:
        """Whether `step` was done last, on the text as it was at `mark_saved`."""
        if self._lost_saved or self.last is not step:
            return False
        return self._saved is (self._done[-2] if len(self._done) > 1 else None)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)
