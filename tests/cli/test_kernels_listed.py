"""Where the kernels of a session are read off its journal: exports, and `sessions show`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.config.paths import find_paths
from codeexec.domain.events import (
    AnyEvent,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    KernelReady,
    KernelRef,
    KernelStarting,
    SessionOpened,
)
from codeexec.domain.options import ExecuteOptions
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.output.export import export
from codeexec.session.storage.journal import Journal
from support.programs import Desk, environment


def ran(name: str, code: str, kernel: str) -> list[AnyEvent]:
    return [
        ExecutionQueued(name, code, options=ExecuteOptions(kernel=kernel)),
        ExecutionStarted(name, 1),
        ExecutionFinished(name, "ok"),
    ]


EVENTS = [
    SessionOpened("session-1", "work", "/w", 2),
    KernelStarting(1, KernelRef("python3", "Python 3", "python")),
    KernelReady(1, 42, "python"),
    KernelStarting(1, KernelRef("bash", "Bash", "bash"), "bash"),
    KernelReady(1, 43, "bash", kernel="bash"),
    *ran("e1", "x = 1", "python"),
    *ran("e2", "ls\n\npwd", "bash"),
]


def write(path: Path) -> Journal:
    journal = Journal.create(path)
    journal.append(EVENTS, 1.0)
    return journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = write(tmp_path / "journal.db")
    yield journal
    journal.close()


def exported(form: str, journal: Journal, folder: Path) -> str:
    pieces = export(form, journal, journal.restore(), BlobStore(folder / "blobs", quota=1))
    return b"".join(pieces).decode()


def test_a_script_has_cells_of_other_languages_as_jupytext_has_them(
    journal: Journal, tmp_path: Path
) -> None:
    script = exported("py", journal, tmp_path)
    assert script == '# %%\nx = 1\n\n# %% language="bash"\n# ls\n#\n# pwd\n'


def test_a_notebook_says_which_kernel_ran_a_cell(journal: Journal, tmp_path: Path) -> None:
    notebook = json.loads(exported("ipynb", journal, tmp_path))
    assert [cell["metadata"] for cell in notebook["cells"]] == [
        {},
        {"codeexec": {"kernel": "bash"}},
    ]


def test_show_lists_every_kernel(desk: Desk) -> None:
    folder = find_paths(environment(desk.home)).state / "sessions" / "session-1"
    write(folder / "journal.db").close()
    shown = desk.run("sessions", "show", "session-1")
    assert "  kernel   python: Python 3, pid 42, idle, default\n" in shown.stdout, shown
    assert "  kernel   bash: Bash, pid 43, idle\n" in shown.stdout
