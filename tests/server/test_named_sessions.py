"""Execute, build and files by a session's name: documented requests, and paths that lead out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from codeexec.domain.errors import UsageError
from codeexec.environments.processes import identify
from codeexec.server.service_settings import ServiceSettings, service_settings, with_session_limits
from codeexec.session.settings import HostSettings
from support.servers import Here, poll
from support.sessions import until

DEADLINE = 90.0


async def post(web: httpx.AsyncClient, request: str, **body: Any) -> Any:
    answer = await web.post(f"/v1/sessions/{request}", json={"session_id": "session-1", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ended(web: httpx.AsyncClient, execution_id: str) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE):
        while True:
            path = f"/api/v1/sessions/executions/{execution_id}"
            status: dict[str, Any] = (await web.get(path, params={"wait": 20})).json()
            if status["status"] not in ("queued", "running"):
                return status


async def test_python_runs_from_the_file_with_its_arguments(
    web: httpx.AsyncClient, here: Here
) -> None:
    code = "import os, sys\nprint(os.getpid(), sys.argv[1:], flush=True)\ninput()\nsys.exit(3)"
    started = await post(
        web, "execute/python", language="python", code=code, file_path="/src/main.py", args=["a b"]
    )
    assert set(started) == {"execution_id", "status", "pid"}
    assert started["execution_id"].startswith("exec-")
    assert started["status"] == "running"
    path = f"/v1/sessions/executions/{started['execution_id']}"
    answer = await poll(
        lambda: web.get(path), lambda answer: "\n" in answer.json()["stdout"], "a line", DEADLINE
    )
    status = answer.json()
    assert status["stdout"] == f"{started['pid']} ['a b']\n"
    assert (status["status"], status["exit_code"]) == ("running", None)
    # A second one waits for the first.
    second = await post(web, "execute/python", code="print(2)")
    assert (second["status"], second["pid"]) == ("queued", None)
    session = here.host.session("session-1")
    assert (Path(session.snapshot.cwd) / "src/main.py").read_text() == code
    asked = (await until(session, lambda snapshot: snapshot.asking)).asking
    assert asked is not None
    assert asked.stdin is not None
    # Nothing changes before it is answered.
    tag = (await web.get(path)).headers["etag"]
    same = await web.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.headers["etag"], same.content) == (304, tag, b"")
    answered = {"request_id": asked.stdin.request_id, "text": ""}
    assert (await web.post("/v1/sessions/session-1/stdin", json=answered)).status_code == 200
    over = await ended(web, started["execution_id"])
    assert (over["status"], over["exit_code"], over["pid"]) == ("failed", 3, None)
    assert (await ended(web, second["execution_id"]))["stdout"] == "2\n"


async def test_cpp_is_built_and_run(web: httpx.AsyncClient) -> None:
    main = (
        "#include <cstdio>\nint two();\n"
        'int main(int n, char **v) { printf("%d %s\\n", two(), v[1]); }'
    )
    await post(web, "files/write", path="/src/main.cpp", content=main)
    await post(web, "files/write", path="/workspace/src/two.cpp", content="int two() { return 2; }")
    request = {
        "source_files": ["/src/main.cpp", "/src/two.cpp"],
        "output_binary": "/workspace/build/main",
        "compiler": "g++",
        "flags": ["-std=c++17", "-Wall"],
    }
    built = await post(web, "build/cpp", **request)
    assert built["build_id"].startswith("build-")
    del built["build_id"]
    assert built == {
        "status": "success",
        "stdout": "Compiled successfully",
        "stderr": "",
        "artifacts": ["/workspace/build/main"],
    }
    started = await post(
        web, "execute/binary", binary_path="/workspace/build/main", args=["--verbose"]
    )
    over = await ended(web, started["execution_id"])
    assert (over["status"], over["stdout"], over["exit_code"]) == ("completed", "2 --verbose\n", 0)
    await post(web, "files/write", path="src/two.cpp", content="int two() { return; }")
    failed = await post(web, "build/cpp", **request)
    assert (failed["status"], failed["artifacts"]) == ("failed", [])
    assert "src/two.cpp:1" in failed["stderr"]
    refused: tuple[dict[str, Any], ...] = (
        {"compiler": "sh"},
        {"source_files": []},
        {"compiler": "g++ -o x"},
    )
    for wrong in refused:
        body = {"session_id": "session-1", **request, **wrong}
        assert (await web.post("/v1/sessions/build/cpp", json=body)).status_code == 400
    missing = {"session_id": "session-1", "binary_path": "build/none"}
    assert (await web.post("/v1/sessions/execute/binary", json=missing)).status_code == 404


async def test_another_language_of_the_catalog(web: httpx.AsyncClient) -> None:
    started = await post(web, "execute/bash", code="echo $1", args=["six"])
    assert (await ended(web, started["execution_id"]))["stdout"] == "six\n"
    body = {"session_id": "session-1", "code": "x"}
    assert (await web.post("/v1/sessions/execute/klingon", json=body)).status_code == 404
    assert (await web.post("/v1/sessions/execute/json", json=body)).status_code == 400


async def test_files_of_a_session(web: httpx.AsyncClient) -> None:
    written = await post(web, "files/write", path="/src/a.txt", content="ä\n")
    assert written == {"path": "/src/a.txt", "size": 3}
    for path in ("/src/a.txt", "src/a.txt", "/workspace/src/a.txt", "/workspace/x/../src/a.txt"):
        read = await post(web, "files/read", path=path)
        assert read == {"content": "ä\n", "exists": True, "encoding": "utf-8"}
    read = await post(web, "files/read", path="/src/none")
    assert read == {"content": "", "exists": False, "encoding": "utf-8"}
    await post(web, "files/write", path="b.bin", content="/wA=", encoding="base64")
    read = await post(web, "files/read", path="/b.bin")
    assert read == {"content": "/wA=", "exists": True, "encoding": "base64"}
    for body in ({"directory": "/src"}, {"path": "/workspace/src"}):
        listed = await post(web, "files/list", **body)
        assert [entry["path"] for entry in listed["files"]] == ["src/a.txt"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["../x", "/../x", "/workspace/../x", "/workspace/../../etc/passwd", "src/../../x", "link/x"],
)
async def test_no_path_leaves_the_folder(web: httpx.AsyncClient, here: Here, path: str) -> None:
    await post(web, "files/write", path="inside", content="")
    folder = Path(here.host.session("session-1").snapshot.cwd)
    (folder / "link").symlink_to(folder.parent)
    (folder.parent / "x").write_text("outside")
    for request, body in (
        ("files/write", {"path": path, "content": "x"}),
        ("files/read", {"path": path}),
        ("files/list", {"directory": path}),
        ("execute/python", {"file_path": path, "code": "1"}),
        ("execute/python", {"file_path": path}),
        ("execute/binary", {"binary_path": path}),
    ):
        answer = await web.post(f"/v1/sessions/{request}", json={"session_id": "session-1", **body})
        assert answer.status_code in (403, 404), (request, answer.text)
    build = {"session_id": "session-1", "source_files": [path], "output_binary": "y"}
    answer = await web.post("/v1/sessions/build/cpp", json=build)
    assert answer.status_code == 403 or answer.json()["status"] == "failed"
    assert (folder.parent / "x").read_text() == "outside"
    assert {each.name for each in folder.parent.iterdir()} == {folder.name, "x"}


@pytest.mark.slow
async def test_a_program_that_runs_too_long_is_ended(here: Here, web: httpx.AsyncClient) -> None:
    from codeexec.server.access.identity import OPERATOR
    from codeexec.server.access.limit_keeper import LimitKeeper
    from codeexec.server.access.user_host import UserHost
    from codeexec.server.access.user_limits import UserLimits
    from codeexec.server.rest.executions import ExecutionRequest, run_language
    from codeexec.server.rest.lookup import open_workspace

    users = UserHost(here.host, lambda: OPERATOR, LimitKeeper(here.host, UserLimits()))
    session = await open_workspace(users, "session-1", start_kernel=False)
    code = "while True: pass"
    request = ExecutionRequest("session-1", code=code)
    started = await run_language(session, "python", request, timeout=2.0)
    over = await ended(web, started.execution_id)
    assert over["status"] == "failed"
    view = session.recorder.find(started.execution_id)
    assert view is not None
    assert view.status == "timed_out"
    assert started.pid is not None
    assert identify(started.pid) is None


def test_limits_are_read_from_the_environment() -> None:
    assert service_settings({}) == ServiceSettings(300.0, 120.0, 300.0)
    environ = {"PYTHON_MAX_RUNTIME": "10s", "CPP_BUILD_TIMEOUT": "0", "BINARY_MAX_RUNTIME": "2.5"}
    assert service_settings(environ) == ServiceSettings(10.0, 0.0, 2.5)
    for text in ("ten", "-1", "1e9", "", "1 m"):
        with pytest.raises(UsageError, match="PYTHON_MAX_RUNTIME"):
            service_settings({"PYTHON_MAX_RUNTIME": text})


@pytest.mark.parametrize(
    ("text", "size"), [("1MB", 2**20), ("2Gi", 2**31), ("64k", 2**16), ("70000", 70000)]
)
def test_sizes_are_read_from_the_environment(text: str, size: int) -> None:
    service = service_settings({"TERMINAL_MAX_BUFFER": text, "TERMINAL_IDLE_TIMEOUT": "60s"})
    host = with_session_limits(HostSettings(), service, is_service=True)
    assert (host.terminal_scrollback, host.terminal_idle) == (size, 60.0)
    assert with_session_limits(HostSettings(), service, is_service=False) == HostSettings()
    with pytest.raises(UsageError, match="TERMINAL_MAX_BUFFER"):
        service_settings({"TERMINAL_MAX_BUFFER": f"{text} of memory"})


async def test_two_first_uses_open_one_session(web: httpx.AsyncClient, here: Here) -> None:
    body = {"session_id": "new", "directory": "/"}
    answers = await asyncio.gather(
        *(web.post("/v1/sessions/files/list", json=body) for _ in range(5))
    )
    assert [answer.json() for answer in answers] == [{"files": []}] * 5
    assert [session.snapshot.name for session in here.host.sessions] == ["new"]
    assert len(list((here.host.state / "workspaces").iterdir())) == 1
