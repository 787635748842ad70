"""What an execution environment yields: events of scripts, of files, of transcripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath

from codeexec.environments.base import Change

SCRIPT_OUTPUT = "script_output"
"""Type of the last event of each script."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One line of a runner script. `payload` and `context` are JSON as the script wrote it."""

    type: str
    payload: object = None
    context: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScriptOutput(StreamEvent):
    """How a script ended: with `data`, or with `error`, which says in words why it failed.
    `skipped` counts lines of it that were no event; `exit_code` is negative for a signal."""

    success: bool = False
    data: object = None
    error: str = ""
    skipped: int = 0
    exit_code: int = 0


class FileEventKind(StrEnum):
    ADD = "add"
    CHANGE = "change"
    UNLINK = "unlink"


KINDS = {
    Change.CREATED: FileEventKind.ADD,
    Change.MODIFIED: FileEventKind.CHANGE,
    Change.REMOVED: FileEventKind.UNLINK,
}


@dataclass(frozen=True, slots=True)
class WorkspaceFileEvent:
    """A file of the workspace was added, changed or removed; `path` is relative to it."""

    type: FileEventKind
    path: PurePosixPath


@dataclass(frozen=True, slots=True)
class TranscriptChangeEvent:
    """The transcript of a session has grown by `events`; the first of a watch has all that there
    were."""

    session_id: str
    events: tuple[StreamEvent, ...]
