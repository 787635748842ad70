"""Our launcher of ipykernel, with the guest files that it wants beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from codeexec.kernels.jupyter.launch import GUEST

SHIPPED = (
    *("launch.py", "outbox.py", "questions.py", "drawing.py"),
    *("program_magic.py", "fast_streams.py", "interrupts.py"),
    *(f"libraries/{name}.py" for name in ("import_hook", "screen_width", "tqdm_bars")),
    *(f"libraries/{name}.py" for name in ("graph_source", "clusters")),
    *("traceback_imports.py", "plugin_entry.py", "prelude.py"),
    *("bash_magic.py", "runner/commands.py"),
    *(f"plugins/{name}.py" for name in ("runtime", "context", "loading", "magics", "api")),
    *(f"program/{name}.py" for name in ("sitecustomize", "figures", "displays", "charts")),
)
"""Paths below `guest`."""


@cache
def launcher_files() -> tuple[tuple[str, str], ...]:
    """(name, text) of each file, for a folder where code runs."""
    return tuple((name, (Path(GUEST) / name).read_text("utf-8")) for name in SHIPPED)
