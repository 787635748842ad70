"""The walks in ARCHITECTURE.md name files, classes and functions that exist, and stay short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_FILES = 15

_STEP = re.compile(r"^\d+\. `([\w/]+\.py): ([\w.]+)`", re.MULTILINE)


def walks() -> dict[str, list[tuple[str, str]]]:
    """Title of each walk to its steps: file and name."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    section = text.partition("## A newcomer's walk")[2].partition("\n## ")[0]
    parts = re.split(r"^### (.+)$", section, flags=re.MULTILINE)[1:]
    return {
        title: [(match[1], match[2]) for match in _STEP.finditer(body)]
        for title, body in zip(parts[::2], parts[1::2], strict=True)
    }


def names_in(file: Path) -> set[str]:
    """Classes, functions and methods of a file, methods with their classes: `Class.method`."""
    names: set[str] = set()

    def collect(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(f"{prefix}{child.name}")
                if isinstance(child, ast.ClassDef):
                    collect(child, f"{prefix}{child.name}.")

    collect(ast.parse(file.read_text("utf-8")), "")
    return names


@pytest.mark.parametrize("title", ["A key", "An execution", "An output row"])
def test_a_walk_names_what_exists_in_few_files(title: str) -> None:
    steps = walks()[title]
    assert len(steps) >= 9
    missing = [
        f"{path}: {name}"
        for path, name in steps
        if name not in names_in(ROOT / "src" / "codeexec" / path)
    ]
    assert not missing
    assert len({path for path, _ in steps}) <= MOST_FILES


def test_there_are_three_walks() -> None:
    assert list(walks()) == ["A key", "An execution", "An output row"]
