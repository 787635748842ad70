"""The formats that a document can be exported to, and the way to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.documents.notebook.convert import (
    Notebook,
    dump_notebook,
    from_text,
    new_cell,
    new_notebook,
)
from codeexec.documents.notebook.outputs import split_lines
from codeexec.documents.percent.convert import read_script, write_script
from codeexec.domain.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codeexec.documents.model import Cell, Document

FORMS = ("html", "md", "py", "ipynb", "pdf")
"""File types without the dot."""


def export(
    notebook: Notebook, form: str, title: str, marker: str = "#", *, has_slides: bool = False
) -> bytes:
    """The file in one of FORMS; `has_slides` as for `to_html`. UsageError for another form, or if
    no converter for PDF is installed; StorageError if the converter fails."""
    match form:
        case "html" | "pdf":
            from codeexec.documents.export.html import to_html

            page = to_html(notebook, title, has_slides=has_slides)
            if form == "html":
                return page.encode("utf-8", "replace")
            from codeexec.documents.export.pdf import to_pdf

            return to_pdf(page)
        case "md":
            from codeexec.documents.export.markdown import to_markdown

            return to_markdown(notebook).encode("utf-8", "replace")
        case "py":
            language = notebook.language or "python"
            return write_script(notebook, marker, language).encode("utf-8", "replace")
        case "ipynb":
            return dump_notebook(notebook).encode("utf-8", "surrogatepass")
        case _:
            raise UsageError(
                f"{form or 'This'} is not a format to export to.", f"Use {', '.join(FORMS)}."
            )


def notebook_of(cells: Sequence[Cell], language: str) -> Notebook:
    """A notebook of the cells of a script in this language."""
    notebook = new_notebook(language=language)
    languages = notebook.languages
    for cell in cells:
        metadata = {"title": cell.title} if cell.title else {}
        if cell.is_code:
            metadata = languages.with_own(metadata, cell.language)
        raw = {**new_cell(cell.kind, notebook.minor), "metadata": metadata}
        notebook.data["cells"].append({**raw, "source": split_lines(cell.source)})
    return notebook


def as_notebook(
    document: Document,
    language: str = "python",
    language_of: Callable[[str], str] = lambda _: "",
) -> Notebook:
    """The cells of any document: a notebook, a script with or without separators, or Markdown;
    `language_of` is that of `from_markdown`."""
    if document.notebook is not None:
        return document.notebook
    if document.path.suffix.lower() in (".md", ".markdown"):
        from codeexec.documents.export.markdown import from_markdown

        return from_markdown(document.text, language_of)
    notebook = read_script(document.text, document.marker, language)
    if notebook.data["cells"] or not document.text.strip():
        return notebook
    return from_text(new_notebook(language=language), document.text, document.marker)
