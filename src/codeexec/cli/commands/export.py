"""`codeexec-tui export`: writes a notebook, a script or Markdown in another format."""

from __future__ import annotations

from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.domain.errors import UsageError

_STDOUT = "-"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--to",
    "form",
    default="",
    metavar="FORMAT",
    help="html, md, py, ipynb or pdf; without it, the type of OUT.",
)
@click.option("-o", "--output", "out", default="", metavar="OUT", help="The file, or - for stdout.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def export(file: Path, form: str, out: str, force: bool, as_json: bool) -> None:
    """Write FILE in another format, with the outputs that it has; nothing is run.

    FILE is a notebook, a script of cells or Markdown with fenced code. HTML is one file with its
    pictures in it, and runs no script. Without OUT the file is written beside FILE. PDF needs a
    converter: weasyprint, chromium or wkhtmltopdf.
    """
    from codeexec.documents.export.forms import as_notebook
    from codeexec.documents.export.forms import export as exported
    from codeexec.documents.files import write_atomic
    from codeexec.documents.formats import open_document
    from codeexec.languages.catalog import by_file, running_language

    form = (form or Path(out).suffix.removeprefix(".")).lower().removeprefix(".")
    if not form:
        raise UsageError("The format is missing.", "Add --to html, md, py, ipynb or pdf.")
    target = Path(out) if out else file.with_suffix(f".{form}")
    is_file = out != _STDOUT
    if is_file and target.exists() and (not force or target.resolve() == file.resolve()):
        raise UsageError(f"{target} exists already.", "Give another name with -o, or --force.")
    language = by_file(file.name)
    marker = (language.comment if language is not None else "") or "#"
    document = open_document(file, marker)
    name = language.name if language is not None else "python"
    notebook = as_notebook(document, name, running_language)
    content = exported(notebook, form, file.name, marker)
    if not is_file:
        style.write(content)
        return
    write_atomic(target.absolute(), content)
    if as_json:
        style.say_json({"exported": str(target)})
    else:
        style.say(f"written: {target}")
