"""Codec, ids, errors, rows and results: what is said comes back as it was said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain import errors
from codeexec.domain.codec import (
    SCHEMA,
    check_schema,
    decode_event,
    decode_recorded,
    decode_reply,
    decode_request,
    encode,
)
from codeexec.domain.errors import CodeexecError, ProtocolError, from_code
from codeexec.domain.events import AnyEvent, OutputChanged, Recorded
from codeexec.domain.ids import new_id
from codeexec.domain.outputs import (
    ROW_CHARS,
    Display,
    ErrorInfo,
    MimePart,
    Run,
    Runs,
    clip_row,
    clip_runs,
    compact,
    count_rows,
    iter_rows,
    join_runs,
    last_rows,
    plain,
    slice_runs,
)
from codeexec.domain.requests import AnyRequest, Rows
from codeexec.domain.result import error_text, make_result
from codeexec.domain.snapshot import ExecutionView
from support.stories import Batches, other_events, recorded, stories
from support.terminal_text import assert_safe, pen_after

# -- the codec ---------------------------------------------------------------------


@given(stories)
def test_every_fact_comes_back_as_it_went(batches: Batches) -> None:
    for record in recorded(batches):
        line = encode(record)
        assert b"\n" not in line
        assert decode_recorded(line) == record
        assert decode_event(encode(record.event)) == record.event


@given(other_events)
def test_fields_that_we_do_not_know_are_passed_over(event: AnyEvent) -> None:
    fields = msgspec.json.decode(encode(event))
    assert decode_event(msgspec.json.encode({**fields, "from_the_future": [1]})) == event


def test_every_request_comes_back_as_it_went() -> None:
    from typing import get_args

    made = 0
    for kind in get_args(AnyRequest):
        fields = {
            field.encode_name: _any_value(field.type)
            for field in msgspec.structs.fields(kind)
            if field.required
        }
        request = msgspec.convert({"type": kind.__struct_config__.tag, **fields}, kind)
        assert decode_request(encode(request)) == request
        made += 1
    assert made > 30


def _any_value(kind: object) -> object:
    values: dict[object, object] = {str: "s", int: 1, bool: True, float: 1.5, bytes: "aGk="}
    return values[kind]


@pytest.mark.parametrize("data", [b"", b"{", b'{"type":"never_heard_of"}', b'{"type":1}', b"\xff"])
def test_what_cannot_be_read_is_a_protocol_error(data: bytes) -> None:
    for decode in (decode_event, decode_recorded, decode_request):
        with pytest.raises(ProtocolError):
            decode(data)
    with pytest.raises(ProtocolError):
        decode_reply(Rows, data)


def test_a_newer_schema_is_refused_in_words() -> None:
    check_schema(SCHEMA, "It")
    with pytest.raises(ProtocolError, match="newer"):
        check_schema(SCHEMA + 1, "It")


# -- ids and errors ----------------------------------------------------------------


def test_ids_say_of_what_they_are_and_never_repeat() -> None:
    made = {new_id("exec") for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(each.startswith("exec-") and len(each) == 17 for each in made)


def _all_errors(kind: type[CodeexecError] = CodeexecError) -> list[type[CodeexecError]]:
    """The tree that is drawn; a room may have subclasses of its own besides."""
    found = [kind, *(each for child in kind.__subclasses__() for each in _all_errors(child))]
    return [each for each in found if each.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", _all_errors())
def test_every_error_comes_back_by_its_code(kind: type[CodeexecError]) -> None:
    error = from_code(kind.code, "what", "do this")
    assert type(error) is kind
    assert str(error) == "what do this"
    assert error.title
    assert kind.__name__ in (errors.__doc__ or "")


def test_codes_are_unique_and_an_unknown_one_is_still_an_error() -> None:
    codes = [kind.code for kind in _all_errors()]
    assert len(codes) == len(set(codes))
    assert type(from_code("from the future", "m")) is CodeexecError


# -- rows --------------------------------------------------------------------------

_texts = st.lists(st.text("ab", max_size=3), min_size=1, max_size=8).map("\n".join)
_kinds = st.sampled_from(["stdout", "stderr"])
_runs: st.SearchStrategy[Runs] = st.lists(
    st.one_of(
        st.builds(Run, _kinds, _texts),
        st.just(Run("display", display=Display("k", ()))),
        st.just(Run("error", error=ErrorInfo("E", "v"))),
    ),
    max_size=5,
).map(tuple)


@given(_runs, st.integers(0, 30), st.integers(0, 30))
def test_a_slice_is_the_rows_between(runs: Runs, start: int, stop: int) -> None:
    assert list(iter_rows(slice_runs(runs, start, stop))) == list(iter_rows(runs))[start:stop]


@given(_runs, _runs, st.integers(0, 30))
def test_joined_runs_have_the_rows_of_both(first: Runs, second: Runs, count: int) -> None:
    both = join_runs(first, second)
    assert list(iter_rows(both)) == [*iter_rows(first), *iter_rows(second)]
    assert count_rows(both) == count_rows(first) + count_rows(second)
    rows = list(iter_rows(both))
    assert list(iter_rows(compact(first + second))) == rows
    assert compact(iter_rows(both)) == compact(both)
    assert list(iter_rows(last_rows(both, count))) == rows[max(len(rows) - count, 0) :]


@given(st.lists(st.integers(0, 2 * ROW_CHARS), min_size=1, max_size=4), st.booleans())
def test_clipping_twice_is_clipping_once_and_leaves_no_style_open(
    lengths: list[int], linked: bool
) -> None:
    style = "\x1b[31m\x1b]8;;http://x/\x1b\\" if linked else "\x1b[31m"
    ends = "\x1b]8;;\x1b\\\x1b[0m" if linked else "\x1b[0m"
    runs = (Run("stdout", "\n".join(f"{style}{'x' * length}{ends}" for length in lengths)),)
    once = clip_runs(runs)
    assert clip_runs(once) is once
    assert count_rows(once) == len(lengths)
    for row in iter_rows(once):
        assert len(row.text) < ROW_CHARS + 100
        assert_safe(row.text)
        assert pen_after(row.text) == ("", "")
    assert [run.text for run in iter_rows(once)] == [clip_row(run.text) for run in iter_rows(runs)]


def test_plain_text_has_no_styles_and_no_links() -> None:
    assert plain("\x1b[1;31ma\x1b[0m\x1b]8;;http://x/\x1b\\b\x1b]8;;\x1b\\") == "ab"


# -- results -----------------------------------------------------------------------


def test_a_result_holds_streams_value_and_artifacts() -> None:
    picture = Display(
        "k1", (MimePart("image/png", 3, "aGk="), MimePart("text/plain", 5, "<Fig>")), count=2
    )
    frame = Display(
        "k2",
        (MimePart("text/html", 9, blob="d1"), MimePart("text/plain", 3, "a b")),
        role="result",
    )
    rows = (
        Run("stdout", "\x1b[31mred\x1b[0m\nplain"),
        Run("stderr", "warned"),
        Run("display", display=picture),
        Run("display", display=frame),
    )
    view = ExecutionView("e", "code", status="ok", count=2, displays=(picture, frame))
    result = make_result((), view, rows, {"d1": '<table class="dataframe">'})
    assert result.is_success
    assert (result.stdout, result.stderr) == (["red", "plain"], ["warned"])
    assert (result.output, result.error) == ("a b", "")
    chart, table = result.artifact
    assert (chart.type, chart.mime_type, chart.file_content_encoding) == (
        "chart",
        "image/png",
        "base64",
    )
    assert (chart.file_content, chart.preview) == ("aGk=", "<Fig>")
    assert chart.file_name.endswith(".png")
    assert (table.type, table.file_content_encoding) == ("df", "str")
    assert "dataframe" in table.file_content


def test_a_result_that_failed_says_why() -> None:
    error = ErrorInfo("ValueError", "no", ("\x1b[31mTraceback\x1b[0m", "ValueError: no"))
    view = ExecutionView("e", "code", status="error", error=error)
    result = make_result((), view, (), {})
    assert not result.is_success
    assert result.error == "Traceback\nValueError: no"
    lost = ExecutionView("e", "code", status="lost", reason="It died.")
    assert make_result((), lost, (), {}).error == "It died."
    assert make_result((), lost, (), {}).log == ["It died."]
    assert error_text(ErrorInfo("E", "v")) == "E: v"
    assert error_text(ErrorInfo("E", "")) == "E"
    assert error_text(None) == ""


def test_facts_are_named_on_the_wire_as_in_words() -> None:
    record = Recorded(1, 2.0, OutputChanged("e", 0, 0, ()))
    assert msgspec.json.decode(encode(record)) == {
        "seq": 1,
        "at": 2.0,
        "event": {
            "type": "output_changed",
            "execution_id": "e",
            "start": 0,
            "total": 0,
            "runs": [],
        },
    }
