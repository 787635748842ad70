"""Commands in a stranger's folder: nothing of it is executed before the user trusts it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from codeexec.cli.run.source import load_program
from codeexec.environments.trust.store import TrustStore
from support.programs import Desk
from support.strangers import StrangeFolder

NO_VENV = {"VIRTUAL_ENV": "", "CONDA_PREFIX": ""}


@pytest.fixture
def strange(desk: Desk) -> StrangeFolder:
    return StrangeFolder(desk.folder, desk.home / "marks")


def store_of(desk: Desk) -> TrustStore:
    return TrustStore(str(desk.home / ".local" / "state" / "codeexec-tui"))


LISTING = (
    ("kernels",),
    ("kernels", "list", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("config", "show"),
    ("config", "path"),
    ("sessions",),
    ("sessions", "list", "--json"),
    ("completion", "bash"),
    ("trust", "--list"),
    ("--help",),
)


@pytest.mark.slow
@pytest.mark.parametrize("is_plain", [True, False])
def test_listing_and_examining_execute_nothing(
    desk: Desk, strange: StrangeFolder, is_plain: bool
) -> None:
    python = strange.plant_python(is_plain=is_plain)
    strange.plant_python("venv", is_plain=is_plain)
    strange.plant_settings(f'[kernel]\nname = "{python}"\n')
    for words in LISTING:
        desk.run(*words, env=NO_VENV)
        assert strange.marks == [], words


@pytest.mark.slow
def test_files_named_like_modules_and_programs_are_not_taken_for_them(
    desk: Desk, strange: StrangeFolder
) -> None:
    strange.plant_modules(
        *("json", "random", "click", "zmq", "psutil", "jedi", "ipykernel", "site"),
        *("sitecustomize", "usercustomize", "asyncio", "tomllib", "IPython", "typing", "re"),
    )
    for program in ("docker", "podman", "uv", "git", "tmux"):
        planted = strange.folder / program
        planted.write_text(f'#!/bin/sh\ntouch "{desk.home}/marks/{program}"\n')
        planted.chmod(0o755)
    path = os.pathsep.join((".", "", os.environ["PATH"]))
    for words in LISTING[::2]:
        desk.run(*words, env={**NO_VENV, "PATH": path})
        assert strange.marks == [], words


@pytest.mark.slow
def test_an_interpreter_that_is_not_trusted_is_listed_with_the_next_step(
    desk: Desk, strange: StrangeFolder
) -> None:
    python = strange.plant_python()
    done = desk.run("kernels", "--json", env=NO_VENV)
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    row = rows[str(python)]
    assert row["problem"] == f"Not examined: the folder {desk.folder} is not trusted."
    assert row["fix"] == f"codeexec-tui trust {desk.folder}"
    assert not row.get("is_default")
    assert rows[sys.executable]["is_default"]
    doctor = desk.run("doctor", env=NO_VENV)
    assert "is not trusted" in doctor.stdout
    assert doctor.returncode == 0
    assert desk.run("trust").stdout == f"{desk.folder} is trusted.\n"
    done = desk.run("kernels", "--json", env=NO_VENV)
    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows[str(python)]["is_default"]


@pytest.mark.slow
def test_settings_that_are_not_used_are_said_with_the_next_step(
    desk: Desk, strange: StrangeFolder
) -> None:
    file = strange.plant_settings('[kernel]\nname = "evil"\n')
    done = desk.run("config", "show", "--json")
    said = json.loads(done.stdout)
    assert said["settings"]["kernel.name"]["value"] == ""
    assert said["withheld"] == [
        {"place": str(file), "key": "kernel.name", "value": "evil", "folder": str(desk.folder)}
    ]
    assert f"codeexec-tui trust {desk.folder}" in desk.run("config", "show").stderr
    assert "kernel.name" in desk.run("doctor").stdout


@pytest.mark.slow
def test_the_trust_command_trusts_lists_and_takes_back(desk: Desk, strange: StrangeFolder) -> None:
    sub = desk.folder / "sub"
    sub.mkdir()
    assert json.loads(desk.run("trust", "sub", "--json").stdout) == {
        "folder": str(sub),
        "trusted": True,
    }
    store_of(desk).record_mount(str(sub))
    rows = [json.loads(line) for line in desk.run("trust", "--list", "--json").stdout.splitlines()]
    assert [(row["decision"], row["folder"]) for row in rows] == [
        ("trusted", str(sub)),
        ("mounted", str(sub)),
    ]
    assert "asked again" in rows[0]["note"]
    assert desk.run("trust", "--remove", "sub").stdout == f"{sub} is not trusted any more.\n"
    assert desk.run("trust", "--remove", "sub").stdout == f"{sub} was not trusted.\n"
    assert "restricted" in (desk.run("trust", "--restrict"), desk.run("trust", "--list"))[1].stdout
    assert desk.run("trust", "nowhere").returncode == 2
    assert desk.run("trust", "--list", "--remove").returncode == 2


# -- run ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_running_a_file_is_trust_for_that_run(desk: Desk, strange: StrangeFolder) -> None:
    strange.plant_python()
    desk.file("a.py", "print(1)\n")
    done = desk.run("run", "a.py", env=NO_VENV)
    assert (done.stdout, strange.marks) == ("1\n", [".venv"])
    strange.clear()
    desk.run("kernels", env=NO_VENV)
    assert strange.marks == []  # it was for the run alone


def test_running_a_file_of_another_folder_is_no_trust_for_the_current_one(
    desk: Desk, strange: StrangeFolder
) -> None:
    python = strange.plant_python()
    strange.plant_settings(f'[kernel]\nname = "{python}"\n')
    own = desk.home / "own.py"
    own.write_text("print('own')\n")
    done = desk.run("run", str(own), env=NO_VENV)
    assert done.stdout == "own\n", done.stderr
    assert "is not used" in done.stderr
    assert strange.marks == []


@pytest.mark.slow
@pytest.mark.parametrize("where", [".", "inner", ".."])
def test_a_run_does_not_trust_what_a_container_could_change(
    desk: Desk, strange: StrangeFolder, where: str
) -> None:
    (desk.folder / "inner").mkdir()
    strange.plant_python()
    strange.plant_settings('[kernel]\nbackend = "local"\nname = ".venv"\n')
    desk.file("a.py", "import sys; print(sys.executable)\n")
    store_of(desk).record_mount(str(desk.folder / where) if where != ".." else str(desk.folder))
    cwd = desk.folder.parent if where == ".." else desk.folder
    done = desk.run("run", str(desk.folder / "a.py"), env=NO_VENV, cwd=cwd)
    assert (done.stdout, strange.marks) == (f"{sys.executable}\n", [])
    assert f"{desk.folder} is not trusted" in done.stderr
    assert "codeexec-tui trust" in done.stderr
    if where != "inner":  # an activated environment that no container could change is the user's
        activated = {"VIRTUAL_ENV": str(desk.folder / ".venv")}
        assert desk.run("run", str(desk.folder / "a.py"), env=activated).stdout == done.stdout
        named = desk.run("run", "--kernel", ".venv", "a.py", env=NO_VENV)
        assert named.returncode == 126
        assert f"codeexec-tui trust {desk.folder}" in named.stderr
        assert strange.marks == []
    done = desk.run("run", "--trust", "a.py", env=NO_VENV)
    assert done.returncode == 0
    assert strange.marks == [".venv"]


@pytest.mark.slow
def test_a_mounted_folder_cannot_take_a_run_out_of_its_container(
    desk: Desk, strange: StrangeFolder
) -> None:
    config = desk.home / ".config" / "codeexec-tui" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[kernel]\nbackend = "docker"\n[docker]\nimage = "nowhere/nothing:0"\n')
    strange.plant_settings('[kernel]\nbackend = "local"\n')
    desk.file("a.py", "open('ran', 'w')\n")
    store_of(desk).record_mount(str(desk.folder))
    done = desk.run("run", "a.py")
    assert done.returncode == 125
    assert not (desk.folder / "ran").exists()


@pytest.mark.parametrize(
    "name", ["./.venv", ".venv", "venv", "/bin/sh", "evil.json", "docker", "docker:evil", "a b"]
)
def test_a_notebook_names_installed_kernels_alone(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a.ipynb"
    metadata = {"kernelspec": {"name": name, "display_name": "x"}}
    file.write_text(
        json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    )
    assert load_program(str(file)).kernel == ""
    file.write_text(file.read_text().replace(json.dumps(name), '"python3"'))
    assert load_program(str(file)).kernel == "python3"
    script = tmp_path / "a.py"
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     name: {}\n# ---\n\n# %%\n1\n"
    script.write_text(header.format(name))
    assert load_program(str(script), cells=True).kernel == ""
    script.write_text(header.format("python3"))
    assert load_program(str(script), cells=True).kernel == "python3"
