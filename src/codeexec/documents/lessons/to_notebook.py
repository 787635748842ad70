"""Makes a notebook of a lesson, for export: its steps are slides."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

from codeexec.documents.lessons.model import CodeBlock, Expectation, Lesson, Step
from codeexec.documents.model import CellKind
from codeexec.documents.notebook.convert import Notebook, new_cell, new_notebook
from codeexec.documents.notebook.outputs import Json, split_lines

_JPEG = b"\xff\xd8"
_NOTES: Json = {"slideshow": {"slide_type": "notes"}}
_HIDDEN: Json = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"]}

ReadPicture = Callable[[Expectation], bytes | None]
"""Gives the content of an expected picture; None where there is none."""


def notebook_of_lesson(
    lesson: Lesson,
    language: str,
    picture: ReadPicture,
    outputs: Mapping[int, Sequence[Json]] | None = None,
    *,
    is_for_running: bool = True,
) -> Notebook:
    """`language` is that of the lesson's kernel. `outputs` are those of a run as nbformat has them,
    by the line of the block; without a run they are what the lesson expects. With `is_for_running`
    it has what is hidden, and the notes for the speaker."""
    kernel = lesson.front.kernel or ("python3" if language == "python" else "")
    notebook = new_notebook(kernel, language=language)
    if lesson.front.title:
        notebook.data["metadata"]["title"] = lesson.front.title
    languages, cells = notebook.languages, notebook.data["cells"]

    def add(kind: CellKind, source: str, metadata: Json, cell_outputs: Sequence[Json] = ()) -> None:
        cell = {**new_cell(kind, notebook.minor), "source": split_lines(source)}
        cell["metadata"] = metadata
        if kind is CellKind.CODE:
            cell["outputs"] = list(cell_outputs)
        cells.append(cell)

    if lesson.front.setup and is_for_running:
        add(CellKind.CODE, lesson.front.setup.rstrip("\n"), dict(_HIDDEN))
    for step in lesson.steps:
        slide: Json = {"slideshow": {"slide_type": "slide"}}
        for block, text in _parts(step):
            if text:
                add(CellKind.MARKDOWN, text, slide)
                slide = {}
            if block is None or (block.is_hidden and not is_for_running):
                continue
            metadata = {**slide, **(_HIDDEN if block.is_hidden else {})}
            if block.is_exercise:
                cell_outputs: Sequence[Json] = ()  # they are those of the solution
            elif outputs is None:
                cell_outputs = _expected(block, picture)
            else:
                cell_outputs = outputs.get(block.line, ())
            own = "" if block.language == language else block.language
            code = block.code.rstrip("\n")
            add(CellKind.CODE, code, languages.with_own(metadata, own), cell_outputs)
            slide = {}
        if step.notes and is_for_running:
            add(CellKind.MARKDOWN, "\n\n".join(step.notes), _NOTES)
    return notebook


def _parts(step: Step) -> list[tuple[CodeBlock | None, str]]:
    """Each block with the text before it, and the text after the last."""
    return list(zip((*step.blocks, None), step.texts, strict=True))


def _expected(block: CodeBlock, picture: ReadPicture) -> Sequence[Json]:
    """What the lesson says of the outputs; patterns say nothing that could be shown."""
    outputs: list[Json] = []
    for expectation in block.expectations:
        match expectation.mode:
            case "exact" if expectation.text.strip():
                text = split_lines(expectation.text)
                outputs.append({"output_type": "stream", "name": "stdout", "text": text})
            case "raises":
                name, _, value = expectation.text.strip().partition(": ")
                name = name or "Exception"
                row = expectation.text.strip() or name
                error = {"ename": name, "evalue": value, "traceback": [row]}
                outputs.append({"output_type": "error", **error})
            case "image" if content := picture(expectation):
                mime = "image/jpeg" if content.startswith(_JPEG) else "image/png"
                data = {mime: base64.b64encode(content).decode()}
                outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
    return outputs
