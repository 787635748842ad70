"""Recorded messages played to the wire, the translator and the tracker: no kernel, no clock."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.errors import ProtocolError
from codeexec.domain.outputs import ErrorInfo
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    Finished,
    InputRequested,
    KernelEvent,
    NextInput,
    Notice,
    OutputCleared,
    Started,
    StreamWritten,
)
from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec, Parent
from codeexec.kernels.jupyter.messages.replies import completions
from codeexec.kernels.jupyter.messages.translate import translate
from codeexec.kernels.jupyter.track import INTERRUPTED, Tracker, question_id

ERROR = {"ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]}
INFO = ErrorInfo("ValueError", "no", ("a", "b"))


def message(kind: str, content: dict[str, object], parent: str = "e1") -> Message:
    return Message(kind, "m1", Parent("execute_request", parent), content)


def reply(status: str, execution: str, **content: object) -> Message:
    return message("execute_reply", {"status": status, **content}, execution)


def test_what_is_packed_can_be_read_by_who_has_the_key() -> None:
    frames = MessageCodec("key").pack("execute_request", {"code": "1"}, msg_id="e1", subshell="s")
    read = MessageCodec("key").unpack([b"identity", *frames])
    assert (read.type, read.id, read.content) == ("execute_request", "e1", {"code": "1"})
    assert json.loads(frames[2])["subshell_id"] == "s"


@pytest.mark.parametrize("broken", [[], [b"<IDS|MSG>"], [b"x"] * 6, [b"<IDS|MSG>", b"", b"{"] * 3])
def test_what_cannot_be_read_is_refused(broken: list[bytes]) -> None:
    with pytest.raises(ProtocolError):
        MessageCodec("key").unpack(broken)


def test_a_wrong_signature_is_refused() -> None:
    with pytest.raises(ProtocolError, match="signed wrongly"):
        MessageCodec("key").unpack(MessageCodec("other").pack("status", {}, msg_id="1"))


@given(st.lists(st.binary(max_size=40), max_size=9))
def test_no_bytes_make_it_fall_over(frames: list[bytes]) -> None:
    try:
        MessageCodec("").unpack(frames)
    except ProtocolError as error:
        assert error.message


def test_numbers_and_characters_that_json_does_not_have() -> None:
    frames = MessageCodec("").pack("display_data", {}, msg_id="1")
    frames[-1] = b'{"nan": NaN, "lone": "\\ud800"}'
    content = MessageCodec("").unpack(frames).content
    assert content["nan"] != content["nan"]
    assert "lone" in content


@pytest.mark.parametrize(
    ("kind", "content", "event"),
    [
        ("stream", {"name": "stderr", "text": "x"}, StreamWritten("e1", "stderr", "x")),
        ("stream", {"name": "stdout", "text": ""}, None),
        ("stream", {"name": "stdout"}, None),
        (
            "display_data",
            {"data": {"text/plain": "d"}, "metadata": {}, "transient": {"display_id": "i"}},
            Displayed("e1", {"text/plain": "d"}, {}, "display", "i"),
        ),
        (
            "execute_result",
            {"data": {"text/plain": "2"}, "metadata": {}, "execution_count": 7},
            Displayed("e1", {"text/plain": "2"}, {}, "result", None, 7),
        ),
        (
            "update_display_data",
            {"data": {"a/b": "c"}, "transient": {"display_id": "i"}},
            DisplayRefreshed("i", {"a/b": "c"}, {}),
        ),
        ("update_display_data", {"data": {}}, None),
        ("clear_output", {"wait": True}, OutputCleared("e1", True)),
        ("error", ERROR, ErrorRaised("e1", INFO)),
        ("execute_input", {"code": "x", "execution_count": 3}, Started("e1", 3)),
        (
            "input_request",
            {"prompt": "?", "password": True},
            InputRequested("e1", "?", True, "m1"),
        ),
        ("comm_open", {"comm_id": "c"}, None),
        ("a_message_of_2030", {"data": 1}, None),
    ],
)
def test_each_message_tells_its_facts(
    kind: str, content: dict[str, object], event: KernelEvent | None
) -> None:
    assert translate(message(kind, content), "e1") == (() if event is None else (event,))


@pytest.mark.parametrize("count", [True, False, -1, 2**53, 10**400, 1.5, "1", None, [1], {}])
def test_a_prompt_number_that_is_none_is_left_out(count: object) -> None:
    shown = translate(message("execute_result", {"data": {}, "execution_count": count}), "e1")
    assert shown == (Displayed("e1", {}, {}, "result", None, None),)
    begun = translate(message("execute_input", {"code": "x", "execution_count": count}), "e1")
    assert begun == (Started("e1", None),)


@pytest.mark.parametrize("position", [True, "3", None, 10**400])
def test_the_place_of_completions_is_a_number(position: object) -> None:
    content = {"matches": ["ab"], "cursor_start": position, "cursor_end": position}
    found = completions(content, 5, 5)
    assert type(found.start) is int
    assert type(found.end) is int
    assert 0 <= found.start <= found.end <= 5


@given(
    st.sampled_from(
        ["stream", "display_data", "error", "update_display_data", "input_request", "clear_output"]
    ),
    st.dictionaries(
        st.sampled_from(["name", "text", "data", "metadata", "transient", "traceback", "prompt"]),
        st.none() | st.integers() | st.text() | st.lists(st.none() | st.text()) | st.just({}),
    ),
)
def test_no_content_makes_the_translator_fall_over(kind: str, content: dict[str, object]) -> None:
    assert len(translate(message(kind, content), "e1")) <= 1


@pytest.mark.parametrize("reply_first", [True, False])
def test_an_execution_ends_at_reply_and_idle_in_either_order(reply_first: bool) -> None:
    tracker = Tracker()
    tracker.begin("e1")
    ok = reply("ok", "e1", execution_count=4)
    assert (tracker.replied(ok) if reply_first else tracker.idled("e1")) == ()
    assert tracker.is_busy
    last = tracker.idled("e1") if reply_first else tracker.replied(ok)
    assert last == (Finished("e1", "ok", None, 4),)
    assert tracker.idled("e1") == tracker.replied(ok) == ()
    assert not tracker.is_busy


def test_idle_alone_is_an_end_when_the_reply_is_lost() -> None:
    tracker = Tracker()
    tracker.begin("e1")
    assert tracker.idled("e1") == ()
    assert tracker.waits_for_reply("e1")
    assert tracker.give_up("e1", interrupted=True) == (Finished("e1", "error", INTERRUPTED),)
    tracker.begin("e2")
    tracker.note_error("e2", INFO)
    tracker.idled("e2")
    assert tracker.give_up("e2", interrupted=False) == (Finished("e2", "error", INFO),)
    assert tracker.give_up("e2", interrupted=False) == ()


def test_what_is_passed_over_ends_without_idle() -> None:
    tracker = Tracker()
    tracker.begin("e1")
    assert tracker.replied(reply("aborted", "e1")) == (Finished("e1", "aborted"),)


def test_what_is_passed_over_and_was_interrupted_ends_as_interrupted() -> None:
    tracker = Tracker()
    tracker.begin("e1")
    tracker.interrupted_before(reply("aborted", "e1"))
    end = Finished("e1", "error", INTERRUPTED)
    assert tracker.replied(reply("aborted", "e1")) == (end,)
    tracker.begin("e2")
    tracker.interrupted_before(reply("ok", "e2"))  # it was too late
    tracker.idled("e2")
    assert tracker.replied(reply("ok", "e2")) == (Finished("e2", "ok"),)


def test_a_reply_may_bring_a_pagers_text() -> None:
    tracker = Tracker()
    tracker.begin("e1")
    page = {"source": "page", "data": {"text/plain": "help"}}
    tracker.replied(reply("ok", "e1", payload=[page, {"source": "set_next_input"}]))
    shown, end = tracker.idled("e1")  # one without a text is none
    assert shown == Displayed("e1", {"text/plain": "help"}, {}, "display")
    assert isinstance(end, Finished)


def test_a_reply_may_ask_for_the_next_input() -> None:
    tracker = Tracker()
    tracker.begin("e1")
    asked = [
        {"source": "set_next_input", "text": "a = 1", "replace": True},
        {"source": "set_next_input", "text": "b = 2"},
        {"source": "set_next_input", "text": "x" * 2_000_000},
    ]
    tracker.replied(reply("ok", "e1", payload=asked))
    first, second, third, _ = tracker.idled("e1")
    assert (first, second) == (NextInput("e1", "a = 1", True), NextInput("e1", "b = 2", False))
    assert isinstance(third, Notice)
    assert "2,000,000" in third.message


def test_output_under_a_question_goes_to_the_last_execution() -> None:
    tracker = Tracker()
    assert tracker.owner(question_id()) == ""
    tracker.begin("e1")
    assert tracker.owner(question_id()) == "e1"
    assert tracker.owner("") == "e1"
    assert tracker.owner("somebody-elses") == "somebody-elses"


@given(st.permutations(["e1-reply", "e1-idle", "e2-reply", "e2-idle", "e3-reply", "e3-idle"]))
def test_each_ends_exactly_once_whatever_the_order(order: list[str]) -> None:
    tracker = Tracker()
    for execution in ("e1", "e2", "e3"):
        tracker.begin(execution)
    said: list[KernelEvent] = []
    for step in [*order, *order]:
        execution, what = step.split("-")
        ok = reply("ok", execution)
        said += tracker.replied(ok) if what == "reply" else tracker.idled(execution)
    ends = [event.execution for event in said if isinstance(event, Finished)]
    assert sorted(ends) == ["e1", "e2", "e3"]


def test_an_execution_whose_line_was_cut_ends_as_lost_where_nothing_tells_its_end() -> None:
    tracker = Tracker()
    tracker.begin("cut")
    tracker.note_cut("cut")
    row, end = tracker.give_up("cut", interrupted=False)
    assert isinstance(row, StreamWritten)
    assert "was cut" in row.text
    assert end == Finished("cut", "lost")
    tracker.begin("failed")
    tracker.note_cut("failed")
    tracker.note_error("failed", ErrorInfo("ValueError", "x"))
    assert tracker.give_up("failed", interrupted=False)[-1].status == "error"  # type: ignore[union-attr]
