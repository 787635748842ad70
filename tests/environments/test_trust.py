"""What of a folder may be executed: decisions by path and owner, and folders that were mounted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codeexec.domain.errors import StorageError, UsageError
from codeexec.environments.docker.mounts import MountRecords
from codeexec.environments.trust.store import FILE, RunTrust, TrustStore, default_scope
from codeexec.hostfiles.place import locate


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(str(tmp_path / "state"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def make_project(folder: Path) -> Path:
    python = python_of(folder)
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return folder


def python_of(folder: Path) -> Path:
    return folder / ".venv" / "bin" / "python"


def allows(trust: TrustStore | RunTrust, folder: Path) -> bool:
    return trust.allows(str(folder), str(python_of(folder)))


def test_nothing_is_trusted_before_the_user_says_so(store: TrustStore, project: Path) -> None:
    assert not allows(store, project)
    store.decide(str(project), is_trusted=True)
    assert allows(store, project)
    store.decide(str(project), is_trusted=False)
    assert not allows(store, project)


def test_trust_holds_for_folders_below_unless_it_is_for_one_alone(
    store: TrustStore, tmp_path: Path
) -> None:
    inner = make_project(tmp_path / "outer" / "inner")
    store.decide(str(tmp_path / "outer"), is_trusted=True, whole=False)
    assert not allows(store, inner)
    store.decide(str(tmp_path / "outer"), is_trusted=True)
    assert allows(store, inner)
    store.decide(str(inner), is_trusted=False)
    assert not allows(store, inner)
    assert store.forget(str(inner))
    assert allows(store, inner)


def test_a_folder_that_was_exchanged_or_given_away_is_not_trusted(
    store: TrustStore, project: Path
) -> None:
    store.decide(str(project), is_trusted=True)
    project.rename(project.with_name("old"))
    make_project(project)
    assert not allows(store, project)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
@pytest.mark.parametrize("part", ["", ".venv", ".venv/bin", ".venv/bin/python"])
def test_what_belongs_to_another_user_is_not_trusted(
    store: TrustStore, project: Path, part: str
) -> None:
    store.decide(str(project), is_trusted=True)
    os.chown(project / part, 4242, 4242)
    assert not allows(store, project)
    script = project / "script.py"
    script.write_text("")
    assert not allows(RunTrust(str(script), store), project)
    os.chown(script, 4242, 4242)  # their own script runs with their own environment
    assert allows(RunTrust(str(script), store), project)
    assert not allows(RunTrust("", store), project)


def test_a_run_trusts_the_folder_of_its_file_and_not_another(
    store: TrustStore, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner, other = project / "inner", make_project(tmp_path / "other")
    inner.mkdir()
    for folder in (inner, other):
        (folder / "script.py").write_text("")
    (tmp_path / "alias").symlink_to(inner)
    monkeypatch.chdir(other)
    for script in (inner / "script.py", tmp_path / "alias" / "script.py"):
        run = RunTrust(str(script), store)
        assert allows(run, project)
        assert not allows(run, other)
        assert not run.allows(str(other), str(other / ".codeexec.toml"), "digest")
    for name in ("script.py", ""):
        assert allows(RunTrust(name, store), other)
        assert not allows(RunTrust(name, store), project)


def test_a_mount_voids_trust_that_was_given_before(store: TrustStore, project: Path) -> None:
    store.decide(str(project), is_trusted=True)
    store.record_mount(str(project))
    assert not allows(store, project)
    store.decide(str(project), is_trusted=True)
    assert allows(store, project)


@pytest.mark.parametrize("mounted", ["a", "a/b", "a/b/c"])
def test_folders_above_and_below_a_mounted_one_are_not_trusted_by_themselves(
    store: TrustStore, tmp_path: Path, mounted: str
) -> None:
    project = make_project(tmp_path / "a" / "b")
    (project / "c").mkdir()
    script = project / "script.py"
    script.write_text("")
    assert allows(RunTrust(str(script), store), project)
    store.record_mount(str(tmp_path / mounted))
    assert not allows(RunTrust(str(script), store), project)
    store.decide(str(project), is_trusted=True)
    assert allows(RunTrust(str(script), store), project)


def test_links_into_a_mounted_folder_are_seen_through(store: TrustStore, tmp_path: Path) -> None:
    mounted = make_project(tmp_path / "mounted")
    clean = tmp_path / "clean"
    clean.mkdir()
    (clean / ".venv").symlink_to(mounted / ".venv")
    script = clean / "script.py"
    script.write_text("")
    assert allows(RunTrust(str(script), store), clean)
    store.record_mount(str(mounted))
    assert not allows(RunTrust(str(script), store), clean)
    assert not store.allows_named(str(python_of(clean)))


def test_nothing_is_executed_while_a_container_can_exchange_it(
    store: TrustStore, project: Path
) -> None:
    store.record_mount(str(project), "first")
    store.record_mount(str(project), "second")
    for container in ("first", "second"):
        store.decide(str(project), is_trusted=True)
        assert not allows(store, project)
        assert not store.allows_named(str(python_of(project)))
        store.record_end(str(project), container)
        assert not allows(store, project)
    assert store.running_in(str(project)) == []
    store.decide(str(project), is_trusted=True)
    assert allows(store, project)


HOLDER = """
import sys
from codeexec.environments.trust.store import TrustStore
TrustStore(sys.argv[1]).record_mount(sys.argv[2], "container")
print("recorded", flush=True)
sys.stdin.read()
"""


def test_trust_that_was_given_while_a_container_ran_ends_with_its_killed_holder(
    store: TrustStore, project: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, store.folder, str(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"recorded\n"
        store.decide(str(project), is_trusted=True)
        assert store.running_in(str(project)) == ["container"]
        holder.kill()
    assert not allows(store, project)
    store.decide(str(project.parent), is_trusted=False)  # any change settles it
    assert store.running_in(str(project)) == []
    assert not allows(store, project)
    store.decide(str(project), is_trusted=True)
    assert allows(store, project)


@pytest.mark.parametrize(
    ("root", "alias"), [("", ""), ("inner", ""), ("..", "project/inner")], ids=["same", "in", "of"]
)
def test_a_bind_mount_of_a_mounted_folder_is_that_folder(
    store: TrustStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, alias: str
) -> None:
    outer, point = tmp_path / "project", tmp_path / "a point"
    make_project(outer / "inner")
    seen = point / alias
    make_project(seen)
    table = tmp_path / "mountinfo"
    shown, place = os.path.normpath(outer / root), str(point).replace(" ", "\\040")
    table.write_text(
        "21 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"22 21 254:0 {shown} {place} rw shared:1 - ext4 /dev/vda rw\n"
    )
    script = seen / "script.py"
    script.write_text("")
    run = RunTrust(str(script), store)
    store.record_mount(str(outer))
    assert allows(run, seen)
    monkeypatch.setattr("codeexec.hostfiles.mounts.TABLE", str(table))
    assert not allows(run, seen)
    assert not store.allows_named(str(python_of(seen)))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    TrustStore().record_mount(str(outer))
    assert locate(python_of(seen)).shared is not None
    store.decide(str(seen), is_trusted=True)
    assert allows(store, seen)


def test_our_own_folders_are_not_mounted_by_way_of_a_bind_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "21 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"22 21 254:0 {tmp_path / 'state'} {tmp_path / 'point'} rw - ext4 /dev/vda rw\n"
    )
    monkeypatch.setattr("codeexec.hostfiles.mounts.TABLE", str(table))
    with pytest.raises(UsageError, match="decides what is executed"):
        TrustStore(str(tmp_path / "state")).record_mount(str(tmp_path / "point"))


def test_a_named_interpreter_is_refused_only_where_a_container_could_change_it(
    store: TrustStore, project: Path
) -> None:
    python = str(python_of(project))
    assert store.allows_named(python)
    store.record_mount(str(project / ".venv"))
    assert not store.allows_named(python)
    store.decide(str(project), is_trusted=True)
    assert store.allows_named(python)


def test_settings_are_compared_with_what_was_trusted(store: TrustStore, project: Path) -> None:
    file = str(project / ".codeexec.toml")
    Path(file).write_text("")
    store.decide(str(project), is_trusted=True, settings={os.path.realpath(file): "one"})
    assert store.allows(str(project), file, "one")
    assert not store.allows(str(project), file, "other")
    store.record_mount(str(project))
    assert store.allows(str(project), file, "one")  # it is what the user has seen
    assert not store.allows(str(project), file, "other")


def test_settings_that_a_run_used_before_a_mount_hold_as_long_as_they_are_the_same(
    store: TrustStore, project: Path
) -> None:
    file, script = project / ".codeexec.toml", project / "script.py"
    file.write_text("")
    script.write_text("")
    trust = RunTrust(str(script), store)
    store.see_settings(str(file), "one")
    store.record_mount(str(project))
    assert trust.allows(str(project), str(file), "one")
    assert not trust.allows(str(project), str(file), "other")
    store.see_settings(str(file), "other")  # by now a container could have written them
    assert not trust.allows(str(project), str(file), "other")
    assert not store.allows(str(project), str(file), "one")  # for runs alone


def test_settings_above_a_mounted_folder_are_not_in_it(store: TrustStore, project: Path) -> None:
    file, script = project / ".codeexec.toml", project / "script.py"
    file.write_text("")
    script.write_text("")
    (project / "data").mkdir()
    store.record_mount(str(project / "data"))
    assert RunTrust(str(script), store).allows(str(project), str(file), "one")


@pytest.mark.parametrize("content", [b"decision", b"\xff", b"mount x /a\n", b"settings 9 a /b\n"])
def test_a_file_that_cannot_be_read_trusts_nothing(
    store: TrustStore, project: Path, content: bytes
) -> None:
    store.decide(str(project), is_trusted=True)
    Path(store.folder, FILE).write_bytes(content)
    script = project / "script.py"
    script.write_text("")
    assert not allows(store, project)
    assert not allows(RunTrust(str(script), store), project)
    assert not store.allows_named(str(python_of(project)))
    with pytest.raises(StorageError):
        store.record_mount(str(project))


def test_any_name_of_a_folder_is_kept(store: TrustStore, tmp_path: Path) -> None:
    names = ["a b", "new\nline", "100%25", "ümläut", os.fsdecode(b"\xff\x80"), "decision 9 trusted"]
    for name in names:
        store.decide(str(make_project(tmp_path / name)), is_trusted=True)
    assert all(allows(TrustStore(store.folder), tmp_path / name) for name in names)
    assert len(store.read().decisions) == len(names)


def test_folders_that_decide_what_is_executed_are_not_mounted(
    store: TrustStore, tmp_path: Path
) -> None:
    for folder in (store.folder, str(tmp_path), f"{store.folder}/sessions"):
        with pytest.raises(UsageError, match="not given to a container"):
            store.record_mount(folder)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "project")}
    with pytest.raises(UsageError):
        TrustStore(store.folder, environ).record_mount(str(tmp_path / "project"))


def test_what_cannot_be_kept_is_an_error(tmp_path: Path, project: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be kept"):
        TrustStore(str(tmp_path / "file" / "state")).decide(str(project), is_trusted=True)


def test_the_home_folder_and_shared_folders_are_not_trusted_as_a_whole(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared", tmp_path / "home" / "project"
    own.mkdir(parents=True)
    shared.mkdir()
    shared.chmod(0o1777)
    environ = {"HOME": str(tmp_path / "home")}
    assert default_scope(str(own), environ)
    for folder in (shared, tmp_path / "home", tmp_path, Path("/")):
        assert not default_scope(str(folder), environ)


async def test_a_container_that_is_ended_twice_at_once_has_no_mount_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project = make_project(tmp_path / "project")
    records = MountRecords("container", [project])
    await records.begin()
    assert TrustStore().running_in(str(project)) == ["container"]
    await asyncio.gather(records.end(), records.end())
    assert TrustStore().running_in(str(project)) == []
