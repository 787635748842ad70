"""Programs that are built in a container are reused while what they were made from is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.process.steps.guest import GuestStore


def change_source(work: Path) -> None:
    (work / "a b.go").write_text("package main // changed")


def add_file(work: Path) -> None:
    (work / "lib" / "more.go").write_text("package lib")


def remove_file(work: Path) -> None:
    (work / "lib" / "lib.go").unlink()


def change_tool(work: Path) -> None:
    (work / "go").write_text("another version")


def nothing(work: Path) -> None:
    (work / "other.txt").write_text("not read by the build")


@pytest.mark.parametrize(
    ("change", "is_reused"),
    [
        (nothing, True),
        (change_source, False),
        (add_file, False),
        (remove_file, False),
        (change_tool, False),
    ],
)
async def test_a_listed_program_is_reused_until_an_input_changes(
    tmp_path: Path, change: Callable[[Path], None], is_reused: bool
) -> None:
    work, built = tmp_path / "work", tmp_path / "built"
    (work / "lib").mkdir(parents=True)
    for name in ("a b.go", "lib/lib.go", "go"):
        (work / name).write_text(name)
    environment = LocalEnvironment(work)
    store = GuestStore(environment, PurePosixPath(built), "a", str(work / "go"))
    release = await store.begin()
    program = Path(store.places["output"])
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    listed = f"{work}/a b.go\n{work}/lib/lib.go\n{work}/lib\n\n"
    await store.note_inputs(listed.encode())
    await store.keep("a warning")
    release()
    assert await store.find_report() == "a warning"
    change(work)
    assert await store.find_report() == ("a warning" if is_reused else None)


async def test_what_a_build_read_is_not_taken_for_that_of_the_next(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text("a")
    store = GuestStore(
        LocalEnvironment(tmp_path), PurePosixPath(tmp_path / "built"), "a", str(tmp_path / "a.go")
    )
    (await store.begin())()
    for listed in (f"{tmp_path}/a.go\n", "", "/nowhere\n"):
        program = Path(store.places["output"])
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        await store.note_inputs(listed.encode())
        await store.keep("")
        assert (await store.find_report() == "") == listed.endswith("a.go\n")
