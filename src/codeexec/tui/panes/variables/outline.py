"""Variables and their opened contents as rows; pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from codeexec.domain.events import Variable
from codeexec.domain.requests import VariableDetail
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.text.words import size_words
from codeexec.tui.render.plain import padded
from codeexec.tui.widgets.row_list import Ink, ListRow, Pieces, TextRow

Order = Literal["name", "type", "size"]
ORDERS: tuple[Order, ...] = ("name", "type", "size")

Key = tuple[str, str]
"""A variable's name, and the part of it that a row stands for (empty: the variable itself)."""

_OPENS = frozenset({"table", "array"})
_MOST_LINES = 40
"""Lines of a value's text that are shown below it; the rest is for the editor or the console."""

_WIDE = 56
"""From this width on, in cells, size and shape have columns of their own."""


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable, or a part of one that is open (`owner` names it). `widths` are those of the
    columns name and type. `is_news`: the last run made it, or gave it another value."""

    variable: Variable
    owner: str = ""
    is_open: bool = False
    widths: tuple[int, int] = (8, 6)
    is_news: bool = False

    def pieces(self, width: int) -> Pieces:
        variable = self.variable
        name_width, type_width = self.widths
        if self.owner:
            name_width = max(name_width - 2, 4)
        mark = "  " if self.owner else ("▾ " if self.is_open else "")
        if mark and not self.owner:
            name_width -= 2
        row: Pieces = [
            (mark, "muted"),
            (padded(variable.name, name_width) + "  ", self._ink_of_name),
            (padded(variable.type, type_width) + "  ", "muted"),
        ]
        shape = variable.shape.replace("x", "×") if variable.kind in _OPENS else ""
        room = width - sum(cell_len(text) for text, _ in row)
        if width >= _WIDE:
            size = size_words(variable.size) if variable.size is not None else ""
            row += [(padded(shape, 9) + " ", "accent"), (f"{size:>7}  ", "muted")]
            room -= 19
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


def ordered(variables: Sequence[Variable], order: Order, descending: bool) -> list[Variable]:
    """In the order of a column; those of unknown size last."""

    def key(variable: Variable) -> tuple[float, str]:
        match order:
            case "name":
                return 0.0, variable.name.casefold()
            case "type":
                return 0.0, f"{variable.type.casefold()}\0{variable.name.casefold()}"
            case "size":
                return float(-1 if variable.size is None else variable.size), variable.name

    return sorted(variables, key=key, reverse=descending)


def outline(
    variables: Sequence[Variable],
    details: Mapping[str, VariableDetail],
    sought: str,
    width: int,
    news: Collection[str] = (),
) -> list[tuple[Key, ListRow]]:
    """Rows of a list that is `width` cells wide. `news` are names that stand out.

    With `sought`, only variables whose name or type contains that text. Imported modules are not
    data: they are listed only if they match a search.
    """
    search = sought.casefold()
    listed = [
        item
        for item in variables
        if (search and search in f"{item.name}\0{item.type}".casefold())
        or (not search and item.kind != "module")
    ]
    inner = [
        part for item in listed if item.name in details for part in details[item.name].children
    ]
    is_wide = width >= _WIDE
    widths = (
        _widest([item.name for item in [*listed, *inner]], 4, 20 if is_wide else 13),
        _widest([item.type for item in [*listed, *inner]], 3, 14 if is_wide else 10),
    )
    rows: list[tuple[Key, ListRow]] = []
    for variable in listed:
        detail = details.get(variable.name)
        is_news = variable.name in news
        row = VariableRow(variable, is_open=detail is not None, widths=widths, is_news=is_news)
        rows.append(((variable.name, ""), row))
        if detail is not None:
            rows += _inside(variable.name, detail, widths)
    return rows


def _inside(
    name: str, detail: VariableDetail, widths: tuple[int, int]
) -> Iterator[tuple[Key, ListRow]]:
    for child in _public_first(detail.children):
        yield (name, child.name), VariableRow(child, name, widths=widths)
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


def _widest(texts: Sequence[str], least: int, most: int) -> int:
    return min(max(map(cell_len, texts), default=least), most)
