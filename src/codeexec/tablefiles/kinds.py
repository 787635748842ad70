"""Kinds of files with tables: told by the first and last bytes, whatever the name says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Literal

from codeexec.domain.text.words import size_words

TableKind = Literal["parquet", "arrow", "arrow_stream", "excel", "sqlite"]

NOUNS: Mapping[TableKind, str] = MappingProxyType(
    {
        "parquet": "Parquet file",
        "arrow": "Arrow file",
        "arrow_stream": "Arrow stream",
        "excel": "Excel workbook",
        "sqlite": "SQLite database",
    }
)

_ENDINGS: Mapping[str, TableKind] = MappingProxyType(
    {
        ".parquet": "parquet",
        ".pq": "parquet",
        ".arrow": "arrow",
        ".feather": "arrow",
        ".ipc": "arrow",
        ".arrows": "arrow_stream",
        ".xlsx": "excel",
        ".xlsm": "excel",
        ".sqlite": "sqlite",
        ".sqlite3": "sqlite",
        ".db": "sqlite",
        ".db3": "sqlite",
    }
)

_SQLITE = b"SQLite format 3\0"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class NotReadable(Exception):
    """Why a file is none with tables, as a sentence."""


def named_kind(ending: str) -> TableKind | None:
    """What a name with this ending promises."""
    return _ENDINGS.get(ending.lower())


def with_article(noun: str) -> str:
    """`an Excel workbook`"""
    return f"{'an' if noun[0] in 'AES' else 'a'} {noun}"


def has_tables(path: PurePath) -> bool:
    """Whether the name is that of a file with tables."""
    return named_kind(path.suffix) is not None


def kind_of_file(descriptor: int, promised: TableKind) -> TableKind:
    """The kind of an open file. NotReadable where it is none, or not whole."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        raise NotReadable("The file is empty (0 bytes).")
    head, tail = os.pread(descriptor, 4096, 0), os.pread(descriptor, 8, max(size - 8, 0))
    if head.startswith(b"PAR1"):
        if not tail.endswith((b"PAR1", b"PARE")) or size < 12:
            raise NotReadable(
                "The Parquet file is not whole: its end, which says what is in it, is missing."
            )
        return "parquet"
    if head.startswith(b"PARE"):
        raise NotReadable("The Parquet file is encrypted.")
    if head.startswith(b"ARROW1\0\0"):
        if not tail.endswith(b"ARROW1"):
            raise NotReadable(
                "The Arrow file is not whole: its end, which says what is in it, is missing."
            )
        return "arrow"
    if head.startswith(b"\xff\xff\xff\xff"):
        return "arrow_stream"
    if head.startswith(b"FEA1"):
        raise NotReadable("It is a Feather file of version 1; write it anew as version 2.")
    if head.startswith(_SQLITE):
        return "sqlite"
    if head.startswith(b"PK\x03\x04"):
        return "excel"
    if head.startswith(_OLE):
        raise NotReadable(_ole_words(descriptor, size))
    raise NotReadable(_other_words(head, promised, size))


def _ole_words(descriptor: int, size: int) -> str:
    """An encrypted workbook has its directory somewhere in a file of the old format."""
    at = 0
    while at < min(size, 64 << 20):
        if _ENCRYPTED in os.pread(descriptor, (1 << 20) + len(_ENCRYPTED), at):
            return "The workbook is encrypted with a password."
        at += 1 << 20
    return "It is a workbook of the old format (.xls); save it as .xlsx."


def _other_words(head: bytes, promised: TableKind, size: int) -> str:
    begin = head[:16]
    beginning = (
        f"“{begin.decode('ascii').split()[0]}”"
        if begin.strip() and all(32 <= byte < 127 or byte in b"\r\n\t" for byte in begin)
        else f"the bytes {begin[:8].hex(' ')}"
    )
    hint = " It may be encrypted." if promised == "sqlite" and not begin.isascii() else ""
    size_text, noun = size_words(size), with_article(NOUNS[promised])
    return f"The file ({size_text}) is not {noun}: it begins with {beginning}.{hint}"
