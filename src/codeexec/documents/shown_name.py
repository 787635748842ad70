"""The variable that code shows: the name that its last statement is."""

from __future__ import annotations

import ast
import re
import warnings

_NAME = re.compile(r"(?:display\(\s*)?([^\W\d]\w*)\s*\)?;?")


def shown_name(code: str) -> str:
    """Empty where the last statement is something else."""
    last = code.rstrip().rpartition("\n")[2].strip()
    if "; " in last:
        last = _last_statement(last)
    match = _NAME.fullmatch(last)
    return match[1] if match else ""


def _last_statement(line: str) -> str:
    """The last of several statements in a line of Python; the line where it is something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return line
    return ast.get_source_segment(line, tree.body[-1]) or line if tree.body else line
