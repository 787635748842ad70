"""`run` of documents whose cells are in several languages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeexec.cli import exit_codes
from support.programs import Desk, read_notebook

SCRIPT = """\
# %%
x = 41
print("py", x)

# %% language="bash"
# echo "sh $((1 + 1))"

# %% language="cpp"
# #include <cstdio>
# int main() { std::puts("cpp"); }

# %%
print(x + 1)
"""


def notebook(*cells: tuple[str, dict[str, Any]]) -> str:
    code: dict[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": []}
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return json.dumps(
        {
            "cells": [
                {**code, "id": f"c{at}", "metadata": own, "source": source}
                for at, (source, own) in enumerate(cells)
            ],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


BASH: dict[str, Any] = {"vscode": {"languageId": "shellscript"}}


@pytest.mark.slow
def test_cells_of_a_script_run_in_order_in_their_languages(desk: Desk) -> None:
    desk.file("a.py", SCRIPT)
    done = desk.run("run", "--cells", "a.py", "--save", "out.ipynb")
    assert done.stdout == "py 41\nsh 2\ncpp\n42\n", done
    assert done.returncode == exit_codes.OK
    saved = read_notebook(desk.folder / "out.ipynb")
    texts = ["".join(output.text for output in cell.outputs) for cell in saved.cells]
    assert texts == ["py 41\n", "sh 2\n", "cpp\n", "42\n"]
    assert saved.metadata.kernelspec.name == "python3"
    assert saved.metadata.language_info.name == "python"


DECLARED = """\
# %%
print("py")

# %% language="cpp"
# #include <cstdio>
# int count = 1;
# int next(int n) { return n + count; }
# std::puts("first");

# %% language="cpp"
# std::printf("%d\\n", next(count));
# count = next(missing);
"""


@pytest.mark.slow
def test_cells_of_cpp_have_the_declarations_of_those_above(desk: Desk) -> None:
    desk.file("a.py", DECLARED)
    done = desk.run("run", "--cells", "a.py")
    assert done.stdout == "py\nfirst\n"
    assert "a.py:12:14: error: ‘missing’ was not declared" in done.stderr
    desk.file("a.py", DECLARED.replace("missing", "6"))
    assert desk.run("run", "--cells", "a.py").stdout == "py\nfirst\n2\n"


@pytest.mark.slow
def test_a_language_that_cannot_run_ends_the_run_in_words(desk: Desk) -> None:
    cells: tuple[tuple[str, dict[str, Any]], ...] = (
        ("print(1)", {}),
        ("exit 3", {**BASH, "tags": ["raises-exception"]}),
        ("T | count", {"vscode": {"languageId": "kusto"}}),
        ("print(2)", {}),
    )
    desk.file("a.ipynb", notebook(*cells))
    done = desk.run("run", "a.ipynb")
    assert done.stdout == "1\n"
    assert "kusto is no kernel that is installed. `codeexec-tui kernels` lists" in done.stderr
    assert "Cell 3 of 4 did not end well; 1 after it was not run." in done.stderr
    assert done.returncode == exit_codes.KERNEL
    desk.file("b.ipynb", notebook(("x", {"vscode": {"languageId": "julia"}}), ("print(2)", {})))
    done = desk.run("run", "b.ipynb")
    assert "Julia needs julia, which is not installed. Install it: https://julialang" in done.stderr
    assert (done.stdout, done.returncode) == ("", exit_codes.FAILED)


@pytest.mark.slow
def test_with_keep_going_a_language_without_a_kernel_costs_its_own_cells(desk: Desk) -> None:
    unknown = {"vscode": {"languageId": "klingon"}}
    cells = notebook(("1", unknown), ("echo sh", BASH), ("2", unknown), ("print('py')", {}))
    desk.file("a.ipynb", cells)
    done = desk.run("run", "a.ipynb", "--keep-going")
    assert done.stdout == "sh\npy\n"
    assert done.stderr.count("klingon") == 2
    assert done.returncode == exit_codes.KERNEL
