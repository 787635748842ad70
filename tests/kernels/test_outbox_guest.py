"""The kernel's end of the outbox: numbers, acknowledgement, bounds, spool files."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codeexec.guest.outbox import LARGE, OVERHEAD, RETRY, Outbox, parse
from codeexec.kernels.jupyter.outbox.spool import read_spool

Frames = tuple[bytes, ...]


def frames(number: int, size: int = 100) -> Frames:
    """A message that says its number."""
    return b"<IDS|MSG>", str(number).encode().rjust(size - 9, b".")


def keep(outbox: Outbox, message: Frames) -> int:
    """Send it to nobody; its number."""
    number: int = outbox.send(message, lambda number: number)
    return number


def filled(folder: Path, count: int, memory: int = 1 << 20, disk: int = 1 << 20) -> Outbox:
    outbox = Outbox(str(folder), memory=memory, disk=disk, segment=1000)
    for number in range(1, count + 1):
        assert keep(outbox, frames(number)) == number
    return outbox


def rest(outbox: Outbox, number: int, room: int = 250) -> tuple[list[Frames], int]:
    """All messages after `number`, asked for piece by piece, and how many were dropped."""
    found: list[Frames] = []
    lost = 0
    while True:
        first, some, dropped = outbox.after(number, room)
        lost += dropped
        if not some:
            return found, lost
        assert len(some) <= 3
        found += some
        number = first + len(some) - 1


def test_messages_are_numbered_from_1_and_given_again_in_order(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 10)
    assert outbox.last == 10
    assert outbox.after(7) == (8, [frames(8), frames(9), frames(10)], 0)
    assert outbox.after(10) == (11, [], 0)
    assert rest(outbox, 0) == ([frames(n) for n in range(1, 11)], 0)


def test_a_message_is_on_disk_before_it_is_sent_and_a_large_one_before_the_call_returns(
    tmp_path: Path,
) -> None:
    outbox = Outbox(str(tmp_path))
    kept = []

    def send(number: int) -> None:
        kept.append([number for number, _ in read_all(tmp_path)])
        if number == 3:
            raise OSError("nobody is there")

    outbox.send(frames(1), send)
    outbox.send(frames(2, LARGE + 1), send)
    with pytest.raises(OSError, match="nobody"):
        outbox.send(frames(3, LARGE + 1), send)
    assert kept == [[1], [1], [1, 2]]
    assert rest(outbox, 0, room=1) == ([frames(1), frames(2, LARGE + 1), frames(3, LARGE + 1)], 0)
    assert [number for number, _ in read_all(tmp_path)] == [1, 2, 3]


def read_all(folder: Path) -> list[tuple[int, Frames]]:
    return [record for file in sorted(folder.iterdir()) for record in parse(file.read_bytes())]


def test_a_message_of_many_frames_is_kept_whole(tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path))
    message = tuple(b"%d" % number for number in range(5000))
    assert keep(outbox, message) == 1
    assert read_all(tmp_path) == [(1, message)]


def test_a_message_larger_than_the_room_is_given_alone(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 3)
    assert outbox.after(0, room=1) == (1, [frames(1)], 0)


def test_acknowledged_messages_are_forgotten_and_not_called_dropped(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 10)
    outbox.acknowledge(4)
    assert outbox.after(0) == (5, [frames(n) for n in range(5, 11)], 0)
    outbox.acknowledge(2)
    assert outbox.after(0)[0] == 5
    outbox.acknowledge(99)
    assert outbox.after(0) == (11, [], 0)
    assert keep(outbox, frames(11)) == 11
    assert outbox.after(0) == (11, [frames(11)], 0)


def test_what_is_no_longer_in_memory_is_read_from_private_files(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 100, memory=10 * (100 + OVERHEAD))
    assert len(outbox._messages) == 10
    files = list(tmp_path.iterdir())
    assert len(files) > 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert rest(outbox, 0) == ([frames(n) for n in range(1, 101)], 0)
    assert rest(outbox, 37) == ([frames(n) for n in range(38, 101)], 0)
    outbox.acknowledge(50)
    assert rest(outbox, 0) == ([frames(n) for n in range(51, 101)], 0)
    outbox.acknowledge(100)
    assert list(tmp_path.iterdir()) == []
    keep(outbox, frames(101))
    assert rest(outbox, 0) == ([frames(101)], 0)


def test_where_memory_and_disk_are_full_the_oldest_are_dropped_and_counted(
    tmp_path: Path,
) -> None:
    outbox = filled(tmp_path, 1000, memory=10 * (100 + OVERHEAD), disk=5_000)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5_000
    found, lost = rest(outbox, 0)
    assert found == [frames(n) for n in range(lost + 1, 1001)]
    assert 900 < lost < 990
    outbox.acknowledge(lost - 10)
    assert outbox.after(0)[2] == 10
    outbox.acknowledge(lost)
    assert rest(outbox, 0) == (found, 0)


def test_one_message_larger_than_the_memory_goes_to_disk_and_larger_than_both_is_dropped(
    tmp_path: Path,
) -> None:
    outbox = Outbox(str(tmp_path), memory=1000, disk=20_000, segment=500)
    keep(outbox, frames(1, 10_000))
    assert outbox._size == 0
    assert rest(outbox, 0, room=1) == ([frames(1, 10_000)], 0)
    keep(outbox, frames(2, 30_000))
    keep(outbox, frames(3))
    assert rest(outbox, 0, room=1) == ([frames(1, 10_000), frames(3)], 1)


def test_without_a_folder_messages_are_kept_in_memory_alone(tmp_path: Path) -> None:
    outbox = filled(tmp_path / "gone", 100, memory=10 * (100 + OVERHEAD))
    found, lost = rest(outbox, 0)
    assert found == [frames(n) for n in range(91, 101)]
    assert lost == 90


def test_a_folder_that_can_be_written_again_is_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    outbox = filled(folder, 10, memory=10 * (100 + OVERHEAD))
    folder.mkdir()
    for number in range(11, 3001):
        keep(outbox, frames(number))
    found, lost = rest(outbox, 0)
    assert found == [frames(n) for n in range(lost + 1, 3001)]
    assert 0 < lost <= RETRY + 10


def test_a_file_that_cannot_be_read_is_counted_as_dropped(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 100, memory=10 * (100 + OVERHEAD))
    spoiled = outbox._spool.segments[2]
    os.truncate(spoiled.path, 10)
    found, lost = rest(outbox, 0)
    assert lost > 0
    assert len(found) == 100 - lost


def test_what_a_dead_kernel_left_is_read_with_its_replies(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 30)
    outbox.add_reply(frames(0))
    keep(outbox, frames(31))
    messages = [(n, frames(n)) for n in range(1, 31)]
    assert list(read_spool(tmp_path)) == [*messages, (0, frames(0)), (31, frames(31))]
    outbox.acknowledge(30)
    assert (0, frames(0)) in list(read_spool(tmp_path))
    outbox.acknowledge(31)
    assert list(read_spool(tmp_path)) == []


@pytest.mark.parametrize("cut", [1, 50, 111, 120])
def test_a_file_that_was_cut_short_is_read_as_far_as_it_goes(cut: int, tmp_path: Path) -> None:
    filled(tmp_path, 5)
    (file,) = tmp_path.iterdir()
    os.truncate(file, file.stat().st_size - cut)
    left = [(n, frames(n)) for n in range(1, 5)]
    assert list(read_spool(tmp_path)) == left
    assert parse(file.read_bytes()) == left


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    filled(tmp_path / "a", 0)
    folder = tmp_path / "b"
    folder.mkdir()
    filled(folder, 2)
    (file,) = folder.iterdir()
    (tmp_path / "kept").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "kept")
    assert list(read_spool(folder)) == []


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(1, 300)),
            st.tuples(st.just("acknowledge"), st.integers(0, 60)),
            st.tuples(st.just("after"), st.integers(0, 60)),
        ),
        max_size=80,
    )
)
@example([("add", 300)] * 9 + [("acknowledge", 3), ("after", 0)])
def test_whatever_is_done_nothing_is_given_twice_or_out_of_order(
    steps: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(folder, memory=4000, disk=2000, segment=700)
        sent: list[Frames] = []
        acknowledged = 0
        for step, value in steps:
            if step == "add":
                sent.append(frames(len(sent) + 1, value + 20))
                keep(outbox, sent[-1])
            elif step == "acknowledge":
                outbox.acknowledge(value)
                acknowledged = max(acknowledged, min(value, len(sent)))
            else:
                first, found, dropped = outbox.after(value, 600)
                begin = max(value, acknowledged)
                assert first == begin + dropped + 1
                assert found == sent[first - 1 : first - 1 + len(found)]
                assert found or first > len(sent)
