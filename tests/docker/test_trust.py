"""Code in a locked container plants what this machine would execute next, and it is not."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codeexec.environments.trust.store import TrustStore
from support.containers import ENGINE, IMAGE, workspace_in
from support.programs import run_piped

pytestmark = pytest.mark.docker

SETTINGS = {
    "CODEEXEC_DOCKER_ENGINE": ENGINE,
    "CODEEXEC_DOCKER_IMAGE": IMAGE,
    "VIRTUAL_ENV": "",
    "CONDA_PREFIX": "",
}

PLANT = """\
import os
os.makedirs(".venv/bin")
os.makedirs(".venv/lib/python3.11/site-packages/ipykernel")
with open(".venv/pyvenv.cfg", "w") as file:
    file.write("include-system-site-packages = false\\n")
with open(".venv/bin/python", "w") as file:
    file.write("#!/bin/sh\\ntouch {mark}\\n")
os.chmod(".venv/bin/python", 0o755)
with open(".codeexec.toml", "w") as file:
    file.write('[kernel]\\nbackend = "local"\\nname = ".venv"\\n')
"""

WHERE = "import os; print('here' if os.path.exists({marks!r}) else 'contained')\n"


def test_what_a_container_planted_is_not_executed_by_the_next_commands(tmp_path: Path) -> None:
    home, marks = tmp_path / "home", tmp_path / "marks"
    home.mkdir()
    marks.mkdir()
    workspace = workspace_in(tmp_path)
    marks.chmod(0o777)
    (workspace / "plant.py").write_text(PLANT.replace("{mark}", str(marks / "executed")))
    where = WHERE.format(marks=str(marks))  # not mounted
    (workspace / "where.py").write_text(where)
    inner = workspace / "inner"
    inner.mkdir()
    (inner / "where.py").write_text(where)
    store = TrustStore(str(home / ".local" / "state" / "codeexec-tui"))
    store.decide(str(workspace), is_trusted=True)

    done = run_piped("run", "--docker", "plant.py", home=home, cwd=workspace, env=SETTINGS)
    assert done.returncode == 0, done.stderr
    assert (workspace / ".venv" / "bin" / "python").exists()
    assert str(workspace.resolve()) in store.read().mounts

    for cwd, file in ((workspace, "where.py"), (inner, "where.py"), (tmp_path, None)):
        path = file or str(workspace / "where.py")
        done = run_piped("run", path, home=home, cwd=cwd, env=SETTINGS)
        assert done.stdout == "here\n"
        assert "is not trusted" in done.stderr
        assert "codeexec-tui trust" in done.stderr
    listed = run_piped("kernels", "--json", home=home, cwd=inner, env=SETTINGS).stdout
    rows = [json.loads(line) for line in listed.splitlines()]
    assert any("Not examined" in row.get("problem", "") for row in rows)
    run_piped("doctor", home=home, cwd=inner, env=SETTINGS)
    # Settings of the user's own that use containers are not overruled by what was planted.
    (home / ".config" / "codeexec-tui").mkdir(parents=True)
    (home / ".config" / "codeexec-tui" / "config.toml").write_text('[kernel]\nbackend = "docker"\n')
    done = run_piped("run", "where.py", home=home, cwd=workspace, env=SETTINGS)
    assert done.stdout == "contained\n"
    assert list(marks.iterdir()) == []


PLANT_PROGRAMS = """
import os
names = ("docker", "podman", "tmux", "git", "xdg-open", "true")
os.makedirs(".venv/bin", exist_ok=True)
try:
    for name in names:
        with open(f".venv/bin/{name}", "w") as file:
            file.write("#!/bin/sh\\ntouch MARKS/$(basename $0)\\n")
        os.chmod(f".venv/bin/{name}", 0o755)
    os.rename(".venv", ".other")
    os.rename(".other", ".venv")
    print("planted")
except OSError as error:
    print(error.strerror)
    try:
        os.rename(".venv", ".other")
    except OSError as error:
        print(error.strerror)
"""


def test_code_in_a_container_puts_no_program_where_this_machine_looks_for_its_own(
    tmp_path: Path,
) -> None:
    home, marks = tmp_path / "home", tmp_path / "marks"
    home.mkdir()
    marks.mkdir()
    workspace = workspace_in(tmp_path)
    (workspace / "plant.py").write_text(PLANT_PROGRAMS.replace("MARKS", str(marks)))
    env = {
        **SETTINGS,
        "VIRTUAL_ENV": str(workspace / ".venv"),
        "PATH": f"{workspace / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "EDITOR": "true",
    }

    def run_here(*words: str) -> str:
        done = run_piped(*words, home=home, cwd=workspace, env=env)
        assert list(marks.iterdir()) == [], words
        return done.stdout

    assert run_here("run", "--docker", "plant.py") == "planted\n"
    # Once it is there, it is where the user's shell takes programs from.
    refused = "Read-only file system\nDevice or resource busy\n"
    assert run_here("run", "--docker", "plant.py") == refused
    run_here("doctor")
    run_here("config", "edit")
