"""Requests about files in the working folder of a session."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from codeexec.domain.requests.base import Done, Reply, Request


class FileEntry(Struct, frozen=True, omit_defaults=True, gc=False):
    """`size` is in bytes, `changed_at` in seconds since 1970. A link is never a folder here."""

    path: str
    is_dir: bool = False
    size: int = 0
    changed_at: float = 0.0
    is_link: bool = False


class FileList(Reply, frozen=True):
    """`machine` is what has the files, as users call it; empty: the machine of the session server.
    `folder` is the working folder there."""

    entries: tuple[FileEntry, ...]
    machine: str = ""
    folder: str = ""


class ListFiles(Request[FileList], frozen=True):
    """List files of the session's working folder; `path` is relative to it."""

    Answer: ClassVar[type[Reply]] = FileList
    path: str = ""
    pattern: str = ""


class FileContent(Reply, frozen=True):
    path: str
    data: bytes


class ReadFile(Request[FileContent], frozen=True):
    Answer: ClassVar[type[Reply]] = FileContent
    path: str


class WriteFile(Request[Done], frozen=True):
    """With `base`, the file is written only while its content is the one with this SHA-256 in hex
    (empty: while there is no such file); Conflict else, and where the content is not `data`
    afterwards. Nothing is done where it is `data` already. That is checked, not locked."""

    path: str
    data: bytes
    base: str | None = None


class MakeFolder(Request[Done], frozen=True):
    """Make a folder, and those on the way to it. Conflict where there is something of that name."""

    path: str


class RenameFile(Request[Done], frozen=True):
    """Give a file or folder another path; never over what is there: Conflict."""

    path: str
    target: str


class RemoveFile(Request[Done], frozen=True):
    """Remove a file, or a folder with all that it holds."""

    path: str
