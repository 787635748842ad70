"""Managers and clients: sessions that are warmed when asked for, and ready when used."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.ces import ExecutionResult, SourceResult, code_execution_service_factory
from codeexec.ces.common import KernelStatus
from codeexec.ces.manager import SessionManager
from codeexec.domain.errors import CodeexecError, Conflict, NotFound, UsageError
from support.servers import wait_for


def manager_in(
    folder: Path, *, kernel: str = "", env_id: str | None = None
) -> SessionManager[ExecutionResult]:
    return code_execution_service_factory(folder, env_id=env_id, where="here", kernel=kernel)


def status_of(manager: SessionManager[ExecutionResult], session_id: str) -> KernelStatus:
    return manager.get(session_id).kernel_status


@pytest.mark.slow
def test_a_session_goes_through_its_states(env_dir: Path) -> None:
    manager = manager_in(env_dir)
    waiting = manager.get_session_client("waiting")
    assert not env_dir.exists(), "nothing is started before it is asked for"
    assert status_of(manager, "waiting") == "pending"
    warmed = manager.create("warmed")
    wait_for(lambda: warmed.kernel_status == "ready", "the session to be ready")
    assert warmed.execute_code("exec-1", "1 + 1").output == "2"
    assert waiting.execute_code("exec-1", "2 + 2").output == "4"
    assert manager.get_session_client("waiting") is waiting
    with pytest.raises(Conflict, match="There is a session 'warmed'"):
        manager.create("warmed")
    manager.stop("warmed")
    assert status_of(manager, "warmed") == "stopped"
    with pytest.raises(Conflict, match="'warmed' is stopped"):
        warmed.execute_code("exec-2", "1")
    anew = manager.create("warmed")
    assert anew.execute_code("exec-1", "'anew'").output == "anew"
    warmed.stop()
    assert anew.kernel_status == "ready", "its session has ended before"
    manager.clean_up()
    waiting.stop()
    assert manager._made is None
    assert waiting.kernel_status == "stopped"
    with pytest.raises(NotFound):
        manager.get("waiting")


def test_a_start_that_fails_is_told_to_who_uses_it(env_dir: Path) -> None:
    manager = manager_in(env_dir, kernel="no-such-kernel")
    client = manager.create("work")
    wait_for(lambda: client.kernel_status == "error", "the start to fail")
    for _ in range(2):
        with pytest.raises(CodeexecError, match="no-such-kernel"):
            client.execute_code("exec-1", "1")
    manager.clean_up()


def test_what_was_never_started_is_stopped_at_once(env_dir: Path) -> None:
    manager = manager_in(env_dir)
    client = manager.get_session_client("work")
    client.stop()
    assert client.kernel_status == "stopped"
    with pytest.raises(Conflict):
        client.start()
    manager.clean_up()
    assert not env_dir.exists()


def test_an_unknown_session_is_named(env_dir: Path) -> None:
    manager = manager_in(env_dir)
    for call in (manager.get, manager.stop):
        with pytest.raises(NotFound, match=r"no session 'other'"):
            call("other")


def test_the_factory_says_what_it_makes(env_dir: Path) -> None:
    manager = code_execution_service_factory(env_dir, "container", view="source")
    assert manager.get_kernel_mode() == "container"
    assert manager._view(ExecutionResult("exec-1", "")) == SourceResult("exec-1", "")
    with pytest.raises(UsageError, match="no mode"):
        code_execution_service_factory(env_dir, "moon")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="no view"):
        code_execution_service_factory(env_dir, view="other")  # type: ignore[call-overload]


def test_another_environment_is_refused(env_dir: Path) -> None:
    manager = manager_in(env_dir, env_id="env-mine")
    manager.initialize()
    with pytest.raises(UsageError, match="env-mine, not 'env-other'"):
        manager.get_session_client("work", env_id="env-other")
    manager.clean_up()
