"""Which file a frame of a traceback leads to: code in a container names none of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain.events import KernelRef
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.workbench.sources import source_path


def snapshot(*capabilities: str) -> Snapshot:
    kernel = KernelView(kernel=KernelRef("python3"), capabilities=capabilities)
    return Snapshot(cwd="/work/project", kernels={DEFAULT_KERNEL: kernel})


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/work/project/sub/a.py", "/work/project/sub/a.py"),
        ("sub/a.py", "/work/project/sub/a.py"),
        ("/work/project/sub/../a.py", "/work/project/a.py"),
        ("/etc/passwd", None),
        ("../a.py", None),
        ("/work/project/../other/a.py", None),
        ("/work/projects/a.py", None),
        ("~/.ssh/id_ed25519", "/work/project/~/.ssh/id_ed25519"),
        ("/usr/lib/python3/json/__init__.py", None),
    ],
)
def test_a_container_leads_to_files_of_its_folder_only(path: str, leads_to: str | None) -> None:
    assert source_path(path, snapshot("stdin")) == (Path(leads_to) if leads_to else None)


def test_code_of_this_machine_may_lead_anywhere() -> None:
    assert source_path("/etc/passwd", snapshot("stdin", "host_paths")) == Path("/etc/passwd")
    assert source_path("~/a.py", None) == Path.home() / "a.py"
