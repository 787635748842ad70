"""An environment that has every package of ours but ipykernel and IPython."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

LEFT_OUT = ("ipykernel", "IPython", "ipython", "_", "distutils-precedence")


def make_bare_python(folder: Path) -> str:
    """Make it, and return the path of its interpreter."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    base = Path(sys.executable).resolve().parent
    (folder / "pyvenv.cfg").write_text(f"home = {base}\nversion = {version}.0\n")
    site = folder / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    for name in ("purelib", "platlib"):
        for package in Path(sysconfig.get_path(name)).iterdir():
            place = site / package.name
            is_wanted = not package.name.startswith(LEFT_OUT) and package.suffix != ".pth"
            if is_wanted and not place.exists():
                place.symlink_to(package)
    return str(python)
