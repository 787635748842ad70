"""Prints messages of commands: made printable, in colour on terminals, errors in one format."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from codeexec.domain.errors import CodeexecError
from codeexec.domain.text.printable import printable, printable_json, printable_row

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
    """Whether to use colours: on terminals, unless NO_COLOR, TERM=dumb or `choice` (always,
    never) override that. https://no-color.org"""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or is_dumb():
        return False
    return stream.isatty()


def is_dumb() -> bool:
    """Whether TERM names a terminal without escape sequences."""
    return os.environ.get("TERM") in ("dumb", "unknown")


class TerminalText(str):
    """Text that is safe to write to a terminal: external text in it was made printable."""

    __slots__ = ()


def paint(text: str, style: str, color: bool, *, lines: bool = False) -> TerminalText:
    """The text in one of STYLES; `lines`: line breaks are kept."""
    safe_text = text if isinstance(text, TerminalText) else printable(text, lines=lines)
    return TerminalText(f"{STYLES[style]}{safe_text}{RESET}" if color and safe_text else safe_text)


def write(text: str | bytes, file: TextIO | None = None, *, flush: bool = False) -> None:
    """Write printable text, or the bytes of a file, to stdout by default. BrokenPipeError when
    the reader closed the pipe, StorageError when they cannot be written, such as to a full disk."""
    stream = sys.stdout if file is None else file
    try:
        if isinstance(text, bytes):
            rest = memoryview(text)
            while rest:
                rest = rest[stream.buffer.write(rest) :]
        else:
            stream.write(text)
        if flush:
            stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from codeexec.cli.failed_output import leave_quietly, output_error

        if stream is sys.stdout:
            leave_quietly()
        raise output_error(error) from error


def say(*pieces: str, file: TextIO | None = None, flush: bool = False) -> None:
    """Print a line, to stdout by default. Every piece that is not a TerminalText is made
    printable, without line breaks."""
    line = "".join(
        piece if isinstance(piece, TerminalText) else printable(piece) for piece in pieces
    )
    write(f"{line}\n", file, flush=flush)


def say_lines(text: str, file: TextIO | None = None) -> None:
    """Print text of several lines, made printable."""
    safe_text = text if isinstance(text, TerminalText) else printable(text, lines=True)
    write(f"{safe_text}\n", file)


def say_row(text: str, color: bool) -> None:
    """Print rows of output; their styles are kept if `color`."""
    from codeexec.domain.outputs import plain  # imports msgspec

    row = printable_row(text)
    write(f"{row if color else plain(row)}\n")


def say_json(record: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print a value as JSON on one line; bytes are JSON already."""
    if not isinstance(record, bytes):
        import json

        record = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    write(printable_json(record.decode("utf-8", "surrogatepass")) + "\n", file, flush=flush)


def error_lines(error: CodeexecError, color: bool) -> TerminalText:
    """The error as lines: title, message, next step."""
    lines: list[str] = [paint(f"{error.title}.", "bad", color)]
    lines.append(printable(error.message, lines=True))
    if error.next_step:
        lines.append(paint("→ ", "accent", color) + printable(error.next_step, lines=True))
    return TerminalText("\n".join(line for line in lines if line))


def show_error(error: CodeexecError, as_json: bool = False) -> None:
    """Print an error on stderr; `as_json`: as one JSON object on one line."""
    if as_json:
        record = {
            "type": "failed",
            "code": error.code,
            "title": error.title,
            "message": error.message,
            "next_step": error.next_step,
        }
        say_json(record, file=sys.stderr)
    else:
        say_lines(error_lines(error, wants_color(sys.stderr)), file=sys.stderr)


def table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...], color: bool) -> TerminalText:
    """Rows as aligned columns under a header; the last column is not padded."""
    from codeexec.cli.text_width import width_of

    whole = [head, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(width_of(row[i]) for row in whole) for i in range(len(head))]
    lines = []
    for number, row in enumerate(whole):
        cells = [
            cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        lines.append(paint(line, "dim", color) if number == 0 else line)
    return TerminalText("\n".join(lines))
