"""What `run` was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.environments.trust import Trust


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What `run` was asked for. `timeout` in seconds for the whole run, counted from its first
    line of code, `cell_timeout` for each cell; `parameters` of a notebook; `images` how pictures
    are drawn; `image` is the container's."""

    file: str
    arguments: tuple[str, ...] = ()
    cells: bool = False
    save: Path | None = None
    artifacts: Path | None = None
    as_json: bool = False
    timeout: float | None = None
    cell_timeout: float | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    kernel: str = ""
    cwd: Path | None = None
    env: dict[str, str] = field(default_factory=dict)
    keep_going: bool = False
    color: str = "auto"
    progress: bool = True
    images: str = "auto"
    backend: str = "local"
    image: str = ""
    policy: str = ""
    trust: Trust | None = None
    """Which interpreters of folders may be used."""
    remarks: tuple[str, ...] = ()
    """Said before the run, a quiet line each."""
