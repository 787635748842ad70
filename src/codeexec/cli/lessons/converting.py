"""Makes notebooks of documents and sessions for lessons, and files in other formats of lessons."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.cli.lessons.running import main_language, running
from codeexec.cli.servers.stored_session import open_stored
from codeexec.client.lessons.block_output import expected_picture
from codeexec.documents.export.forms import FORMS, as_notebook, export
from codeexec.documents.formats import open_document
from codeexec.documents.lessons.to_notebook import notebook_of_lesson
from codeexec.documents.notebook.convert import parse_notebook
from codeexec.domain.errors import CodeexecError, NotFound, UsageError
from codeexec.environments.trust.store import RunTrust
from codeexec.languages.catalog import by_file, running_language
from codeexec.session.output.export import export as session_pieces

if TYPE_CHECKING:
    from codeexec.documents.lessons.model import Lesson
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json


def notebook_of_source(source: str) -> tuple[Notebook, str]:
    """The cells of a file or, where there is none, of a session; and its name. CodeexecError."""
    path = Path(source)
    if path.is_file() or path.suffix:
        language = by_file(path.name)
        marker = (language.comment if language is not None else "") or "#"
        document = open_document(path, marker)
        name = language.name if language is not None else "python"
        return as_notebook(document, name, running_language), path.stem
    try:
        stored = open_stored(source, with_output=True)
    except NotFound as error:
        raise NotFound(f"{source} is no file and no session.", error.next_step) from None
    try:
        pieces = session_pieces("ipynb", stored.journal, stored.journal.restore(), stored.blobs)
        return parse_notebook(b"".join(pieces).decode()), source
    finally:
        stored.journal.close()


def exported_lesson(lesson: Lesson, file: Path, form: str, kernel: str, *, runs: bool) -> bytes:
    """The lesson in another format, with the outputs that it expects, or those of a run.
    CodeexecError."""
    if form not in FORMS:
        raise UsageError(f"{form} is not a format to export to.", f"Use {', '.join(FORMS)}.")
    folder = file.absolute().parent
    notebook = notebook_of_lesson(
        lesson,
        main_language(lesson, kernel),
        partial(expected_picture, lesson, folder),
        asyncio.run(_run(lesson, folder, kernel, file)) if runs else None,
        is_for_running=form in ("ipynb", "py"),
    )
    return export(notebook, form, lesson.front.title or file.stem, has_slides=True)


async def _run(lesson: Lesson, folder: Path, kernel: str, file: Path) -> dict[int, list[Json]]:
    """The outputs of each block, by its line."""
    outputs: dict[int, list[Json]] = {}
    async with running(lesson, folder, kernel, RunTrust(str(file))) as run:
        for _, block in lesson.blocks():
            ended = await run.block(block)
            error = (await run.output(ended)).error
            if error and not block.may_raise:
                raise CodeexecError(
                    f"{lesson.name}:{block.line}: {error}",
                    f"Nothing was written. See: codeexec-tui lesson verify {file}",
                )
            outputs[block.line] = await run.notebook_outputs(ended)
    return outputs
