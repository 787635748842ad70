"""Terminals over HTTP, as a program without a WebSocket uses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from support.servers import poll

DEADLINE = 90.0


@pytest.mark.slow
async def test_a_terminal_is_opened_typed_to_read_and_closed(
    web: httpx.AsyncClient, tmp_path: Path
) -> None:
    opening = {"cwd": str(tmp_path), "name": "work", "start_kernel": False}
    session = (await web.post("/v1/sessions", json=opening)).json()["session_id"]
    terminals = f"/v1/sessions/{session}/terminals"
    command = {"argv": ["sh", "-c", "seq 40; stty size; read x; echo got-$x; exit 3"]}
    opened = await web.post(terminals, json={**command, "columns": 90, "terminal_id": "mine"})
    assert opened.status_code == 201, opened.text
    terminal = f"{terminals}/mine"

    async def until(text: str) -> dict[str, Any]:
        answer = await poll(
            lambda: web.get(terminal), lambda answer: text in str(answer.json()), text, DEADLINE
        )
        return dict(answer.json())

    await until("24 90")
    await poll(  # with the end of that line
        lambda: web.get(terminal),
        lambda answer: answer.json()["screen"]["history"] == 18,
        "the row below it",
        DEADLINE,
    )
    resized = await web.post(f"{terminal}/size", json={"columns": 50, "rows": 10})
    assert resized.status_code == 200, resized.text
    typed = {"source": "me", "number": 1, "items": [{"type": "text", "text": "hello\r"}]}
    for _ in range(2):
        assert (await web.post(f"{terminal}/input", json=typed)).status_code == 200
    state = await until("'exited'")
    assert (state["terminal"]["exit_code"], state["screen"]["columns"]) == (3, 50)
    text = (await web.get(f"{terminal}/text?start=40")).json()["text"]
    assert text == "24 90\nhello\ngot-hello\n"
    rows = (await web.get(f"{terminal}/rows?start=0&count=1")).json()
    assert (rows["start"], rows["rows"]) == (0, [[[["1", 1, None]], False]])
    found = (await web.get(f"{terminal}/search?pattern=got")).json()
    assert [match["row"] for match in found["matches"]] == [42]
    assert [each["terminal_id"] for each in (await web.get(terminals)).json()["terminals"]] == [
        "mine"
    ]
    assert (await web.delete(terminal)).status_code == 200
    assert (await web.get(terminal)).status_code == 404
