"""The walls at run time: what importing a room may load, checked in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

ENGINE = (
    "codeexec.session.host",
    "codeexec.kernels.factory",
    "codeexec.server.main",
    "codeexec.client.embedded",
    "codeexec.client.socket",
    "codeexec.documents.notebook.convert",
)


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90
    )
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_loads_no_screen(module: str) -> None:
    assert not {"textual", "rich"} & loaded_by(module)


@pytest.mark.parametrize("module", ["codeexec.tui.boot.entry", "codeexec.client.socket"])
def test_a_face_loads_no_kernel(module: str) -> None:
    assert not {"zmq", "jupyter_client", "fastapi", "ipykernel"} & loaded_by(module)


@pytest.mark.parametrize(
    "modules",
    [
        "codeexec.tui.boot.start, codeexec.tui.boot.preview",
        "codeexec.server.start, codeexec.kernels.early, codeexec.kernels.held",
        "codeexec.cli.script.file_build, codeexec.kernels.process.steps.precompiled",
    ],
    ids=["the first frame", "the first kernel", "a build"],
)
def test_what_starts_early_loads_nothing_slow(modules: str) -> None:
    loaded = loaded_by(modules)
    assert not {"asyncio", "dataclasses", "hashlib", "inspect", "logging", "tomllib"} & loaded


@pytest.mark.slow
def test_an_idle_workbench_loads_neither_openssl_nor_lexers() -> None:
    code = (
        "import sys; from codeexec.client.tls import import_asyncio; import_asyncio();"
        "import codeexec.tui.app; from codeexec.tui.workbench.layout import panes;"
        "[panes.load(entry) for entry in panes.panes()]; print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90
    )
    loaded = set(done.stdout.split())
    assert "codeexec.tui.panes.artifacts.pane" in loaded
    assert not {"ssl", "_hashlib", "pygments.lexer", "pathspec", "csv", "html.parser"} & loaded
    assert not {name for name in loaded if name.startswith("codeexec.tui.screens.lesson")}
    widgets = "codeexec.tui.output.ipywidgets"
    assert (
        not {f"{widgets}.{name}" for name in ("operate", "values", "drawing", "painter")} & loaded
    )


def test_commands_of_agents_load_neither_screen_nor_mcp() -> None:
    loaded = loaded_by("codeexec.cli.commands.agents, codeexec.cli.commands.mcp")
    assert not {"mcp", "mcp_types", "pydantic", "textual", "rich", "PIL"} & loaded
