"""The complete example of the documentation, in each of its modes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.containers import classic_image, require_engine
from support.servers import Apart

PAGE = Path(__file__).parents[2] / "docs" / "code-execution-service.md"


def block(language: str, number: int = 0) -> str:
    """A block of the page, counted from 0 among those of its language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    blocks = list(re.finditer(pattern, PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
    return blocks[number].group(1)


def run(apart: Apart, code: str, *arguments: str) -> str:
    program = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=apart.environ,
        cwd=apart.work,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert program.returncode == 0, program.stderr
    return program.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [
        "local",
        pytest.param("relay", marks=pytest.mark.docker),
        pytest.param("ports", marks=pytest.mark.docker),
    ],
)
def test_the_example_prints_the_same_in_each_mode(apart: Apart, where: str) -> None:
    if where == "ports":
        classic_image()
    elif where == "relay":
        require_engine()
    assert run(apart, block("python"), where) == block("text")
    session = apart.work / "runs" / "sessions" / "report"
    files = [str(path.relative_to(session)) for path in session.rglob("*") if path.is_file()]
    assert files == ["cwd/obj_1_txt_0000_greeting.txt"]


@pytest.mark.slow
def test_the_other_examples_run(apart: Apart) -> None:
    assert run(apart, block("python", 1)) == "pending\n"
    assert run(apart, block("python", 2)) == "42\n"
