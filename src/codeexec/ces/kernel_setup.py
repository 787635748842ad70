"""Code that sets a session's kernel up as TaskWeaver does."""

from __future__ import annotations

from pathlib import Path

from codeexec.ces.cut_offs import CutOffs

_SOURCE = Path(__file__).parents[1] / "guest" / "libraries" / "library_defaults.py"


def setup_code(cut_offs: CutOffs) -> str:
    """Python code to run once in each new kernel, silently. It leaves no name behind."""
    settings = {
        "preloads": dict(cut_offs.preloads),
        "max_rows": cut_offs.max_rows,
        "figure_size": cut_offs.figure_size,
        "figure_dpi": cut_offs.figure_dpi,
    }
    namespace = {"__name__": "codeexec_library_defaults", "SETTINGS": settings}
    return f"exec({_SOURCE.read_text(encoding='utf-8')!r}, {namespace!r})"
