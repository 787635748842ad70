"""Outputs stored in a notebook's file, as execution views that this session never ran.

Only the workbench makes and shows them: they are in no journal, and opening a file runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codeexec.documents.notebook.outputs import joined
from codeexec.domain.content.charts import chart_library
from codeexec.domain.content.mime import is_base64, is_json
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

_MOST_BYTES = 16_000_000
"""JSON of outputs that is read when a notebook is opened."""

WHOLE_ROWS = 100_000
"""Rows of a cell whose output is shown whole."""

_MOST_CHARACTERS = 200_000
"""Characters of a text that are looked at."""
_WHOLE_CHARACTERS = 50_000_000


def is_stored(execution_id: str) -> bool:
    """Whether a view is of a notebook's file, not of an execution."""
    return execution_id.startswith(_PREFIX)


def stored_views(
    notebook: Notebook, cells: Sequence[Cell], refer: Callable[[Cell], CellRef], first: int
) -> tuple[ExecutionView, ...]:
    """One view for each code cell that has outputs in the file, numbered from `first` on: at most
    MOST_CELLS, and about _MOST_BYTES of JSON.

    `cells` are those of the notebook in order; `refer` says where a cell's code comes from.
    """
    views: list[ExecutionView] = []
    size = 0
    for index, (cell, raw) in enumerate(zip(cells, notebook.data["cells"], strict=False)):
        if not cell.is_code or not raw.get("outputs"):
            continue
        size += notebook.output_size(index)
        if len(views) == MOST_CELLS or (size > _MOST_BYTES and views):
            break
        views.append(stored_view(raw, cell, refer(cell), first + len(views)))
    return tuple(views)


def stored_view(
    raw: Json, cell: Cell, place: CellRef, number: int, most_rows: int = MOST_ROWS
) -> ExecutionView:
    """The outputs of one cell of a notebook, whose JSON is `raw`; parsed now, and not kept.

    Outputs of an unknown type or without data are left out.
    """
    key = f"{_PREFIX}{place.document}:{place.cell}"
    runs = _bounded(list(_runs(_readable(raw), key, most_rows)), most_rows)
    error = next((run.error for run in runs if run.error is not None), None)
    count = raw.get("execution_count")
    return ExecutionView(
        key,
        cell.source,
        status="ok" if error is None else "error",
        cell=place,
        count=count if isinstance(count, int) else None,
        total=count_rows(runs),
        tail=runs,
        displays=tuple(run.display for run in runs if run.display is not None),
        error=error,
        number=number,
    )


def _readable(raw: Json) -> Sequence[Json]:
    """The outputs that can be read; one that says so where the file has something else."""
    try:
        outputs = list(raw.get("outputs") or ())
    except (ValueError, TypeError) as error:
        return [{"output_type": "stream", "name": "stderr", "text": f"Cannot be read: {error}."}]
    return [output for output in outputs if isinstance(output, dict)]


def _runs(outputs: Sequence[Json], key: str, most_rows: int) -> Iterator[Run]:
    for place, output in enumerate(outputs):
        match output.get("output_type"):
            case "stream":
                yield _stream(output, most_rows)
            case "error":
                rows = output.get("traceback")
                lines = tuple(map(_safe, rows)) if isinstance(rows, list) else ()
                name, value = _safe(output.get("ename")), _safe(output.get("evalue"))
                yield Run("error", error=ErrorInfo(name, value, lines))
            case "display_data" | "execute_result":
                yield Run("display", display=_display(output, f"{key}:{place}"))


def _stream(output: Json, most_rows: int) -> Run:
    text = joined(output.get("text"))
    cut = text[: _MOST_CHARACTERS if most_rows <= MOST_ROWS else _WHOLE_CHARACTERS]
    left_out = text.count("\n", len(cut))
    lines = cut.removesuffix("\n").split("\n")
    left_out += max(len(lines) - most_rows, 0)
    # What a carriage return went back over is not to be seen in a notebook either.
    rows = [
        clip_row(printable_row(line.rstrip("\r").rpartition("\r")[2])) for line in lines[:most_rows]
    ]
    if left_out:
        rows.append(_more(left_out))
    return Run("stderr" if output.get("name") == "stderr" else "stdout", "\n".join(rows))


def _bounded(runs: list[Run], most_rows: int) -> tuple[Run, ...]:
    """At most `most_rows` rows and the words that say how many more there are."""
    bounded: list[Run] = []
    rows = 0
    for place, run in enumerate(runs):
        if rows >= most_rows:
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
    metadata = output.get("metadata")
    return Display(
        key,
        tuple(_part(str(mime), value) for mime, value in forms.items()),
        "result" if role == "execute_result" else "display",
        count=count if isinstance(count, int) else None,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _part(mime: str, value: object) -> MimePart:
    if is_json(mime) or (chart_library(mime) and isinstance(value, dict)):
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
