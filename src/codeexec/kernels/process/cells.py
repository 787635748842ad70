"""A cell as a program: the file that is compiled, and its lines as those of the document."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from msgspec.structs import replace

from codeexec.domain.diagnostics import Diagnostic, SourceLocation
from codeexec.domain.errors import UsageError
from codeexec.domain.events import CellRef
from codeexec.domain.options import CodeAbove
from codeexec.domain.programs import StepResult
from codeexec.kernels.base import ExecuteCall
from codeexec.languages.cells.compose import CellLines, compose, is_whole_program, lay_out

MOST_ABOVE = 1_000_000
"""Characters of the cells above one."""
_NO_NAME = re.compile(r"[^\w.+-]")
_LONGEST_NAME = 80


class CellFiles(NamedTuple):
    """`path` is the file of the layout, which compilers name; `document` is its name for people.
    The last of the `cells` is the one that runs."""

    path: str
    document: str
    cells: tuple[CodeAbove, ...]
    layout: CellLines
    renewed: tuple[str, ...]
    remarks: tuple[str, ...]

    def named(self, text: str) -> str:
        """A report with the name of the document."""
        return text.replace(self.path, self.document)

    def located(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Diagnostics at the lines of the document."""
        return tuple(
            replace(
                diagnostic,
                place=self._located(diagnostic.place),
                notes=tuple(
                    replace(note, place=self._located(note.place)) for note in diagnostic.notes
                ),
                fixes=tuple(
                    replace(fix, place=self._located(fix.place)) for fix in diagnostic.fixes
                ),
            )
            for diagnostic in diagnostics
        )

    def _located(self, place: SourceLocation) -> SourceLocation:
        if place.file != self.path or not place.line:
            return place
        at = self.layout.cell_at(place.line - 1)
        moved = self.cells[at].first_line - self.layout.starts[at]
        end_line = place.end_line + moved if place.end_line else 0
        return replace(place, file=self.document, line=place.line + moved, end_line=end_line)

    def explain(self, diagnostics: Iterable[Diagnostic]) -> str:
        """Lines that say what of a failed build is due to other cells."""
        lines = list(self.remarks)
        for diagnostic in diagnostics:
            place = diagnostic.place
            if diagnostic.severity != "error" or place.file != self.document:
                continue
            for cell in self.cells[:-1]:
                if 0 <= place.line - 1 - cell.first_line < cell.code.count("\n") + 1:
                    title = f" ({cell.title})" if cell.title else ""
                    line = cell.first_line + 1
                    lines.append(
                        f"Line {place.line} is in a cell above: that of line {line}{title}."
                    )
        return "".join(f"note: {line}\n" for line in dict.fromkeys(lines))


class CellLayout(NamedTuple):
    """A cell that is to be a program, with the cells above it. `name` is that of its file."""

    name: str
    document: str
    cells: tuple[CodeAbove, ...]
    layout: CellLines
    preamble: str

    @classmethod
    def of(cls, call: ExecuteCall, folder: str, extension: str) -> CellLayout | None:
        """None for code that is a program by itself. `folder` is that of the session. UsageError
        for too much code above."""
        above = call.options.above
        if sum(len(cell.code) for cell in above) > MOST_ABOVE:
            raise UsageError(
                f"The cells above have more than {MOST_ABOVE:,} characters.",
                "Move what they declare into a header file, and include it.",
            )
        if is_whole_program(call.code):
            return None
        place = call.cell or CellRef("")
        own = CodeAbove(call.code, place.first_line, place.title)
        name = _NO_NAME.sub("_", PurePosixPath(place.document).name)[-_LONGEST_NAME:]
        document = place.document
        if folder and document.startswith(f"{folder}/"):
            document = document.removeprefix(f"{folder}/")
        name = name or f"cell{extension}"
        cells = (*above, own)
        return cls(name, document or name, cells, lay_out(cells), call.preamble)

    def files(self, path: str) -> tuple[CellFiles, str]:
        """With the layout in the file `path`: its files, and the text of the program."""
        *above, own = self.cells
        program = compose(above, own, self.layout, path, self.preamble)
        made = CellFiles(
            path, self.document, self.cells, self.layout, program.renewed, program.remarks
        )
        return made, program.text


def cell_words(words: Iterable[str], files: CellFiles) -> tuple[str, ...]:
    """The words of the compiler for a cell, with {folder}, that of its document as seen from the
    session's folder, and {layout}, that of its lines."""
    folder = os.path.dirname(files.document) or "."  # noqa: PTH120
    layout = os.path.dirname(files.path)  # noqa: PTH120
    return tuple(word.replace("{folder}", folder).replace("{layout}", layout) for word in words)


class ReportWriter:
    """Writes a compiler's report on as it comes; of a cell line by line, with the name of its
    document in place of our file's."""

    def __init__(self, files: CellFiles | None, write: Callable[[str], None]) -> None:
        self._files = files
        self._write = write
        self._held = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        if self._files is not None:
            whole, newline, self._held = (self._held + text).rpartition("\n")
            text = self._files.named(whole + newline)
        if text:
            self._write(text)

    def end(self, step: StepResult) -> None:
        """The build has ended; of one that has failed, say what other cells have to do with it."""
        if self._files is None:
            return
        text = self._files.named(self._held)
        if step.code:
            text += self._files.explain(step.diagnostics)
        if text:
            self._write(text)
