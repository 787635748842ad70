"""Writes what a lesson's blocks put out into the lesson (`lesson verify --update`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from codeexec.cli.lessons.verify import Correction, LessonReport
from codeexec.documents.files import FileText, save_file, write_atomic
from codeexec.documents.lessons.files import inside

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")


def update(file: FileText, report: LessonReport, folder: Path) -> int:
    """Returns how many expectations were written. CodeexecError: the file has changed meanwhile,
    or cannot be written."""
    corrections = [correction for step in report.steps for correction in step.corrections]
    for correction in corrections:
        if correction.file:
            write_atomic(inside(folder, correction.file), correction.picture)
    texts = [correction for correction in corrections if not correction.file]
    if texts:
        save_file(file, corrected(file.text, texts))
    return len(corrections)


def corrected(text: str, corrections: Iterable[Correction]) -> str:
    """The lesson with the content of these fences replaced. A fence is made longer where the new
    content would close it."""
    lines = text.split("\n")
    for correction in sorted(corrections, key=lambda one: one.line, reverse=True):
        start = correction.line - 1
        opened = _FENCE.match(lines[start])
        if opened is None:
            continue
        indent, mark, info = opened.groups()
        closing = re.compile(rf" {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*")
        after = range(start + 1, len(lines))
        end = next((n for n in after if closing.fullmatch(lines[n])), len(lines))
        content = correction.text.split("\n") if correction.text else []
        runs = (re.match(rf" {{0,3}}({re.escape(mark[0])}{{3,}})", line) for line in content)
        longest = max((len(run[1]) for run in runs if run), default=0)
        mark = mark[0] * max(len(mark), longest + 1)
        lines[start : end + 1] = [
            f"{indent}{mark}{info}",
            *(f"{indent}{line}" if line else "" for line in content),
            f"{indent}{mark}",
        ]
    return "\n".join(lines)
