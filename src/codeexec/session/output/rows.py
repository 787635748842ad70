"""The rows of one execution: those at the end may still change, the others are let go."""

from __future__ import annotations

from msgspec import Struct

from codeexec.domain.outputs import LIVE_ROWS, RowKind, Run, Runs, compact
from codeexec.session.output.terminal import Row


class OutputPatch(Struct, frozen=True):
    """Rows from `start` on are now `runs`, `total` rows in all.

    `unfinished`: the last of them is text whose newline has not come yet.
    """

    start: int
    total: int
    runs: Runs
    unfinished: bool = False


class LiveRows:
    """The last `LIVE_ROWS` rows of `total`, and what has changed since it was last taken.

    `claims` names the kinds whose cursor has been led back to a row by rewriting controls since
    others last wrote: the end of the document belongs to the stream that wrote there last.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.claims: set[RowKind] = set()
        self._live: list[Row] = []
        self._frozen: list[Run] = []
        self._dirty: int | None = None

    def resume(self, rows: list[Row]) -> None:
        """These, the last of the `total` rows, can still change, and have not."""
        self._live = rows

    def numbered(self, number: int) -> Row | None:
        """The live row with this number."""
        at = number - self._live[0].number if self._live else -1
        return self._live[at] if 0 <= at < len(self._live) else None

    @property
    def last(self) -> Row:
        return self._live[-1]

    def is_live(self, row: Row) -> bool:
        return bool(self._live) and row.number >= self._live[0].number

    def of(self, kind: RowKind, start: Row | None = None) -> list[Row]:
        """Live rows of a kind, all or those after one of them."""
        first = start.number + 1 - self._live[0].number if start and self._live else 0
        return [row for row in self._live[max(first, 0) :] if row.kind == kind]

    def touch(self, row: Row) -> None:
        """It is about to change."""
        if self._dirty is None or row.number < self._dirty:
            self._dirty = row.number

    def add(self, kind: RowKind) -> Row:
        self.claims &= {kind}
        row = Row(kind, self.total)
        self._append([row])
        return row

    def add_text(self, kind: RowKind, joined: str) -> None:
        """Rows of finished text, joined by newlines."""
        self.claims &= {kind}
        size = joined.count("\n") + 1
        if size > LIVE_ROWS:
            if self._dirty is None:
                self._dirty = self.total
            self._freeze(len(self._live))
            cut = len(joined)
            for _ in range(LIVE_ROWS):
                cut = joined.rfind("\n", 0, cut)
            self._frozen.append(Run(kind, joined[:cut]))
            self.total += size - LIVE_ROWS
            joined = joined[cut + 1 :]
        self._append(
            [Row(kind, number, text) for number, text in enumerate(joined.split("\n"), self.total)]
        )

    def _append(self, rows: list[Row]) -> None:
        self.touch(rows[0])
        self._live += rows
        self.total += len(rows)
        if len(self._live) > LIVE_ROWS:
            self._freeze(len(self._live) - LIVE_ROWS)

    def _freeze(self, count: int) -> None:
        """Rows before the first change are known already, and are let go."""
        for row in self._live[:count]:
            if self._dirty is not None and row.number >= self._dirty:
                self._frozen.append(row.to_run())
        del self._live[:count]

    def clear(self) -> None:
        self.claims.clear()
        self._live.clear()
        self._frozen.clear()
        self.total = self._dirty = 0

    def is_last(self, row: Row | None) -> bool:
        return row is not None and bool(self._live) and row is self._live[-1]

    def take_patch(self, *, unfinished: bool) -> OutputPatch | None:
        """All changes since the last patch, complete; None when there are none."""
        if self._dirty is None:
            return None
        start, self._dirty = self._dirty, None
        pending = self._frozen + [row.to_run() for row in self._live if row.number >= start]
        self._frozen = []
        return OutputPatch(start, self.total, compact(pending), unfinished)
