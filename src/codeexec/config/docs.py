"""The manual's words on settings: the docstrings of the model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import get_type_hints

from codeexec.config.model import Settings


@cache
def field_docs() -> dict[tuple[str, str], str]:
    """The strings under the fields, which Python itself throws away."""
    import ast

    from codeexec.config import model

    docs: dict[tuple[str, str], str] = {}
    tree = ast.parse(Path(model.__file__).read_text(encoding="utf-8"))
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for statement, following in zip(node.body, node.body[1:], strict=False):
            match statement, following:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    docs[node.name, name] = " ".join(text.split())
    return docs


def section_docs() -> dict[str, str]:
    """What each table is about, by its name."""
    return {name: str(kind.__doc__) for name, kind in get_type_hints(Settings).items()}
