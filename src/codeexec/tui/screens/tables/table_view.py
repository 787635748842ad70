"""The view that the user has made of a table: filter, order, and which columns are where."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from codeexec.domain.requests import SortKey, TablePage, TableView
from codeexec.tui.render.plain import one_line


@dataclass
class ViewState:
    """`shown` are places of columns in the variable; empty before the first page came."""

    filter: str = ""
    order: tuple[SortKey, ...] = ()
    revision: int = 0
    allows_long: bool = False
    """The user has agreed to what takes long, for this filter and order."""
    shown: list[int] = field(default_factory=list)
    names: tuple[str, ...] = ()
    """All columns of the variable, as it spells them."""

    def request(self) -> TableView:
        return TableView(self.filter, self.order, self.revision, self.allows_long)

    def choose(self, filter: str, order: tuple[SortKey, ...]) -> None:
        """Another filter, another order."""
        self.filter, self.order, self.allows_long = filter, order, False

    def arranged(self, page: TablePage) -> TablePage:
        """A page with the columns that are shown, and nothing that acts on a screen."""
        if page.names != self.names:
            self.names, self.shown = page.names, list(range(len(page.names)))
        types = page.types
        return replace(
            page,
            names=tuple(one_line(page.names[at]) for at in self.shown),
            types=tuple(one_line(types[at]) if at < len(types) else "" for at in self.shown),
            index=tuple(map(one_line, page.index)),
            cells=tuple(tuple(one_line(row[at]) for at in self.shown) for row in page.cells),
        )

    def name_at(self, column: int) -> str:
        """The name of a shown column, as the variable spells it."""
        return self.names[self.shown[column]]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the shown columns; empty where these are all, in their order."""
        if self.shown == list(range(len(self.names))):
            return ()
        return tuple(self.names[at] for at in self.shown)

    @property
    def hidden_count(self) -> int:
        return len(self.names) - len(self.shown)

    def turn_order(self, column: int, *, adds: bool = False) -> None:
        """Up, then down, then without this column; the others stay where it `adds`."""
        name = self.name_at(column)
        old = next((key for key in self.order if key.column == name), None)
        if old is None:
            new: tuple[SortKey, ...] = (SortKey(name),)
            self.choose(self.filter, (*self.order, *new) if adds else new)
            return
        changed = () if old.descending else (SortKey(name, descending=True),)
        sort_keys: list[SortKey] = []
        for key in self.order:
            if key is old:
                sort_keys += changed
            elif adds:
                sort_keys.append(key)
        self.choose(self.filter, tuple(sort_keys))

    def hide(self, column: int) -> bool:
        """False for the last one."""
        if len(self.shown) < 2:
            return False
        del self.shown[column]
        return True

    def show_all(self) -> None:
        self.shown = list(range(len(self.names)))

    def move(self, column: int, by: int) -> int:
        """Move a column to the left or right; where it is then."""
        to = min(max(column + by, 0), len(self.shown) - 1)
        self.shown.insert(to, self.shown.pop(column))
        return to
