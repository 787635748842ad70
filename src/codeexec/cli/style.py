"""Words on a terminal: whether in colour, and how our own errors look."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from codeexec.domain.errors import CodeexecError

RESET = "\x1b[0m"
STYLES = {
    "strong": "\x1b[1m",
    "dim": "\x1b[2m",
    "good": "\x1b[32m",
    "warn": "\x1b[33m",
    "bad": "\x1b[1;31m",
    "accent": "\x1b[36m",
}


def wants_color(stream: TextIO, choice: str = "auto") -> bool:
    """Colours on terminals, unless NO_COLOR or TERM=dumb or `choice` (always, never) say
    otherwise. https://no-color.org"""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, style: str, color: bool) -> str:
    return f"{STYLES[style]}{text}{RESET}" if color and text else text


def error_lines(error: CodeexecError, color: bool) -> str:
    """Title, what happened, what to do."""
    lines = [paint(f"{error.title}.", "bad", color), error.message]
    if error.next_step:
        lines.append(paint("→ ", "accent", color) + error.next_step)
    return "\n".join(line for line in lines if line)


def show_error(error: CodeexecError, as_json: bool = False) -> None:
    """On stderr; with `as_json` one line that a program can read."""
    if as_json:
        import json

        record = {
            "type": "failed",
            "code": error.code,
            "title": error.title,
            "message": error.message,
            "next_step": error.next_step,
        }
        print(json.dumps(record, ensure_ascii=False), file=sys.stderr)
    else:
        print(error_lines(error, wants_color(sys.stderr)), file=sys.stderr)


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...], color: bool) -> str:
    """Columns as wide as their widest cell; the last is not padded."""
    from codeexec.cli.widths import width_of

    whole = [head, *rows]
    widths = [max(width_of(row[i]) for row in whole) for i in range(len(head))]
    lines = []
    for number, row in enumerate(whole):
        cells = [
            cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        lines.append(paint(line, "dim", color) if number == 0 else line)
    return "\n".join(lines)
