"""`run --cells --kernel PATH` with a Python that has no ipykernel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.bare_python import make_bare_python
from support.programs import Desk

CELLS = """# %%
name = input("who? ")
print("hello", name)
# %%
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.show()
# %%
plt.plot([2, 1])
# %%
for number in range(100_000):
    print(number)
"""


@pytest.fixture
def bare(tmp_path: Path) -> str:
    return make_bare_python(tmp_path / "bare")


@pytest.mark.slow
def test_cells_with_input_figures_and_a_flood(desk: Desk, bare: str) -> None:
    desk.file("a.py", CELLS)
    words = ("run", "--cells", "--kernel", bare, "--artifacts", "art", "a.py")
    done = desk.run(*words, stdin=b"Ada\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    numbers = [line for line in lines if line.isdecimal()]
    assert numbers == [str(number) for number in range(100_000)]
    assert "hello Ada" in done.stdout
    pictures = [path for path in (desk.folder / "art").iterdir() if path.suffix == ".png"]
    assert len(pictures) == 2
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


@pytest.mark.slow
def test_an_error_names_the_cell_and_the_exit_code_is_1(desk: Desk, bare: str) -> None:
    desk.file("a.py", "# %%\nx = 1\n# %%\n1 / 0\n")
    done = desk.run("run", "--cells", "--kernel", bare, "a.py")
    assert done.returncode == 1
    assert 'File "<cell>", line 1' in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert not re.search(r"codeexec_runner|runner-\w+\.zip", done.stderr)
