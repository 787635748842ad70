"""Log lines and metrics of the server: their form, ids of requests, and what is never in them."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import datetime
from functools import partial

import httpx
import pytest

from codeexec.domain.errors import UsageError
from codeexec.server.logs.lines import JsonLines, TextLines, redaction
from codeexec.server.logs.options import LogOptions, log_options
from codeexec.server.logs.request_id import begin_request
from codeexec.session.activity import BOUNDS, Histogram
from support.servers import Here, poll

FORMS = [JsonLines(), TextLines()]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWl0"
USER_TOKEN = "cxt_0123abcd_" + "c2lnbmF0-_" * 4


def record(message: str, *values: object, **meta: object) -> logging.LogRecord:
    made = logging.LogRecord("codeexec.server.x", logging.WARNING, "f", 1, message, values, None)
    made.meta = meta
    return made


def test_a_line_of_json_has_time_with_zone_level_scope_message_and_meta() -> None:
    request_id = begin_request("my-request.7")
    line = json.loads(JsonLines().format(record("%d of %s", 3, "ß", status=404)))
    assert datetime.fromisoformat(line.pop("ts")).utcoffset() is not None
    assert line == {
        "level": "WARN",
        "scope": "server.x",
        "message": "3 of ß",
        "meta": {"status": 404, "request_id": request_id},
    }


@pytest.mark.parametrize("given", ["", "a b", "a\nb", "x" * 65, "é", None])
def test_an_id_that_is_no_plain_word_is_replaced(given: str | None) -> None:
    assert re.fullmatch(r"req-[0-9a-f]{16}", begin_request(given))


@pytest.mark.parametrize("form", FORMS, ids=["json", "text"])
@pytest.mark.parametrize(
    "text", ["a\nERROR b", "a\r\nb", "a\x1b[2Jb", "\u2028b", "a\x85b", "\x0bb", "\ud800"]
)
def test_a_message_cannot_begin_a_line(form: logging.Formatter, text: str) -> None:
    line = form.format(record(f"name {text}", path=text))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


@pytest.mark.parametrize("form", FORMS, ids=["json", "text"])
def test_an_exception_cannot_begin_a_line(form: logging.Formatter) -> None:
    made = record("failed")
    try:
        raise ValueError("x\n2026-01-01 00:00:00,000 ERROR forged")
    except ValueError:
        made.exc_info = sys.exc_info()
    rows = form.format(made).splitlines()
    assert "forged" in "".join(rows)
    assert all(row.startswith("    ") for row in rows[1:])


@pytest.mark.parametrize("form", FORMS, ids=["json", "text"])
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /v1/ws?token=abc123&x=1", "abc123"),
        ("Authorization: Bearer s3cr3t/word", "s3cr3t/word"),
        (f"token {JWT}.", JWT),
        (f"x-key: {USER_TOKEN}", USER_TOKEN),
        ("the known-secret-token here", "known-secret-token"),
    ],
)
def test_a_token_is_not_logged(form: logging.Formatter, text: str, secret: str) -> None:
    redaction.hide("known-secret-token")
    made = record("%s", text, nested={"list": [text]})
    line = form.format(made)
    assert secret not in line
    assert "[hidden]" in line


def test_options_count_before_variables() -> None:
    environ = {"CODEEXEC_LOG_FORMAT": "json", "JUPYTER_LOG_LEVEL": "debug"}
    assert log_options(None, None, {}) == LogOptions(None, "INFO")
    assert log_options(None, None, environ) == LogOptions("json", "DEBUG")
    assert log_options("text", "ERROR", environ) == LogOptions("text", "ERROR")
    assert log_options(None, None, {"JUPYTER_LOG_LEVEL": "30"}).level == "INFO"
    for name in ("CODEEXEC_LOG_FORMAT", "CODEEXEC_LOG_LEVEL"):
        with pytest.raises(UsageError, match=name):
            log_options(None, None, {name: "loud"})


def test_a_histogram_counts_up_to_its_bounds() -> None:
    histogram = Histogram()
    for value in (-1.0, BOUNDS[0], BOUNDS[0] + 0.001, 1e9):
        histogram.observe(value)
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (2, 1, 1)
    assert histogram.count == 4


async def test_every_answer_has_an_id_that_is_in_its_log_line(
    here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {here.token}", "X-Request-Id": "mine-1"}
    with caplog.at_level(logging.INFO):
        async with httpx.AsyncClient(base_url=here.url, timeout=60) as web:
            good = await web.get("/v1/health?token=in-query", headers=headers)
            wrong = await web.get("/v1/nothing%0aforged", headers=headers)
            refused = await web.get("/v1/health", headers={"X-Request-Id": "mine-2"})
    assert good.headers["X-Request-Id"] == "mine-1"
    assert wrong.json()["request_id"] == "mine-1"
    assert refused.status_code == 401
    assert refused.json()["request_id"] == refused.headers["X-Request-Id"]
    entries = [entry for entry in caplog.records if not entry.name.startswith("httpx")]
    lines = [json.loads(JsonLines().format(entry)) for entry in entries]
    ids = {line["meta"]["request_id"] for line in lines}
    assert {"mine-1", refused.headers["X-Request-Id"]} <= ids
    assert any(line["meta"].get("status") == 404 for line in lines)
    assert "in-query" not in str(lines)
    assert here.token not in str(lines)


async def test_code_is_logged_at_debug_alone_and_cut(
    web: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    code = "x = 1\n" * 40
    kernel = (await web.post("/start_kernel")).json()["id"]
    for level, logged in ((logging.INFO, []), (logging.DEBUG, [code[:100]])):
        caplog.clear()
        with caplog.at_level(level, logger="codeexec"):
            submitted = await web.post("/execute_code", json={"id": kernel, "code": code})
        assert submitted.status_code == 200
        metas = [getattr(entry, "meta", {}) for entry in caplog.records]
        assert [meta["code"] for meta in metas if "code" in meta] == logged


def is_over(answer: httpx.Response) -> bool:
    return answer.json()["completed_at"] is not None


@pytest.mark.slow
async def test_metrics_count_executions_kernels_and_requests(web: httpx.AsyncClient) -> None:
    kernel = (await web.post("/start_kernel")).json()["id"]
    for code in ("1", "1/0"):
        execution = (await web.post("/execute_code", json={"id": kernel, "code": code})).json()
        path = f"/execution_status/{execution['execution_id']}"
        await poll(partial(web.get, path, params={"wait": "5"}), is_over, "the execution to end")
    expected = {
        "codeexec_execution_seconds_count 2",
        'codeexec_executions_total{status="ok"} 1',
        'codeexec_executions_total{status="error"} 1',
        'codeexec_kernels{state="idle"} 1',
        'codeexec_kernel_events_total{event="started"} 1',
        'codeexec_execution_seconds_bucket{le="+Inf"} 2',
        "codeexec_executions_queued 0",
        "codeexec_sessions 1",
    }
    answer = await poll(
        lambda: web.get("/metrics"),
        lambda answer: expected <= set(answer.text.splitlines()),
        "both executions to be counted",
    )
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = answer.text.splitlines()
    assert 'codeexec_http_requests_total{method="POST",status="200"} 3' in rows
    samples = [row for row in rows if not row.startswith("#")]
    form = r'codeexec_[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[0-9.e+-]+'
    assert [row for row in samples if not re.fullmatch(form, row)] == []
