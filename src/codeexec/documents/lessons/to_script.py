"""Makes a script of a tour: a cell for each block, the first of a step with the step's title."""

from __future__ import annotations

from codeexec.documents.lessons.model import Lesson
from codeexec.documents.model import CellKind
from codeexec.documents.notebook.convert import new_cell, new_notebook
from codeexec.documents.notebook.outputs import split_lines
from codeexec.documents.percent.convert import write_script

_WELCOME = "The bar below says what to do next. Nothing runs by itself."


def script_of_tour(lesson: Lesson) -> str:
    """A Python script with cells; code of other languages is in cells of these."""
    notebook = new_notebook(language="python")
    cells = notebook.data["cells"]
    title = f"# {lesson.front.title}\n" if lesson.front.title else ""
    welcome = new_cell(CellKind.MARKDOWN, notebook.minor)
    cells.append({**welcome, "source": split_lines(title + _WELCOME)})
    for step in lesson.steps:
        visible_blocks = [block for block in step.blocks if not block.is_hidden]
        for number, block in enumerate(visible_blocks):
            cell = new_cell(CellKind.CODE, notebook.minor)
            own = "" if block.language == "python" else block.language
            metadata = {} if number else {"title": step.label}
            cell["metadata"] = notebook.languages.with_own(metadata, own)
            cells.append({**cell, "source": split_lines(block.code.rstrip("\n"))})
    notebook.data["metadata"] = {}  # a script of the user's own kernel
    return write_script(notebook)
