"""Write outputs of cells into the notebook on save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from codeexec.client.api import SessionClient
from codeexec.client.output import read_rows
from codeexec.domain import requests as q
from codeexec.domain.content.mime import text_of
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView, KernelView

if TYPE_CHECKING:
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json

"""Rows that one request is given."""


class OutputReader:
    """Reads what executions that are over have put out, each once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, tuple[Display, ...]], list[Json]]] = {}

    def forget_others(self, execution_ids: Iterable[str]) -> None:
        """What other executions have put out is not needed any more."""
        needed = set(execution_ids)
        self._known = {key: value for key, value in self._known.items() if key in needed}

    async def read(self, session: SessionClient, view: ExecutionView) -> list[Json]:
        """As nbformat has it; raises CodeexecError."""
        from codeexec.documents.notebook.row_outputs import outputs_of  # not at the start

        # A display may be updated by a later cell: then it is read again.
        state = (view.total, view.displays)
        cached = self._known.get(view.execution_id)
        if cached is not None and cached[0] == state:
            return cached[1]
        runs = await read_rows(session, view.execution_id)
        texts: dict[MimePart, str] = {}
        for run in runs:
            for part in run.display.parts if run.display else ():
                texts[part] = await _text(session, part)
        outputs = list(outputs_of(runs, texts.__getitem__))
        self._known[view.execution_id] = (state, outputs)
        return outputs


async def _text(session: SessionClient, part: MimePart) -> str:
    if part.blob is None:
        return part.text or ""
    data = (await session.call(q.ReadBlob(part.blob))).data
    return text_of(part.mime, data)


async def with_runs(
    notebook: Notebook,
    keys: Sequence[str],
    runs: Mapping[str, ExecutionView],
    session: SessionClient,
    reader: OutputReader,
) -> Notebook:
    """The notebook with the outputs of `runs`; what was not run keeps what it has.

    `keys` are those of the notebook's cells, in order; `runs` are by these keys. A run counts
    only for a cell that has its code. Raises CodeexecError.
    """
    from codeexec.documents.notebook.convert import with_outputs  # not at the start

    for cell, key in zip(notebook.cells, keys, strict=False):
        view = runs.get(key)
        if view is not None and cell.is_code and same_code(view.code, cell.source):
            outputs = await reader.read(session, view)
            notebook = with_outputs(notebook, cell.index, outputs, view.count)
    reader.forget_others(view.execution_id for view in runs.values())
    return notebook


def same_code(ran: str, source: str) -> bool:
    """Whether it is the same but for blank lines at the end, which an editor's cell leaves out."""
    return _without_end(ran) == _without_end(source)


def _without_end(source: str) -> list[str]:
    lines = source.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def with_kernel(notebook: Notebook, kernel: KernelView) -> Notebook:
    """A notebook that names no kernel is one of that which has run it."""
    ref = kernel.kernel
    if ref is None or notebook.kernel:
        return notebook
    from codeexec.documents.notebook.kernel import kernelspec, with_language  # not at the start

    language = ref.language or kernel.language or "python"
    spec = kernelspec(ref.name, ref.display_name, language)
    notebook = notebook.with_metadata("kernelspec", spec)
    return with_language(notebook, language, kernel.version, kernel.language_info)
