"""Reads and writes text files: keeps encoding, newline and mode; writes atomically."""

from __future__ import annotations

import codecs
import mmap
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from codeexec.domain.errors import CodeexecError, Conflict, DocumentError, NotFound, StorageError
from codeexec.domain.plain_files import NotPlainFile, check_plain
from codeexec.hostfiles import files as hostfiles
from codeexec.hostfiles.place import Place, locate, same_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from codeexec.hostfiles.opening import Content

_Data = TypeVar("_Data", bytes, "bytes | mmap.mmap")

LARGE = 20_000_000
"""Size in bytes from which a file is opened read-only."""
TOO_LARGE = 500_000_000
"""Size in bytes from which a file is not opened."""
_SAMPLE = 8192
_DECODE_AT_A_TIME = 1_000_000
_NOT_WRITABLE = "no permission to write it"

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
"""https://peps.python.org/pep-0263/"""
_LOSSLESS = ("utf-8", "ascii", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_ESCAPES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
"""Python codecs that convert text to text, or bytes to bytes."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Identifies a version of a file without reading it."""

    modified_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """The current stamp of the file; None if it does not exist."""
        try:
            info = path.stat()
        except OSError:
            return None
        return cls(info.st_mtime_ns, info.st_size, info.st_ino)


@dataclass(frozen=True, slots=True)
class FileText:
    """A text file as read; `text` always has `\\n` between lines.

    `stamp` is None for a file that does not exist yet. `read_only` is the reason why it
    must not be edited, else empty. `mixed_newlines`: a save changes all newlines to `newline`,
    that of most lines. `real` is the resolved path when the file was opened: if a link has
    replaced the file since, it is neither read nor written.
    """

    path: Path
    text: str
    encoding: str = "utf-8"
    bom: bytes = b""
    newline: str = "\n"
    mixed_newlines: bool = False
    read_only: str = ""
    stamp: Stamp | None = None
    real: Path | None = None

    @property
    def changed_on_disk(self) -> bool:
        """Whether the file was changed or removed on disk since it was read."""
        return Stamp.of(self.path) != self.stamp


def new_file(path: Path, *, real: Path | None = None) -> FileText:
    """A file that does not exist yet; `real` and Denied as in `read_file`."""
    return FileText(path, "", real=same_place(path, real).real)


def moved_file(file: FileText, path: Path) -> FileText:
    """The file after it was renamed on disk."""
    try:
        real: Path | None = locate(path).real
    except CodeexecError:
        real = None  # reading or writing locates it again and reports the error
    return replace(file, path=path, stamp=Stamp.of(path), real=real)


def read_file(path: Path, encoding: str | None = None, *, real: Path | None = None) -> FileText:
    """Read a text file. `encoding` overrides detection; `real` is the resolved path of an
    earlier read.

    Raises NotFound, DocumentError when it is not a regular file, too large, binary, or cannot
    be decoded, and Denied for a link that must not be followed.
    """
    if "\0" in str(path):
        raise DocumentError(f"{str(path)!r} is no name of a file.", "Check the name.")
    place = same_place(path, real)
    data, info = read_plain(path, place, hostfiles.read)
    stamp = Stamp(info.st_mtime_ns, info.st_size, info.st_ino)
    codec, bom = _encoding(data, path, encoding)
    text = _decode(data[len(bom) :], codec, path)
    newline, mixed = _newline(text)
    if newline == "\r":
        text = text.replace("\r", "\n")
    elif newline == "\r\n" or mixed:
        text = text.replace("\r\n", "\n")
    read_only = _why_read_only(place.real, info)
    return FileText(path, text, codec, bom, newline, mixed, read_only, stamp, place.real)


def read_json_file(path: Path, *, real: Path | None = None) -> tuple[FileText, bytes | memoryview]:
    """Read a JSON file as UTF-8 bytes; `text` of the file stays empty. A large one is mapped, not
    loaded, and may be edited.

    Raises as `read_file`.
    """
    if "\0" in str(path):
        raise DocumentError(f"{str(path)!r} is no name of a file.", "Check the name.")
    place = same_place(path, real)
    data, info = read_plain(path, place, hostfiles.read_mapped)
    head = bytes(data[:_SAMPLE])
    codec, bom = _encoding(head, path, None)
    read_only = "" if os.access(place.real, os.W_OK) else _NOT_WRITABLE
    stamp = Stamp(info.st_mtime_ns, info.st_size, info.st_ino)
    if codec != "utf-8" or not _is_utf8(data):
        file = read_file(path, real=real)
        return replace(file, text="", read_only=read_only), file.text.encode()
    newline = "\r\n" if b"\r\n" in head else "\n"
    file = FileText(path, "", codec, bom, newline, False, read_only, stamp, place.real)
    return file, memoryview(data)[len(bom) :]


def release_pages(content: bytes | memoryview | mmap.mmap) -> None:
    """Take a mapped file out of memory until it is read again."""
    mapped = content.obj if isinstance(content, memoryview) else content
    if isinstance(mapped, mmap.mmap):
        mapped.madvise(mmap.MADV_DONTNEED)


class PageRelease:
    """Gives the pages of a mapped file back after each stretch that was read of it."""

    STRETCH = 8 << 20
    """Bytes."""

    def __init__(self, content: bytes | memoryview | mmap.mmap) -> None:
        self._content = content
        self._read = 0

    def note(self, size: int) -> None:
        """So many bytes were read."""
        self._read += size
        if self._read >= self.STRETCH:
            self._read = 0
            release_pages(self._content)

    def pieces(self, pieces: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        """The same bytes in pieces of a stretch at most, for which pages are given back as soon as
        the next one is asked for."""
        for piece in pieces:
            for start in range(0, len(piece), self.STRETCH):
                part = piece[start : start + self.STRETCH]
                yield part
                self.note(len(part))


def _is_utf8(data: bytes | mmap.mmap) -> bool:
    """Whether the bytes can be decoded; in parts, so that no second copy is made."""
    decoder, release = codecs.getincrementaldecoder("utf-8")(), PageRelease(data)
    try:
        for start in range(0, len(data), _DECODE_AT_A_TIME):
            decoder.decode(data[start : start + _DECODE_AT_A_TIME])
            release.note(_DECODE_AT_A_TIME)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read_plain(
    path: Path, place: Place, read: Callable[[Place, int], tuple[_Data, os.stat_result]]
) -> tuple[_Data, os.stat_result]:
    """The bytes and the stat result of a regular file, from one open descriptor, by `read` of
    `hostfiles.files`. Raises as `read_file`."""
    try:
        info = place.real.stat()
        check_plain(info.st_mode, path)
        if info.st_size > TOO_LARGE:
            raise _too_large(path, info.st_size)
        data, info = read(place, TOO_LARGE + 1)
    except NotPlainFile as error:
        raise DocumentError(
            f"{path} is not a file: {error.strerror}.".replace(", not a file.", "."),
            "Open one of the files in it."
            if place.real.is_dir()
            else "Copy what it holds to a file, or pipe it into `codeexec-tui run -`.",
        ) from error
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.", "Check the name.") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DocumentError(
            f"{path} cannot be read: {reason}.", "Check its permissions."
        ) from error
    if len(data) > TOO_LARGE:  # it grew, or its reported size is 0, as in /proc
        raise _too_large(path, len(data))
    return data, info


def _too_large(path: Path, size: int) -> DocumentError:
    return DocumentError(
        f"{path.name} has {size // 1_000_000} MB, too much for an editor.",
        "Look at a part of it with `head` or `less`.",
    )


def _why_read_only(path: Path, info: os.stat_result) -> str:
    if info.st_size > LARGE:
        return f"{info.st_size // 1_000_000} MB is too large to edit"
    if not os.access(path, os.W_OK):
        return _NOT_WRITABLE
    return ""


def _encoding(data: bytes, path: Path, requested: str | None) -> tuple[str, bytes]:
    for bom, name in _BOMS:
        if data.startswith(bom) and (requested is None or requested.startswith(name[:5])):
            return name, bom
    if requested is not None:
        return requested, b""
    if b"\0" in data[:_SAMPLE]:
        raise DocumentError(
            f"{path.name} is binary.", "Open it with a program for its type, or with a hex viewer."
        )
    for line in data[:_SAMPLE].split(b"\n", 2)[:2]:
        if cookie := _COOKIE.match(line):
            try:
                name = codecs.lookup(cookie[1].decode("ascii")).name
            except LookupError:
                break
            return "utf-8" if name == "utf-8-sig" else name, b""  # the mark is kept in `bom`
    return "utf-8", b""


def _decode(data: bytes, encoding: str, path: Path) -> str:
    try:
        text = data.decode(encoding)
        if not _is_lossless(encoding, data, text):
            raise _no_text(path, encoding)
    except LookupError as error:
        if encoding in _named_codecs(encoding):
            raise _no_text(path, encoding) from error
        raise DocumentError(
            f"There is no encoding {encoding!r}.", "Try utf-8, latin-1 or cp1252."
        ) from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        wrong = data[error.start : error.start + 1]
        byte = f"byte {wrong[0]:#04x}" if wrong else "the end is missing"
        raise DocumentError(
            f"{path.name} is not {encoding}: {byte} in line {line}.",
            "Open it as latin-1 (every byte has a meaning there), or convert it to UTF-8.",
        ) from error
    except (ValueError, OverflowError) as error:
        # Codecs such as `undefined`, `idna` and `punycode` raise a bare UnicodeError.
        raise _no_text(path, encoding) from error
    return text


def _no_text(path: Path, encoding: str) -> DocumentError:
    return DocumentError(
        f"{path.name} cannot be read as {encoding!r}, the encoding that it names: that is no "
        "encoding for text files, or it would not be saved as it was.",
        "Correct the line with `coding:`, or open it as utf-8.",
    )


def _named_codecs(encoding: str) -> tuple[str, ...]:
    """The name if Python has a codec of this name for text; else empty."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return ()
    return (encoding,)


def _is_lossless(encoding: str, data: bytes, text: str) -> bool:
    """Whether encoding the text gives the same bytes; not tested for the usual encodings."""
    name = codecs.lookup(encoding).name
    if name in _LOSSLESS or name.startswith(("iso8859", "cp125")):
        return True
    return name not in _ESCAPES and text.encode(encoding) == data


def _newline(text: str) -> tuple[str, bool]:
    """The most frequent newline, and whether the text has others."""
    if "\r" not in text:
        return "\n", False
    both = text.count("\r\n")
    counts = {
        "\n": text.count("\n") - both,
        "\r\n": both,
        "\r": text.count("\r") - both,
    }
    if counts["\r"] and (counts["\n"] or both):
        # A carriage return among other newlines is a character (a progress bar, a test case),
        # not the end of a line.
        if not both:
            return "\n", False
        del counts["\r"]
    newline = max(counts, key=lambda end: counts[end])
    return newline, sum(1 for number in counts.values() if number) > 1


def encode(file: FileText, text: str) -> bytes:
    """The bytes of `text` in the encoding and with the newline of `file`.

    Raises DocumentError when a character does not exist in that encoding.
    """
    whole = text if file.newline == "\n" else text.replace("\n", file.newline)
    try:
        return file.bom + whole.encode(file.encoding)
    except UnicodeEncodeError as error:
        line = whole.count("\n", 0, error.start) + 1
        raise DocumentError(
            f"{whole[error.start]!r} in line {line} does not exist in {file.encoding}.",
            "Save the file as UTF-8, or remove the character.",
        ) from error


def save_file(file: FileText, text: str, *, overwrite: bool = False, sync: bool = True) -> FileText:
    """Write `text`, and return the file as it is now.

    The bytes go to a temporary file beside the target that then takes its place, so a crash
    leaves the old or the new text; without `sync` a power failure may lose both until `sync_file`
    has returned. Symbolic links are followed if they still lead to the same
    file and code in a container cannot have created them; see `hostfiles`.
    Raises Conflict when the file changed on disk since it was read and `overwrite` is not
    set, StorageError when it cannot be written, DocumentError when it cannot be encoded, Denied
    when a link has replaced it.
    """
    saved = save_content(file, encode(file, text), overwrite=overwrite, sync=sync)
    return replace(saved, text=text)


def save_content(
    file: FileText, content: Content, *, overwrite: bool = False, sync: bool = True
) -> FileText:
    """Write bytes, also in parts, as `save_file` does."""
    place = same_place(file.path, file.real)
    stamp_on_disk = Stamp.of(place.real)
    if not overwrite and stamp_on_disk != file.stamp and stamp_on_disk is not None:
        raise Conflict(
            f"{file.path.name} has been changed by somebody else.",
            "Reload it, compare, or save over it.",
        )
    _write(place, content, sync=sync)
    stamp = Stamp.of(place.real)
    return replace(file, mixed_newlines=False, stamp=stamp, real=place.real)


def sync_file(file: FileText) -> None:
    """Wait until the disk has a file that was saved without `sync`. StorageError; Denied when a
    link has replaced it."""
    place = same_place(file.path, file.real)
    try:
        hostfiles.sync(place)
    except FileNotFoundError:
        return  # removed or renamed since
    except OSError as error:
        raise _not_written(place, error) from error


def write_atomic(
    target: Path, data: Content, *, sync: bool = True, new_mode: int | None = None
) -> None:
    """Write `data` to `target` atomically and keep its mode; a new file has `new_mode`.
    StorageError; Denied for a link that must not be followed. Without `sync` a power failure may
    lose the data."""
    _write(locate(target), data, sync=sync, new_mode=new_mode)


def _write(place: Place, data: Content, *, sync: bool = True, new_mode: int | None = None) -> None:
    try:
        hostfiles.write(place, data, sync=sync, new_mode=new_mode)
    except OSError as error:
        raise _not_written(place, error) from error


def _not_written(place: Place, error: OSError) -> StorageError:
    reason = error.strerror or type(error).__name__
    return StorageError(f"{place.real} cannot be written: {reason}.", "Save it under another name.")
