"""What a container says of its files is not trusted: code in there may be what answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from codeexec.domain.errors import ProtocolError
from codeexec.environments.relay.files import GuestFile


class Answering:
    """An ExecHandle whose command prints these chunks, and then, if `endless`, zeros for ever."""

    def __init__(self, *chunks: bytes, endless: bool = False) -> None:
        self.stdout = self._print(chunks, endless)
        self.stderr = self._print((), endless=False)
        self.is_killed = False

    async def _print(self, chunks: tuple[bytes, ...], endless: bool) -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        while endless:
            yield b"0" * 4096

    async def write(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    def poll(self) -> int | None:
        return None

    async def wait(self) -> int:
        return 0

    async def signal(self, number: int) -> None: ...

    async def kill(self) -> None:
        self.is_killed = True


async def test_a_file_comes_after_its_head_in_whatever_pieces() -> None:
    file = GuestFile(Answering(b"[5, ", b'"1a-2"]', b"\nab", b"cde"))
    assert await file.begin()
    assert (file.size, file.version) == (5, "1a-2")
    assert [await file.read(4) for _ in range(4)] == [b"ab", b"cde", b"", b""]


@pytest.mark.parametrize(
    "head",
    [
        b'[5, "a\\r\\nSet-Cookie: x"]',
        b'[5, "\\""]',
        b'[-1, "a"]',
        b'[1e999, "a"]',
        b'["5", "a"]',
        b'[5, ""]',
        b"[5]",
        b"{}",
        b"[" * 100_000,
        b"",
    ],
)
async def test_a_head_that_makes_no_sense_is_refused(head: bytes) -> None:
    handle = Answering(head + b"\nrest")
    with pytest.raises(ProtocolError):
        await GuestFile(handle).begin()
    assert handle.is_killed


async def test_output_without_end_is_not_read_for_ever() -> None:
    handle = Answering(endless=True)
    with pytest.raises(ProtocolError):
        await GuestFile(handle).begin()
    assert handle.is_killed


async def test_nothing_at_all_is_told_apart() -> None:
    assert not await GuestFile(Answering()).begin()
