"""Our end of the outbox, beside a kernel that is played: order, gaps, repeats, wrong answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from codeexec.domain.errors import Busy
from codeexec.guest import outbox as guest
from codeexec.kernels.base import Reached
from codeexec.kernels.jupyter import track
from codeexec.kernels.jupyter.messages import codec as messages
from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec, Parent
from codeexec.kernels.jupyter.outbox import reader as module
from codeexec.kernels.jupyter.outbox.reader import OutboxReader, read_announcement, read_place
from codeexec.kernels.jupyter.pending import PendingRequests

TOKEN = "t"
CODEC = MessageCodec("key")


def numbered(number: int) -> Message:
    return Message("stream", f"m{number}", Parent(), {}, number=number)


class Played:
    """A kernel with messages 1 to `last`, of which those up to `gone` are not kept."""

    def __init__(self, last: int, gone: int = 0, room: int = 3) -> None:
        self.last, self.gone, self.room = last, gone, room
        self.asked: list[dict[str, object]] = []
        self.change: Callable[[dict[str, object]], dict[str, object]] = lambda content: content
        self.heard: list[int | str] = []
        self.skipped: dict[int, int] = {}
        self.silent = 0
        self.replies: list[bytes] = []
        self.drains = 0

    # as the PendingRequests of a connection

    async def ask(
        self, channel: str, kind: str, content: dict[str, object], deadline: float
    ) -> Message:
        assert channel == "control"
        await asyncio.sleep(0)
        self.asked.append(content)
        if self.silent:
            self.silent -= 1
            raise Busy("no answer")
        after = content["after"]
        assert isinstance(after, int)
        first = max(after, self.gone) + 1
        numbers = range(first, min(first + self.room, self.last + 1))
        frames = [frame for n in numbers for frame in self._pack("stream", f"m{n}")]
        answer: dict[str, object] = {
            "token": TOKEN,
            "last": self.last,
            "first": first,
            "dropped": max(self.gone - after, 0),
            "messages": len(numbers),
            "replies": 1,
            "question": True,
            "taken": ["e1"],
            "frames": [6] * (len(numbers) + 2),
        }
        frames += [*self._pack("execute_reply", "r"), *self._pack("input_request", "q")]
        return Message(module.REPLY, "a", Parent(), self.change(answer), buffers=tuple(frames))

    def _pack(self, kind: str, msg_id: str) -> list[bytes]:
        return CODEC.pack(kind, {}, msg_id=msg_id)

    # as the listener

    def delivered(self, message: Message, skipped: int) -> None:
        self.heard.append(message.number)
        assert message.id == f"m{message.number}"
        if skipped:
            self.skipped[message.number] = skipped

    def replied(self, message: Message) -> None:
        self.heard.append(message.id)

    def asked_for(self, message: Message) -> None:
        self.heard.append(message.id)

    def lost(self, count: int) -> None:
        self.heard.append(f"lost {count}")

    async def drained(self) -> None:
        self.drains += 1


def reading(kernel: Played, number: int = 0, part: int = 0) -> OutboxReader:
    class Listener:
        delivered = staticmethod(kernel.delivered)
        replied = staticmethod(kernel.replied)
        asked = staticmethod(kernel.asked_for)
        lost = staticmethod(kernel.lost)
        drained = staticmethod(kernel.drained)

    class Asking(PendingRequests):
        async def ask(
            self,
            channel: object,
            kind: str,
            content: dict[str, object],
            deadline: float,
            *,
            subshell: str = "",
        ) -> Message:
            return await kernel.ask(str(channel), kind, content, deadline)

    reader = OutboxReader(CODEC, Asking(lambda *a, **b: None), kernel.asked.append, Listener())
    reader.begin(Reached(TOKEN, number, part))
    return reader


async def test_messages_in_order_pass_at_once_and_repeats_are_left_out() -> None:
    kernel = Played(5)
    reader = reading(kernel)
    for number in (1, 2, 2, 1, 3):
        reader.receive(numbered(number))
    assert kernel.heard == [1, 2, 3]
    assert not reader.is_repairing


async def test_messages_without_a_number_pass() -> None:
    kernel = Played(5)
    reader = reading(kernel)
    reader.receive(Message("stream", "m0", Parent(), {}))
    assert kernel.heard == [0]
    assert reader.reached == 0


async def test_what_is_missing_is_asked_for_and_stands_before_what_came_after_it() -> None:
    kernel = Played(9)
    reader = reading(kernel)
    for number in (1, 8, 9):
        reader.receive(numbered(number))
    assert kernel.heard == [1]
    await reader.catch_up()
    assert [n for n in kernel.heard if isinstance(n, int)] == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert [asked["after"] for asked in kernel.asked] == [1, 4, 9]


async def test_adoption_reads_on_after_the_place_in_the_journal() -> None:
    kernel = Played(6)
    reader = reading(kernel, number=2, part=4)
    await reader.catch_up()
    assert kernel.heard == [3, 4, 5, "r", 6, "r", "q"]
    assert kernel.skipped == {3: 4}
    assert reader.taken == {"e1"}
    assert kernel.drains == 2


async def test_what_was_dropped_is_told_where_it_is_missing() -> None:
    kernel = Played(6, gone=4)
    reader = reading(kernel, number=1)
    await reader.catch_up()
    assert kernel.heard == ["lost 3", 5, 6, "r", "q"]


async def test_what_was_acknowledged_is_not_told_as_lost() -> None:
    kernel = Played(6, gone=6)
    kernel.change = lambda answer: {**answer, "dropped": 0}
    reader = reading(kernel, number=1)
    await reader.catch_up()
    assert kernel.heard == ["r", "q"]
    assert reader.reached == 6


async def test_a_kernel_that_is_held_is_asked_until_it_answers() -> None:
    kernel = Played(2)
    kernel.silent = 10
    reader = reading(kernel)
    await reader.catch_up()
    assert [n for n in kernel.heard if isinstance(n, int)] == [1, 2]
    assert reader.token == TOKEN


async def test_an_outbox_that_brings_nothing_is_given_up_in_words() -> None:
    kernel = Played(5)
    nothing = {"messages": 0, "first": 1, "replies": 0, "question": False, "frames": []}
    kernel.change = lambda answer: {**answer, **nothing}
    reader = reading(kernel)
    reader.receive(numbered(5))
    await reader.catch_up()
    assert kernel.heard == ["lost 0", "lost 4", 5]
    assert reader.token == ""
    reader.receive(numbered(9))
    assert kernel.heard[-1] == 9


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "another"},
        {"frames": [6]},
        {"frames": [10**9]},
        {"last": "many"},
        {"messages": None},
    ],
)
async def test_a_wrong_answer_is_given_up_in_words(wrong: dict[str, object]) -> None:
    kernel = Played(5)
    kernel.change = lambda answer: {**answer, **wrong}
    reader = reading(kernel)
    await reader.catch_up()
    assert kernel.heard == ["lost 0"]
    assert reader.token == ""


async def test_a_message_that_cannot_be_read_is_passed_over() -> None:
    kernel = Played(3)
    reader = reading(kernel)
    pack = kernel._pack

    def spoiled(kind: str, msg_id: str) -> list[bytes]:
        frames = pack(kind, msg_id)
        return [*frames[:-1], b"!"] if msg_id == "m2" else frames

    kernel._pack = spoiled  # type: ignore[method-assign]
    await reader.catch_up()
    assert kernel.heard == [1, 3, "r", "q"]


async def test_the_death_of_the_kernel_lets_pass_what_has_come() -> None:
    kernel = Played(9)
    kernel.silent = 10**6
    reader = reading(kernel)
    for number in (1, 4, 5, 7):
        reader.receive(numbered(number))
    reader.close()
    await reader.end(())
    assert kernel.heard == [1, "lost 2", 4, 5, "lost 1", 7]


async def test_what_a_dead_kernel_left_on_disk_fills_the_gaps() -> None:
    kernel = Played(9)
    kernel.silent = 10**6
    reader = reading(kernel, part=2)
    for number in (3, 5):
        reader.receive(numbered(number))
    reader.close()
    kinds = {0: ("execute_reply", "r")}
    left = [
        (n, tuple(kernel._pack(*kinds.get(n, ("stream", f"m{n}"))))) for n in (1, 2, 3, 4, 5, 0, 8)
    ]
    await reader.end(left)
    assert kernel.heard == [1, 2, 3, 4, 5, "r", "lost 2", 8]
    assert kernel.skipped == {1: 2}


async def test_acknowledgements_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACKNOWLEDGE_FEW", 0.01)
    kernel = Played(9)
    reader = reading(kernel)
    for number in (3, 5, 4, 5):
        reader.acknowledge(Reached(TOKEN, number))
    reader.acknowledge(Reached("another", 8))
    assert kernel.asked == []
    while not kernel.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert kernel.asked == [{"acknowledge": 5}]
    reader.close()


async def test_many_messages_are_acknowledged_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACKNOWLEDGE_EVERY", 0.01)
    monkeypatch.setattr(module, "ACKNOWLEDGE_FEW", 3600)
    kernel = Played(9)
    reader = reading(kernel)
    reader.acknowledge(Reached(TOKEN, 1))
    reader.acknowledge(Reached(TOKEN, 2 + module.FEW))
    while not kernel.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert kernel.asked == [{"acknowledge": 2 + module.FEW}]
    reader.close()


async def test_a_tail_that_has_come_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TAIL_WAIT", 0.01)
    kernel = Played(9)
    reader = reading(kernel, number=2)
    has_come = asyncio.Event()
    looked: list[bool] = []

    def look() -> bool:
        looked.append(has_come.is_set())
        return has_come.is_set()

    reader.look_for_tail(look)
    reader.receive(numbered(3))
    has_come.set()
    while not looked:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert looked == [True]
    assert kernel.asked == []
    reader.close()


async def test_an_execution_takes_the_acknowledgement_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ACKNOWLEDGE_ALONG", 3600.0)
    kernel = Played(9)
    reader = reading(kernel)
    assert reader.take_acknowledgement() is None
    reader.acknowledge(Reached(TOKEN, 3))
    assert reader.take_acknowledgement() is None  # it is too soon
    monkeypatch.setattr(module, "ACKNOWLEDGE_ALONG", 0.0)
    assert reader.take_acknowledgement() == 3
    assert reader.take_acknowledgement() is None
    # Nothing else is asked for it, and what comes later is acknowledged in its turn.
    monkeypatch.setattr(module, "ACKNOWLEDGE_FEW", 0.01)
    reader.acknowledge(Reached(TOKEN, 5))
    while not kernel.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert kernel.asked == [{"acknowledge": 5}]
    reader.close()


async def test_last_messages_that_do_not_come_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TAIL_WAIT", 0.01)
    kernel = Played(4)
    reader = reading(kernel, number=2)
    reader.heard_last({"token": TOKEN, "last": 4})
    while reader.reached < 4:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert [n for n in kernel.heard if isinstance(n, int)] == [3, 4]


@pytest.mark.parametrize("info", [None, 3, {}, {"token": ""}, {"token": 1, "last": 2}])
def test_a_kernel_that_announces_nothing_sensible_has_no_outbox(info: object) -> None:
    assert read_announcement({module.ANNOUNCEMENT: info}) is None


@pytest.mark.parametrize("value", [None, [], {}, {"token": "", "number": 1}, {"token": "t"}])
def test_a_place_that_makes_no_sense_is_none(value: object) -> None:
    assert read_place(value) is None


def test_a_place_is_read_as_it_was_told() -> None:
    assert read_place({"token": "t", "number": 5, "part": 2}) == Reached("t", 5, 2)


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        (b"codeexec-outbox=17", 17),
        (b"codeexec-outbox=-1", 0),
        (b"codeexec-outbox=", 0),
        (b"codeexec-outbox=" + b"9" * 5000, 0),
        (b"stream.stdout", 0),
    ],
)
def test_the_number_is_read_from_the_last_routing_frame(tag: bytes, number: int) -> None:
    frames = CODEC.pack("stream", {}, msg_id="m")
    assert CODEC.unpack([b"stream.stdout", tag, *frames]).number == number


def test_both_ends_use_the_same_words() -> None:
    assert (guest.REQUEST, guest.REPLY) == (module.REQUEST, module.REPLY)
    assert guest.TAG == messages.OUTBOX_TAG
    assert guest.QUESTION.decode().strip('"') == track.QUESTION
