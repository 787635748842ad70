"""Reports of code in a Python kernel: log entries, artifacts, results, steps of plugins, clusters.

The guest ends are `guest/plugins/runtime.py` and `guest/libraries/clusters.py`. User code can send
such messages as well, so each is checked; one that is not as it should be is passed over.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Literal

import msgspec

from codeexec.domain.places.clusters import MOST_CLUSTERS, ClusterState
from codeexec.domain.plugins import (
    MAX_IMPLEMENTATION,
    MAX_SESSION_VARIABLES,
    ArtifactKind,
    LogEntry,
    LogLevel,
    ReportedArtifact,
)
from codeexec.kernels.base import (
    ClustersSeen,
    KernelEvent,
    PluginCall,
    PluginReported,
    Reported,
    ResultReport,
    SessionVariablesReported,
)

log = logging.getLogger(__name__)

MESSAGE = "codeexec_report"
LONGEST = 8 * MAX_IMPLEMENTATION
"""Bytes of a report."""


class _Log(msgspec.Struct, tag_field="kind", tag="log"):
    level: LogLevel
    tag: str
    message: str


class _File(msgspec.Struct):
    id: str
    name: str
    type: ArtifactKind
    original_name: str
    file: str
    preview: str = ""


class _ArtifactReport(msgspec.Struct, tag_field="kind", tag="artifact"):
    artifact: _File
    mime: str


class _ResultReport(msgspec.Struct, tag_field="kind", tag="result"):
    variables: dict[str, str]
    output: tuple[tuple[str, str], ...] = ()


class _Variables(msgspec.Struct, tag_field="kind", tag="session_variables"):
    variables: dict[str, str]


class _Plugin(msgspec.Struct, tag_field="kind", tag="plugin"):
    action: Literal["load", "test", "unload"]
    name: str
    is_success: bool
    message: str
    messages: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    implementation: str = ""
    config: dict[str, str] = {}


class _Clusters(msgspec.Struct, tag_field="kind", tag="clusters"):
    clusters: tuple[ClusterState, ...]


_Report = _Clusters | _Log | _ArtifactReport | _ResultReport | _Variables | _Plugin


def report_events(content: Mapping[str, object], execution: str) -> tuple[KernelEvent, ...]:
    """The events of a message of the type `MESSAGE`."""
    try:
        report: _Report = msgspec.convert(content, _Report)
        size = len(msgspec.json.encode(report))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        log.debug("a report was passed over: %s", error)
        return ()
    if size > LONGEST:
        log.debug("a report was passed over: it has %d bytes", size)
        return ()
    match report:
        case _Clusters():
            return (ClustersSeen(report.clusters[:MOST_CLUSTERS]),)
        case _Log():
            entry = LogEntry(report.level, report.tag[:200], report.message[:10_000])
            return (Reported(execution, entry),)
        case _ArtifactReport(file):
            if not _is_plain(file.file) or len(file.file) > 400:
                return ()
            artifact = ReportedArtifact(
                file.id[:300],
                file.name[:200],
                file.type,
                report.mime[:200],
                file.original_name[:300],
                file.file,
                file.preview[:5000],
            )
            return (Reported(execution, artifact),)
        case _ResultReport():
            return (Reported(execution, ResultReport(report.variables, report.output)),)
        case _Variables():
            size = sum(len(name) + len(text) for name, text in report.variables.items())
            if size > MAX_SESSION_VARIABLES:
                return ()
            return (SessionVariablesReported(execution, report.variables),)
        case _Plugin():
            settings = sum(len(name) + len(text) for name, text in report.config.items())
            if max(len(report.implementation), settings) > MAX_IMPLEMENTATION:
                return ()
            if not report.name.isidentifier():
                return ()
            return (
                PluginReported(
                    execution,
                    report.action,
                    report.name[:100],
                    report.is_success,
                    report.message[:20_000],
                    tuple(message[:20_000] for message in report.messages[:100]),
                    tuple(test[:200] for test in report.tests[:100]),
                    report.implementation,
                    report.config,
                ),
            )


def _is_plain(name: str) -> bool:
    """Whether it is the name of a file in the session's folder itself."""
    return name.isprintable() and name not in ("", ".", "..") and "/" not in name


def plugin_code(call: PluginCall) -> str:
    """Code that performs a step of a plugin, and leaves no name behind."""
    step = json.dumps({
        "action": call.action,
        "name": call.name,
        "implementation": call.implementation,
        "config": dict(call.config),
    })  # fmt: skip
    return f"__import__('codeexec_session').perform({step!r})"
