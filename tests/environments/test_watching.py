"""Changes of files in a folder of this machine, as the system notifies of them."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from codeexec.environments.base import Change, FileChange
from codeexec.environments.files import Folder
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.watching import folder_watch, watch
from codeexec.environments.watching.folder_watch import MOST_CHANGES
from codeexec.environments.watching.known import KnownNames
from codeexec.environments.watching.notes import Noted, Notes, NotifierFailed
from codeexec.environments.watching.notifier import TELLS, ChangeNotifier
from support.containers import until


class Told(list[tuple[FileChange, ...]]):
    """Batches; `late` may still come. Who writes a file makes it, fills it and closes it, and may
    be kept from its processor between these steps: then the file has changed once more."""

    def __init__(self) -> None:
        super().__init__()
        self.late: set[str] = set()

    def settle(self, *expected: str) -> None:
        self.late |= {f"~{sign[1:]}" for sign in expected if sign[0] in "+~"}
        self.clear()


@asynccontextmanager
async def watching(
    root: Path, path: str = "", *, hide_ignored: bool = True, interval: float = 0.1
) -> AsyncIterator[Told]:
    """The batches of a watch that has begun: what changes from here on is told."""
    environment = LocalEnvironment(root)
    batches = Told()

    async def follow() -> None:
        stream = environment.watch(path, interval=interval, hide_ignored=hide_ignored)
        async with aclosing(stream):  # type: ignore[type-var]
            async for batch in stream:
                batches.append(batch)

    task = asyncio.create_task(follow())

    async def has_begun() -> bool:
        return batches == [()]

    await until(has_begun)
    batches.clear()
    try:
        yield batches
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await environment.terminate()


async def told(batches: Told, *expected: str) -> None:
    """Wait until just that was told: `+` created, `~` modified, `-` removed."""

    async def has_all() -> bool:
        return set(expected) <= set(signs(batches))

    await until(has_all)
    late = batches.late | {f"~{sign[1:]}" for sign in expected if sign[0] in "+~"}
    more = [sign for sign in signs(batches) if sign not in late or sign in expected]
    assert sorted(set(more)) == sorted(expected)
    once = [sign for sign in more if sign[0] != "~"]
    assert len(once) == len(set(once))
    batches.settle(*expected)


async def told_also(batches: Told, sign: str) -> None:
    """Wait until that was told, with whatever else."""

    async def is_told() -> bool:
        return sign in signs(batches)

    await until(is_told)
    batches.settle(sign)


def signs(batches: Sequence[Sequence[FileChange]]) -> list[str]:
    sign = {Change.CREATED: "+", Change.MODIFIED: "~", Change.REMOVED: "-"}
    return [
        f"{sign[change.change]}{change.path}{'/' if change.is_folder else ''}"
        for batch in batches
        for change in batch
    ]


async def test_add_change_and_unlink(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "old").write_text("old")
    (tmp_path / "gone").write_text("")
    async with watching(tmp_path) as batches:
        (tmp_path / "new").write_text("new")
        (tmp_path / "sub" / "old").write_text("changed")
        (tmp_path / "gone").unlink()
        await told(batches, "+new", "~sub/old", "-gone")


async def test_a_file_that_is_replaced_as_a_whole_has_changed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    async with watching(tmp_path) as batches:
        await LocalEnvironment(tmp_path).write_file("file", b"new")
        await told(batches, "~file")


async def test_new_folders_are_watched_with_what_is_in_them(tmp_path: Path) -> None:
    async with watching(tmp_path) as batches:
        deep = tmp_path / "a" / "b"
        deep.mkdir(parents=True)
        (deep / "one").write_text("")
        await told(batches, "+a/", "+a/b/", "+a/b/one")
        (deep / "two").write_text("")
        await told(batches, "+a/b/two")


async def test_a_folder_that_is_gone_is_one_path(tmp_path: Path) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "file").write_text("")
    async with watching(tmp_path) as batches:
        (tmp_path / "old").rename(tmp_path / "new")
        await told(batches, "-old/", "+new/", "+new/deep/", "+new/deep/file")
        (tmp_path / "new" / "deep" / "file").write_text("changed")
        await told(batches, "~new/deep/file")


async def test_a_folder_that_is_made_again_is_told_as_gone_first(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder, name in ((root / "sub", "old"), (tmp_path / "other", "new")):
        folder.mkdir(parents=True)
        (folder / name).write_text("")
    async with watching(root) as batches:
        (root / "sub").rename(tmp_path / "gone")
        (tmp_path / "other").rename(root / "sub")
        await told(batches, "-sub/", "+sub/", "+sub/new")


@pytest.mark.parametrize("path", ["", "sub"])
async def test_a_watched_folder_that_is_made_again_is_watched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(folder_watch, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(folder_watch, "MEND_EVERY", 0.1)
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    async with watching(root, path) as batches:
        shutil.rmtree(root / path)
        await told_also(batches, "~.")
        (root / "sub").mkdir(parents=True)
        await told_also(batches, "~.")
        (root / "sub" / "new").write_text("")
        await told_also(batches, "+sub/new")


async def test_a_folder_that_was_moved_away_with_the_one_above_it_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "LOOK_EVERY", 0.1)
    root = tmp_path / "above" / "root"
    root.mkdir(parents=True)
    async with watching(root) as batches:
        (tmp_path / "above").rename(tmp_path / "moved")
        root.mkdir(parents=True)
        await told_also(batches, "~.")
        (root / "new").write_text("")
        await told_also(batches, "+new")


def test_a_new_folder_for_which_there_was_no_room_is_watched_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[tuple[FileChange, ...]] = []
    watcher = watcher_of(tmp_path, batches.append)
    watcher._begin()
    (tmp_path / "new").mkdir()

    def fail(*arguments: object) -> None:
        raise NotifierFailed("no room")

    with monkeypatch.context() as patched:
        patched.setattr(folder_watch, "ChangeNotifier", fail)
        assert list(watcher._resolve({("", "new"): Noted.ADDED})) == []
    watcher._mend()
    assert [*watcher._folders] == ["", "new"]
    for notifier in watcher._notifiers:
        notifier.close()


@pytest.mark.slow
async def test_ten_thousand_changes_are_one_bounded_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(folder_watch, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(folder_watch, "QUIET", 3.0)
    async with watching(tmp_path, interval=60.0) as batches:
        for limit in ("LONGEST", "LONGEST_FLOOD"):
            monkeypatch.setattr(folder_watch, limit, 3600.0)

        def burst() -> None:
            for number in range(10_000):
                os.close(os.open(tmp_path / f"file{number}", os.O_CREAT | os.O_WRONLY))

        await asyncio.to_thread(burst)  # no time passes, however slow the disk is

        async def is_told() -> bool:
            nonlocal now
            now += 0.1
            return bool(batches)

        await until(is_told)
        (batch,) = batches
        assert len(batch) == MOST_CHANGES + 1
        assert signs([batch[-1:]]) == ["~."]


async def test_what_gitignore_hides_is_not_told(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\nbuild/\n")
    for hidden in ("build", ".git", ".cache", "src/__pycache__"):
        (tmp_path / hidden).mkdir(parents=True)
    async with watching(tmp_path) as batches:
        for name in ("x.log", "build/x", ".git/x", ".cache/x", "src/__pycache__/x", "src/seen"):
            (tmp_path / name).write_text("")
        await told(batches, "+src/seen")
        (tmp_path / ".gitignore").write_text("*.log\n")
        await told(batches, "~.gitignore")
        (tmp_path / "build" / "y").write_text("")
        await told(batches, "+build/y")
    async with watching(tmp_path, hide_ignored=False) as batches:
        (tmp_path / "y.log").write_text("")
        (tmp_path / ".git" / "y").write_text("")
        await told(batches, "+y.log", "+.git/y")


async def test_only_what_is_below_the_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    async with watching(tmp_path, "sub") as batches:
        (tmp_path / "beside").write_text("")
        (tmp_path / "sub" / "deep" / "x").write_text("")
        await told(batches, "+sub/deep/x")


async def test_links_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (root / "link").symlink_to(outside)
    async with watching(root) as batches:
        (root / "sub").rmdir()
        (root / "sub").symlink_to(outside)
        await told(batches, "-sub/", "+sub")
        (outside / "secret").write_text("")
        (root / "end").write_text("")
        await told(batches, "+end")


def test_a_folder_that_became_a_link_is_not_added(tmp_path: Path) -> None:
    top, elsewhere = tmp_path / "top", tmp_path / "elsewhere"
    (top / "sub").mkdir(parents=True)
    elsewhere.mkdir()
    (top / "link").symlink_to(elsewhere)
    paths = ["", "sub", "link", "missing"]
    notifier = ChangeNotifier(Folder(top), paths, threading.Event())
    (elsewhere / "secret").write_text("")
    (top / "sub" / "seen").write_text("")
    notes = notes_until(notifier, ("sub", "seen"))
    assert {path for path, _ in notes} == {"sub"}
    notifier.close()


def test_one_folder_is_open_at_a_time_while_many_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A hundred sessions watch the same folders, and all add them anew at the same moment.
    paths = [f"folder{number}" for number in range(300)]
    for path in paths:
        (tmp_path / path).mkdir()
    folder = Folder(tmp_path)
    listing, are_open = folder.listing, 0

    @contextmanager
    def counted(path: str) -> Iterator[int]:
        nonlocal are_open
        are_open += 1
        assert are_open == 1
        with listing(path) as handle:
            yield handle
        are_open -= 1

    monkeypatch.setattr(folder, "listing", counted)
    notifier = ChangeNotifier(folder, paths, threading.Event())
    (tmp_path / paths[-1] / "new").write_text("")
    assert (paths[-1], "new") in notes_until(notifier, (paths[-1], "new"))
    notifier.close()


def test_a_folder_that_could_not_be_opened_for_want_of_descriptors_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)

    def fail(path: str) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(folder, "listing", fail)
    with pytest.raises(NotifierFailed, match="Too many open files"):
        ChangeNotifier(folder, [""], threading.Event())


def notes_until(notifier: ChangeNotifier, expected: tuple[str, str]) -> Notes:
    """What was told until something was told of the path and name."""
    notes: Notes = {}
    deadline = time.monotonic() + 60
    while expected not in notes and time.monotonic() < deadline:
        notifier.take(notes)
        time.sleep(0.001)
    return notes


async def test_a_name_that_is_no_text_loses_no_later_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MEND_EVERY", 0.0)
    async with watching(tmp_path) as batches:
        os.close(os.open(os.fsencode(tmp_path) + b"/bad\xff", os.O_CREAT | os.O_WRONLY))

        async def mended() -> bool:
            # inotify gives names as bytes; the library of other systems fails, and begins anew.
            return ("+bad\udcff" if TELLS else "~.") in signs(batches)

        await until(mended)
        batches.settle("+bad\udcff")
        (tmp_path / "good").write_text("")
        await told(batches, "+good")


async def test_where_the_system_does_not_notify_is_looked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> ChangeNotifier:
        raise NotifierFailed("no space left on device")

    monkeypatch.setattr(folder_watch, "ChangeNotifier", fail)
    monkeypatch.setattr(watch, "POLLED_EVERY", 0.0)
    async with watching(tmp_path) as batches:
        (tmp_path / "__pycache__").mkdir()
        (tmp_path / "__pycache__" / "x").write_text("")
        (tmp_path / "new").write_text("")
        await told(batches, "+new")


async def test_its_thread_ends_with_it(tmp_path: Path) -> None:
    def threads() -> list[str]:
        return [each.name for each in threading.enumerate() if each.name == f"watch {tmp_path}"]

    async with watching(tmp_path):
        assert threads()

    async def gone() -> bool:
        return not threads()

    await until(gone)


def test_many_new_folders_need_few_notifiers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_NOTIFIERS", 2)
    batches: list[tuple[FileChange, ...]] = []
    watcher = watcher_of(tmp_path, batches.append)
    watcher._begin()
    for number in range(5):
        (tmp_path / f"folder{number}").mkdir()
        watcher._take_in(f"folder{number}")
    assert len(watcher._notifiers) <= 2
    (tmp_path / "folder0" / "x").write_text("")
    notes: Notes = {}
    deadline = time.monotonic() + 60
    while ("folder0", "x") not in notes and time.monotonic() < deadline:
        watcher._take(notes)
        time.sleep(0.001)
    assert ("folder0", "x") in notes


def test_a_tree_without_end_is_watched_to_some_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_DEPTH", 3)
    (tmp_path / "1/2/3/4/5/6").mkdir(parents=True)
    watcher = watcher_of(tmp_path, lambda batch: None)
    watcher._begin()
    watcher._resolve({("1/2/3/4", "5"): Noted.ADDED})
    assert len(watcher._folders) == 5
    for notifier in watcher._notifiers:
        notifier.close()


def watcher_of(
    root: Path, report: Callable[[tuple[FileChange, ...]], None]
) -> folder_watch.FolderWatch:
    return folder_watch.FolderWatch(
        Folder(root), "", hide_ignored=True, interval=0.1, report=report
    )


def test_known_names_are_a_set() -> None:
    known = KnownNames()
    for number in range(0, 10_000, 2):
        known.add_first(number)
    assert 8 in known
    assert 9 not in known
    for number in (9, 9, 8):
        known.add(number)
    assert 9 in known
    for number in (8, 9, 7):
        known.discard(number)
    assert not {7, 8, 9} & {number for number in range(10) if number in known}
    known.add(8)
    assert 8 in known
