"""How a kernel in a container is reached, and the classic layout of such a container."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from codeexec.domain.errors import UsageError

Transport = Literal["relay", "ports"]
"""`relay`: one pipe, by the engine's command line. `ports`: five TCP ports that are mapped, in a
container of the classic layout."""
PORTS: Transport = "ports"
"""Stands among the words of a policy where it is used."""
TRANSPORTS: tuple[Transport, ...] = get_args(Transport)

CLASSIC_IMAGE = "taskweavercontainers/taskweaver-executor:latest"
"""The image that programs written for TaskWeaver's code execution service name."""
FIRST_PORT = 12345
LAST_FIRST_PORT = 65535 - 4


def checked_transport(name: str) -> Transport:
    """UsageError for one that there is not."""
    for transport in TRANSPORTS:
        if name == transport:
            return transport
    raise UsageError(f"There is no transport {name!r}.", f"Use {' or '.join(TRANSPORTS)}.")


class ClassicLayout(Struct, frozen=True, omit_defaults=True):
    """Options of the transport `ports`. `ces` is the absolute path of a folder of this machine,
    which the container has at /app/ces; empty: a new one that ends with the kernel. `env_id` and
    `session_id` are told to the code; empty: the session's id. `port_start` is the first of the
    five ports in the container."""

    ces: str = ""
    env_id: str = ""
    session_id: str = ""
    port_start: int = FIRST_PORT
