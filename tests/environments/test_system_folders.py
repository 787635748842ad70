"""Folders that no session is given: of the system, of all users, and views of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeexec.domain.errors import UsageError
from codeexec.environments import system_folders
from codeexec.environments.system_folders import MountPoint, mountable, mounts, refuse_for_session

OWN_CWD = f"/proc/{os.getpid()}/cwd"


@pytest.mark.parametrize(
    "name",
    [
        *("/", "/etc", "/etc/ssl", "/proc", "/proc/self", "/proc/self/cwd", "/proc/1/root", "/sys"),
        *(
            "/dev",
            "/dev/shm",
            "/run",
            "/home",
            "/usr",
            "/usr/local/lib",
            "/var",
            "/var/lib",
            "/tmp",
        ),
        *(
            "/boot",
            "/bin",
            "/sbin",
            "/lib",
            "/opt",
            "/root",
            "/var/log",
            "/srv",
            "/mnt",
            "/var/tmp",
        ),
        *("/usr/../etc", "/tmp/..", "/etc/", "//etc", "/proc/self/root/etc"),
    ],
)
def test_folders_of_the_system_are_not_given_to_a_container(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        mountable(Path(name))
    assert "chown" not in str(caught.value)
    assert "Work in a folder of your project." in str(caught.value)


@pytest.mark.parametrize("target", ["/etc", "/proc/self", "/proc/self/cwd", "/usr/lib", "../home"])
def test_a_link_to_such_a_folder_is_not_given_either(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / "link").symlink_to(target)
    with pytest.raises(UsageError):
        mountable(home / "link")


def test_a_bind_mount_of_such_a_folder_is_known_by_where_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mounted"
    (folder / "ssh").mkdir(parents=True)
    root = next(mount for mount in reversed(mounts()) if mount.point == Path("/"))
    table = (root, MountPoint(root.device, root.root / "etc", folder, root.kind))
    monkeypatch.setattr(system_folders, "mounts", lambda: table)
    for each in (folder, folder / "ssh"):
        with pytest.raises(UsageError, match="/etc"):
            mountable(each)
    monkeypatch.setattr(
        system_folders, "mounts", lambda: (root, MountPoint("0:9", Path("/"), folder, "proc"))
    )
    with pytest.raises(UsageError, match="proc file system"):
        refuse_for_session(folder)


def test_the_table_of_mounts_is_read_with_blanks_in_names(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "28 27 254:0 /etc /mnt/a\\040b rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "broken\n"
    )
    assert mounts(table) == (
        MountPoint("254:0", Path("/"), Path("/"), "ext4"),
        MountPoint("254:0", Path("/etc"), Path("/mnt/a b"), "ext4"),
    )


def test_projects_are_given_and_keys_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    project, keys = tmp_path / "home" / "project", tmp_path / "home" / ".ssh" / "keys"
    project.mkdir(parents=True)
    keys.mkdir(parents=True)
    assert mountable(project) == project
    (tmp_path / "short").symlink_to(project)
    assert mountable(tmp_path / "short") == project
    with pytest.raises(UsageError, match="keys"):
        mountable(keys)
    (project / "engine").mkdir()
    for folder in (project, project / "engine"):
        with pytest.raises(UsageError, match="the container engine has"):
            mountable(folder, (str(project / "engine"),))


@pytest.mark.parametrize(
    "name",
    [
        "/proc/self",
        "/proc",
        "/sys",
        "/dev",
        pytest.param(f"/proc/{os.getpid()}/cwd", id="cwd of a process"),
    ],
)
def test_views_of_the_kernel_are_no_folder_for_a_session_of_any_kind(name: str) -> None:
    with pytest.raises(UsageError, match="no folder for files"):
        refuse_for_session(Path(name))


def test_a_session_of_this_machine_may_work_in_a_folder_of_the_system(tmp_path: Path) -> None:
    refuse_for_session(Path("/etc"))
    refuse_for_session(tmp_path)
