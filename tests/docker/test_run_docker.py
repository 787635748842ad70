"""`run --docker` as a person types it, and the same notebook here and in a container."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nbformat
import pytest

from support.containers import ENGINE, IMAGE, USER, workspace_in
from support.programs import read_notebook, run_piped, write_notebook

pytestmark = pytest.mark.docker

SETTINGS = {"CODEEXEC_DOCKER_ENGINE": ENGINE, "CODEEXEC_DOCKER_IMAGE": IMAGE}

CELLS = (
    "print('one'); import sys; print('two', file=sys.stderr)",
    "x = {'a': [1, 2, 3]}\nx",
    "!echo from a shell",
    "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'), 3)",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]); plt.show()",
    "for i in range(3): print(f'\\r{i}', end='')",
    "import os; open('made.txt', 'w').write('here'); sorted(os.listdir('.'))",
    "__file__ if '__file__' in globals() else sys.argv",
    "def f(:",
    "import getpass; getpass.getuser() != ''",
    "1 / 0",
)


def desk(folder: Path, name: str) -> tuple[Path, Path]:
    """A workspace and a home of its own beside it."""
    own = folder / name
    own.mkdir()
    (own / "home").mkdir()
    return workspace_in(own), own / "home"


def outputs(path: Path) -> list[list[tuple[str, object]]]:
    """What each cell shows; pictures by their kind alone, as fonts and versions differ."""
    shown: list[list[tuple[str, object]]] = []
    for cell in read_notebook(path).cells:
        mine: list[tuple[str, object]] = []
        for output in cell.outputs:
            match output.output_type:
                case "stream":
                    mine.append((output.name, output.text))
                case "error":
                    mine.append((output.ename, output.evalue))
                case kind:
                    data = {
                        mime: value if mime.startswith("text/") else True
                        for mime, value in output.data.items()
                    }
                    if "image/png" in data:
                        data["text/plain"] = "<Figure>"
                    mine.append((str(kind), data))
        shown.append(mine)
    return shown


def test_the_same_notebook_here_and_there_has_the_same_outputs(tmp_path: Path) -> None:
    saved: list[list[list[tuple[str, object]]]] = []
    for name, words in (("here", ()), ("there", ("--docker",))):
        workspace, home = desk(tmp_path, name)
        (workspace / "cells.ipynb").write_text(write_notebook(*CELLS))
        done = run_piped(
            *("run", "cells.ipynb", "--keep-going", "--save", "../done.ipynb", *words),
            home=home,
            cwd=workspace,
            env=SETTINGS,
        )
        assert done.returncode == 1, done.stderr  # two cells fail, and are meant to
        saved.append(outputs(workspace.parent / "done.ipynb"))
    here, there = saved
    for cell, mine, other in zip(CELLS, here, there, strict=True):
        assert mine == other, cell
    meta = read_notebook(tmp_path / "there" / "done.ipynb").metadata
    assert isinstance(meta, nbformat.NotebookNode)
    assert meta.kernelspec.language == "python"


def test_a_script_runs_as_the_owner_of_its_folder_without_network(tmp_path: Path) -> None:
    workspace, home = desk(tmp_path, "mine")
    code = "import os, socket, sys\nprint(os.getuid(), sys.argv, input(), socket.if_nameindex())\n"
    (workspace / "a.py").write_text(code + "open('out.txt', 'w').close()\n")
    done = run_piped(
        *("run", f"--docker={IMAGE}", "--preset", "locked", "a.py", "x"),
        home=home,
        cwd=workspace,
        stdin=b"answer\n",
        env={"CODEEXEC_DOCKER_ENGINE": ENGINE},
    )
    owner = USER if os.geteuid() == 0 else os.geteuid()
    assert done.stdout == f"{owner} ['a.py', 'x'] answer [(1, 'lo')]\n", done.stderr
    assert (workspace / "out.txt").stat().st_uid == owner


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (("--docker=codeexec-none:1",), {}, "codeexec-tui docker build"),
        (("--docker",), {"CODEEXEC_DOCKER_MEMORY": "lots"}, "'memory' cannot be 'lots'"),
        (
            ("--docker",),
            {"DOCKER_HOST": "unix:///nowhere", "CODEEXEC_DOCKER_ENGINE": "docker"},
            "Start it",
        ),
        (("--docker",), {"CODEEXEC_DOCKER_MEMORY": "60MB"}, "60 MB"),
    ],
)
def test_what_does_not_start_or_dies_says_what_to_do(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    workspace, home = desk(tmp_path, "mine")
    (workspace / "a.py").write_text("hog = bytearray(b'x' * (1 << 30))\n")
    done = run_piped("run", *words, "a.py", home=home, cwd=workspace, env=SETTINGS | settings)
    assert done.returncode == 125, done.stderr
    assert said in done.stderr


def test_a_run_that_is_out_of_time_leaves_no_container(tmp_path: Path) -> None:
    workspace, home = desk(tmp_path, "mine")
    (workspace / "a.py").write_text("print('on', flush=True)\nwhile True: pass\n")
    done = run_piped(
        *("run", "--docker", "--timeout", "3", "a.py"),
        home=home,
        cwd=workspace,
        env=SETTINGS,
    )
    assert done.returncode == 124, done.stderr
    assert done.stdout == "on\n"
    mounted = f"volume={workspace}"
    left = subprocess.run(
        [ENGINE, "ps", "--all", "--quiet", "--filter", mounted], capture_output=True, check=True
    )
    assert left.stdout == b""


def test_a_file_elsewhere_is_run_in_its_own_folder(tmp_path: Path) -> None:
    workspace, home = desk(tmp_path, "elsewhere")
    (workspace / "main.py").write_text("import helper, os\nprint(helper.X, os.getcwd())\n")
    (workspace / "helper.py").write_text("X = 'beside it'\n")
    here = tmp_path / "here"
    here.mkdir()
    done = run_piped(
        "run", "--docker", str(workspace / "main.py"), home=home, cwd=here, env=SETTINGS
    )
    assert done.stdout == f"beside it {workspace}\n"
    assert f"works in {workspace}" in done.stderr
    assert "--cwd" in done.stderr


def test_a_base_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    def build(base: str) -> str:
        words = ("docker", "build", "--image", "codeexec-never:1", "--base", base)
        done = run_piped(*words, home=tmp_path, cwd=tmp_path, env=SETTINGS)
        assert done.returncode != 0
        return done.stderr

    typo = IMAGE.replace("codeexec-", "codeexec")
    said = build(typo)
    assert f"The base image {typo} is not on this engine" in said
    assert f"Did you mean {IMAGE}?" in said
    assert "That is no name of an image" in build("No Such")
