"""Outputs stored in a notebook's file, as execution views that this session never ran.

Only the workbench makes and shows them: they are in no journal, and opening a file runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codeexec.documents.notebook.outputs import joined
from codeexec.domain.mime import is_base64, is_json
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, clip_row, compact, count_rows
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.text.printable import printable_row
from codeexec.tui.render.counts import counted

if TYPE_CHECKING:
    from codeexec.documents.model import Cell
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.domain.events import CellRef

    Json = dict[str, Any]

_PREFIX = "stored:"

MOST_CELLS = 200
"""Cells of a notebook whose outputs are shown: the first ones that have some."""

MOST_ROWS = 300
"""Rows of a cell that are shown; a last one says how many more the file has."""

_MOST_CHARACTERS = 200_000
"""Characters of a text that are looked at."""


def is_stored(execution_id: str) -> bool:
    """Whether a view is of a notebook's file, not of an execution."""
    return execution_id.startswith(_PREFIX)


def stored_views(
    notebook: Notebook, cells: Sequence[Cell], refer: Callable[[Cell], CellRef], first: int
) -> tuple[ExecutionView, ...]:
    """One view for each code cell that has outputs in the file, numbered from `first` on.

    `cells` are those of the notebook in order; `refer` says where a cell's code comes from.
    """
    views: list[ExecutionView] = []
    for index, cell in enumerate(cells):
        outputs = notebook.outputs(index) if index < len(notebook.data["cells"]) else ()
        if not cell.is_code or not outputs:
            continue
        if len(views) == MOST_CELLS:
            break
        place = refer(cell)
        key = f"{_PREFIX}{place.document}:{place.cell}"
        runs = _bounded(list(_runs(outputs, key)))
        displays = tuple(run.display for run in runs if run.display is not None)
        error = next((run.error for run in runs if run.error is not None), None)
        views.append(
            ExecutionView(
                key,
                cell.source,
                status="ok" if error is None else "error",
                cell=place,
                count=notebook.execution_count(index),
                total=count_rows(runs),
                tail=runs,
                displays=displays,
                error=error,
                number=first + len(views),
            )
        )
    return tuple(views)


def _runs(outputs: Sequence[Json], key: str) -> Iterator[Run]:
    for place, output in enumerate(outputs):
        match output.get("output_type"):
            case "stream":
                yield _stream(output)
            case "error":
                rows = output.get("traceback")
                lines = tuple(map(_safe, rows)) if isinstance(rows, list) else ()
                name, value = _safe(output.get("ename")), _safe(output.get("evalue"))
                yield Run("error", error=ErrorInfo(name, value, lines))
            case "display_data" | "execute_result":
                yield Run("display", display=_display(output, f"{key}:{place}"))


def _stream(output: Json) -> Run:
    text = joined(output.get("text"))
    cut = text[:_MOST_CHARACTERS]
    left_out = text.count("\n", len(cut))
    lines = cut.removesuffix("\n").split("\n")
    left_out += max(len(lines) - MOST_ROWS, 0)
    # What a carriage return went back over is not to be seen in a notebook either.
    rows = [
        clip_row(printable_row(line.rstrip("\r").rpartition("\r")[2])) for line in lines[:MOST_ROWS]
    ]
    if left_out:
        rows.append(_more(left_out))
    return Run("stderr" if output.get("name") == "stderr" else "stdout", "\n".join(rows))


def _bounded(runs: list[Run]) -> tuple[Run, ...]:
    """At most MOST_ROWS rows and the words that say how many more there are."""
    bounded: list[Run] = []
    rows = 0
    for place, run in enumerate(runs):
        if rows >= MOST_ROWS:
            return compact((*bounded, Run("stdout", _more(count_rows(runs[place:])))))
        bounded.append(run)
        rows += run.rows
    return compact(bounded)


def _more(rows: int) -> str:
    return f"… {counted(rows, 'more row')} in the file"


def _display(output: Json, key: str) -> Display:
    data = output.get("data")
    forms: Mapping[str, object] = data if isinstance(data, dict) else {}
    role, count = output.get("output_type"), output.get("execution_count")
    return Display(
        key,
        tuple(_part(str(mime), value) for mime, value in forms.items()),
        "result" if role == "execute_result" else "display",
        count=count if isinstance(count, int) else None,
    )


def _part(mime: str, value: object) -> MimePart:
    if is_json(mime):
        import json  # not at the start

        text = json.dumps(value, ensure_ascii=False)
        return MimePart(mime, len(text), text)
    text = joined(value)
    if is_base64(mime):
        return MimePart(mime, len(text) * 3 // 4, text)
    if mime == "text/plain":
        text = printable_row(text)
    return MimePart(mime, len(text), text)


def _safe(value: object) -> str:
    return printable_row("" if value is None else str(value)[:_MOST_CHARACTERS])
