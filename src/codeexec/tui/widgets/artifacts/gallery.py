"""All items of a session in order: newest first, pinned on top, by kind and by execution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codeexec.domain.outputs import Display
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.render.registry import Kind
from codeexec.tui.widgets.artifacts.items import ICONS, Item, item_of, item_of_file

Filter = Kind | Literal["all"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What only the content itself tells."""

    kind: Kind
    detail: str


class Gallery:
    """Follows snapshots, and derives again only what is not as it was."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[Display, ...], int | None, tuple[Item, ...]]] = {}
        self._snapshot = Snapshot()
        self._learned: dict[str, Learned] = {}
        self._found: tuple[Item, ...] = ()
        self.pins: frozenset[str] = frozenset()

    def take(self, snapshot: Snapshot) -> bool:
        """Follow what is; whether the items are not as they were."""
        before, self._snapshot = self._snapshot, snapshot
        changed = snapshot.artifacts is not before.artifacts
        if snapshot.executions is not before.executions:
            for key, view in snapshot.executions.items():
                if before.executions.get(key) is not view:
                    changed = self._derive(view) or changed
            if any(key not in snapshot.executions for key in self._seen):
                self._seen = {k: v for k, v in self._seen.items() if k in snapshot.executions}
                changed = True
        if changed:
            self._found = tuple(self._newest_first())
        return changed

    def _derive(self, view: ExecutionView) -> bool:
        seen = self._seen.get(view.execution_id)
        if seen is None and not view.displays:
            return False
        if seen is not None and seen[0] is view.displays and seen[1] == view.count:
            return False
        made = (item_of(display, view) for display in view.displays)
        items = tuple(item for item in made if item is not None)
        self._seen[view.execution_id] = (view.displays, view.count, items)
        return seen is None or seen[2] != items

    def _newest_first(self) -> Iterator[Item]:
        files: dict[str, list[Item]] = {}
        for artifact in self._snapshot.artifacts:
            view = self._snapshot.executions.get(artifact.execution_id)
            where = artifact.execution_id if view is not None else ""
            files.setdefault(where, []).append(item_of_file(artifact, view))
        yield from reversed(files.get("", []))
        for key in reversed(self._snapshot.executions):
            yield from reversed(files.get(key, []))
            if key in self._seen:
                yield from reversed(self._seen[key][2])

    def items(self, kind: Filter = "all", execution_id: str = "") -> list[Item]:
        """Those of a kind and of an execution (or of all), pinned ones on top."""
        found = [
            item
            for item in map(self._known, self._found)
            if kind in ("all", item.kind) and execution_id in ("", item.execution_id)
        ]
        if self.pins:
            found.sort(key=lambda item: not item.is_pinned)
        return found

    def find(self, key: str) -> Item | None:
        return next((self._known(item) for item in self._found if item.key == key), None)

    def newest(self, items: Sequence[Item]) -> str:
        """The key of the one of these that came last, wherever it stands; or nothing."""
        keys = {item.key for item in items}
        return next((item.key for item in self._found if item.key in keys), "")

    def newer(self, items: Sequence[Item], key: str) -> int:
        """How many of these came after that one."""
        keys = {item.key for item in items}
        order = [item.key for item in self._found if item.key in keys]
        return order.index(key) if key in order else 0

    def kinds(self) -> list[Kind]:
        """The kinds that there are, in the order of ICONS."""
        present = {self._known(item).kind for item in self._found}
        return [kind for kind in ICONS if kind in present]

    def learn(self, item: Item, learned: Learned) -> bool:
        """Take in what the content has told; whether that is news."""
        if self._learned.get(item.content) == learned:
            return False
        self._learned[item.content] = learned
        return True

    def pin(self, key: str) -> None:
        """Put it on top, or let it go."""
        self.pins = self.pins ^ {key}

    def _known(self, item: Item) -> Item:
        learned = self._learned.get(item.content)
        if learned is not None:
            item = replace(item, kind=learned.kind, detail=learned.detail)
        return replace(item, is_pinned=True) if item.key in self.pins else item
