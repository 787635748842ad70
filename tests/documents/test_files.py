"""Files: what is read is written back as it was, and a failed save leaves the old text."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.documents import files
from codeexec.documents.files import Stamp, new_file, read_file, save_file
from codeexec.documents.swap import SwapStore
from codeexec.domain.errors import Conflict, Denied, DocumentError, NotFound, StorageError


@pytest.mark.parametrize(
    ("data", "text", "encoding", "newline"),
    [
        (b"a\nb\n", "a\nb\n", "utf-8", "\n"),
        (b"a\r\nb\r\n", "a\nb\n", "utf-8", "\r\n"),
        (b"a\rb\r", "a\nb\n", "utf-8", "\r"),
        (b"\xef\xbb\xbfa", "a", "utf-8", "\n"),
        ("\ufeffhé\r\n".encode("utf-16-le"), "hé\n", "utf-16-le", "\r\n"),
        ("\ufeffhé\n".encode("utf-16-be"), "hé\n", "utf-16-be", "\n"),
        (b"# -*- coding: latin-1 -*-\n# \xe9\n", "# -*- coding: latin-1 -*-\n# é\n", None, "\n"),
        (b"100%\r200%\n", "100%\r200%\n", "utf-8", "\n"),
        (b"", "", "utf-8", "\n"),
        ("a\u2028b\x0bc\x85d".encode(), "a\u2028b\x0bc\x85d", "utf-8", "\n"),
    ],
)
def test_bytes_survive(
    tmp_path: Path, data: bytes, text: str, encoding: str | None, newline: str
) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(data)
    file = read_file(path)
    assert (file.text, file.newline) == (text, newline)
    assert encoding is None or file.encoding == encoding
    save_file(file, file.text)
    assert path.read_bytes() == data


@settings(max_examples=50)
@given(st.text(st.sampled_from("aé\n\t世🙂"), max_size=30), st.sampled_from(["\n", "\r\n"]))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str, end: str) -> None:
    path = tmp_path_factory.mktemp("t") / "x"
    data = text.replace("\n", end).encode()
    path.write_bytes(data)
    file = read_file(path)
    assert file.text == text
    save_file(file, file.text)
    assert path.read_bytes() == data


def test_mixed_newlines_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\r\nb\r\nc\nd")
    file = read_file(path)
    assert (file.mixed_newlines, file.newline, file.text) == (True, "\r\n", "a\nb\nc\nd")


def test_not_utf8_names_the_line_and_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"ok\ncaf\xe9\n")
    with pytest.raises(DocumentError) as caught:
        read_file(path)
    assert "line 2" in caught.value.message
    assert "latin-1" in caught.value.next_step
    file = read_file(path, "latin-1")
    assert file.text == "ok\ncafé\n"
    save_file(file, file.text + "è")
    assert path.read_bytes() == b"ok\ncaf\xe9\n\xe8"


def test_what_cannot_be_encoded_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"caf\xe9\n")
    file = read_file(path, "latin-1")
    with pytest.raises(DocumentError, match="line 2"):
        save_file(file, "café\n世")
    assert path.read_bytes() == b"caf\xe9\n"


def test_binary_missing_folder_and_unknown_encoding(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(DocumentError, match="binary"):
        read_file(path)
    with pytest.raises(NotFound):
        read_file(tmp_path / "none")
    with pytest.raises(DocumentError, match="not a file"):
        read_file(tmp_path)
    with pytest.raises(DocumentError, match="no encoding"):
        read_file(path, "klingon")


def test_huge_files_are_read_only_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a" * 100)
    monkeypatch.setattr(files, "LARGE", 50)
    assert "too large" in read_file(path).read_only
    monkeypatch.setattr(files, "TOO_LARGE", 60)
    with pytest.raises(DocumentError, match="too much"):
        read_file(path)


def test_save_keeps_mode_links_and_names(tmp_path: Path) -> None:
    path = tmp_path / "run.sh"
    path.write_text("old")
    path.chmod(0o751)
    link = tmp_path / "link.sh"
    link.symlink_to(path)
    save_file(read_file(link), "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o751
    twin = tmp_path / "twin"
    twin.hardlink_to(path)
    save_file(read_file(path), "newest")
    assert twin.read_text() == "newest"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.sh", "run.sh", "twin"]


def test_new_file_and_its_folder_are_made(tmp_path: Path) -> None:
    file = save_file(new_file(tmp_path / "deep" / "x.py"), "hi")
    assert file.path.read_text() == "hi"
    assert not file.changed_on_disk


def test_outside_changes_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("mine")
    file = read_file(path)
    path.write_text("theirs!")
    assert file.changed_on_disk
    with pytest.raises(Conflict):
        save_file(file, "mine 2")
    assert path.read_text() == "theirs!"
    file = save_file(file, "mine 2", overwrite=True)
    assert path.read_text() == "mine 2"
    assert not file.changed_on_disk


def test_failed_save_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    file = read_file(path)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageError, match="No space"):
        save_file(file, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_swap_is_kept_listed_restored_and_discarded(tmp_path: Path) -> None:
    times = iter([1.0, 2.0, 3.0])
    store = SwapStore(tmp_path / "swap", clock=lambda: next(times))
    store.write("/a.py", ["first", "ñ\ud83d"], 3, 4, Stamp(1, 2, 3))
    store.write("untitled-1", ["second"])
    assert [swap.name for swap in store.all()] == ["untitled-1", "/a.py"]
    found = store.find("/a.py")
    assert found is not None
    assert (found.text, found.line, found.column, found.base) == (
        "first\nñ\ud83d",
        3,
        4,
        Stamp(1, 2, 3),
    )
    store.write("/a.py", ["third"])
    assert [swap.text for swap in store.all()] == ["third", "second"]
    store.discard("/a.py")
    store.discard("/a.py")
    assert [swap.name for swap in store.all()] == ["untitled-1"]


def test_a_swap_may_be_discarded_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SwapStore(tmp_path / "swap")
    rename = os.rename

    def rename_and_discard(
        old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        store.discard("a")  # as the event loop does after a save

    store.write("b", ["kept"])
    monkeypatch.setattr(os, "rename", rename_and_discard)
    store.write("a", ["text"])
    assert [swap.name for swap in store.all()] == ["b"]
    [file] = (tmp_path / "swap").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_swap_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SwapStore(tmp_path / "file" / "swap")
    with pytest.raises(StorageError, match="Unsaved text cannot be kept"):
        store.write("a", ["text"])
    store.discard("a")
    assert store.find("a") is None


def test_a_torn_swap_is_passed_over(tmp_path: Path) -> None:
    store = SwapStore(tmp_path)
    store.write("a", ["text"])
    (tmp_path / "zz.swap").write_bytes(b'{"name": "b"}\nx')
    assert [swap.name for swap in store.all()] == ["a"]


def test_an_open_file_that_a_link_has_taken_the_place_of_is_not_touched(tmp_path: Path) -> None:
    path, secret = tmp_path / "a.py", tmp_path / "secret"
    path.write_text("x = 1\n")
    secret.write_text("the host's own\n")
    file = read_file(path)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(Denied, match="was not when it was opened"):
        read_file(path, real=file.real)
    for overwrite in (False, True):
        with pytest.raises(Denied, match="was not when it was opened"):
            save_file(file, "x = 2\n", overwrite=overwrite)
    assert secret.read_text() == "the host's own\n"


def test_a_new_file_is_not_saved_over_a_link_that_came_first(tmp_path: Path) -> None:
    path, outside = tmp_path / "a.py", tmp_path / "authorized_keys"
    file = new_file(path)
    path.symlink_to(outside)
    with pytest.raises(Denied):
        save_file(file, "x = 1\n", overwrite=True)
    assert not outside.exists()


def test_a_link_that_was_opened_is_saved_where_it_points(tmp_path: Path) -> None:
    path, target = tmp_path / "link.py", tmp_path / "target.py"
    target.write_text("x = 1\n")
    path.symlink_to(target)
    file = save_file(read_file(path), "x = 2\n")
    assert read_file(path, real=file.real).text == "x = 2\n"
    assert target.read_text() == "x = 2\n"
    assert path.is_symlink()


@pytest.mark.parametrize(
    "name",
    ["undefined", "rot13", "hex", "zlib", "base64", "idna", "punycode", "unicode_escape"],
)
def test_a_coding_line_that_names_no_encoding_of_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.py"
    data = f"# coding: {name}\nprint('a+b \\\\n ~')\n".encode()
    path.write_bytes(data)
    with pytest.raises(DocumentError, match="cannot be read as") as caught:
        read_file(path)
    assert "coding:" in caught.value.next_step
    file = read_file(path, "utf-8")
    save_file(file, file.text)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"# coding: utf-8-sig\nx\n", "# coding: utf-8-sig\nx\n"),
        (b"\xef\xbb\xbf# coding: utf-8-sig\nx\n", "# coding: utf-8-sig\nx\n"),
        (b"# coding: nowhere\nx\n", "# coding: nowhere\nx\n"),
        ("# coding: euc-jp\n日本\n".encode("euc-jp"), "# coding: euc-jp\n日本\n"),
        (b"\xef\xbb\xbf\xef\xbb\xbfa", "\ufeffa"),
    ],
)
def test_other_coding_lines_and_marks_survive(tmp_path: Path, data: bytes, text: str) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(data)
    file = read_file(path)
    assert file.text == text
    save_file(file, file.text)
    assert path.read_bytes() == data


def test_text_that_would_not_be_saved_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"# coding: utf-7\nx = '+AOk-'\ny = 'a-b'\n~\n")
    with pytest.raises(DocumentError, match="cannot be read as"):
        read_file(path)


@pytest.mark.parametrize("data", [b"\xff\xfea", b"\xfe\xff\xd8\x00", b"\xff\xfe\x00\x00abc"])
def test_a_mark_with_torn_text_after_it(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(data)
    with pytest.raises(DocumentError, match=r"is not utf-(16|32)"):
        read_file(path)


def test_devices_pipes_and_odd_names_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(DocumentError, match="a named pipe") as caught:
        read_file(tmp_path / "pipe.py")
    assert "run -" in caught.value.next_step
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    with pytest.raises(DocumentError, match="a device"):
        read_file(tmp_path / "zero.py")
    with pytest.raises(DocumentError, match="no name of a file"):
        read_file(tmp_path / "a\0b")


def test_a_swap_of_too_deep_json_is_passed_over(tmp_path: Path) -> None:
    store = SwapStore(tmp_path)
    store.write("a", ["text"])
    (tmp_path / "y.swap").write_bytes(b"[" * 100_000 + b"\nx")
    (tmp_path / "z.swap").symlink_to("/dev/zero")
    assert [swap.name for swap in store.all()] == ["a"]
