"""Jupyter servers that this user runs on this machine, as their files tell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.domain.text.parsing import load_json
from codeexec.hostfiles.private_file import find_private
from codeexec.hostfiles.state import absolute, home
from codeexec.kernels.jupyter.remote.address import ServerAddress, parse_address

PATTERNS = ("jpserver-*.json", "nbserver-*.json")
MOST = 50


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`folder` is the root of its files."""

    address: ServerAddress
    folder: str = ""
    version: str = ""
    token: str = field(default="", repr=False)


def runtime_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where Jupyter's programs of this user write which of them run."""
    environ = os.environ if environ is None else environ
    if named := absolute(environ, "JUPYTER_RUNTIME_DIR"):
        return Path(named)
    if named := absolute(environ, "JUPYTER_DATA_DIR"):
        return Path(named) / "runtime"
    base = absolute(environ, "XDG_DATA_HOME")
    return Path(base or Path(home(environ)) / ".local" / "share") / "jupyter" / "runtime"


def running_servers(environ: Mapping[str, str] | None = None) -> list[RunningServer]:
    """Those whose process is there, by address; files that others can read are passed over."""
    folder = runtime_folder(environ)
    found: dict[str, RunningServer] = {}
    paths = [path for pattern in PATTERNS for path in sorted(folder.glob(pattern))[:MOST]]
    for path in paths:
        server = _read(path)
        if server is not None:
            found[server.address.name] = server
    return list(found.values())


def _read(path: Path) -> RunningServer | None:
    try:
        model = load_json(find_private(path) or "")
        pid = model.get("pid") if isinstance(model, dict) else None
        if not isinstance(pid, int) or not _runs(pid):
            return None
        address = parse_address(str(model.get("url") or ""))
        return RunningServer(
            address,
            str(model.get("root_dir") or model.get("notebook_dir") or ""),
            str(model.get("version") or ""),
            str(model.get("token") or ""),
        )
    except (ValueError, CodeexecError):
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
