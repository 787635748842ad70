"""Passwords that were typed, and the environment of a session, are not found on disk afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost, EmbeddedSession
from codeexec.domain import requests as q
from codeexec.domain.events import ExecutionFinished, StdinRequested, Variable, VariablesTaken
from codeexec.session.kernels.answers import MASK, SecretAnswers

DEADLINE = 90.0
PASSWORD = "hunter2-Ünter'3"
VALUE = "a-value-of-the-environment"


def written(folder: Path, text: str) -> list[str]:
    """The files below `folder` that hold `text`."""
    names = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # SQLite removes files of its own
            if path.is_file() and text.encode() in path.read_bytes():
                names.append(path.name)
    return names


async def answered(session: EmbeddedSession, code: str) -> tuple[Variable, ...]:
    """Run `code`, which asks for a password; the variables that are journaled afterwards."""
    await session.call(q.Execute(code))
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            for record in batch:
                if isinstance(record.event, StdinRequested):
                    answer = q.AnswerStdin(record.event.request_id, PASSWORD)
                    await session.call(answer)
                if isinstance(record.event, VariablesTaken):
                    return record.event.variables
    raise AssertionError("no variables were taken")


@pytest.mark.slow
async def test_a_password_is_journaled_in_no_variable(tmp_path: Path) -> None:
    code = (
        "import getpass\nword = getpass.getpass()\nothers = {'k': [word], 'b': word.encode()}\n"
        "class Login: pass\nlogin = Login()\nlogin.word = word\nlong = word * 50\nplain = 'plain'"
    )
    async with EmbeddedHost(tmp_path / "state") as host:
        opened = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = host.session(opened.session_id)
        variables = {each.name: each for each in await answered(session, code)}
        assert variables["word"].preview == f'"{MASK}"'
        assert variables["word"].shape == ""
        assert variables["plain"].preview == "'plain'"
        shown = await session.call(q.InspectVariable("login"))
        looked = await session.call(q.Inspect("word", 4))
        said = f"{variables} {shown} {looked.text}"
        assert "hunter2" not in said
        assert MASK in shown.children[0].preview
        await host.call(q.StopSession(opened.session_id))
        assert written(tmp_path / "state", "hunter2") == []


def secrets(*answers: str, last: int = 1) -> SecretAnswers:
    made = SecretAnswers(lambda: last, lambda generation: None)
    for answer in answers:
        made.add(answer, 1)
    return made


@pytest.mark.parametrize(
    ("answer", "text", "masked"),
    [
        ("hunter2", "'hunter2'", f"'{MASK}'"),
        ("hunter2", "b'hunter2'", f"b'{MASK}'"),
        ("hunter2", "['x', 'hunter2', 'hunter2']", f"['x', '{MASK}', '{MASK}']"),
        ("a long pass phrase of words", "'a long pass phr…", f"'{MASK}…"),
        ("with\nline", r"'with\nline'", f"'{MASK}'"),
        ("1234", "1234", MASK),
        ("ab", "'ab'", MASK),
        ("ab", "'cabin'", "'cabin'"),
        ("hunter2", "'hunter'", "'hunter'"),
    ],
)
def test_what_is_masked(answer: str, text: str, masked: str) -> None:
    assert secrets(answer).mask(text) == masked


def test_after_a_restart_of_the_server_all_previews_are_hidden() -> None:
    word, module = (
        Variable("word", "str", "'x'"),
        Variable("os", "module", "module os", kind="module"),
    )
    hidden = secrets(last=3).mask_variables([word, module], 3)
    assert [each.preview for each in hidden] == [MASK, "module os"]
    # A fresh kernel has got no password yet.
    assert secrets(last=3).mask_variables([word], 4) == (word,)
    # The answers are known.
    assert secrets("hunter2", last=1).mask_variables([word], 1) == (word,)


async def status(session: EmbeddedSession, execution_id: str) -> str:
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            for record in batch:
                event = record.event
                if isinstance(event, ExecutionFinished) and event.execution_id == execution_id:
                    return event.status
    raise AssertionError("the session ended")


@pytest.mark.slow
async def test_the_environment_is_gone_from_disk_when_the_session_has_ended(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with EmbeddedHost(state) as host:
        opening = q.OpenSession(cwd=str(tmp_path), env={"SECRET_OF_MINE": VALUE})
        opened = await host.call(opening)
        session = host.session(opened.session_id)
        code = "import os\nassert os.environ['SECRET_OF_MINE'].startswith('a-value')"
        for number in range(2):
            await session.call(q.Execute(code, execution_id=f"run-{number}"))
            assert await status(session, f"run-{number}") == "ok"
            await session.call(q.RestartKernel())
        assert written(state, VALUE) == ["environment.json"]
        (kept,) = state.rglob("environment.json")
        assert kept.stat().st_mode & 0o777 == 0o600
        await host.call(q.StopSession(opened.session_id))
        assert written(state, VALUE) == []


async def test_a_next_server_has_the_environment_and_removes_it_at_the_end(tmp_path: Path) -> None:
    state = tmp_path / "state"
    opening = q.OpenSession(cwd=str(tmp_path), start_kernel=False, env={"SECRET_OF_MINE": VALUE})
    async with EmbeddedHost(state, adopts=True) as host:
        opened = await host.call(opening)
    async with EmbeddedHost(state, adopts=True) as host:
        keeper = host.session(opened.session_id)._session.slots.default.supervisor
        assert keeper.choice.env == {"SECRET_OF_MINE": VALUE}
        await host.call(q.StopSession(opened.session_id))
    assert written(state, VALUE) == []
