"""Code execution service: sessions, plugins and artifacts for programs, with TaskWeaver's names.

    with Environment(env_dir="runs") as env:
        env.start_session("report")
        env.load_plugin("report", "greet", GREET, {"greeting": "Hello"})
        result = env.execute_code("report", "greet('world')")
        print(result.output, result.artifact, result.variables)

Each name is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from codeexec.ces.async_environment import AsyncEnvironment as AsyncEnvironment
    from codeexec.ces.client import ExecutionClient as ExecutionClient
    from codeexec.ces.common import Client as Client
    from codeexec.ces.common import EnvPlugin as EnvPlugin
    from codeexec.ces.common import ExecutionArtifact as ExecutionArtifact
    from codeexec.ces.common import ExecutionResult as ExecutionResult
    from codeexec.ces.common import LogMessage as LogMessage
    from codeexec.ces.common import Manager as Manager
    from codeexec.ces.common import SourceResult as SourceResult
    from codeexec.ces.cut_offs import CutOffs as CutOffs
    from codeexec.ces.environment import Environment as Environment
    from codeexec.ces.manager import SessionManager as SessionManager
    from codeexec.ces.manager import (
        code_execution_service_factory as code_execution_service_factory,
    )
    from codeexec.ces.session import EnvSession as EnvSession
    from codeexec.ces.session_request import EnvMode as EnvMode

_HOMES = {
    "AsyncEnvironment": "async_environment",
    "Client": "common",
    "CutOffs": "cut_offs",
    "EnvMode": "session_request",
    "EnvPlugin": "common",
    "EnvSession": "session",
    "Environment": "environment",
    "ExecutionArtifact": "common",
    "ExecutionResult": "common",
    "LogMessage": "common",
    "Manager": "common",
    "ExecutionClient": "client",
    "SessionManager": "manager",
    "SourceResult": "common",
    "code_execution_service_factory": "manager",
}

__all__ = [
    "AsyncEnvironment",
    "Client",
    "CutOffs",
    "EnvMode",
    "EnvPlugin",
    "EnvSession",
    "Environment",
    "ExecutionArtifact",
    "ExecutionClient",
    "ExecutionResult",
    "LogMessage",
    "Manager",
    "SessionManager",
    "SourceResult",
    "code_execution_service_factory",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'codeexec.ces' has no attribute {name!r}")
    value: object = getattr(import_module(f"codeexec.ces.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
