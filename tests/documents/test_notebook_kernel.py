"""What a notebook says of its kernel."""

from __future__ import annotations

from codeexec.documents.notebook.convert import new_notebook
from codeexec.documents.notebook.kernel import kernelspec, language_info, with_language


def test_the_kernel_says_what_its_language_is() -> None:
    links = [{"text": "R", "url": "https://example.org"}]
    said = {"name": "R", "version": "4.3", "file_extension": ".r", "help_links": links}
    wrong = {"mimetype": 7, "codemirror_mode": 1, "long": "x" * 5000}
    assert language_info("r", "4.3", said | wrong) == said
    assert language_info("python", "3.12.1", {})["file_extension"] == ".py"
    assert language_info("julia", "", {}) == {"name": "julia"}
    assert language_info("x", "", {"name": "x" * 500}) == {"name": "x"}


def test_what_a_notebook_said_before_stays_beside_it() -> None:
    notebook = new_notebook(language="python").with_metadata("language_info", {"mine": 1})
    info = with_language(notebook, "python", "3.12.1", {}).data["metadata"]["language_info"]
    assert (info["mine"], info["name"], info["version"]) == (1, "python", "3.12.1")


def test_a_path_is_no_name_of_a_kernel() -> None:
    assert kernelspec("/usr/bin/python3", "", "python")["name"] == "python3"
    assert kernelspec("ir", "R", "R") == {"display_name": "R", "language": "R", "name": "ir"}
