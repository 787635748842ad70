"""The options of one `run`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from codeexec.client.wire import Address
    from codeexec.environments.trust.store import Trust
    from codeexec.languages.profiles import BuildProfile

NOTHING: Mapping[str, object] = MappingProxyType({})
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


# No dataclass: importing dataclasses would delay the start of a script.
class RunOptions(NamedTuple):
    """The options of one `run`. `timeout` and `cell_timeout` in seconds, for the whole run (from
    its first line of code) and for each cell; `images` is how pictures are drawn; `image` is the
    image of the container."""

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
    transport: str = ""
    trust: Trust | None = None
    """Decides which interpreters of folders may be used."""
    remarks: tuple[str, ...] = ()
    """Lines printed before the run."""
    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    standard: str = ""
    """How a program is built: see `languages.plan.PlanOptions`."""
    profiles: tuple[BuildProfile, ...] = ()
    """The user's own, one of which `profile` may name."""
    server: Address | None = None
    """The machine on which it runs, in place of this one."""
    no_cache: bool = False
    """Build it, though it was built before."""
