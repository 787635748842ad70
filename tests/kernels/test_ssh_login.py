"""Logins that ask, while a session's kernel is started on another machine: a real sshd, a sealed
key, a password, the dialog of one-time codes, an unknown host key."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, Denied, UsageError
from codeexec.domain.events.logins import LoginQuestionAsked
from codeexec.domain.places.logins import LoginPrompt, LoginQuestion
from codeexec.session.kernels import logins
from codeexec.session.kernels.logins import LoginQuestions
from codeexec.session.session import Session
from support.servers import short_folder, wait_until
from support.sessions import open_host, open_session, run, submit, text, until
from support.ssh_server import PASSPHRASE, PASSWORD, SshServer, password_server, ssh_server

PERSON = q.ClientInfo("person")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        strange = folder / "known_to_strange"
        server.add_host("strange", IdentityFile=folder / "bare", UserKnownHostsFile=strange)
        yield server


@pytest.fixture(scope="module")
def passwords(server: SshServer) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root can give sshd another file of passwords")
    with password_server(server):
        yield


@pytest.fixture(autouse=True)
def command(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CODEEXEC_SSH", server.command)
    yield
    server.end_masters()


async def question(session: Session) -> LoginQuestion:
    """The question that the session asks, or comes to ask."""
    snapshot = await until(session, lambda snapshot: snapshot.login_questions)
    return snapshot.login_questions[0]


async def answer(session: Session, text: str | None) -> LoginPrompt:
    """Answer the next question; returns it."""
    asked = await question(session)
    await session.call(q.AnswerLogin(asked.question_id, text), PERSON)
    return asked.prompt


def is_kept_nowhere(secret: str, *folders: Path) -> bool:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return not any(secret.encode() in path.read_bytes() for path in files)


async def death(session: Session) -> str:
    snapshot = await until(session, lambda snapshot: snapshot.kernel.death)
    assert snapshot.kernel.death is not None
    return snapshot.kernel.death.message


async def test_the_passphrase_of_a_key_is_asked_once(
    server: SshServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:bare-sealed:work")
        prompt = await answer(session, PASSPHRASE)
        assert (prompt.machine, prompt.kind) == ("bare-sealed", "secret")
        assert prompt.text.startswith("Enter passphrase for key ")
        view = await run(session, "import os; print(os.getcwd())")
        assert await text(session, view) == [str(server.folder / "bare-home" / "work")]
        for line in psutil.Process().children():
            if line.name() == "ssh":
                line.kill()
        view = await run(session, "print('the line is back')")
        assert await text(session, view) == ["the line is back"]
        assert is_kept_nowhere(PASSPHRASE, tmp_path / "state")
        assert PASSPHRASE not in caplog.text
        other = await open_session(host, tmp_path, kernel="ssh:bare-sealed:work")
        assert (await run(other, "1")).status == "ok"
        assert not other.snapshot.login_questions
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_kernel_that_is_taken_up_asks_when_a_client_is_there(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = f"ssh:bare-sealed:work#{sys.executable}"
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        await answer(session, PASSPHRASE)
        await run(session, "kept = 'as before'")
        session_id = session.snapshot.session_id
    server.end_masters()
    monkeypatch.setattr(logins, "ATTACH_WAIT", 0.0)
    ask = LoginQuestions.ask_when_attached
    wants_to_ask = asyncio.Event()

    async def noted(questions: LoginQuestions, prompt: LoginPrompt) -> str:
        wants_to_ask.set()
        return await ask(questions, prompt)

    monkeypatch.setattr(LoginQuestions, "ask_when_attached", noted)
    async with open_host(tmp_path / "state") as host:
        session = host.session(session_id)
        async with asyncio.timeout(90):
            await wants_to_ask.wait()
        assert not session.snapshot.login_questions  # no client is there
        with session.join(PERSON):
            await answer(session, PASSPHRASE)
            view = await run(session, "print(kept)")
            assert await text(session, view) == ["as before"]
    await wait_until(lambda: not server.left(), "the end of all there")


@pytest.mark.usefixtures("passwords")
@pytest.mark.parametrize(("host", "asks"), [("by-password", "password:"), ("by-code", "Password:")])
async def test_a_password_is_asked_for_until_it_is_right(
    host: str, asks: str, server: SshServer, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as engine:
        session = await open_session(engine, tmp_path, kernel=f"ssh:{host}:work")
        prompt = await answer(session, "a wrong one")
        assert prompt.kind == "secret"
        assert prompt.text.endswith(asks)
        prompt = await answer(session, PASSWORD)
        assert prompt.printed == ("Permission denied, please try again." if asks[0] == "p" else "")
        view = await run(session, "print('in')")
        assert await text(session, view) == ["in"]
    await wait_until(lambda: not server.left(), "the end of all there")


@pytest.mark.usefixtures("passwords")
async def test_a_wrong_password_and_a_login_that_is_given_up_are_sentences(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:by-password")
        await answer(session, "wrong")
        await answer(session, "wrong")
        assert "by-password has not accepted the answer." in await death(session)
        await submit(session, "1")  # starts the kernel again
        await answer(session, None)
        said = "The login to by-password was given up."
        await until(session, lambda now: now.kernel.death and said in now.kernel.death.message)
        # What only looks at files there does not ask again at once.
        with pytest.raises(Exception, match="does not let us in"):
            await session.call(q.ListFiles("", "*"))
        assert not session.snapshot.login_questions


async def test_an_unknown_host_key_is_a_question_of_yes_or_no(
    server: SshServer, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:strange:work")
        asked = await question(session)
        assert asked.prompt.kind == "confirm"
        assert "SHA256:" in asked.prompt.text
        with pytest.raises(UsageError, match="yes or no"):
            await session.call(q.AnswerLogin(asked.question_id, "perhaps"), PERSON)
        await answer(session, "no")
        assert "The host key of strange was refused." in await death(session)
        await submit(session, "1")
        await answer(session, "yes")
        view = await run(session, "print('in')")
        assert await text(session, view) == ["in"]
        assert (server.folder / "known_to_strange").read_text()
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_who_may_not_run_code_does_not_answer(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:bare-sealed")
        asked = await question(session)
        request = q.AnswerLogin(asked.question_id, PASSPHRASE)
        with pytest.raises(Denied):
            await session.call(request, q.ClientInfo("looker", watch_only=True))
        with pytest.raises(Denied):
            await session.call(request, q.ClientInfo("agent", is_agent=True))
        with pytest.raises(UsageError, match="one line"):
            await session.call(q.AnswerLogin(asked.question_id, "two\nlines"), PERSON)
        assert PASSPHRASE not in repr(request)
        assert session.snapshot.login_questions == (asked,)
        # An interrupt gives the start up: the question goes with it.
        await session.call(q.Interrupt())
        await until(session, lambda snapshot: not snapshot.login_questions)
        with pytest.raises(Conflict):
            await session.call(request, PERSON)


async def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "ATTACH_WAIT", 0.1)
    monkeypatch.setattr(logins, "ANSWER_WAIT", 0.3)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:bare-sealed")
        assert "nobody is attached who may answer" in await death(session)
        with session.join(PERSON):
            await submit(session, "1")
            said = "Nobody answered what bare-sealed asks"
            await until(session, lambda now: now.kernel.death and said in now.kernel.death.message)
        assert not session.snapshot.login_questions


async def test_a_question_ends_with_the_session_server_that_asked(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, start_kernel=False)
        left = LoginQuestion("login-1", LoginPrompt("lab", "Password:"), 0.0)
        session.recorder.record(LoginQuestionAsked(left))  # as a server that is killed leaves it
        session_id = session.session_id
    async with open_host(tmp_path / "state") as host:
        assert not host.session(session_id).snapshot.login_questions
