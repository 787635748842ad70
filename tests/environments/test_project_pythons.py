"""Environments of poetry and hatch, by the rules that poetry 2.1 and hatch 1.14 follow."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest

from codeexec.environments.pythons import projects as project_pythons
from codeexec.environments.pythons.projects import pythons_upward
from codeexec.environments.trust.store import FullTrust, TrustStore
from codeexec.kernels.find import candidates, find_python

NAME = "my-proj-ects"


def project(folder: Path, text: str = '[project]\nname = "My_Proj.Ects"\n') -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(text)
    return folder


def environment(folder: Path) -> str:
    """What a file-only search takes for an environment; running it would fail."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/false\n")
    python.chmod(0o755)
    return str(python)


def digest(path: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(str(path).encode()).digest()).decode()[:8]


def found(folder: Path, home: Path, **env: str) -> list[tuple[str, str]]:
    env = {"HOME": str(home), **env}
    return [
        (source, python)
        for holder, source, python in pythons_upward(str(folder), env)
        if holder == str(folder)
    ]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return project(tmp_path / "My Proj.x")


def test_the_hash_is_the_one_that_the_tools_make() -> None:
    # Both tools made environments with this name for this folder.
    assert project_pythons._hash("/tmp/foreign-t/My Proj.x") == "fWUkScJM"


def test_poetry_environments_are_found_the_chosen_one_first(work: Path, tmp_path: Path) -> None:
    root = tmp_path / "home/.cache/pypoetry/virtualenvs"
    base = f"{NAME}-{digest(work)}"
    old, new = environment(root / f"{base}-py3.9"), environment(root / f"{base}-py3.12")
    environment(root / f"{NAME}-AAAAAAAA-py3.12")  # that of another folder
    environment(root / f"{base}-py3.12-old")
    source = f"poetry for {work}"
    assert found(work, tmp_path / "home") == [(source, new), (source, old)]
    (root / "envs.toml").write_text(f'[{base}]\nminor = "3.9"\npatch = "3.9.1"\n')
    assert found(work, tmp_path / "home") == [(source, old), (source, new)]


@pytest.mark.parametrize(
    ("place", "env", "own", "users"),
    [
        ("elsewhere", {"POETRY_VIRTUALENVS_PATH": "{tmp}/elsewhere"}, "", ""),
        ("c/virtualenvs", {"POETRY_CACHE_DIR": "{tmp}/c"}, "", ""),
        ("c/virtualenvs", {"XDG_CACHE_HOME": "{tmp}/x"}, 'cache-dir = "{tmp}/c"', ""),
        ("x/pypoetry/virtualenvs", {"XDG_CACHE_HOME": "{tmp}/x"}, "", ""),
        ("own", {}, '[virtualenvs]\npath = "{tmp}/own"', '[virtualenvs]\npath = "{tmp}/user"'),
        ("user", {}, "", '[virtualenvs]\npath = "{tmp}/user"'),
        ("c/v", {}, '[virtualenvs]\npath = "{{cache-dir}}/v"', 'cache-dir = "{tmp}/c"'),
    ],
)
def test_poetry_may_be_told_another_folder(
    place: str, env: dict[str, str], own: str, users: str, work: Path, tmp_path: Path
) -> None:
    def fill(text: str) -> str:
        return text.replace("{tmp}", str(tmp_path)).replace("{{", "{").replace("}}", "}")

    python = environment(tmp_path / place / f"{NAME}-{digest(work)}-py3.12")
    (work / "poetry.toml").write_text(fill(own))
    config = tmp_path / "home/.config/pypoetry"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(fill(users))
    env = {name: fill(value) for name, value in env.items()}
    assert [each for _, each in found(work, tmp_path / "home", **env)] == [python]


@pytest.mark.parametrize(
    ("place", "env", "text"),
    [
        ("home/.local/share/hatch/env/virtual/{name}/{hash}/{name}", {}, ""),
        ("data/env/virtual/{name}/{hash}/{name}", {"HATCH_DATA_DIR": "{tmp}/data"}, ""),
        ("My Proj.x/env", {}, '[tool.hatch.envs.default]\npath = "env"\n'),
    ],
)
def test_hatch_environments_are_found(
    place: str, env: dict[str, str], text: str, work: Path, tmp_path: Path
) -> None:
    python = environment(tmp_path / place.format(name=NAME, hash=digest(work)))
    (work / "pyproject.toml").write_text(f'[project]\nname = "{NAME}"\n{text}')
    env = {name: value.replace("{tmp}", str(tmp_path)) for name, value in env.items()}
    assert found(work, tmp_path / "home", **env) == [(f"hatch for {work}", python)]


def test_what_is_chosen_among_them_and_trust(work: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    python = environment(home / f".cache/pypoetry/virtualenvs/{NAME}-{digest(work)}-py3.12")
    env = {"HOME": str(home)}
    best = find_python(str(work), "", "", env, FullTrust())
    assert best is not None
    assert best.interpreter == python
    strict = TrustStore(str(tmp_path / "state"))
    first = next(iter(candidates(str(work), "", env, strict)))
    assert (first.interpreter, first.untrusted) == (python, str(work))
    local = environment(work / ".venv")
    best = find_python(str(work), "", "", env, FullTrust())
    assert best is not None
    assert best.interpreter == local


@pytest.mark.parametrize(
    "text",
    ["", "\x00", "[project]\nname = 5\n", "a = " + "[" * 5000, '[project]\nname = "\\u0000"'],
)
def test_a_strange_pyproject_has_no_environment(text: str, tmp_path: Path) -> None:
    assert found(project(tmp_path / "p", text), tmp_path) == []


def test_a_pipe_in_place_of_a_pyproject_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pyproject.toml")
    assert found(tmp_path, tmp_path) == []
