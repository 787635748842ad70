"""What `run` was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.environments.trust import Trust

NOTHING: Mapping[str, object] = MappingProxyType({})
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


# No dataclass: a script starts before this module would have loaded what makes one.
class RunOptions(NamedTuple):
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
    parameters: Mapping[str, object] = NOTHING
    kernel: str = ""
    cwd: Path | None = None
    env: Mapping[str, str] = NO_VARIABLES
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
