"""What programs rely on: the public names, and a session opened by one call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import codeexec
from codeexec.domain.events import ExecutionFinished, OutputChanged

PUBLIC = [
    "CodeexecError",
    "ExecutionArtifact",
    "ExecutionResult",
    "RunningSession",
    "__version__",
    "open_session",
]


def test_the_public_names_are_these() -> None:
    assert codeexec.__all__ == PUBLIC
    assert all(hasattr(codeexec, name) for name in PUBLIC)
    with pytest.raises(AttributeError):
        _ = codeexec.nothing


def test_importing_costs_nothing() -> None:
    code = "import sys, codeexec; print([m for m in sys.modules if m.startswith('codeexec.')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=90
    )
    assert done.stdout == "[]\n"


@pytest.mark.slow
async def test_a_session_runs_code(tmp_path: Path) -> None:
    async with codeexec.open_session(cwd=tmp_path, env={"A": "1"}) as session:
        result = await session.run("1 + 1")
        assert (result.is_success, result.output) == (True, "2")
        result = await session.run("import os; print(os.environ['A'], os.getcwd()); x = 5")
        assert result.stdout == [f"1 {tmp_path}"]
        assert result.variables["x"] == "5"
        assert (await session.run("del x; y = [1]")).variables == {
            "os": "module os",
            "y": "[1]",
        }
        result = await session.run("1/0")
        assert not result.is_success
        assert "ZeroDivisionError" in result.error
        result = await session.run("print(input() + input())", answers=["a", "b"])
        assert result.stdout == ["ab"]
        result = await session.run("input()")
        assert not result.is_success
        result = await session.run("while True: pass", timeout=0.5)
        assert result.log == ["It ran longer than 0.5 s."]
        await session.restart()
        assert "NameError" in (await session.run("x")).error


async def test_facts_come_while_code_runs(tmp_path: Path) -> None:
    async with codeexec.open_session(cwd=tmp_path) as session:
        rows: list[str] = []
        async for record in session.stream("for i in range(3): print(i)"):
            match record.event:
                case OutputChanged(runs=runs):
                    rows += [run.text for run in runs]
                case ExecutionFinished(status=status):
                    assert status == "ok"
        assert "\n".join(rows).splitlines()[-1] == "2"


async def test_pictures_are_artifacts(tmp_path: Path) -> None:
    async with codeexec.open_session(cwd=tmp_path) as session:
        result = await session.run(
            "from IPython.display import SVG, display\n"
            "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))"
        )
        (artifact,) = result.artifact
        assert artifact.mime_type == "image/svg+xml"
        assert artifact.file_content.startswith("<svg")
