"""Limits of what clients of the service run, read from the environment of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from codeexec.domain.errors import UsageError

_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*s?")


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Times are in seconds; 0: no limit."""

    python_max_runtime: float = 300.0
    cpp_build_timeout: float = 120.0
    binary_max_runtime: float = 300.0


def service_settings(environ: Mapping[str, str]) -> ServiceSettings:
    """The settings that stand in PYTHON_MAX_RUNTIME, CPP_BUILD_TIMEOUT and BINARY_MAX_RUNTIME, as
    `300` or `300s`. UsageError for another form."""
    return ServiceSettings(
        **{
            name: _seconds(name.upper(), environ[name.upper()])
            for name in ServiceSettings.__dataclass_fields__
            if name.upper() in environ
        }
    )


def _seconds(name: str, text: str) -> float:
    match = _SECONDS.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{name}={text[:40]!a} is no time.", f"Write seconds: {name}=300s")
    return float(match[1])
