"""Options of a workbench start, from the command line. Imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Policy = Literal["locked", "network", "open"]


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """Options of the command line.

    `docker` is None without `--docker`, else the image; an empty image stands for the default one.
    An empty `theme`, `kernel` or `policy` is taken from the settings.
    """

    files: tuple[str, ...] = ()
    kernel: str = ""
    new: bool = False
    session: str = ""
    docker: str | None = None
    policy: Policy | Literal[""] = ""
    pull: bool = False
    theme: str = ""
    attach: bool = False
    watch: bool = False
    demo: bool = False
