"""What a container tells of a project's build folder: made there by a script, written here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from codeexec.kernels.jupyter.launch import GUEST
from codeexec.kernels.process.projects.guest import _write_copy
from codeexec.kernels.process.projects.plan import ProjectPlan
from codeexec.languages.projects.detect import Project
from codeexec.languages.projects.plan import QUERY, REPLY


def ask(folder: Path, **request: object) -> dict[str, object]:
    """The answer of the script for a request about the folder."""
    whole: dict[str, object] = {
        "folder": str(folder),
        "prepare": None,
        "remove": [],
        "present": [],
        "read": [],
    }
    source = Path(GUEST, "files", "project_files.py").read_text()
    done = subprocess.run(
        [sys.executable, "-c", source],
        input=json.dumps({**whole, **request}),
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def test_a_build_folder_is_made_ready_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "a b"
    prepare = {"is_fresh": False, "files": {str(QUERY): "{}"}, "most": 2}
    first = ask(folder, prepare=prepare, present=["Makefile"], read=["*.xml"])
    assert (folder / QUERY).read_text() == "{}"
    assert (first["present"], first["files"]) == ([], {})
    cpus = first["cpus"]
    assert isinstance(cpus, int)
    assert cpus >= 1
    (folder / "Makefile").touch()
    (folder / "junit.xml").write_text("<a/>")
    (folder / "pipe.xml").symlink_to("/dev/zero")
    read = ask(folder, present=["Makefile"], read=["*.xml"])
    assert (read["present"], read["files"]) == (["Makefile"], {"junit.xml": "<a/>"})
    assert ask(folder, remove=["junit.xml"], read=["*.xml"])["files"] == {}

    ask(folder, prepare=prepare | {"is_fresh": True})
    assert not (folder / "Makefile").exists()
    for name in ("c", "d"):
        ask(folder.parent / name, prepare=prepare)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["c", "d"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    prepare = {"is_fresh": False, "files": {}, "most": 2}
    answer = ask(tmp_path / "file" / "sub", prepare=prepare)
    assert answer["error"] == f"{tmp_path}/file/sub: Not a directory"


def test_only_files_that_were_asked_for_are_written(tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "demo"
    project = Project("cmake", tmp_path / "work", "CMakeLists.txt")
    plan = ProjectPlan(project, Path("/tmp/demo"), "", (), {}, copy)
    index = str(REPLY / "index-1.json")
    hostile = (
        "../evil.json",
        "/evil.json",
        str(REPLY / "../../evil.json"),
        "evil.json",
        "a/" + index,
    )
    files = {index: "{}", "Testing/codeexec-junit.xml": "<a/>"} | dict.fromkeys(hostile, "x")
    _write_copy(plan, {"present": ["Makefile", "evil"], "files": files})
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        f"copy/demo/{name}" for name in ("Makefile", index, "Testing/codeexec-junit.xml")
    }
    _write_copy(plan, {"present": [], "files": {}})
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
