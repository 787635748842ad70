"""Cells as Python: magics, shell commands and `name?` become calls; lines keep their numbers."""

from __future__ import annotations

import re
import textwrap

CALL = "__import__('codeexec_runner').console"
"""What the calls are made on."""

_MAGIC = re.compile(r"(\s*)%([A-Za-z_]\w*)[ \t]*(.*)", re.DOTALL)
_COMMAND = re.compile(r"(\s*)!(.*)", re.DOTALL)
_VALUE = re.compile(r"(\s*)([A-Za-z_][\w.,\s\[\]'\"]*?)\s*=\s*([!%])(?!=)(.*)", re.DOTALL)
_HELP = re.compile(r"(\s*)(\?{0,2})(%{0,2}[\w.]+)(\?{0,2})\s*;?\s*")
_CELL_MAGIC = re.compile(r"%%([A-Za-z_!]\w*)[ \t]*(.*)")


def cell_magic(code: str) -> tuple[str, str, str] | None:
    """The name, the rest of the line and the body of a cell that begins with `%%name`."""
    text = code.lstrip("\n")
    head, _, body = text.partition("\n")
    match = _CELL_MAGIC.match(head.strip())
    return (match.group(1), match.group(2), body) if match else None


def transform(code: str) -> str:
    """The cell with its magics as calls. Code that is Python as it is needs none of this."""
    lines = textwrap.dedent(code).split("\n")
    written: list[str] = []
    scanner = Scanner()
    at = 0
    while at < len(lines):
        line = lines[at]
        if scanner.is_at_statement:
            last = at
            while lines[last].endswith("\\") and last + 1 < len(lines):
                last += 1
            whole = "\n".join(lines[at : last + 1]).replace("\\\n", " ")
            call = transform_line(whole)
            if call is not None:
                written.append(call)
                written += [""] * (last - at)
                at = last + 1
                continue
        scanner.read(line)
        written.append(line)
        at += 1
    return "\n".join(written)


def transform_line(line: str) -> str | None:
    """The call that one line stands for; None for a line of Python."""
    match = _MAGIC.fullmatch(line)
    if match:
        indent, name, rest = match.groups()
        if name.endswith("?") or (not rest and line.rstrip().endswith("?")):
            return f"{indent}{CALL}.help({('%' + name.rstrip('?'))!r})"
        return f"{indent}{CALL}.line_magic({name!r}, {rest.strip()!r})"
    match = _COMMAND.fullmatch(line)
    if match:
        indent, command = match.groups()
        return f"{indent}{CALL}.system({command.lstrip('!').strip()!r})"
    match = _VALUE.fullmatch(line)
    if match:
        indent, target, sign, rest = match.groups()
        if sign == "!":
            return f"{indent}{target} = {CALL}.output_of({rest.strip()!r})"
        name, _, argument = rest.partition(" ")
        return f"{indent}{target} = {CALL}.line_magic({name!r}, {argument.strip()!r})"
    match = _HELP.fullmatch(line)
    if match and (match.group(2) or match.group(4)):
        detail = 1 if "??" in (match.group(2), match.group(4)) else 0
        return f"{match.group(1)}{CALL}.help({match.group(3)!r}, {detail})"
    return None


class Scanner:
    """Follows strings, brackets and continued lines, as far as to know where statements begin."""

    def __init__(self) -> None:
        self._quote = ""
        self._depth = 0
        self._is_continued = False

    @property
    def is_at_statement(self) -> bool:
        return not (self._quote or self._depth or self._is_continued)

    def read(self, line: str) -> None:
        self._is_continued = False
        at = 0
        while at < len(line):
            sign = line[at]
            if self._quote:
                if sign == "\\":
                    at += 1
                elif line.startswith(self._quote, at):
                    at += len(self._quote) - 1
                    self._quote = ""
            elif sign == "#":
                return
            elif sign in "\"'":
                self._quote = sign * 3 if line.startswith(sign * 3, at) else sign
                at += len(self._quote) - 1
            elif sign in "([{":
                self._depth += 1
            elif sign in ")]}":
                self._depth = max(self._depth - 1, 0)
            elif sign == "\\" and at == len(line) - 1:
                self._is_continued = True
            at += 1
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""  # a string of one line that was not closed: an error of Python's
