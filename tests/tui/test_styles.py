"""Styles of widgets name classes that exist, and a widget's own styles begin with its class."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import codeexec.tui

ROOT = Path(codeexec.tui.__file__).parent


def own_styles() -> dict[str, str]:
    """The DEFAULT_CSS of each class that has one."""
    classes = [
        node
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    return {
        node.name: str(statement.value.value)
        for node in classes
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and ast.unparse(statement.targets[0]) == "DEFAULT_CSS"
        and isinstance(statement.value, ast.Constant)
    }


@pytest.mark.slow
def test_the_styles_of_a_widget_begin_with_its_own_class() -> None:
    styles = own_styles()
    assert len(styles) > 10
    strangers: dict[str, str] = {}
    for name, text in styles.items():
        for rule in re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
            selector = rule.rpartition(";")[2].strip()
            if not re.match(rf"(&|{name}\b)", selector):
                strangers[name] = selector
    assert strangers == {}
