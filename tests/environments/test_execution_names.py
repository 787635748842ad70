"""Every name of the execution environment's document is there, under the name that it has here."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import PurePosixPath

import pytest

from codeexec import environments
from codeexec.environments import (
    BasePaths,
    EnvironmentOptions,
    EnvironmentPrimitive,
    ExecutionEnvironment,
    ExecutionEnvironmentConfig,
    FileEntry,
    ScriptOutput,
    WriteFilesResult,
)
from codeexec.environments.docker.environment import DockerEnvironment
from codeexec.environments.execution.config import CODE
from codeexec.environments.execution.events import FileEventKind
from codeexec.environments.local import LocalEnvironment

PRIMITIVE = {
    "getId": "id",
    "getBasePaths": "base_paths",
    "exec": "exec",
    "readFile": "read_file",
    "writeFile": "write_file",
    "writeFiles": "write_files",
    "listFiles": "list_files",
    "watch": "watch",
    "isRunning": "is_running",
    "poll": "poll",
    "terminate": "terminate",
}
CONCRETE = {
    "create": "create",
    "getId": "get_id",
    "getBasePaths": "get_base_paths",
    "getWorkspaceFiles": "get_workspace_files",
    "watchWorkspaceFiles": "watch_workspace_files",
    "isHealthy": "is_healthy",
    "cleanup": "cleanup",
    "prepareSession": "prepare_session",
    "executeQuery": "execute_query",
    "readSessionTranscript": "read_session_transcript",
    "watchSessionTranscriptChanges": "watch_session_transcript_changes",
}
FOLDERS = {
    "APP_DIR": "application",
    "WORKSPACE_DIR": "workspace",
    "HOME_DIR": "home",
    "BUNDLED_MCP_DIR": "bundled_tools",
}
CONFIG = {
    "sessionId": "session_id",
    "architecture": "architecture",
    "agentProfile": "agent_profile",
    "environmentOptions": "environment_options",
}
TYPES = (
    "EnvironmentPrimitive",
    "ExecHandle",
    "ExecutionEnvironment",
    "FileEntry",
    "StreamEvent",
    "TranscriptChangeEvent",
    "WorkspaceFileEvent",
    "WriteFilesResult",
    "get_environment_primitive",
)
SCRIPTS = {
    "setup-session": "setup_session",
    "execute-query": "execute_query",
    "read-transcript": "read_transcript",
}


class TestNames:
    """Every name of the document of the execution environment, and what it is here."""

    @pytest.mark.parametrize("name", [*PRIMITIVE.values(), "open_terminal"])
    def test_members_of_a_primitive(self, name: str) -> None:
        for kind in (EnvironmentPrimitive, LocalEnvironment, DockerEnvironment):
            assert hasattr(kind, name), kind

    @pytest.mark.parametrize("name", CONCRETE.values())
    def test_methods_of_the_environment_are_documented(self, name: str) -> None:
        method = getattr(ExecutionEnvironment, name)
        assert name == "get_id" or inspect.getdoc(method)

    @pytest.mark.parametrize(("variable", "name"), FOLDERS.items())
    def test_folders(self, variable: str, name: str) -> None:
        paths = BasePaths(*map(PurePosixPath, ("/w", "/h", "/t", "/a")))
        assert paths.variables()[variable] == str(getattr(paths, name))

    def test_config_options_results_and_scripts(self) -> None:
        assert [field.name for field in fields(ExecutionEnvironmentConfig)] == [*CONFIG.values()]
        assert {"type", "docker"} <= {field.name for field in fields(EnvironmentOptions)}
        assert {"written", "refused"} == {*WriteFilesResult.__struct_fields__}
        assert {"path", "content"} == {*FileEntry.__struct_fields__}
        stream = {field.name for field in fields(ScriptOutput)}
        assert {"type", "payload", "context", "success", "data", "error"} <= stream
        for name in SCRIPTS.values():
            assert getattr(CODE, name)[-1] == f"{{application}}/{name}.py"
            assert CODE.files[f"{name}.py"].is_file()

    def test_all_are_imported_from_one_place(self) -> None:
        for name in {*TYPES, *environments.__all__}:
            assert getattr(environments, name) is not None
        with pytest.raises(AttributeError):
            environments.nothing  # noqa: B018

    def test_kinds_of_file_events(self) -> None:
        assert [*FileEventKind] == ["add", "change", "unlink"]
