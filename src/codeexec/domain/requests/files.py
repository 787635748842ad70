"""Requests about files in the working folder of a session."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from codeexec.domain.requests.base import Done, Reply, Request


class FileEntry(Struct, frozen=True, omit_defaults=True, gc=False):
    path: str
    is_dir: bool = False
    size: int = 0
    changed_at: float = 0.0


class FileList(Reply, frozen=True):
    entries: tuple[FileEntry, ...]


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
    path: str
    data: bytes
