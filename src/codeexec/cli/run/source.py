"""Loads the input of `run` as pieces of code: a script, its cells, a notebook or stdin."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.documents.model import CellKind
from codeexec.domain.errors import DocumentError, UsageError
from codeexec.domain.options import CodeAbove
from codeexec.domain.places.backends import CONTAINERS
from codeexec.environments.pythons.folders import looks_like_path

if TYPE_CHECKING:
    from codeexec.documents.files import FileText
    from codeexec.documents.notebook.convert import Notebook

STDIN = "-"
SKIP = "skip-execution"
MAY_FAIL = "raises-exception"
"""Tags of cells, the same as in nbclient."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Code to execute. `index` is that of its cell in the notebook that it belongs to or is
    saved in, `first_line` its first line in the file, both from 0. `may_fail`: the run goes on
    after an error. `language` is empty for that of the program."""

    code: str
    index: int = 0
    title: str = ""
    first_line: int = 0
    may_fail: bool = False
    language: str = ""


def pieces_above(pieces: Iterable[Piece], piece: Piece) -> tuple[CodeAbove, ...]:
    """What a piece has of those before it, where its language is one whose cells are programs."""
    from codeexec.languages.plan import carries_declarations  # of mixed documents alone

    if not piece.language or not carries_declarations(piece.language):
        return ()
    return tuple(
        CodeAbove(other.code, other.first_line, other.title)
        for other in takewhile(lambda other: other is not piece, pieces)
        if other.language == piece.language
    )


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A program that was read. `path` is None for stdin; `folder` is the default working
    directory; `kernel` the kernel that a notebook names; `text` is that of a script, `file` that
    of a notebook; `language` that of a program which is built and run by its tools, `target` that
    of a project in `folder` whose program is built and run."""

    path: Path | None
    pieces: tuple[Piece, ...]
    folder: Path
    kernel: str = ""
    notebook: Notebook | None = field(default=None)
    has_cells: bool = False
    text: str = ""
    file: FileText | None = None
    language: str = ""
    target: str = ""

    @property
    def name(self) -> str:
        if self.target:
            return self.target
        return self.path.name if self.path else "<stdin>"

    def as_notebook(self) -> Notebook:
        """The notebook to save outputs in: the loaded notebook, or a new one with one cell."""
        if self.notebook is not None:
            return self.notebook
        from codeexec.documents.notebook.convert import new_cell, new_notebook
        from codeexec.documents.notebook.outputs import split_lines

        made = new_notebook(language="python")
        source = split_lines(self.text.rstrip("\n"))
        cell = {**new_cell(CellKind.CODE, made.minor), "source": source}
        return replace(made, data={**made.data, "cells": [cell]})


def load_program(
    file: str,
    *,
    cells: bool = False,
    language: str = "python",
    parameters: Mapping[str, object] | None = None,
) -> LoadedProgram:
    """Read a file. NotFound or DocumentError if it cannot be read; UsageError for a folder, and
    for a type of file that a kernel of this language does not run."""
    if parameters and not (cells or file.lower().endswith(".ipynb")):
        raise UsageError(
            "-p and -f set parameters of a notebook, or of a script that is run with --cells.",
            f"Arguments for a program come after `--`: codeexec-tui run {file} -- -p …",
        )
    if file == STDIN:
        text = _read_stdin()
        return LoadedProgram(None, (Piece(text),), Path.cwd(), text=text)
    path = Path(file)
    if os.path.isdir(path):  # noqa: PTH112  (False for a name that is too long)
        raise UsageError(
            f"{file} is a folder.", f"Name a file in it, or open it: codeexec-tui {file}"
        )
    suffix = path.suffix.lower()
    if suffix == ".ipynb":
        return _load_notebook(path, parameters)
    from codeexec.documents.files import read_file

    text = read_file(path).text
    if path.suffix.lower() not in (".py", ".pyw", ".ipy"):
        from codeexec.languages.running import refusal

        if refused := refusal(path.name, text.partition("\n")[0], language):
            raise UsageError(*refused)
    folder = Path.cwd()
    if not cells:
        return LoadedProgram(path, (Piece(numbered(text)),), folder, text=text)
    from codeexec.documents.percent.cells import CellIndex
    from codeexec.documents.percent.convert import is_active, read_script
    from codeexec.documents.percent.header import read_header

    header, body = read_header(text, "#")
    above = text.count("\n") - body.count("\n")
    lines = body.split("\n")
    split = CellIndex(lines, "#").cells(lines)
    first_lines = {cell.index + bool(header.rest): cell.body + above for cell in split}
    sources = {cell.index + bool(header.rest): cell.source for cell in split}
    languages = {cell.index + bool(header.rest): cell.language for cell in split}
    notebook = with_parameters(read_script(text), parameters)
    for index, cell in enumerate(notebook.data["cells"]):
        if not is_active("py", cell["metadata"]):
            sources.pop(index, None)  # a comment in the script
    if parameters:
        first_lines, sources, languages = {}, {}, {}
    pieces = tuple(
        replace(
            piece,
            code=sources.get(piece.index, piece.code),
            first_line=first_lines.get(piece.index, 0),
            language=languages.get(piece.index, piece.language),
        )
        for piece in _pieces(notebook)
    )
    kernel = _kernel_of(notebook)
    return LoadedProgram(path, pieces, folder, kernel, notebook, has_cells=True, text=text)


def load_other(file: str, language: str) -> LoadedProgram:
    """A program of another language than Python. NotFound or DocumentError if it cannot be
    read."""
    from codeexec.documents.files import read_file

    path = Path(file)
    return LoadedProgram(path, (Piece(read_file(path).text),), Path.cwd(), language=language)


def load_target(target: str, place: Path) -> LoadedProgram:
    """A target of the project that the folder `place` is in. NotFound."""
    from codeexec.languages.projects.detect import require_project
    from codeexec.languages.projects.reports import PROJECT

    project = require_project(place.absolute())
    pieces = (Piece(""),)
    return LoadedProgram(None, pieces, project.folder, language=PROJECT.name, target=target)


def with_parameters(notebook: Notebook, parameters: Mapping[str, object] | None) -> Notebook:
    if not parameters:
        return notebook
    from codeexec.documents.parameters import inject

    return inject(notebook, parameters)


def _pieces(notebook: Notebook) -> Iterator[Piece]:
    """Code cells in order, without cells tagged to be skipped."""
    from codeexec.documents.notebook.convert import cell_tags

    for cell in notebook.cells:
        tags = cell_tags(notebook.data["cells"][cell.index])
        if cell.is_code and not cell.is_blank and SKIP not in tags:
            may_fail = MAY_FAIL in tags
            yield Piece(cell.source, cell.index, cell.title, 0, may_fail, cell.language)


def _load_notebook(path: Path, parameters: Mapping[str, object] | None) -> LoadedProgram:
    from codeexec.documents.files import read_file
    from codeexec.documents.notebook.convert import parse_notebook

    file = read_file(path)
    notebook = with_parameters(parse_notebook(file.text, path.name), parameters)
    folder = path.absolute().parent
    pieces, kernel = tuple(_pieces(notebook)), _kernel_of(notebook)
    return LoadedProgram(path, pieces, folder, kernel, notebook, has_cells=True, file=file)


def _kernel_of(notebook: Notebook) -> str:
    """The kernel that a notebook or the header of a script names. Only names of installed
    kernels are accepted: no path, connection file or image."""
    name = notebook.kernel
    is_other = looks_like_path(name) or name.endswith(".json") or name == CONTAINERS
    return name if re.fullmatch(r"[\w.-]+", name, re.ASCII) and not is_other else ""


def _read_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"Standard input is not UTF-8: byte {error.object[error.start]:#04x} "
            f"at position {error.start}.",
            "Convert it first: iconv -t UTF-8",
        ) from error


def prelude(program: LoadedProgram, arguments: tuple[str, ...]) -> str:
    """Code that makes a Python kernel look like an interpreter to the program: it sets
    `sys.argv` and `sys.path[0]`, and for a script `__file__`; of a script it hides the advice that
    IPython prints on `sys.exit`."""
    is_script = program.file is None
    if program.path is None:
        argv, extra, naming = [STDIN, *arguments], "", ""
    else:
        argv = [str(program.path), *arguments]
        full = str(program.path.absolute())
        naming = "" if program.has_cells else _NAMING.format(path=full)
        extra = f"_p = {str(Path(full).parent)!r}; _s.path[:0] = [_p] * (_s.path[:1] != [_p])\n    "
        if is_script:
            extra += f"globals().__setitem__('__file__', {full!r})\n    "
    if is_script:
        extra += "import warnings; warnings.filterwarnings('ignore', message='To exit: use')\n    "
    return (
        "def _codeexec_prelude():\n"
        "    import sys as _s\n"
        f"    {extra}_s.argv = {argv!r}\n"
        "_codeexec_prelude()\n"
        "del _codeexec_prelude\n"
    ) + naming


# Tracebacks of a whole script name its file, as Python's do. A cell is named `Cell In[3]`, since
# its lines are counted from its first. Works once: the next code compiled is the script.
_NAMING = """\
def _codeexec_naming(path):
    compiler = get_ipython().compile
    code_name, shown_name = compiler.get_code_name, compiler.format_code_name
    def get_code_name(*args):
        compiler.get_code_name = code_name
        return path
    compiler.get_code_name = get_code_name
    compiler.format_code_name = lambda name: None if name == path else shown_name(name)
_codeexec_naming({path!r})
del _codeexec_naming
"""


def numbered(text: str) -> str:
    """The script with its first blank line made a comment: IPython drops leading blank lines,
    which would change line numbers."""
    first, newline, following = text.partition("\n")
    return f"#{newline}{following}" if newline and not first.strip() else text


def language_of_kernel(name: str) -> str:
    """The language of a kernel; Python for an empty name and for a path."""
    if not name or "/" in name or name == "python3":
        return "python"
    from codeexec.kernels.jupyter.discover import find_specs
    from codeexec.languages.catalog import languages

    spec = find_specs().get(name.lower())
    if spec is not None and spec.language:
        return spec.language
    # The kernel is not installed here, such as one in a container: use its well-known name.
    return next(
        (language.name for language in languages().values() if name in language.kernels), "python"
    )
