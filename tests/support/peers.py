"""Other people's programs on the same input, for comparison."""

from __future__ import annotations

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

ATTEMPTS = 4
CELL_SECONDS = 15
"""Longer than any cell of a comparison takes."""


def run_by_nbclient(notebook: str) -> tuple[nbformat.NotebookNode, CellExecutionError | None]:
    """The notebook with the outputs that nbclient gives it, and how it failed.

    On a busy machine nbclient may lose the first words of a kernel and then waits for ever: such a
    run is given up and begun again.
    """
    for _ in range(ATTEMPTS):
        node = nbformat.reads(notebook, 4)  # type: ignore[no-untyped-call]
        client = NotebookClient(
            node, kernel_name="python3", timeout=CELL_SECONDS, startup_timeout=CELL_SECONDS
        )
        error = None
        try:
            client.execute()
        except CellExecutionError as failed:
            error = failed
        except (CellTimeoutError, RuntimeError):
            continue
        return client.nb, error
    raise AssertionError(f"nbclient did not end in {ATTEMPTS} attempts")
