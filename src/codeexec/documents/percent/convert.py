"""Converts percent scripts to notebooks and back, in the format of jupytext.

https://jupytext.readthedocs.io/en/latest/formats-scripts.html#the-percent-format. The text of an
open notebook is different (see `notebook.to_text`): only the editor uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from codeexec.documents.cell_language import MAGICS, canonical, script_word
from codeexec.documents.model import CellKind
from codeexec.documents.notebook.convert import Notebook, new_cell, new_notebook
from codeexec.documents.notebook.outputs import Json, joined, split_lines
from codeexec.documents.percent.attributes import KEY, read_attributes, write_attribute
from codeexec.documents.percent.cells import CellIndex
from codeexec.documents.percent.header import read_header, write_header
from codeexec.documents.percent.separators import Separator, comment, parse_separator, uncomment
from codeexec.documents.percent.spacing import join_cells
from codeexec.documents.percent.strings import quote_after

_STRING = re.compile(r"""[rR]?(\"{3}|'{3})(.*)\1\s*""", re.DOTALL)
SUFFIX = "py"
"""File type of a percent script, for cells that are active in some types only."""
_CELL_MAGIC = re.compile(r"%%([\w+#]+)(?: (.*))?")
_COMMAND = re.compile(r"\s*+(?:# ?)*+\s*+[?!]\s*+[A-Za-z.~$\\/{}]")
_ASSIGNED = re.compile(r"(?:# ?)*+\s*+[A-Za-z_]\w*+\s*+=\s*+(?:%{1,3}|!)[A-Za-z]")
_HELP = re.compile(r"\s*(?:# )*[^\s]*\?\s*")
_SHELL = re.compile(
    r"(?:# ?)*(?:cat|cd|cp|mv|rm|rmdir|mkdir|copy|ddir|echo|ls|ldir|ren)(?:$|\s$|\s[^=,])"
)
_IGNORED = ("autoscroll", "collapsed", "scrolled", "trusted", "execution", "ExecuteTime",
            "skipline", "noskipline", "cell_marker", "lines_to_next_cell",
            "lines_to_end_of_cell_marker")  # fmt: skip
"""Cell metadata that belongs to outputs or to one program, not written to scripts."""


# -- reading --------------------------------------------------------------------------------


def read_script(text: str, marker: str = "#", language: str = "python") -> Notebook:
    """Parse a percent script as a notebook."""
    header, text = read_header(text, marker)
    notebook = new_notebook(language=language)
    metadata = {**notebook.data["metadata"], **header.metadata}
    has_magics = header.comments_magics
    cells: list[Json] = []
    if header.rest:
        cells.append(_cell(CellKind.RAW, {}, f"---\n{header.rest}\n---"))
    lines = text.removesuffix("\n").split("\n")
    index = CellIndex(lines, marker)
    for number in range(len(index) if text else 0):
        cell = index.cell(number, lines)
        separator = index.separator_at(cell.start) if cell.body > cell.start else None
        own = read_attributes(separator.attributes) if separator else {}
        if separator and separator.title:
            own["title"] = separator.title
        body = _body(lines[cell.start : cell.end])[cell.body - cell.start :]
        kind = cell.kind
        if separator and _is_plain_text(lines[cell.start], body, marker):
            cells.append(_cell(kind, own, "\n".join(body).strip("\n")))
            continue
        if kind is CellKind.CODE and not is_active("ipynb", own):
            kind = CellKind.RAW  # code of the script only
            if own.get("active") == "":
                del own["active"]
            if not is_active(SUFFIX, own):
                body = uncomment("\n".join(body), marker).split("\n")
            elif has_magics:
                body = list(_change_magics(body, marker, language, _plain_magic))
            cells.append(_cell(kind, own, "\n".join(body)))
            continue
        cells.append(_cell(kind, *_content(kind, own, body, marker, language, has_magics)))
    return Notebook({**notebook.data, "cells": cells, "metadata": metadata})


def _is_plain_text(separator: str, body: Sequence[str], marker: str) -> bool:
    """Whether this is a Markdown cell of PyCharm, whose text has no comment markers."""
    is_pycharms = separator.split() == [f"{marker}%%", "md"]
    return is_pycharms and any(line.strip() and not line.startswith(marker) for line in body)


def _body(lines: Sequence[str]) -> list[str]:
    """The lines of a cell and its separator without the empty line before the next cell; exactly
    two blank lines, as PEP 8 wants after a function, are both removed."""
    blank = [not line.strip() for line in lines[-3:]]
    if blank[-2:] == [True, True] and blank != [True, True, True] and len(lines) > 2:
        return list(lines[:-2])
    return list(lines[:-1] if lines and not lines[-1] else lines)


def is_active(suffix: str, metadata: Json) -> bool:
    """Whether a cell is code in files of this type (`py`, `ipynb`), not commented or raw."""
    control = metadata.get("run_control")
    if isinstance(control, dict) and control.get("frozen") is True:
        return suffix == "ipynb"
    if tag := _active_tag(metadata):
        return suffix in tag.split("-")
    active = metadata.get("active")
    return suffix in re.split(r"[.,]", active) if isinstance(active, str) else True


def _active_tag(metadata: Json) -> str:
    tags = metadata.get("tags")
    names = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return next((tag for tag in names if tag.startswith("active-")), "")


def _is_in_vscode(metadata: Json, word: str) -> bool:
    """Whether VS Code's metadata name the same language."""
    vscode = metadata.get("vscode")
    language = canonical(vscode.get("languageId")) if isinstance(vscode, dict) else ""
    return bool(language) and language == canonical(word)


def _content(
    kind: CellKind, own: Json, lines: list[str], marker: str, language: str, has_magics: bool
) -> tuple[Json, str]:
    text = "\n".join(lines)
    if kind is not CellKind.CODE:
        quoted = _STRING.fullmatch(text.strip()) if language == "python" else None
        if quoted is not None and quoted[1] not in quoted[2]:
            return own, quoted[2].strip("\n")
        return own, uncomment(text, marker)
    if not is_active(SUFFIX, own):
        return own, uncomment(text, marker)
    other = own.get("language")
    if isinstance(other, str) and _is_in_vscode(own, other):
        del own["language"]  # written beside it, as the body is commented
        return own, uncomment(text, marker)
    if isinstance(other, str) and other not in MAGICS:
        return own, uncomment(text, marker)
    if isinstance(other, str):
        del own["language"]
        arguments = own.pop("magic_args", "")
        head = f"%%{other} {arguments}".rstrip()
        return own, "\n".join([head, *uncomment(text, marker).split("\n")] if text else [head])
    if has_magics:
        text = "\n".join(_change_magics(lines, marker, language, _plain_magic))
    return own, text


def _cell(kind: CellKind, metadata: Json, source: str) -> Json:
    cell = new_cell(kind, 5)
    return {**cell, "metadata": metadata, "source": split_lines(source)}


# -- writing --------------------------------------------------------------------------------


def write_script(notebook: Notebook, marker: str = "#", language: str = "python") -> str:
    """The notebook as a percent script, without outputs."""
    header = write_header(notebook.data.get("metadata") or {}, marker)
    languages = notebook.languages
    blocks = [
        _block(raw, marker, language, languages.own(raw.get("metadata"))).split("\n")
        for raw in notebook.data["cells"]
    ]
    return header + join_cells(blocks, language)


def _block(raw: Json, marker: str, language: str, own_language: str) -> str:
    """The lines of a cell; `own_language` is empty for that of the notebook."""
    kind = CellKind(raw["cell_type"]) if raw.get("cell_type") in ("code", "markdown") else None
    own = {
        key: value
        for key, value in (raw.get("metadata") or {}).items()
        if key not in _IGNORED and KEY.fullmatch(key)
    }
    source = joined(raw.get("source"))
    lines = source.split("\n") if source else []
    if kind is None and own.get("active") == "":
        del own["active"]
    is_chosen = bool(_active_tag(own)) or "active" in own
    if kind is not CellKind.CODE and not (kind is None and is_chosen):
        return f"{_head(kind, own, marker)}\n{comment(source, marker)}"
    if not is_active(SUFFIX, own):
        return f"{_head(CellKind.CODE, own, marker)}\n{comment(source, marker)}"
    magic = _CELL_MAGIC.fullmatch(lines[0]) if lines and language == "python" else None
    if magic and magic[1] in MAGICS:
        own |= {"magic_args": magic[2]} if magic[2] else {}
        head = _head(CellKind.CODE, {**own, "language": magic[1]}, marker)
        body = "\n".join(lines[1:])
        return f"{head}\n{comment(body, marker)}" if body else head
    if own_language:
        head = _head(CellKind.CODE, {**own, "language": script_word(own_language, own)}, marker)
        return f"{head}\n{comment(source, marker)}" if source else head
    first = lines[0] if lines and lines[0].strip() else ""
    indent = first[: len(first) - len(first.lstrip())]
    head = indent + _head(CellKind.CODE, own, marker)
    return "\n".join([head, *_change_magics(lines, marker, language, _comment_magic)])


def _head(kind: CellKind | None, metadata: Json, marker: str) -> str:
    """The separator line of a cell; None is the kind of raw text."""
    title = metadata.get("title")
    is_plain = isinstance(title, str) and _is_plain(title, marker)
    mark = "" if kind is CellKind.CODE else f"[{kind or CellKind.RAW}]"
    pairs = [
        write_attribute(key, value)
        for key, value in metadata.items()
        if not (key == "title" and is_plain)
    ]
    words = (marker, "%%", title if is_plain else "", mark, *pairs)
    return " ".join(str(word) for word in words if word)


def _is_plain(title: str, marker: str) -> bool:
    """Whether the title is parsed unchanged from a separator line."""
    expected = Separator(title=title)
    return (
        len(title.splitlines()) == 1 and parse_separator(f"{marker} %% {title}", marker) == expected
    )


# -- magics ---------------------------------------------------------------------------------


def _change_magics(
    lines: Sequence[str], marker: str, language: str, change: Callable[[str, str, str], str]
) -> Iterator[str]:
    """The lines of code, with `change` applied to magics and shell commands outside strings."""
    quote = ""
    goes_on = False
    is_python = language == "python"
    for line in lines:
        is_magic = not quote and (goes_on or _is_magic(line, marker, is_python))
        # The marker of a continued line is not indented.
        bare = line if goes_on and not line.lstrip().startswith(marker) else line.lstrip()
        yield change(line[: len(line) - len(bare)], bare, marker) if is_magic else line
        goes_on = is_python and is_magic and line.rstrip().endswith("\\")
        quote = quote_after(line, quote) if is_python else ""


@lru_cache(maxsize=16)
def _magic(marker: str) -> re.Pattern[str]:
    return re.compile(rf"\s*+(?:{re.escape(marker)} ?)*+%{{1,3}}[A-Za-z]")


def _is_magic(line: str, marker: str, is_python: bool) -> bool:
    """Whether the line is a magic or shell command, commented or not."""
    if re.search(rf"{re.escape(marker)}\s*noescape\s*$", line):
        return False
    if _magic(marker).match(line):
        return True
    return is_python and bool(
        _COMMAND.match(line) or _ASSIGNED.match(line) or _HELP.fullmatch(line) or _SHELL.match(line)
    )


def _comment_magic(indent: str, bare: str, marker: str) -> str:
    return f"{indent}{marker} {bare}"


def _plain_magic(indent: str, bare: str, marker: str) -> str:
    if not bare.startswith(marker):
        return indent + bare
    return indent + bare[len(marker) :].removeprefix(" ")
