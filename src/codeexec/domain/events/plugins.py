"""Events of plugins, session variables and reports of executions, and their fold."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from codeexec.domain.events.base import Event
from codeexec.domain.plugins import (
    KEPT_LOG,
    KEPT_REPORTED,
    NO_REPORT,
    ExecutionReport,
    LogEntry,
    PluginView,
    ReportedArtifact,
)


class PluginChanged(Event, frozen=True):
    """A plugin of the session is now this; new, changed, or failed."""

    plugin: PluginView


class PluginRemoved(Event, frozen=True):
    """The session has no plugin of this name any more."""

    name: str


class SessionVariablesSet(Event, frozen=True):
    """The session variables are now these; `origin` is the client, or the execution, that set
    them."""

    variables: dict[str, str]
    origin: str = ""


class ExecutionLogged(Event, frozen=True):
    """A plugin logged a message during an execution."""

    execution_id: str
    entry: LogEntry


class ArtifactReported(Event, frozen=True):
    """Code made a file as an artifact of an execution. Its content is kept when the execution
    ends, as the artifact of the session with the name `artifact.file`."""

    execution_id: str
    artifact: ReportedArtifact


class ResultReported(Event, frozen=True):
    """The variables and the result at the end of an execution with `ExecuteOptions.report`."""

    execution_id: str
    variables: dict[str, str]
    output: tuple[tuple[str, str], ...] = ()


PluginEvent = PluginChanged | PluginRemoved
ReportEvent = ExecutionLogged | ArtifactReported | ResultReported
AnyPluginEvent = PluginEvent | SessionVariablesSet | ReportEvent


def fold_plugin(plugins: Mapping[str, PluginView], event: PluginEvent) -> dict[str, PluginView]:
    """The plugins of a session after an event."""
    if isinstance(event, PluginChanged):
        return {**plugins, event.plugin.name: event.plugin}
    return {name: view for name, view in plugins.items() if name != event.name}


def fold_report(report: ExecutionReport | None, event: ReportEvent) -> ExecutionReport:
    """The report of an execution after an event; of log and artifacts the last ones."""
    before = report or NO_REPORT
    match event:
        case ExecutionLogged():
            return replace(before, log=(*before.log, event.entry)[-KEPT_LOG:])
        case ArtifactReported():
            others = tuple(each for each in before.artifacts if each.id != event.artifact.id)
            return replace(before, artifacts=(*others, event.artifact)[-KEPT_REPORTED:])
        case ResultReported():
            return replace(before, variables=event.variables, output=event.output)
