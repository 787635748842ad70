"""What schema 1 wrote is read as schema 2."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import ProtocolError
from codeexec.domain.events import (
    CellRef,
    ExecutionQueued,
    ExecutionStarted,
    KernelRef,
    KernelStarting,
    VariablesTaken,
)
from codeexec.domain.options import DEFAULT_KERNEL, ExecuteOptions
from codeexec.domain.requests import Execute
from codeexec.domain.wire.codec import decode_event, decode_request, encode
from codeexec.domain.wire.upgrade import nest_options

OPTIONS = ExecuteOptions(
    silent=True, store_history=False, allow_stdin=False, stop_on_error=False, timeout=1.5
)
FLAT = (
    b'"silent":true,"store_history":false,"allow_stdin":false,"stop_on_error":false,"timeout":1.5'
)


def test_the_options_of_an_event_of_schema_1_stand_beside_its_code() -> None:
    body = b'{"type":"execution_queued","execution_id":"e","code":"1",%s}' % FLAT
    assert decode_event(body) == ExecutionQueued("e", "1", options=OPTIONS)


def test_the_options_of_a_request_may_stand_beside_its_code() -> None:
    body = b'{"type":"execute","code":"1",%s}' % FLAT
    assert decode_request(body) == Execute("1", options=OPTIONS)
    nested = b'{"type":"execute","code":"1","options":{"timeout":1.5,"kernel":"bash"}}'
    expected = Execute("1", options=ExecuteOptions(timeout=1.5, kernel="bash"))
    assert decode_request(nested) == expected


@pytest.mark.parametrize("wrong", [b'"timeout":"soon"', b'"silent":3', b'"options":{"silent":3}'])
def test_options_of_a_wrong_type_are_refused(wrong: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_request(b'{"type":"execute","code":"1",%s}' % wrong)


def test_a_kernel_of_schema_1_is_the_default_one() -> None:
    body = b'{"type":"kernel_starting","generation":2,"kernel":{"name":"python3","path":"/p"}}'
    event = decode_event(body)
    assert event == KernelStarting(2, KernelRef("python3", path="/p"), DEFAULT_KERNEL)
    taken = decode_event(b'{"type":"variables_taken","generation":2,"variables":[]}')
    assert isinstance(taken, VariablesTaken)
    assert taken.kernel == DEFAULT_KERNEL
    started = decode_event(b'{"type":"execution_started","execution_id":"e"}')
    assert started == ExecutionStarted("e", generation=0)


@pytest.mark.parametrize(
    "event",
    [
        ExecutionQueued(
            "e", "1", cell=CellRef("/a.sh", "c", language="bash", kernel="b"), options=OPTIONS
        ),
        ExecutionQueued("e", "1", options=ExecuteOptions(kernel="cpp", language="cpp")),
        KernelStarting(3, KernelRef("bash"), "bash"),
    ],
)
def test_events_of_schema_2_come_back_whole(event: ExecutionQueued | KernelStarting) -> None:
    assert decode_event(encode(event)) == event


def test_fields_of_a_query_become_options_and_wrong_ones_stay() -> None:
    fields = nest_options({"code": "1", "timeout": "2", "options": {"kernel": "bash"}})
    assert fields == {"code": "1", "options": {"timeout": "2", "kernel": "bash"}}
    assert nest_options({"code": "1", "options": 5, "silent": True})["options"] == 5
