"""Displays and sessions made by hand."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

from PIL import Image

from codeexec.domain.events import CellRef
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import ExecutionView, Snapshot


def png(width: int, height: int) -> str:
    """A picture as a kernel sends it: base64."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#1f77b4").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def display(key: str, forms: Mapping[str, str]) -> Display:
    parts = tuple(MimePart(mime, len(text), text=text) for mime, text in forms.items())
    return Display(key, parts)


def view(
    key: str,
    displays: Sequence[Display],
    *,
    code: str = "plot()",
    count: int = 1,
    cell: CellRef | None = None,
) -> ExecutionView:
    return ExecutionView(key, code, status="ok", count=count, cell=cell, displays=tuple(displays))


def session_of(pictures: int) -> Snapshot:
    """So many runs `e1`…, each with a picture `d1`…."""
    picture = png(40, 30)
    runs = {
        f"e{at}": view(f"e{at}", [display(f"d{at}", {"image/png": picture})], count=at)
        for at in range(1, pictures + 1)
    }
    return Snapshot(seq=pictures, executions=runs)
