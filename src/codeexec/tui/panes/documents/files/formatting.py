"""Formats the text of a document by the program that the catalog of languages names for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.errors import CodeexecError, NotFound, UsageError
from codeexec.hostfiles.programs import safe_environ, which
from codeexec.languages.model import Language
from codeexec.tui.panes.documents.files.cell_formatting import (
    notebook_json,
    sources_in,
    with_sources,
)
from codeexec.tui.panes.documents.text_diff import replace_text

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

SECONDS = 5.0
"""How long a formatter may take."""


class NotFormatted(CodeexecError):
    """A formatter could not read the text, or was ended."""

    code = "not_formatted"
    title = "Not formatted"


def has_formatter(language: Language, ruff: str = "") -> bool:
    """Whether a formatter is installed: the one that the catalog names, or `ruff` for Python."""
    if language.name == "python":
        return bool(ruff)
    return bool(language.formatter) and which(language.formatter[0]) is not None


async def format_document(sheet: DocumentView, ruff: str = "") -> bool:
    """Format the text of a document as one step of history; whether it has changed. `ruff` is the
    path of the program that formats Python, if there is one. NotFound where no formatter is
    installed, NotFormatted where it fails: then the text is as it was."""
    language, text = sheet.language, sheet.editor.text
    if language.name == "python":
        return await _format_python(sheet, ruff)
    if not language.formatter or sheet.document.notebook is not None:
        raise UsageError(
            f"No formatter is known for {language.title} files.", "Format it by a program of yours."
        )
    tool = which(language.formatter[0])
    if tool is None:
        raise NotFound(
            f"{language.title} is formatted by {language.formatter[0]}, which is not installed.",
            f"Install it: {language.install_formatter}",
        )
    name = str(sheet.path)
    words = [word.replace("{file}", name) for word in language.formatter[1:]]
    formatted = await _output([tool, *words], text, sheet.path.parent)
    return _put(sheet, text, formatted)


def _put(sheet: DocumentView, text: str, formatted: str) -> bool:
    """Put a formatted text in place of the one that was read; whether that changes it."""
    if formatted == text or sheet.editor.text != text:
        return False  # it was edited meanwhile: what was typed is worth more
    replace_text(sheet.editor, formatted)
    return True


async def _format_python(sheet: DocumentView, ruff: str) -> bool:
    """Format a script, or the code cells of a notebook."""
    if not ruff:
        raise NotFound(
            "Python is formatted by ruff, which the environment of the kernel does not have.",
            "Install it there: pip install ruff",
        )
    text, name = sheet.editor.text, str(sheet.path)
    command = [ruff, "format", "--quiet", "--no-cache", "--stdin-filename", name, "-"]
    if sheet.document.notebook is None:
        formatted = await _output(command, text, sheet.path.parent)
        return _put(sheet, text, formatted)
    cells = [cell for cell in sheet.editor.cells() if cell.is_own_code]
    if not cells:
        return False
    output = await _output(command, notebook_json(cells), sheet.path.parent)
    sources = sources_in(output)
    if len(sources) != len(cells):
        raise NotFormatted("ruff gave back other cells.", "The document is as it was.")
    lines = list(sheet.editor.model.lines)
    formatted = with_sources(lines, cells, sources, sheet.document.marker)
    return _put(sheet, text, formatted)


async def _output(command: Sequence[str], text: str, folder: Path) -> str:
    """What a formatter makes of a text. NotFormatted."""
    name = Path(command[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder if folder.is_dir() else None,
            env=safe_environ(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise NotFormatted(f"{name} cannot be started: {error.strerror or error}.") from error
    try:
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate(text.encode("utf-8", "surrogatepass"))
    except TimeoutError as error:
        raise NotFormatted(f"{name} took longer than {SECONDS:.0f} s, and was ended.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = errors.decode("utf-8", "replace").strip().partition("\n")[0]
        raise NotFormatted(f"{name} failed: {words or f'status {process.returncode}'}")
    formatted = output.decode("utf-8", "replace")
    if text.strip() and not formatted.strip():
        raise NotFormatted(f"{name} gave back no text.", "The document is as it was.")
    return formatted
