"""The fences of an exercise: `check`, `hint` and `solution`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from codeexec.documents.lessons.model import CodeBlock

CHECK, HINT, SOLUTION = "check", "hint", "solution"

EXERCISE_FENCES = (CHECK, HINT, SOLUTION)
"""First words of fences that belong to the code before them."""

MOST_TRIES = 1000


class FenceProblem(NamedTuple):
    """`line` of the file, or of the content of the fence, from 1."""

    line: int
    reason: str


def tries_of(attributes: Sequence[str]) -> int | None:
    """The tries after which a hint is shown, of the words of its fence; None: they name none."""
    if len(attributes) == 1 and attributes[0].isascii() and attributes[0].isdigit():
        tries = int(attributes[0]) if len(attributes[0]) <= len(str(MOST_TRIES)) else 0
        return tries if 1 <= tries <= MOST_TRIES else None
    return None


def python_problem(code: str) -> FenceProblem | None:
    """Why a check is no Python; None where it is."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        return FenceProblem(error.lineno or 1, error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return FenceProblem(1, str(error) or type(error).__name__)
    return None if tree.body else FenceProblem(0, "it has no statement")


def unchecked(block: CodeBlock) -> FenceProblem | None:
    """Why nothing could say that an exercise is done; None where something does, or the block is no
    exercise."""
    if not block.is_exercise or block.checks or block.expectations:
        return None
    line = block.hints[0].line if block.hints else block.line
    return FenceProblem(line, "The exercise has neither a check nor an output to compare.")
