"""Whether code is whole, as far as that can be told without a kernel."""

from __future__ import annotations

import ast
import codeop
import warnings
from typing import Literal

Completeness = Literal["complete", "incomplete", "unknown"]

_PYTHON = ("python", "ipython")


def completeness(code: str, language: str = "python") -> Completeness:
    """What Enter at the end of it means; `unknown` for magics, errors and other languages."""
    if language not in _PYTHON:
        return "unknown"
    if not code.strip():
        return "complete"
    lines = code.split("\n")
    if len(lines) > 1 and not lines[-1].strip():
        return "complete"
    if len(lines) > 1 and lines[-1][:1].isspace():
        return "incomplete"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = codeop.compile_command(code, symbol="exec")
            if compiled is None:
                return "incomplete"
            ast.parse(code)
    except (SyntaxError, ValueError, OverflowError, SystemError):
        return "unknown"  # SystemError: CPython 3.11 when another thread parses at the time
    return "complete"
