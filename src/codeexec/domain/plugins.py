"""Plugins of a session, and what an execution reports beside its output."""

from __future__ import annotations

import keyword
from typing import Literal

from msgspec import Struct

from codeexec.domain.errors import UsageError

LogLevel = Literal["info", "warning", "error"]

ArtifactKind = Literal["chart", "image", "df", "file", "txt", "svg", "html"]

PluginState = Literal["loading", "testing", "unloading", "loaded", "failed"]

PLUGIN_TIMEOUT = 60.0
"""Seconds that a plugin may take to be loaded, tested or unloaded."""

MAX_IMPLEMENTATION = 1 << 20
"""Characters of a plugin's implementation, and of its configuration as JSON."""

MAX_SESSION_VARIABLES = 1 << 20
"""Characters of all session variables."""

MOST_PLUGINS = 200

KEPT_LOG = 200
"""Log entries that a snapshot holds of one execution, the last ones."""

KEPT_REPORTED = 100
"""Reported artifacts that a snapshot holds of one execution, the last ones."""


class LogEntry(Struct, frozen=True, omit_defaults=True):
    """A message that a plugin logged; `tag` says which part of it."""

    level: LogLevel
    tag: str
    message: str


class ReportedArtifact(Struct, frozen=True, omit_defaults=True):
    """A file that code made as an artifact. `id` is `obj_{idx}_{type}_{n:04x}`, `name` the
    artifact's own, `original_name` that of the file as it was asked for, and `file` the name of
    the file in the folder of the session."""

    id: str
    name: str
    kind: ArtifactKind
    mime: str
    original_name: str
    file: str
    preview: str = ""


class ExecutionReport(Struct, frozen=True, omit_defaults=True):
    """What one execution reported. `variables` are those that were there at its end, as text, and
    `output` its result as (name, value) pairs; both only where `ExecuteOptions.report` asks."""

    log: tuple[LogEntry, ...] = ()
    artifacts: tuple[ReportedArtifact, ...] = ()
    variables: dict[str, str] = {}
    output: tuple[tuple[str, str], ...] = ()


NO_REPORT = ExecutionReport()


class PluginView(Struct, frozen=True, omit_defaults=True):
    """A plugin of a session. `is_loaded`: the kernel named `kernel` has it, in process
    `generation`; after a reload that failed it is the earlier one. `source` says where the
    implementation came from, `config` names its settings (their values may be secret), `tests` its
    tests. `message` says why the last step failed, or what it did, `succeeded` which of both.
    `execution_id` is the last step, `loaded_by` the step whose implementation the kernel has, or
    will be given when it starts again."""

    name: str
    state: PluginState = "loading"
    kernel: str = ""
    generation: int = 0
    source: str = ""
    config: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    message: str = ""
    is_loaded: bool = False
    execution_id: str = ""
    loaded_by: str = ""
    succeeded: bool = True

    @property
    def is_changing(self) -> bool:
        """Whether a step of it waits or runs."""
        return self.state in ("loading", "testing", "unloading")


def check_plugin_name(name: str) -> str:
    """The name as code can use it. UsageError for one that is no identifier."""
    if not name.isidentifier() or keyword.iskeyword(name) or len(name) > 100:
        raise UsageError(
            f"This is no name of a plugin: {name[:60]!a}.",
            "Choose a name that Python code can call: letters, digits and underscores.",
        )
    return name
