"""Ordered index of the session's artifacts: newest first, pinned on top, with filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codeexec.domain.outputs import Display
from codeexec.domain.requests import DisplayPage
from codeexec.domain.snapshot import KEPT_DISPLAYS, ExecutionView, Snapshot
from codeexec.tui.panes.artifacts.items import ICONS, Item, item_of, item_of_file
from codeexec.tui.render.registry import Kind

Filter = Kind | Literal["all"]


@dataclass(frozen=True, slots=True)
class Learned:
    """What only the content itself tells."""

    kind: Kind
    detail: str


@dataclass(frozen=True, slots=True)
class _IndexedExecution:
    """What one execution shows; `number` orders executions."""

    number: int
    displays: tuple[Display, ...]
    count: int | None
    items: tuple[Item, ...]


MOST_PAST = 1000
"""Items that are kept of executions which the snapshot no longer holds; older ones are read."""


class ArtifactIndex:
    """Follows snapshots, and derives again only what is not as it was."""

    def __init__(self) -> None:
        self._seen: dict[str, _IndexedExecution] = {}
        self._read: dict[str, tuple[int, int, Item]] = {}
        """Items that were read, by key: number of the execution, position, item."""
        self._lowest = 0
        self.has_older = False
        """There are items of displays that were not read yet."""
        self._snapshot = Snapshot()
        self._stored: tuple[Item, ...] = ()
        self._learned: dict[str, Learned] = {}
        self._found: tuple[Item, ...] = ()
        self.pins: frozenset[str] = frozenset()

    def take(self, snapshot: Snapshot) -> bool:
        """Follow what is; whether the items are not as they were."""
        previous, self._snapshot = self._snapshot, snapshot
        changed = snapshot.artifacts is not previous.artifacts
        if snapshot.executions is not previous.executions:
            for key, view in snapshot.executions.items():
                if previous.executions.get(key) is not view:
                    changed = self._derive(view) or changed
            if not snapshot.executions and self._seen:
                self._seen, self._read, changed = {}, {}, True  # it is another session
            self._forget_past()
            if previous.seq == 0 and snapshot.executions_total > len(snapshot.executions):
                self.has_older = True
        if changed:
            self._found = tuple(self._newest_first())
        return changed

    def show_stored(self, views: Sequence[ExecutionView]) -> bool:
        """Have these outputs of notebooks' files, and no others; whether that is news."""
        made = (item_of(display, view) for view in views for display in view.displays)
        items = tuple(
            replace(item, is_stored=True, variable="") for item in made if item is not None
        )
        if items == self._stored:
            return False
        self._stored = items
        self._found = tuple(self._newest_first())
        return True

    def _forget_past(self) -> None:
        """Of what the snapshot no longer holds, keep the newest."""
        held = self._snapshot.executions
        past = sorted(
            (indexed.number, key) for key, indexed in self._seen.items() if key not in held
        )
        size = sum(len(self._seen[key].items) for _, key in past)
        for _, key in past:
            if size <= MOST_PAST:
                return
            size -= len(self._seen.pop(key).items)
            self._lowest, self.has_older = 0, True

    @property
    def lowest(self) -> int:
        """The position before which older displays are to be read; 0: from the newest on."""
        return self._lowest

    def take_page(self, page: DisplayPage) -> bool:
        """Displays that were read; whether there is a new item among them."""
        known_keys = {item.key for item in self._found}
        count = len(self._read)
        for row in page.displays:
            self._lowest = row.position
            item = item_of(row.display, row.execution)
            if item is not None and item.key not in known_keys:
                self._read[item.key] = (row.execution.number, row.position, item)
        self.has_older = page.more
        if len(self._read) == count:
            return False
        self._found = tuple(self._newest_first())
        return True

    @staticmethod
    def _misses(previous: _IndexedExecution | None, items: tuple[Item, ...]) -> bool:
        """Whether an execution shows more than the last displays that its view holds."""
        if previous is None:
            return True
        keys = {item.key for item in items}
        return any(item.key not in keys for item in previous.items)

    def _derive(self, view: ExecutionView) -> bool:
        indexed = self._seen.get(view.execution_id)
        if indexed is None and not view.displays:
            return False
        if (
            indexed is not None
            and indexed.displays is view.displays
            and indexed.count == view.count
        ):
            return False
        made = (item_of(display, view) for display in view.displays)
        items = tuple(item for item in made if item is not None)
        if len(view.displays) == KEPT_DISPLAYS and self._misses(indexed, items):
            self._lowest, self.has_older = 0, True
        self._seen[view.execution_id] = _IndexedExecution(
            view.number, view.displays, view.count, items
        )
        return indexed is None or indexed.items != items

    def _newest_first(self) -> Iterator[Item]:
        files: dict[str, list[Item]] = {}
        for artifact in self._snapshot.artifacts:
            view = self._snapshot.executions.get(artifact.execution_id)
            files.setdefault(artifact.execution_id, []).append(item_of_file(artifact, view))
        yield from reversed(files.pop("", []))
        held = self._snapshot.executions
        indexed_keys = {item.key for indexed in self._seen.values() for item in indexed.items}
        read: dict[int, list[tuple[int, Item]]] = {}
        for number, position, item in self._read.values():
            if item.key not in indexed_keys:
                read.setdefault(number, []).append((position, item))
        keys = list(dict.fromkeys((*held, *self._seen)))
        places = {key: held[key].number if key in held else self._seen[key].number for key in keys}
        for _, _, key in sorted(((places[k], at, k) for at, k in enumerate(keys)), reverse=True):
            yield from reversed(files.pop(key, []))
            if key in self._seen:
                yield from reversed(self._seen[key].items)
            yield from _newest(read.pop(places[key], []))
        for number in sorted(read, reverse=True):
            yield from _newest(read[number])
        for past in reversed(files.values()):
            yield from reversed(past)
        yield from reversed(self._stored)

    def items(self, kind: Filter = "all", execution_id: str = "") -> list[Item]:
        """Those of a kind and of an execution (or of all), pinned ones on top."""
        selected = [
            item
            for item in map(self._known, self._found)
            if kind in ("all", item.kind) and execution_id in ("", item.execution_id)
        ]
        if self.pins:
            selected.sort(key=lambda item: not item.is_pinned)
        return selected

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


def _newest(items: list[tuple[int, Item]]) -> list[Item]:
    return [item for _, item in sorted(items, key=lambda entry: -entry[0])]
