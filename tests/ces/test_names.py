"""Every name of TaskWeaver's document and of its source is there, with its type and its place."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import get_args

import pytest

import codeexec.ces as ces
from codeexec.ces import common

RESULT = {
    "execution_id": "str",
    "code": "str",
    "is_success": "bool",
    "error": "str",
    "output": "str",
    "stdout": "list[str]",
    "stderr": "list[str]",
    "log": "list[str]",
    "artifact": "list[ExecutionArtifact]",
    "variables": "dict[str, str]",
}
SOURCE_RESULT = {
    **RESULT,
    "error": "str | None",
    "output": "str | list[tuple[str, str]]",
    "log": "list[LogMessage]",
}
del SOURCE_RESULT["variables"]
ARTIFACT = (
    "name",
    "type",
    "mime_type",
    "original_name",
    "file_name",
    "file_content",
    "file_content_encoding",
    "preview",
)
METHODS = {
    "start_session": ("session_id", "session_dir", "cwd"),
    "execute_code": ("session_id", "code", "exec_id"),
    "load_plugin": ("session_id", "plugin_name", "plugin_impl", "plugin_config"),
    "test_plugin": ("session_id", "plugin_name"),
    "unload_plugin": ("session_id", "plugin_name"),
    "update_session_var": ("session_id", "session_var"),
    "stop_session": ("session_id",),
}
CLIENT = {
    "start": (),
    "stop": (),
    "load_plugin": ("plugin_name", "plugin_code", "plugin_config"),
    "test_plugin": ("plugin_name",),
    "unload_plugin": ("plugin_name",),
    "update_session_var": ("session_var_dict",),
    "execute_code": ("exec_id", "code"),
}
MANAGER = {
    "initialize": (),
    "clean_up": (),
    "get_session_client": ("session_id", "env_id", "session_dir", "cwd"),
    "get_kernel_mode": (),
    "create": ("session_id", "session_dir", "cwd"),
    "get": ("session_id",),
    "stop": ("session_id",),
}


def fields(kind: type) -> dict[str, str]:
    assert dataclasses.is_dataclass(kind)
    return {field.name: str(field.type) for field in dataclasses.fields(kind)}


def positional(method: Callable[..., object]) -> tuple[str, ...]:
    parameters = inspect.signature(method).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
    return tuple(p.name for p in parameters if p.kind in kinds and p.name != "self")


def test_a_result_has_the_fields_of_the_document() -> None:
    assert dict(list(fields(ces.ExecutionResult).items())[: len(RESULT)]) == RESULT


def test_a_result_of_the_source_has_its_fields() -> None:
    assert fields(ces.SourceResult) == SOURCE_RESULT
    assert ces.LogMessage._fields == ("level", "tag", "message")


def test_an_artifact_has_its_fields_and_types() -> None:
    assert tuple(fields(ces.ExecutionArtifact)) == ARTIFACT
    types = {"chart", "image", "df", "file", "txt", "svg", "html"}
    assert set(get_args(common.ArtifactType)) == types
    artifact = ces.ExecutionArtifact(name="obj_1_df_0000", type="df")
    assert ces.ExecutionArtifact.from_dict(artifact.to_dict()) == artifact


def test_a_plugin_has_its_fields() -> None:
    assert tuple(fields(ces.EnvPlugin)) == ("name", "impl", "config", "loaded")


def test_a_kernel_has_its_states() -> None:
    states = ("pending", "ready", "running", "stopped", "error")
    assert get_args(common.KernelStatus) == states


@pytest.mark.parametrize("kind", [ces.Environment, ces.AsyncEnvironment])
def test_an_environment_has_its_methods(kind: type) -> None:
    for name, parameters in METHODS.items():
        assert positional(getattr(kind, name)) == parameters, name
    assert positional(kind) == (
        "env_id",
        "env_dir",
        "env_mode",
        "port_start_inside_container",
        "custom_image",
    )
    assert inspect.signature(kind).parameters["port_start_inside_container"].default == 12345
    assert [mode.value for mode in ces.EnvMode] == ["local", "container"]


def test_clients_and_managers_have_their_methods() -> None:
    for name, parameters in CLIENT.items():
        assert positional(getattr(ces.ExecutionClient, name)) == parameters, name
    for name, parameters in MANAGER.items():
        assert positional(getattr(ces.SessionManager, name)) == parameters, name
    factory = positional(ces.code_execution_service_factory)
    assert factory == ("env_dir", "kernel_mode", "custom_image")


def test_ids_have_their_prefixes() -> None:
    assert common.get_id(prefix="env").startswith("env-")
    assert len(common.get_id(4)) == 8


def test_every_public_name_is_documented() -> None:
    for name in ces.__all__:
        value = getattr(ces, name)
        assert value.__doc__, name
        for method, function in inspect.getmembers(value, inspect.isfunction):
            if not method.startswith("_") and method in value.__dict__:
                inherited = any(getattr(base, method, None) for base in value.__mro__[1:])
                assert function.__doc__ or inherited, f"{name}.{method}"
    assert set(dir(ces)) >= set(ces.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, codeexec.ces\n"
        "from codeexec.ces import Environment, code_execution_service_factory\n"
        "heavy = {'zmq', 'textual', 'rich', 'jupyter_client', 'websockets', 'fastapi', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
