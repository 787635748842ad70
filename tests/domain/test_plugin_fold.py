"""Plugins, session variables and reports of executions in the snapshot."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import UsageError
from codeexec.domain.events import AnyEvent, ExecutionQueued, Recorded
from codeexec.domain.events.plugins import (
    ArtifactReported,
    ExecutionLogged,
    PluginChanged,
    PluginRemoved,
    ResultReported,
    SessionVariablesSet,
)
from codeexec.domain.fold import apply
from codeexec.domain.plugins import (
    KEPT_LOG,
    LogEntry,
    PluginView,
    ReportedArtifact,
    check_plugin_name,
)
from codeexec.domain.requests import LoadPlugin, PluginAnswer
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.codec import (
    decode_event,
    decode_reply,
    decode_request,
    decode_snapshot,
    encode,
)

CHART = ReportedArtifact("obj_1_chart_0000", "sales", "chart", "application/json", "s.json", "f")


def folded(*events: AnyEvent) -> Snapshot:
    records = [Recorded(seq, 0.0, event) for seq, event in enumerate(events, 1)]
    one_by_one = Snapshot()
    for record in records:
        one_by_one = apply(one_by_one, [record])
    assert apply(Snapshot(), records) == one_by_one
    return one_by_one


def test_a_plugin_is_changed_and_removed() -> None:
    loading, loaded = PluginView("summary"), PluginView("summary", "loaded", is_loaded=True)
    assert folded(PluginChanged(loading)).plugins == {"summary": loading}
    assert folded(PluginChanged(loading), PluginChanged(loaded)).plugins == {"summary": loaded}
    assert folded(PluginChanged(loaded), PluginRemoved("summary")).plugins == {}
    assert folded(PluginRemoved("other")).plugins == {}


def test_session_variables_are_those_of_the_last_event() -> None:
    events = SessionVariablesSet({"a": "1", "b": "2"}), SessionVariablesSet({"b": "3"})
    assert folded(*events).session_variables == {"b": "3"}


def test_an_execution_has_its_report() -> None:
    entries = [LogEntry("info", "Plugin-summary", str(at)) for at in range(KEPT_LOG + 5)]
    snapshot = folded(
        ExecutionQueued("exec-1", "summary()"),
        *(ExecutionLogged("exec-1", entry) for entry in entries),
        ArtifactReported("exec-1", CHART),
        ResultReported("exec-1", {"x": "1"}, (("execution_result_1", "1"),)),
        ExecutionLogged("exec-of-nobody", entries[0]),
    )
    report = snapshot.executions["exec-1"].report
    assert report is not None
    assert report.log == tuple(entries[5:])
    assert report.artifacts == (CHART,)
    assert report.variables == {"x": "1"}
    assert report.output == (("execution_result_1", "1"),)
    assert decode_snapshot(encode(snapshot)) == snapshot


def test_requests_and_events_go_over_the_wire() -> None:
    request = LoadPlugin("summary", "text", {"key": "value"}, timeout=5.0)
    assert decode_request(encode(request)) == request
    answer = PluginAnswer("summary", False, "it failed", ("test 1",), "exec-1", 9)
    assert decode_reply(PluginAnswer, encode(answer)) == answer
    for event in (PluginChanged(PluginView("a")), SessionVariablesSet({"a": "1"})):
        assert decode_event(encode(event)) == event


@pytest.mark.parametrize("name", ["", "two words", "1st", "class", "a/b", "../x", "a.b", "x" * 101])
def test_a_name_that_code_cannot_call_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name of a plugin"):
        check_plugin_name(name)
