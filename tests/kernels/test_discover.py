"""Which kernel is chosen and what is wrong with one, on real folders and environments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from codeexec.domain.errors import KernelUnavailable
from codeexec.environments.pythons.folders import interpreter_at
from codeexec.environments.trust.store import FullTrust
from codeexec.kernels.find import Found, candidates, find_python, has_package
from codeexec.kernels.jupyter import discover
from codeexec.kernels.jupyter.discover import KernelSpec


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a `.venv` without ipykernel, and a folder deep inside."""
    root = tmp_path_factory.mktemp("project")
    venv.create(root / ".venv", symlinks=True)
    (root / "a" / "b").mkdir(parents=True)
    return root


def _found(folder: Path, env: dict[str, str], name: str = "", file: str = "") -> str:
    found = find_python(str(folder), file, name, env, FullTrust())
    return found.interpreter if found else ""


def test_the_order_in_which_pythons_are_found(project: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "active", symlinks=True)
    active, local = tmp_path / "active" / "bin/python", project / ".venv/bin/python"
    deep = project / "a" / "b"
    env = {"VIRTUAL_ENV": str(tmp_path / "active")}
    assert _found(deep, env) == str(active)
    assert _found(deep, {}) == str(local)
    assert _found(tmp_path, {}, file=str(deep / "script.py")) == str(local)
    assert _found(tmp_path, {}) == sys.executable
    assert _found(deep, {"CONDA_PREFIX": str(tmp_path / "active")}) == str(active)
    listed = [each.interpreter for each in candidates(str(deep), "", env, FullTrust())]
    assert listed == [str(active), str(local), sys.executable]


def test_an_explicit_choice_is_a_python_or_an_environment(project: Path) -> None:
    python = str(project / ".venv/bin/python")
    assert _found(project, {}, name=python) == python
    assert _found(project, {}, name=".venv") == python
    assert _found(project / "a", {}, name="../.venv") == python
    assert _found(project, {}, name="python3") == ""  # that is a kernelspec's name
    assert interpreter_at(str(project)) == ""
    assert interpreter_at(__file__) == ""


def test_an_environment_without_ipykernel_is_usable_unless_it_is_too_old(project: Path) -> None:
    python = str(project / ".venv/bin/python")
    chosen = discover.choose(str(project), "", "", {}, FullTrust())
    assert isinstance(chosen, Found)
    assert chosen.interpreter == python
    info = discover.list_kernels(str(project), {}, FullTrust())[0]
    assert (info.path, info.problem, info.is_default) == (python, "", True)
    assert info.remark == discover.WITHOUT_IPYKERNEL
    assert info.fix.endswith("ipykernel")
    config = project / ".venv/pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^version.*", "version = 3.7.16", config.read_text()))
    with pytest.raises(KernelUnavailable, match="has no ipykernel, and is older") as caught:
        discover.choose(str(project), "", "", {}, FullTrust())
    assert python in caught.value.next_step
    assert caught.value.next_step.endswith("ipykernel")
    assert (
        "is older than Python 3.8"
        in discover.list_kernels(str(project), {}, FullTrust())[0].problem
    )


def test_the_command_that_mends_is_one_that_is_there(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found(str(project / ".venv/bin/python"), "test")
    monkeypatch.setattr("shutil.which", lambda name: "/bin/uv" if name == "uv" else None)
    assert discover.fix(found) == f"uv pip install --python {found.interpreter} ipykernel"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "-m ensurepip" in discover.fix(found)
    site = next((project / ".venv/lib").glob("python3*")) / "site-packages"
    (site / "pip").mkdir()
    assert discover.fix(found) == f"{found.interpreter} -m pip install ipykernel"
    (site / "pip").rmdir()


def test_files_tell_whether_a_package_is_there(project: Path) -> None:
    assert has_package(Found(sys.executable, ""), "ipykernel") is True
    found = Found(str(project / ".venv/bin/python"), "")
    assert has_package(found, "ipykernel") is False
    site = next((project / ".venv/lib").glob("python3*")) / "site-packages"
    (site / "shared.pth").write_text(str(Path(discover.__file__).parent))
    assert has_package(found, "ipykernel") is None
    assert not discover.has_ipykernel(found)
    (site / "shared.pth").unlink()


def test_a_pipe_in_place_of_a_configuration_is_not_waited_for(tmp_path: Path) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    os.mkfifo(tmp_path / ".venv" / "pyvenv.cfg")
    listed = discover.list_kernels(str(tmp_path), {})
    assert listed[0].problem == f"Not examined: the folder {tmp_path} is not trusted."


def _spec(folder: Path, **fields: object) -> KernelSpec | None:
    folder.mkdir(parents=True, exist_ok=True)
    said = {"argv": ["python3", *discover.LAUNCHER], "display_name": "P", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps({**said, **fields}))
    return discover.read_spec(folder.name, folder)


def test_kernelspecs_are_read(tmp_path: Path) -> None:
    spec = _spec(tmp_path / "plain")
    assert spec is not None
    assert spec.python.endswith("python3")
    named = {"kernel_provisioner": {"provisioner_name": "codeexec-docker"}}
    other = _spec(tmp_path / "other", metadata=named, interrupt_mode="message")
    assert other is not None
    assert (other.provisioner, other.interrupt_mode, other.python) == (
        "codeexec-docker",
        "message",
        "",
    )
    lost = _spec(tmp_path / "lost", argv=["/nowhere/kernel", "{resource_dir}"])
    assert lost is not None
    assert lost.command == ["/nowhere/kernel", str(tmp_path / "lost")]
    assert "/nowhere/kernel" in discover.spec_problem(lost)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"argv": []}', '{"argv": 5}', "\x00"])
def test_a_broken_kernelspec_is_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "kernel.json").write_text(text)
    assert discover.read_spec("broken", tmp_path) is None


def test_installed_kernelspecs_are_listed_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    _spec(tmp_path / "kernels" / "Lost", argv=["/nowhere/kernel"], language="lost")
    listed = {info.name: info for info in discover.list_kernels(str(tmp_path), {})}
    assert "/nowhere/kernel" in listed["lost"].problem
    assert listed[sys.executable].is_default
    assert listed[sys.executable].problem == ""
    with pytest.raises(KernelUnavailable, match="/nowhere/kernel"):
        discover.choose(str(tmp_path), "", "lost", {})


def test_what_spawns_the_first_kernel_imports_nothing_heavy() -> None:
    code = "import sys, codeexec.kernels.early; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"zmq", "asyncio", "jupyter_client", "msgspec", "json", "psutil", "tornado"}


PLAIN = "Python 3 (ipykernel)"


@pytest.mark.parametrize(
    ("name", "fields", "is_listed"),
    [
        ("python3", {"display_name": PLAIN}, False),
        ("python3", {"display_name": "Research"}, True),
        ("python3", {"display_name": PLAIN, "env": {"A": "1"}}, True),
        ("python3", {"display_name": PLAIN, "interrupt_mode": "message"}, True),
        ("research", {"display_name": PLAIN}, True),
    ],
)
def test_a_kernelspec_of_a_listed_python_is_hidden_only_where_it_says_nothing_more(
    name: str,
    fields: dict[str, object],
    is_listed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    argv = [sys.executable, *discover.LAUNCHER]
    _spec(tmp_path / "kernels" / name, argv=argv, **fields)
    listed = [info.name for info in discover.list_kernels(str(tmp_path), {})]
    assert (name in listed) is is_listed


def test_an_interpreter_is_listed_once_whatever_leads_to_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "real", symlinks=True)
    for name in (".venv", "venv", "active"):
        (tmp_path / name).symlink_to("real")
    env = {"VIRTUAL_ENV": str(tmp_path / "active"), "CONDA_PREFIX": str(tmp_path / "real")}
    listed = [each.interpreter for each in candidates(str(tmp_path), "", env, FullTrust())]
    assert listed == [str(tmp_path / "active/bin/python"), sys.executable]
    other = Path(sys.executable).with_name("python3")
    env = {"VIRTUAL_ENV": str(other.parent.parent)}
    assert len(list(candidates(str(tmp_path / "real"), "", env, FullTrust()))) == 2


def test_two_environments_of_one_python_are_two(tmp_path: Path) -> None:
    for name in (".venv", "venv"):
        venv.create(tmp_path / name, symlinks=True)
    assert len(list(candidates(str(tmp_path), "", {}, FullTrust()))) == 3


def test_variables_in_a_kernelspecs_environment_are_filled_in(tmp_path: Path) -> None:
    env = {"A": "${HOME}/lib:$OTHER", "B": "$$x", "C": "${NOWHERE}"}
    spec = _spec(tmp_path / "filled", env=env)
    assert spec is not None
    filled = spec.fill_env({"HOME": "/home/ada", "OTHER": "o"})
    assert filled == {"A": "/home/ada/lib:o", "B": "$x", "C": "${NOWHERE}"}
