"""Files in a folder that hostile code changes: what it plants is neither read nor written."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

import pytest

from codeexec.domain.errors import CodeexecError, Denied
from codeexec.hostfiles import files
from codeexec.hostfiles.place import locate
from support.users import ordinary_user


def plant(kind: str, path: Path, target: Path) -> None:
    """What code in a container can put in the place of a file."""
    match kind:
        case "link":
            path.symlink_to(target)
        case "relative link":
            path.symlink_to(os.path.relpath(target, path.parent))
        case "dangling link":
            path.symlink_to(target.with_name("not-there.txt"))
        case "chain of links":
            path.with_name("second").symlink_to(target)
            path.symlink_to("second")
        case "hard link":
            path.hardlink_to(target)
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(path))
        case "folder":
            path.mkdir()
        case _:
            raise AssertionError(kind)


KINDS = ("link", "relative link", "chain of links", "hard link", "pipe", "socket", "folder")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_not_read(kind: str, workspace: Path, secret: Path) -> None:
    path = workspace / "next.py"
    plant(kind, path, secret)
    with pytest.raises(Denied, match="is not opened"):
        files.read(locate(path))


@pytest.mark.parametrize("kind", [*KINDS, "dangling link"])
def test_what_is_no_plain_file_is_not_written(kind: str, workspace: Path, secret: Path) -> None:
    path = workspace / "out.ipynb"
    plant(kind, path, secret)
    with pytest.raises(Denied, match="is not opened"):
        files.write(locate(path), b"outputs")
    assert secret.read_text() == "the host's own"
    assert not secret.with_name("not-there.txt").exists()


def test_a_folder_on_the_way_that_became_a_link_is_not_entered(
    workspace: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "key").write_text("private")
    (workspace / "sub").symlink_to(outside)
    for path in (workspace / "sub/deep/key", workspace / "sub/deep/new/file"):
        with pytest.raises(Denied, match="reached over a symbolic link"):
            files.read(locate(path))
        with pytest.raises(Denied, match="reached over a symbolic link"):
            files.write(locate(path), b"x")
        with pytest.raises(Denied):
            files.make_file(path)
        with pytest.raises(Denied):
            files.delete(path)
        with pytest.raises(Denied):
            files.rename(path, workspace / "mine")
    with pytest.raises(Denied):
        files.make_folder(workspace / "sub", exist_ok=True)
    assert (outside / "deep" / "key").read_text() == "private"
    assert sorted(p.name for p in outside.rglob("*")) == ["deep", "key"]


def test_deleting_and_renaming_mean_a_link_and_not_what_it_points_at(
    workspace: Path, secret: Path
) -> None:
    link = workspace / "link"
    link.symlink_to(secret)
    files.rename(link, workspace / "other")
    assert (workspace / "other").is_symlink()
    (workspace / "taken").write_text("x")
    with pytest.raises(FileExistsError):
        files.rename(workspace / "other", workspace / "taken")
    files.delete(workspace / "other")
    assert secret.exists()
    assert [path.name for path in workspace.iterdir()] == ["taken"]


def test_a_name_that_a_link_has_is_taken(workspace: Path, secret: Path) -> None:
    link = workspace / "new.py"
    link.symlink_to(secret.with_name("not-there.txt"))
    with pytest.raises(FileExistsError):
        files.make_file(link)
    with pytest.raises(FileExistsError):
        files.make_folder(link)
    assert not secret.with_name("not-there.txt").exists()


def test_links_outside_of_shared_folders_work_as_in_any_editor(
    workspace: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "dotfiles" / "vimrc"
    plain.parent.mkdir()
    plain.write_text("old")
    (tmp_path / ".vimrc").symlink_to("dotfiles/vimrc")
    (tmp_path / "second-name").hardlink_to(plain)
    place = locate(tmp_path / ".vimrc")
    assert files.read(place)[0] == b"old"
    files.write(place, b"new")
    assert plain.read_text() == (tmp_path / "second-name").read_text() == "new"
    assert (tmp_path / ".vimrc").is_symlink()
    # A link of the user's own that leads into the workspace is followed as far as its edge.
    (workspace / "a.py").write_text("print(1)")
    (tmp_path / "short").symlink_to(workspace)
    assert locate(tmp_path / "short" / "a.py").shared == workspace
    assert files.read(locate(tmp_path / "short" / "a.py"))[0] == b"print(1)"


def test_dots_do_not_leave_or_forget_the_workspace(workspace: Path, secret: Path) -> None:
    (workspace / "sub").mkdir()
    assert locate(workspace / "sub/../../secret.txt").real == secret
    assert locate(workspace / "sub/../a.py").shared == workspace
    (workspace / "up").symlink_to("..")
    with pytest.raises(Denied):
        locate(workspace / "up" / "workspace" / ".." / "secret.txt")


def test_a_file_in_a_folder_that_may_be_entered_and_not_listed_is_read() -> None:
    with ordinary_user() as home:
        folder = home / "closed"
        folder.mkdir()
        (folder / "a.py").write_text("x")
        folder.chmod(0o311)
        assert files.read(locate(folder / "a.py"))[0] == b"x"
        files.write(locate(folder / "a.py"), b"y")
        folder.chmod(0o700)
        assert (folder / "a.py").read_text() == "y"


def test_links_in_a_circle_are_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(Denied, match="circle"):
        locate(tmp_path / "a")
    with pytest.raises(Denied, match="no name of a file"):
        locate(tmp_path / "a\0b")
    long = tmp_path / ("x" * 5000)
    assert locate(long).real == long


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_opened_and_ours_stays_with_its_owner(
    workspace: Path,
) -> None:
    os.chown(workspace, 1000, 1000)
    file = workspace / "a.py"
    file.write_text("x")
    os.chown(file, 2345, 2345)
    with pytest.raises(Denied, match="uid 2345"):
        files.read(locate(file))
    os.chown(file, 1000, 1000)
    file.chmod(0o4755)
    files.write(locate(file), b"y")
    files.write(locate(workspace / "new" / "b.py"), b"z")
    assert (file.stat().st_uid, file.stat().st_mode & 0o7777) == (1000, 0o755)
    for made in (workspace / "new", workspace / "new" / "b.py"):
        assert made.stat().st_uid == 1000


def test_exchanged_at_any_moment_nothing_outside_is_read_or_written(
    workspace: Path, tmp_path: Path
) -> None:
    """Code in a container exchanges a folder and a file with links, again and again, while the
    host reads and writes them."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"private")
    inside = workspace / "sub"
    inside.mkdir()
    (inside / "file").write_bytes(b"ours")
    over = threading.Event()

    def exchange() -> None:
        number = 0
        while not over.is_set():
            number += 1
            link, plain = workspace / "link", workspace / "plain"
            # The host makes folders that are missing while it writes: then a step may fail.
            with contextlib.suppress(OSError):
                inside.rename(workspace / f"aside{number}")
                inside.symlink_to(outside)
                inside.unlink()
                (workspace / f"aside{number}").rename(inside)
            with contextlib.suppress(OSError):
                link.symlink_to(outside / "file")
                link.rename(inside / "file")
                plain.write_bytes(b"ours")
                plain.rename(inside / "file")
            link.unlink(missing_ok=True)

    thread = threading.Thread(target=exchange)
    thread.start()
    tried = refused = 0
    try:
        # Until both have been seen: the exchanging thread may stand still for a while.
        while tried < 500 or ((refused < 20 or refused == tried) and tried < 20_000):
            tried += 1
            try:
                data, _ = files.read(locate(inside / "file"))
                assert data == b"ours"
                files.write(locate(inside / "file"), b"ours", sync=False)
            except (CodeexecError, OSError):
                refused += 1
    finally:
        over.set()
        thread.join()
    assert 0 < refused < tried
    assert (outside / "file").read_bytes() == b"private"
    assert [path.name for path in outside.iterdir()] == ["file"]


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_file_that_is_replaced_is_freed_and_no_descriptor_of_it_stays(
    size: int, workspace: Path
) -> None:
    path = workspace / "large.py"
    path.write_bytes(b"a" * size)
    files.write(locate(path), b"b" * size, sync=False)
    assert path.read_bytes() == b"b" * size
    for thread in threading.enumerate():
        if thread.name == "free-file":
            thread.join()
    assert [entry.name for entry in workspace.iterdir()] == ["large.py"]
    folder = Path("/proc/self/fd")
    for entry in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):
            assert "large.py" not in entry.readlink().name
