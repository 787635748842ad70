"""Jupyter servers with a password: the login, its end, and what is kept of it."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain.places.logins import LoginPrompt, LoginUnanswered
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.backends import RemoteTarget
from codeexec.kernels.base import KernelChoice
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.remote.access import COOKIES, Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.backend import RemoteBackend
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.files.environment import ServedPlace
from codeexec.kernels.jupyter.remote.life import RemoteLife
from codeexec.kernels.jupyter.remote.login.password import log_in
from codeexec.kernels.jupyter.remote.login.sign_in import SignIn
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from codeexec.kernels.jupyter.remote.tokens import keep_token, read_tokens, tokens_file
from support.cut_line import cut_line
from support.jupyter_servers import PASSWORD, TOKEN, TestServer, password_server
from support.kernel_cases import Partner

pytestmark = pytest.mark.slow

STALE = f"{COOKIES}username-127-0-0-1=stale; _xsrf=2|a|b|1"


@pytest.fixture(scope="module")
def jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    with password_server(tmp_path_factory.mktemp("password-server")) as server:
        yield server


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


class Person:
    """Answers questions of logins."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.prompts: list[LoginPrompt] = []

    async def ask(self, prompt: LoginPrompt) -> str:
        self.prompts.append(prompt)
        answer = self._answers.pop(0)
        if answer is None:
            raise LoginUnanswered("The login was given up.")
        return answer


def kernel_of(server: TestServer, person: Person | None) -> Partner:
    partner = Partner()
    ask_user = person.ask if person is not None else None
    choice = KernelChoice("/", f"{server.url}#python3", ask_user=ask_user)
    partner.kernel = Kernels().create(choice, partner.sink)
    return partner


async def test_the_user_is_asked_until_the_password_is_right_and_only_cookies_are_kept(
    jupyter_server: TestServer,
) -> None:
    person = Person("wrong", PASSWORD)
    partner = kernel_of(jupyter_server, person)
    await partner.kernel.start()
    execution = partner.submit("print(6 * 7)")
    assert (await partner.end_of(execution)).status == "ok"
    assert partner.text(execution) == "42\n"
    await partner.kernel.shutdown()
    assert jupyter_server.kernels() == []
    first, second = person.prompts
    assert first.text == f"Token or password of {jupyter_server.url}:"
    assert "wants a token" in first.printed or "refuses" in first.printed
    assert "refuses the password" in second.printed
    assert read_tokens()[jupyter_server.url].startswith(COOKIES)
    assert stat.S_IMODE(tokens_file().stat().st_mode) == 0o600
    assert PASSWORD not in json.loads(tokens_file().read_text()).values()
    again = kernel_of(jupyter_server, None)  # nobody is asked any more
    await again.kernel.start()
    await again.kernel.shutdown()


async def test_a_token_may_be_typed_as_well(jupyter_server: TestServer) -> None:
    partner = kernel_of(jupyter_server, Person(f" {TOKEN} "))
    await partner.kernel.start()
    await partner.kernel.shutdown()
    assert read_tokens() == {jupyter_server.url: TOKEN}


@pytest.mark.parametrize("answers", [("a", "b", "c"), (None,)])
async def test_a_login_that_fails_or_is_given_up_says_so(
    jupyter_server: TestServer, answers: tuple[str | None, ...]
) -> None:
    person = Person(*answers)
    partner = kernel_of(jupyter_server, person)
    with pytest.raises(ServerFailure) as failed:
        await partner.kernel.start()
    assert failed.value.next_step
    assert len(person.prompts) == len(answers)
    assert read_tokens() == {}
    await partner.kernel.shutdown()


async def test_a_login_that_has_expired_is_a_sentence_and_is_asked_for_again(
    jupyter_server: TestServer,
) -> None:
    keep_token(jupyter_server.url, STALE)
    access = Access(parse_address(jupyter_server.url), STALE)
    server = JupyterServer(access)
    with pytest.raises(ServerFailure, match="has expired") as ended:
        await server.specs()
    assert (ended.value.kind, "password" in ended.value.next_step) == ("login", True)
    await server.close()
    person = Person(PASSWORD)
    partner = kernel_of(jupyter_server, person)
    await partner.kernel.start()
    assert "has expired" in person.prompts[0].printed
    await partner.kernel.shutdown()


async def test_a_login_that_expires_while_code_runs_loses_nothing(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    async with cut_line(jupyter_server.port) as line:
        there = TestServer(f"http://127.0.0.1:{line.port}/", 0, tmp_path, tmp_path)
        person = Person(PASSWORD, PASSWORD)
        partner = kernel_of(there, person)
        await partner.kernel.start()
        code = (
            "import os, time\n"
            "for i in range(100): print(i)\n"
            f"while not os.path.exists('{tmp_path}/go'): time.sleep(0.05)\n"
            "print('end')"
        )
        execution = partner.submit(code)
        await partner.until(lambda: "99\n" in partner.text(execution) or None)
        kernel = partner.kernel
        assert isinstance(kernel, JupyterKernel)
        life = kernel._life
        assert isinstance(life, RemoteLife)
        await life._server._use(Access(parse_address(there.url), STALE))
        keep_token(there.url, STALE)
        line.cut()
        (tmp_path / "go").touch()
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text(execution) == "".join(f"{i}\n" for i in range(100)) + "end\n"
        assert len(person.prompts) == 2
        await kernel.shutdown()


async def test_the_password_of_the_settings_serves_kernels_files_and_terminals(
    jupyter_server: TestServer, tmp_path: Path
) -> None:
    target = RemoteTarget("lab", jupyter_server.url, password=PASSWORD)
    backend = RemoteBackend(lambda: [target])
    assert "".join(info.problem for info in await backend.offers_of("lab")) == ""
    access = backend.place("lab").access
    assert access.is_login  # another one has logged in
    place = ServedPlace(JupyterServer(access), LocalEnvironment(tmp_path))
    await place.write_file("a.txt", b"kept")
    assert await place.read_file("a.txt") == b"kept"
    await place.remove_entry("a.txt")
    terminal = await place.open_terminal(["sh", "-c", "exit 3"])
    assert (await asyncio.wait_for(terminal.wait(), 60)).code == 3
    await place.terminate()
    wrong = RemoteBackend(lambda: [RemoteTarget("other", jupyter_server.url, password="no")])
    assert PASSWORD not in repr(target) + repr(access)
    tokens_file().unlink()
    [offer] = await wrong.offers_of("other")
    assert not offer.problem
    assert offer.path == "it asks for its token or password first"


async def test_servers_without_a_login_page_say_so(
    kernel_gateway: TestServer, jupyter_server: TestServer
) -> None:
    with pytest.raises(ServerFailure, match="no login with a password"):
        await log_in(Access(parse_address(kernel_gateway.url)), PASSWORD)
    with pytest.raises(ServerFailure, match="Nothing listens"):
        await log_in(Access(parse_address("http://127.0.0.1:1/")), PASSWORD)
    with pytest.raises(ServerFailure, match="refuses the password"):
        await log_in(Access(parse_address(jupyter_server.url)), "")
    assert await SignIn().ask(Access(parse_address(jupyter_server.url)), "") is None
