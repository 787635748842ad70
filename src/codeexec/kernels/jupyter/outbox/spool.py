"""Reads what a kernel that is dead had kept in its folder; `guest/outbox.py` writes it."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from pathlib import Path

from codeexec.domain.plain_files import read_plain
from codeexec.kernels.jupyter.launch import SPOOL

log = logging.getLogger(__name__)

RECORD = struct.Struct("<QI")
LARGEST = 512 << 20

Record = tuple[int, tuple[bytes, ...]]
"""The number of a message of iopub, 0 for a reply, and its frames from the delimiter on."""


def read_spool(folder: Path) -> Iterator[Record]:
    """All records of a folder in order; a file that was cut short is read as far as it goes."""
    for path in sorted(folder.glob(f"{SPOOL}*")):
        try:
            data = read_plain(path, LARGEST, follow_links=False)
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
            continue
        yield from _records(data)


def _records(data: bytes) -> Iterator[Record]:
    at = 0
    while at + RECORD.size <= len(data):
        number, count = RECORD.unpack_from(data, at)
        begin = at + RECORD.size + 8 * count
        if begin > len(data):
            return
        frames = []
        for size in struct.unpack_from(f"<{count}Q", data, at + RECORD.size):
            frames.append(data[begin : begin + size])
            begin += size
        if begin > len(data):
            return
        yield number, tuple(frames)
        at = begin
