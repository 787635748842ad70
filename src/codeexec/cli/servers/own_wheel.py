"""Makes a wheel of the codeexec-tui that runs, for another machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from codeexec import __version__

PACKAGE = Path(__file__).parents[2]
_BESIDE = ("themes", "images")
"""Folders that are beside the package in a source checkout, and within it in a wheel."""
_INFO = f"codeexec_tui-{__version__}.dist-info"
_WHEEL = "Wheel-Version: 1.0\nGenerator: codeexec-tui\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_MADE = (2020, 1, 1, 0, 0, 0)


class Wheel(NamedTuple):
    """`build` names version and code: it is the same for the same files."""

    name: str
    build: str
    content: bytes


def own_wheel() -> Wheel:
    """The wheel of this very code, released or not."""
    files = dict(_files())
    metadata = distribution("codeexec-tui")
    for name in ("METADATA", "entry_points.txt"):
        files[f"{_INFO}/{name}"] = (metadata.read_text(name) or "").encode()
    files[f"{_INFO}/WHEEL"] = _WHEEL.encode()
    record = "".join(f"{name},,\n" for name in (*files, f"{_INFO}/RECORD"))
    files[f"{_INFO}/RECORD"] = record.encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, data in files.items():
            writer.writestr(zipfile.ZipInfo(name, _MADE), data, zipfile.ZIP_DEFLATED)
    content = archive.getvalue()
    build = f"{__version__}-{sha256(content).hexdigest()[:12]}"
    return Wheel(f"codeexec_tui-{__version__}-py3-none-any.whl", build, content)


def _files() -> Iterator[tuple[str, bytes]]:
    beside = [PACKAGE.parents[1] / name for name in _BESIDE if not (PACKAGE / name).is_dir()]
    for folder in (PACKAGE, *beside):
        target = "codeexec" if folder == PACKAGE else f"codeexec/{folder.name}"
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{target}/{path.relative_to(folder)}", path.read_bytes()
