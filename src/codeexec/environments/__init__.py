"""Where code runs: this machine, a container, or another kind of place.

    config = ExecutionEnvironmentConfig("notes", environment_options=EnvironmentOptions(folder))
    environment = await ExecutionEnvironment.create(config)
    await environment.prepare_session()
    async for event in environment.execute_query("print(1 + 1)"):
        print(event.type, event.payload)
    await environment.cleanup()

Programs should rely on the names that are listed here; each is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.environments.base import BasePaths as BasePaths
    from codeexec.environments.base import EnvironmentPrimitive as EnvironmentPrimitive
    from codeexec.environments.base import ExecHandle as ExecHandle
    from codeexec.environments.base import FileWrite as FileEntry
    from codeexec.environments.base import TerminalHandle as TerminalHandle
    from codeexec.environments.base import WriteOutcome as WriteFilesResult
    from codeexec.environments.execution.config import AgentProfile as AgentProfile
    from codeexec.environments.execution.config import Architecture as Architecture
    from codeexec.environments.execution.config import DockerOptions as DockerOptions
    from codeexec.environments.execution.config import EnvironmentOptions as EnvironmentOptions
    from codeexec.environments.execution.config import (
        ExecutionEnvironmentConfig as ExecutionEnvironmentConfig,
    )
    from codeexec.environments.execution.environment import (
        ExecutionEnvironment as ExecutionEnvironment,
    )
    from codeexec.environments.execution.events import ScriptOutput as ScriptOutput
    from codeexec.environments.execution.events import StreamEvent as StreamEvent
    from codeexec.environments.execution.events import (
        TranscriptChangeEvent as TranscriptChangeEvent,
    )
    from codeexec.environments.execution.events import WorkspaceFileEvent as WorkspaceFileEvent
    from codeexec.environments.execution.factory import (
        get_environment_primitive as get_environment_primitive,
    )

_HOMES = {
    "AgentProfile": "execution.config",
    "Architecture": "execution.config",
    "BasePaths": "base",
    "DockerOptions": "execution.config",
    "EnvironmentOptions": "execution.config",
    "EnvironmentPrimitive": "base",
    "ExecHandle": "base",
    "ExecutionEnvironment": "execution.environment",
    "ExecutionEnvironmentConfig": "execution.config",
    "FileEntry": "base:FileWrite",
    "ScriptOutput": "execution.events",
    "StreamEvent": "execution.events",
    "TerminalHandle": "base",
    "TranscriptChangeEvent": "execution.events",
    "WorkspaceFileEvent": "execution.events",
    "WriteFilesResult": "base:WriteOutcome",
    "get_environment_primitive": "execution.factory",
}
"""The module of each name, and after a colon its name there where that is another."""

__all__ = [
    "AgentProfile",
    "Architecture",
    "BasePaths",
    "DockerOptions",
    "EnvironmentOptions",
    "EnvironmentPrimitive",
    "ExecHandle",
    "ExecutionEnvironment",
    "ExecutionEnvironmentConfig",
    "FileEntry",
    "ScriptOutput",
    "StreamEvent",
    "TerminalHandle",
    "TranscriptChangeEvent",
    "WorkspaceFileEvent",
    "WriteFilesResult",
    "get_environment_primitive",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'codeexec.environments' has no attribute {name!r}")
    module, _, original = home.partition(":")
    value: object = getattr(import_module(f"{__name__}.{module}"), original or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
