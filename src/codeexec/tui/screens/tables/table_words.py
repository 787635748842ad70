"""Texts about tables: conditions from cells, rows as TSV and Markdown, facts about a column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content

from codeexec.documents.displays.table_values import NULLS, is_number
from codeexec.domain.requests import ColumnFacts, TablePage
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.screens.tables.table_view import ViewState

_NUMERIC = re.compile(r"u?int|float|double|decimal|numeric|bigint|hugeint|real|half", re.IGNORECASE)
_RESERVED = frozenset(["and", "or", "not", "in", "is", "null", "none", "nan", "true", "false"])
_BARS = " ▁▂▃▄▅▆▇█"


def column_word(name: str) -> str:
    """A column as a filter has it."""
    is_word = re.fullmatch(r"[^\W\d][\w.]*", name) is not None and name.lower() not in _RESERVED
    return name if is_word else f"`{name}`"


def condition_of(name: str, kind: str, text: str, *, excluded: bool = False) -> str:
    """The condition that a row has this cell, or has not."""
    column = column_word(name)
    if text in NULLS:
        return f"{column} is {'not ' if excluded else ''}null"
    sign = "!=" if excluded else "=="
    if _NUMERIC.search(kind) and is_number(text):
        return f"{column} {sign} {text.replace(',', '')}"
    if text in ("True", "False"):
        return f"{column} {sign} {text.lower()}"
    escaped = text.removesuffix("…").replace("\\", "\\\\").replace('"', '\\"')
    if text.endswith("…"):  # a long text is cut
        return f'{column} {"!~" if excluded else "~"} "{escaped}"'
    return f'{column} {sign} "{escaped}"'


def joined_filter(old: str, condition: str) -> str:
    """Both conditions."""
    if not old:
        return condition
    needs_brackets = "|" in old or re.search(r"\bor\b", old, re.IGNORECASE)
    return f"({old}) & {condition}" if needs_brackets else f"{old} & {condition}"


def as_tsv(page: TablePage) -> str:
    rows = [page.names, *page.cells]
    return "".join("\t".join(cell.replace("\t", " ") for cell in row) + "\n" for row in rows)


def as_markdown(page: TablePage) -> str:
    """A table with its columns side by side, numbers to the right."""

    def escaped(row: Sequence[str]) -> list[str]:
        return [cell.replace("|", "\\|").replace("\n", " ") for cell in row]

    rows = [escaped(page.names), *map(escaped, page.cells)]
    widths = [max(3, *(cell_len(row[at]) for row in rows)) for at in range(len(page.names))]
    right = [_NUMERIC.search(kind) is not None for kind in page.types]
    lines = []
    for row in rows:
        padded = (
            " " * (width - cell_len(cell)) + cell
            if is_right
            else cell + " " * (width - cell_len(cell))
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        lines.append("| " + " | ".join(padded) + " |")
    rule = ("-" * (width - 1) + (":" if r else "-") for width, r in zip(widths, right, strict=True))
    return "\n".join([lines[0], "| " + " | ".join(rule) + " |", *lines[1:]]) + "\n"


def histogram(bins: Sequence[int], width: int) -> str:
    """Bars of one line."""
    if not bins:
        return ""
    group = -(-len(bins) // max(width, 1))
    sums = [sum(bins[at : at + group]) for at in range(0, len(bins), group)]
    most = max(sums) or 1
    return "".join(_BARS[-(-8 * count // most)] for count in sums)


def facts_content(name: str, facts: ColumnFacts, width: int) -> Content:
    """Facts on the left, the most frequent values on the right."""
    left_width = max(min(width * 3 // 5, 72), 30)
    right_width = min(max(width - left_width - 2, 12), 52)
    left: list[Content] = [Content.styled(fitted(one_line(name), left_width), "bold $accent")]
    for title, text in facts.lines:
        late = title in facts.late
        text_of_cell = fitted(one_line(text), left_width - 11)
        left.append(
            Content.assemble(
                Content.styled(f"{title:<10} ", "$text-muted"),
                Content.styled(text_of_cell, "$text-warning" if late else "$text"),
            )
        )
    if facts.bins:
        edges = cell_len(facts.low) + cell_len(facts.high) + 2
        bars = histogram(facts.bins, max(left_width - edges, 8))
        left.append(
            Content.assemble(
                Content.styled(f"{facts.low} ", "$text-muted"),
                Content.styled(bars, "$accent"),
                Content.styled(f" {facts.high}", "$text-muted"),
            )
        )
    right: list[Content] = [Content.styled("most frequent", "$text-muted")]
    most = max((count for _, count in facts.frequent), default=1) or 1
    count_width = max((len(f"{count:,}") for _, count in facts.frequent), default=1)
    bar_width = max(min(right_width // 4, 12), 3)
    for value, count in facts.frequent[: max(len(left) - 1, 5)]:
        bar = "█" * max(round(bar_width * count / most), 1)
        value_width = max(right_width - count_width - bar_width - 3, 4)
        text_of_cell = fitted(one_line(value), value_width)
        right.append(
            Content.assemble(
                text_of_cell + " " * (value_width - cell_len(text_of_cell)),
                Content.styled(f" {count:>{count_width},} ", "$text-muted"),
                Content.styled(bar, "$accent"),
            )
        )
    if "frequent" in facts.late:
        right.append(Content.styled("takes longer: i looks again", "$text-warning"))
    lines = []
    for at in range(max(len(left), len(right))):
        first = left[at] if at < len(left) else Content("")
        second = right[at] if at < len(right) else Content("")
        gap = " " * max(left_width + 2 - first.cell_length, 1)
        lines.append(Content.assemble(first, gap, second))
    return Content("\n").join(lines)


def table_title(name: str, view: ViewState, size: tuple[int, int], *, is_old: bool) -> Content:
    """Name and size of a table, and whether a run may be changing it."""
    rows, columns = size
    parts = [Content(f"{one_line(name)}  {rows:,}×{columns:,}" if columns else one_line(name))]
    if view.hidden_count:
        parts.append(Content.styled(f" +{view.hidden_count} hidden", "$text-muted"))
    if is_old:
        parts.append(Content.styled("  ▶ as before the run", "$text-warning"))
    return Content.assemble(*parts)


def view_line(view: ViewState, working: str, note: str, asks: str = "") -> Content:
    """What goes on in the kernel or waits for the user, filter and order; empty where there is
    nothing of these."""
    parts = []
    if asks:
        words = f"{note} {asks}: Enter begins it" if note else f"{asks}: Enter begins it, Esc not"
        parts.append(Content.styled(one_line(words), "bold $text-warning"))
    elif working:
        parts.append(Content.styled(f"{one_line(working)}… esc cancels", "$text-warning"))
    elif note:
        parts.append(Content.styled(one_line(note), "$text-warning"))
    if view.order:
        arrows = (f"{one_line(k.column)} {'↓' if k.descending else '↑'}" for k in view.order)
        parts.append(Content(f"by {', '.join(arrows)}"))
    if view.filter:
        parts.append(Content.styled(f"where {one_line(view.filter)}", "$accent"))
    return Content("   ").join(parts)
