"""What an execution environment is made from: its session, architecture, profile and place."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codeexec.domain.errors import UsageError
from codeexec.environments.base import FileWrite

LONGEST_NAME = 100
_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
GUEST = Path(__file__).parents[2] / "guest" / "runners"
SCRIPTS = ("setup_session", "execute_query", "read_transcript")
"""The runner scripts that each architecture has."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What runs the queries of a session: its three runner scripts, and the files that they need.

    A script is a command that is executed in the workspace of the environment. Words in braces
    stand for places there: `{python}`, `{application}`, `{workspace}`, `{home}`, `{bundled_tools}`.
    It reads one JSON object from stdin, and writes JSON objects to stdout, one a line:
    `{"type": …, "payload": …, "context": …}`; its last is
    `{"type": "script_output", "success": …, "data" or "error": …}`.
    """

    name: str
    setup_session: tuple[str, ...] = ("{python}", "{application}/setup_session.py")
    execute_query: tuple[str, ...] = ("{python}", "{application}/execute_query.py")
    read_transcript: tuple[str, ...] = ("{python}", "{application}/read_transcript.py")
    files: Mapping[str, Path] = field(default_factory=dict)
    """Files of this machine that are copied into the application folder, by their path there."""


CODE = Architecture(
    "code",
    files={
        name: GUEST / name for name in (*(f"{script}.py" for script in SCRIPTS), "query_journal.py")
    },
)
"""Ours: a query is Python code, its stream are the events of a session, and its transcript is a
journal of them. Each query has a process of its own: files outlive it, variables do not."""

ARCHITECTURES: Mapping[str, Architecture] = {CODE.name: CODE}


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """What a session begins with. `files` are written into the workspace, `bundled_tools` into the
    folder of that name; `settings` are handed to the runner scripts as they are."""

    name: str = ""
    files: tuple[FileWrite, ...] = ()
    bundled_tools: tuple[FileWrite, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """A container. `policy` is the name of a preset: `locked`, `network` or `open`; `engine` the
    command of the engine, `auto`: whichever is installed."""

    image: str = ""
    policy: str = "locked"
    engine: str = "auto"
    context: str = ""


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    """Which place: `type` is `local`, `docker`, or a kind that another distribution has registered.

    `workspace` is a folder of this machine; a container without one has an empty folder that goes
    with it. `python` is the interpreter for runner scripts; empty: this one (local), `python3`.
    `options` are those of other kinds.
    """

    workspace: Path | None = None
    type: str = "local"
    docker: DockerOptions = DockerOptions()  # frozen
    python: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def interpreter(self) -> str:
        return self.python or (sys.executable if self.type == "local" else "python3")


@dataclass(frozen=True, slots=True)
class ExecutionEnvironmentConfig:
    """`session_id` names the session: letters, digits, `.`, `_` and `-`. `architecture` is an
    Architecture, or the name of a known one (`code`). UsageError for a bad id or an unknown
    name."""

    session_id: str
    architecture: str | Architecture = CODE
    agent_profile: AgentProfile = AgentProfile()  # frozen
    environment_options: EnvironmentOptions = EnvironmentOptions()  # frozen

    def __post_init__(self) -> None:
        name = self.session_id
        if not name or len(name) > LONGEST_NAME or not _SIGNS.issuperset(name) or name[0] == ".":
            raise UsageError(
                f"{name[:40]!r} is no id of a session.",
                f"Use 1 to {LONGEST_NAME} letters, digits, dots, underscores and hyphens; a dot "
                "is not the first.",
            )
        if isinstance(self.architecture, str) and self.architecture not in ARCHITECTURES:
            raise UsageError(
                f"There is no architecture {self.architecture!r}.",
                f"Name one of {', '.join(ARCHITECTURES)}, or give an Architecture.",
            )

    @property
    def chosen_architecture(self) -> Architecture:
        if isinstance(self.architecture, str):
            return ARCHITECTURES[self.architecture]
        return self.architecture
