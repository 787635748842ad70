"""The program of a runner kernel: one zip file for each version of it, kept in the cache folder."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.plain_files import read_plain
from codeexec.hostfiles.state import cache_folder
from codeexec.kernels.jupyter.discover import OLDEST_RUNNER
from codeexec.kernels.jupyter.launch import GUEST

PACKAGE = "codeexec_runner"
"""Name of the package in the zip file: a kernel that has this product installed keeps both."""
LIBRARIES = ("import_hook", "screen_width", "graph_source")
"""Guest files beside the package that it uses."""
MAIN = f"""import sys
if sys.version_info < {OLDEST_RUNNER}:
    sys.exit("Python %d.%d is too old: codeexec needs 3.8 or later." % sys.version_info[:2])
from {PACKAGE}.runner import main
main()
"""
NEXT_STEP = "Make room or make it writable, or set XDG_CACHE_HOME to another folder."


@cache
def program() -> bytes:
    """The zip file. It is not compressed, so that a Python without zlib runs it."""
    files = sorted(Path(GUEST, "runner").glob("*.py"))
    files += [Path(GUEST, "libraries", f"{name}.py") for name in LIBRARIES]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        # Each entry has the same time, so that the same text makes the same bytes.
        archive.writestr(zipfile.ZipInfo("__main__.py"), MAIN)
        for file in files:
            archive.writestr(zipfile.ZipInfo(f"{PACKAGE}/{file.name}"), _as_shipped(file))
    return packed.getvalue()


def _as_shipped(file: Path) -> str:
    """The text of a module, which imports its neighbours in the zip file. Its lines stay."""
    text = file.read_text("utf-8")
    return re.sub(r"\bcodeexec\.guest\.(runner|libraries)\b", PACKAGE, text)


def cached_program() -> str:
    """The path of the zip file, written if it is not there as it should be. KernelUnavailable."""
    data = program()
    digest = hashlib.sha256(data).hexdigest()
    path = Path(cache_folder(), "runner", f"runner-{digest[:36]}.zip")
    try:
        if read_plain(path, len(data)) == data:
            return str(path)
    except (OSError, ValueError):
        pass  # not there, or something else: it is written anew
    try:
        _write(path, data)
    except OSError as error:
        raise KernelUnavailable(
            f"{path} cannot be written: {error.strerror or error}.", NEXT_STEP
        ) from error
    return str(path)


def _write(path: Path, data: bytes) -> None:
    """Kernels that run from an older file of this name keep it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  # a descriptor
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
