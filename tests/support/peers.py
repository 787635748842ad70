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


def stream_runs(outputs: list[nbformat.NotebookNode]) -> list[tuple[str, str, str]]:
    """Type, stream and text of each output; neighbours of one stream as one. What a widget captures
    nbclient keeps in as many pieces as the kernel has flushed, which depends on its speed."""
    runs: list[tuple[str, str, str]] = []
    for each in outputs:
        kind, name, text = each.output_type, each.get("name", ""), each.get("text", "")
        if runs and kind == "stream" and runs[-1][:2] == (kind, name):
            text = runs.pop()[2] + text
        runs.append((kind, name, text))
    return runs
