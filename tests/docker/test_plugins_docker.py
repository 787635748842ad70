"""Plugins in a container without a network, where no package of ours is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.domain import requests as q
from support.plugins import SUMMARY, load
from support.sessions import open_host, open_session, run, until

pytestmark = pytest.mark.docker


async def test_a_plugin_works_under_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.sessions.BACKEND", "docker")
    async with open_host(tmp_path / "state") as host:
        folder = tmp_path / "work"
        folder.mkdir()
        session = await open_session(host, folder, policy="locked")
        await session.call(q.SetSessionVariables({"unit": "tokens"}))
        answer = await load(session, "summary", SUMMARY, {"prefix": "A"})
        assert answer.is_success, answer.message
        view = await run(session, "line = summary('one two')", report=True, show_assignments=True)
        assert view.status == "ok", view.error
        assert view.report is not None
        assert view.report.output == (("execution_result_1", "A: 2 tokens"),)
        assert view.report.variables == {"line": "A: 2 tokens"}
        assert view.report.log[0].message == "counted 2"
        (artifact,) = view.report.artifacts
        assert (folder / artifact.file).read_text() == "A: 2 tokens"
        await until(session, lambda s: artifact.file in {each.name for each in s.artifacts})
        tested = await session.call(q.TestPlugin("summary"))
        assert tested.is_success, tested.messages
