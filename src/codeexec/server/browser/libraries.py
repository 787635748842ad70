"""JavaScript of charting packages, as the packages that make the figures have it on disk.

It is read from the environment of the kernel, whose version made the figure, else from that of this
server; never from a network. A folder that code in containers can change is read without following
links. What an environment of a kernel has is code of the user: it belongs into a frame that can
reach nothing, and nowhere else.
"""

from __future__ import annotations

import logging
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from codeexec.domain.errors import CodeexecError, Unavailable
from codeexec.domain.snapshot import KernelView
from codeexec.hostfiles import files
from codeexec.hostfiles.place import locate

log = logging.getLogger(__name__)

LONGEST = 16 * 2**20
"""Bytes of one file; plotly's has 5 MB."""

_BOKEH = "bokeh/server/static/js"
_FILES = {
    "plotly": ("plotly/package_data/plotly.min.js",),
    "bokeh": (
        f"{_BOKEH}/bokeh.min.js",
        f"{_BOKEH}/bokeh-widgets.min.js",
        f"{_BOKEH}/bokeh-tables.min.js",
    ),
}


def read_library(name: str, kernel: KernelView) -> tuple[str, ...]:
    """The scripts of `plotly` or `bokeh`, in the order in which they run. Blocks. Unavailable where
    no environment has them."""
    for folder in _package_folders(kernel):
        try:
            return tuple(_read(folder / file) for file in _FILES[name])
        except (OSError, CodeexecError, ValueError) as error:
            log.debug("no JavaScript of %s: %s", name, error)
    raise Unavailable(
        f"The JavaScript of {name} is neither in the environment of the kernel nor beside the "
        "session server.",
        f"Install it in one of them: pip install {name}",
    )


def _read(path: Path) -> str:
    content, info = files.read(locate(path), LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError(f"{path} has {info.st_size} bytes")
    return content.decode()


def _package_folders(kernel: KernelView) -> Iterator[Path]:
    """Folders of packages: those of a kernel on this machine, then our own."""
    about = kernel.kernel
    if about is not None and about.backend == "local" and about.path.startswith("/"):
        # The link in the folder of an environment is not followed: it leads to another one.
        prefix = Path(about.path).parent.parent
        version = "python" + ".".join(kernel.version.split(".")[:2])
        yield prefix / "lib" / version / "site-packages"
        yield prefix / "lib" / version / "dist-packages"
        yield prefix / "lib" / "python3" / "dist-packages"  # Debian's
        yield prefix / "local" / "lib" / version / "dist-packages"
    yield Path(sysconfig.get_path("purelib"))
