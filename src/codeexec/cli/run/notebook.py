"""`run --save OUT.ipynb`: writes the outputs of a run into a notebook."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client.output import read_rows
from codeexec.documents.notebook.row_outputs import outputs_of
from codeexec.domain.events import KernelReady, KernelRef
from codeexec.domain.outputs import MimePart

if TYPE_CHECKING:
    from codeexec.cli.run.cell_outputs import CellOutputs
    from codeexec.cli.run.source import LoadedProgram
    from codeexec.cli.streams.parts import ReadPart
    from codeexec.client.api import SessionClient
    from codeexec.documents.notebook.outputs import Json

    ReadStates = Callable[[], Awaitable[Json]]
    """The states of the kernel's widgets, by model; empty if they cannot be had."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The execution id and prompt number of a cell that was run."""

    execution_id: str
    count: int | None


async def save_notebook(
    program: LoadedProgram,
    executed: Mapping[int, Executed],
    collected: CellOutputs | None,
    session: SessionClient,
    read: ReadPart,
    read_states: ReadStates,
    path: Path,
    kernel: KernelRef | None,
    ready: KernelReady | None,
) -> None:
    """Write the program's cells with the outputs of this run to `path`.

    `executed` maps indices of cells to their executions. `collected` has their outputs as the
    kernel sent them; rows of the session are saved where it has none. Other cells keep their
    outputs. If none of the cells to run did, an existing file is not changed. StorageError when
    it cannot be written.
    """
    from codeexec.documents.files import encode, write_atomic
    from codeexec.documents.notebook.convert import dump_notebook, with_outputs
    from codeexec.documents.notebook.kernel import kernelspec, with_language
    from codeexec.documents.notebook.widgets import has_views, with_widget_states

    if not executed and program.pieces and path.exists():
        return
    notebook = program.as_notebook()
    for cell in notebook.cells:
        execution = executed.get(cell.index)
        if cell.is_code and execution is not None:
            outputs = collected.outputs(execution.execution_id) if collected else None
            if outputs is None:
                outputs = await _outputs(session, execution.execution_id, read)
            notebook = with_outputs(notebook, cell.index, outputs, execution.count)
    states = await read_states() if executed and has_views(notebook) else {}
    notebook = with_widget_states(notebook, states)
    if kernel is not None and not notebook.kernel:
        language = kernel.language or (ready.language if ready else "") or "python"
        spec = kernelspec(kernel.name, kernel.display_name, language)
        notebook = notebook.with_metadata("kernelspec", spec)
    if ready is not None and ready.language:
        notebook = with_language(notebook, ready.language, ready.version, ready.language_info)
    elif not (notebook.data.get("metadata") or {}).get("language_info"):
        notebook = with_language(notebook, notebook.language or "python", "", {})
    text = dump_notebook(notebook)
    is_own = program.file is not None and path.absolute() == program.file.path.absolute()
    # A notebook that is saved in place keeps its encoding and line ends.
    data = encode(program.file, text) if program.file is not None and is_own else text.encode()
    write_atomic(path.absolute(), data)


async def _outputs(session: SessionClient, execution_id: str, read: ReadPart) -> list[Json]:
    """The rows of an execution as outputs; contents of displays are read first."""
    runs = await read_rows(session, execution_id)
    texts: dict[MimePart, str] = {}
    for run in runs:
        for part in run.display.parts if run.display else ():
            texts[part] = await read(part)
    return list(outputs_of(runs, texts.__getitem__))
