"""Variables and their opened contents as rows; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rich.cells import cell_len

from codeexec.domain.events import Variable
from codeexec.domain.requests import VariableDetail, VariableSize
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.panes.variables.sizes import bytes_of, words_of
from codeexec.tui.render.plain import padded
from codeexec.tui.widgets.row_list import Ink, ListRow, Pieces, TextRow

Order = Literal["name", "type", "size"]
ORDERS: tuple[Order, ...] = ("name", "type", "size")

Key = tuple[str, str]
"""A variable's name, and the part of it that a row stands for (empty: the variable itself)."""

_OPENS = frozenset({"table", "array"})
_MOST_LINES = 40
"""Lines of a value's text that are shown below it; the rest is for the editor or the console."""

_TITLE = 5
"""The least width of a column: that of its title with an arrow fits then."""

_WIDE = 56
"""From this width on, in cells, size and shape have columns of their own."""


@dataclass(frozen=True, slots=True)
class VariableColumns:
    """Widths in cells. Where `shape` is 0, the shape stands before the value; where `size` is 0,
    the size is not shown."""

    name: int = 8
    type: int = 6
    shape: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable, or a part of one that is open (`owner` names it). `size` is in words. `is_news`:
    the last run made it, or gave it another value."""

    variable: Variable
    owner: str = ""
    is_open: bool = False
    columns: VariableColumns = VariableColumns()
    size: str = ""
    is_news: bool = False

    def pieces(self, width: int) -> Pieces:
        variable, columns = self.variable, self.columns
        name_width = columns.name
        if self.owner:
            name_width = max(name_width - 2, 4)
        mark = "  " if self.owner else ("▾ " if self.is_open else "")
        if mark and not self.owner:
            name_width -= 2
        row: Pieces = [
            (mark, "muted"),
            (padded(variable.name, name_width) + "  ", self._ink_of_name),
            (padded(variable.type, columns.type) + "  ", "muted"),
        ]
        shape = variable.shape.replace("x", "×") if variable.kind in _OPENS else ""
        room = width - sum(cell_len(text) for text, _ in row)
        if columns.shape:
            row.append((padded(shape, columns.shape) + " ", "accent"))
            room -= columns.shape + 1
        if columns.size:
            row.append((f"{self.size:>{columns.size}}  ", "muted"))
            room -= columns.size + 2
        elif shape and room > len(shape):
            row.append((padded(shape, len(shape) + 1), "accent"))
            room -= len(shape) + 1
        if room > 3:
            row.append((padded(variable.preview, room), "text"))
        return row

    @property
    def _ink_of_name(self) -> Ink:
        if self.owner:
            return "muted"
        return "accent" if self.is_news else "title"


def ordered(
    variables: Sequence[Variable],
    order: Order,
    descending: bool,
    sizes: Mapping[str, VariableSize] = MappingProxyType({}),
) -> list[Variable]:
    """In the order of a column; those of unknown size last. `sizes` are with what is in them."""

    def key(variable: Variable) -> tuple[float, str]:
        match order:
            case "name":
                return 0.0, variable.name.casefold()
            case "type":
                return 0.0, f"{variable.type.casefold()}\0{variable.name.casefold()}"
            case "size":
                size = bytes_of(variable, sizes)
                return float(-1 if size is None else size), variable.name

    return sorted(variables, key=key, reverse=descending)


def listed(variables: Sequence[Variable], sought: str) -> list[Variable]:
    """Those whose name or type contains a text; without one, all but imported modules, which are
    not data."""
    search = sought.casefold()
    return [
        item
        for item in variables
        if (search and search in f"{item.name}\0{item.type}".casefold())
        or (not search and item.kind != "module")
    ]


def columns_for(
    variables: Sequence[Variable],
    details: Mapping[str, VariableDetail],
    width: int,
    *,
    has_size: bool,
) -> VariableColumns:
    """Widths for a list that is `width` cells wide; a narrow one has no sizes unless `has_size`."""
    inner = [part for v in variables if v.name in details for part in details[v.name].children]
    is_wide = width >= _WIDE
    return VariableColumns(
        _widest([item.name for item in [*variables, *inner]], 20 if is_wide else 13),
        _widest([item.type for item in [*variables, *inner]], 14 if is_wide else 10),
        9 if is_wide else 0,
        8 if is_wide or has_size else 0,
    )


def outline(
    variables: Sequence[Variable],
    details: Mapping[str, VariableDetail],
    columns: VariableColumns,
    sizes: Mapping[str, VariableSize],
    news: Collection[str] = (),
) -> list[tuple[Key, ListRow]]:
    """Rows of variables, each with its parts where it is open. `news` are names that stand out."""
    rows: list[tuple[Key, ListRow]] = []
    for variable in variables:
        detail = details.get(variable.name)
        size, is_news = words_of(variable, sizes), variable.name in news
        row = VariableRow(variable, "", detail is not None, columns, size, is_news)
        rows.append(((variable.name, ""), row))
        if detail is not None:
            rows += _inside(variable.name, detail, columns)
    return rows


def _inside(
    name: str, detail: VariableDetail, columns: VariableColumns
) -> Iterator[tuple[Key, ListRow]]:
    for child in _public_first(detail.children):
        size = words_of(child, {})
        yield (name, child.name), VariableRow(child, name, columns=columns, size=size)
    if not detail.children:
        lines = detail.text.split("\n")
        for number, line in enumerate(lines[:_MOST_LINES]):
            yield (name, f"line {number}"), TextRow(f"  {line}", "muted")
        if len(lines) > _MOST_LINES:
            message = f"  … {len(lines) - _MOST_LINES} more lines"
            yield (name, "more"), TextRow(message, "muted")


SESSION_PREFIX = "session."
"""Before the names of session variables in the list."""

_PREVIEW = 1000
"""Characters of a session variable, which may have a million, that its row is made of."""


def alive(snapshot: Snapshot) -> tuple[Variable, ...]:
    """The variables of the kernel that is there now, and those of the session."""
    is_there = snapshot.kernel.state in ("idle", "busy")
    same = snapshot.kernel.variables_generation == snapshot.kernel.generation
    of_session = tuple(
        Variable(f"{SESSION_PREFIX}{name}", "session", text[:_PREVIEW], kind="session")
        for name, text in snapshot.session_variables.items()
    )
    return (*(snapshot.kernel.variables if is_there and same else ()), *of_session)


def _public_first(children: Sequence[Variable]) -> list[Variable]:
    """Attributes with an underscore after the others; items stay in their order."""
    return sorted(children, key=lambda child: child.name.startswith("._"))


def _widest(texts: Sequence[str], most: int) -> int:
    return min(max([_TITLE, *map(cell_len, texts)]), most)
