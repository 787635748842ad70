"""Limits of what clients of the service run, read from the environment of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.errors import UsageError
from codeexec.environments.docker.policy import parse
from codeexec.session.settings import HostSettings

_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*s?")
_SIZE = re.compile(r"(\d{1,15})\s*(?:([KMGT])(i?)B?|B)?", re.IGNORECASE)
_TIMES = (
    "python_max_runtime",
    "cpp_build_timeout",
    "binary_max_runtime",
    "terminal_idle_timeout",
)
_MIN_BUFFER = 1 << 14


class ServiceSettings(Struct, frozen=True):
    """Times are in seconds; 0: no limit. Sizes are in bytes."""

    python_max_runtime: float = 300.0
    cpp_build_timeout: float = 120.0
    binary_max_runtime: float = 300.0
    terminal_idle_timeout: float = 1800.0
    """After this a shell in which nothing runs is ended."""
    session_max_memory: int = 2 * 2**30
    session_max_cpu: float = 2.0
    """Of each session that is opened over TCP or HTTP."""
    terminal_max_buffer: int = 2**20
    """Of a terminal: output that is kept, and output that waits for a page that does not read."""


def service_settings(environ: Mapping[str, str]) -> ServiceSettings:
    """The settings that stand in variables of their names in upper case: times as `300` or `300s`,
    sizes as `1048576`, `1MB` or `2Gi`. UsageError for another form."""
    times = {
        name: _seconds(name.upper(), environ[name.upper()])
        for name in _TIMES
        if name.upper() in environ
    }
    memory = _size("SESSION_MAX_MEMORY", environ.get("SESSION_MAX_MEMORY", "2Gi"))
    cpus = _seconds("SESSION_MAX_CPU", environ.get("SESSION_MAX_CPU", "2"))
    buffer = _size("TERMINAL_MAX_BUFFER", environ.get("TERMINAL_MAX_BUFFER", "1MB"))
    return ServiceSettings(
        **times,
        session_max_memory=memory,
        session_max_cpu=cpus,
        terminal_max_buffer=max(buffer, _MIN_BUFFER),
    )


def with_session_limits(
    settings: HostSettings, service: ServiceSettings, *, is_service: bool
) -> HostSettings:
    """The settings of the host with the service's limits for sessions and their terminals. A
    server of one person (not `is_service`) keeps its own."""
    if not is_service:
        return settings
    return replace(
        settings,
        terminal_idle=settings.terminal_idle or service.terminal_idle_timeout,
        terminal_scrollback=service.terminal_max_buffer,
        session_memory=service.session_max_memory,
        session_cpus=service.session_max_cpu,
    )


def with_isolation(
    settings: HostSettings, service: ServiceSettings, image: str, policy: str
) -> HostSettings:
    """The settings of a host that confines sessions of the service to containers: `policy` is a
    preset with changes, to which the limits of the service are added where it names none.
    UsageError for what is no policy."""
    limits = {"memory": f"{service.session_max_memory}B", "cpus": f"{service.session_max_cpu:g}"}
    changed = {word.partition("=")[0] for word in policy.split()[1:]}
    added = [f"{name}={value}" for name, value in limits.items() if name not in changed]
    words = " ".join((policy, *added))
    parse(words)
    return replace(settings, isolate_image=image, isolate_policy=words)


def _seconds(name: str, text: str) -> float:
    match = _SECONDS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}={text[:40]!a} is no time.", f"Write seconds: {name}=300s")
    return float(match[1])


def _size(name: str, text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}={text[:40]!a} is no size.", f"Write bytes: {name}=1MB")
    # As operators mean it, 1MB is 2^20 bytes of memory.
    power = "KMGT".index(match[2].upper()) + 1 if match[2] else 0
    size: int = int(match[1]) * 1024**power
    return size
