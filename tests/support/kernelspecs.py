"""Kernelspecs for tests, in a folder that JUPYTER_PATH names."""

from __future__ import annotations

import json
import sys
from pathlib import Path

BASH = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]


def install(folder: Path, name: str, argv: list[str], **fields: object) -> None:
    """Write the kernelspec `name`; `folder` belongs into JUPYTER_PATH."""
    folder = folder / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"argv": argv, "display_name": name, "language": name, **fields}
    (folder / "kernel.json").write_text(json.dumps(spec))
