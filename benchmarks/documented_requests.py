"""Each documented curl of the service, run as written by one user, and then by an intruder.

    python benchmarks/documented_requests.py        # needs curl, g++ and the extra jwt

Starts `serve` with JWTs in a temporary folder. The requests are those of the two systems whose
clients run on it unchanged, and those of the guide. Prints each one with its answer, and in the end
what was not as documented; the exit status is the number of those. This is no measurement: it shows
at a glance what a client of the network gets.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt

SECRET = "a secret of the walk, with more than 32 characters"
LOOP = "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.4)\n6 * 7"
SOURCE = "#include <iostream>\nint main(int n, char** a) { std::cout << n << a[1] << std::endl; }"
LINE_FIELDS = {"ts", "level", "scope", "message", "meta"}


def token(user: str) -> str:
    claims = {"sub": user, "exp": time.time() + 600}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Walk:
    """Runs curl, prints what it did, and collects what was wrong."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.faults: list[str] = []

    def curl(
        self, path: str, *words: str, user: str = "anna", body: object = None
    ) -> tuple[int, Any]:
        """Status and content of the answer; status 0: there was none."""
        command = ["curl", "-sS", "-m", "60", "-w", "\n%{http_code}", f"{self.url}{path}", *words]
        if user:
            command += ["-H", f"Authorization: Bearer {token(user)}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        text, _, status = done.stdout.rpartition("\n")
        try:
            content = json.loads(text)
        except ValueError:
            content = text
        sent = f" {json.dumps(body)[:160]}" if body is not None else ""
        print(f"{user or 'nobody'}: {path[:80]}{sent} {' '.join(words)[:80]}")
        print(f"    {status} {text[:300]} {done.stderr.strip()}")
        return int(status or 0), content

    def status(self, path: str, *words: str, user: str = "anna", body: object = None) -> int:
        return self.curl(path, *words, user=user, body=body)[0]

    def answer(self, path: str, *words: str, user: str = "anna", body: object = None) -> Any:
        return self.curl(path, *words, user=user, body=body)[1]

    def expect(self, sentence: str, holds: object) -> None:
        if not holds:
            self.faults.append(sentence)
            print(f"    WRONG: {sentence}")

    def wait(self, path: str, open_states: tuple[str, ...]) -> Any:
        """The execution at `path` once it is over."""
        while (answer := self.answer(f"{path}?wait=20"))["status"] in open_states:
            pass
        return answer


def walk_operations(walk: Walk) -> str:
    """POST /start_kernel and so on. The kernel, which goes on."""
    walk.expect("/health", walk.answer("/health") == {"status": "ok"})
    walk.expect("/ready", walk.status("/ready") == 200)
    kernel = str(walk.answer("/start_kernel", "-X", "POST")["id"])
    submission = {"id": kernel, "code": LOOP}
    execution = walk.answer("/execute_code", body=submission)["execution_id"]
    seen = set()
    status: dict[str, Any] = {"completed_at": None}
    while not status["completed_at"]:
        status = walk.answer(f"/execution_status/{execution}")
        seen.add((status["status"], status["output"]["stdout"]))
        time.sleep(0.2)
    fields = {"execution_id", "kernel_id", "created_at", "started_at", "completed_at", "output"}
    walk.expect("fields of the status", fields <= set(status))
    parts = {"stdout", "stderr", "result", "error", "traceback", "execution_count", "status"}
    walk.expect("fields of its output", parts == set(status["output"]))
    walk.expect("output while it runs", seen & {("RUNNING", "0\n"), ("RUNNING", "0\n1\n")})
    walk.expect("its end", status["status"] == "COMPLETED" and status["output"]["result"] == "42")
    walk.expect("its newlines", status["output"]["stdout"] == "0\n1\n2\n")
    walk.expect("`results`", status["results"] == status["output"])
    failing = walk.answer("/execute_code", body={"id": kernel, "code": "1/0"})["execution_id"]
    status = walk.wait(f"/execution_status/{failing}", ("PENDING", "RUNNING"))
    output = status["output"]
    walk.expect("an exception", status["status"] == "FAILED" and output["traceback"])
    walk.expect("its words", output["error"] == "ZeroDivisionError: division by zero")
    walk.expect("blank code", walk.status("/execute_code", body={"id": kernel, "code": " "}) == 422)
    unknown = walk.answer("/execute_code", body={"id": "none", "code": "1"})
    walk.expect("an unknown kernel", unknown["detail"] == "Kernel not found")
    walk.expect(
        "an unknown execution",
        walk.answer("/execution_status/none")["detail"] == "Execution not found",
    )
    return kernel


def walk_programs(walk: Walk, prefix: str) -> None:
    """Execute, build and files of the session `session-1`."""
    session = {"session_id": "session-1"}
    running = ("queued", "running")
    program = {
        **session,
        "language": "python",
        "code": "print('Hello, World!')",
        "file_path": "/src/main.py",
        "args": [],
    }
    started = walk.answer(f"{prefix}/execute/python", body=program)
    walk.expect("execute/python", started["execution_id"].startswith("exec-"))
    ended = walk.wait(f"{prefix}/executions/{started['execution_id']}", running)
    walk.expect("its output", (ended["stdout"], ended["exit_code"]) == ("Hello, World!\n", 0))
    written = {**session, "path": "/src/main.cpp", "content": SOURCE}
    walk.expect("files/write", walk.status(f"{prefix}/files/write", body=written) == 200)
    read = walk.answer(f"{prefix}/files/read", body={**session, "path": "/src/main.cpp"})
    walk.expect("files/read", read["content"] == SOURCE)
    listed = walk.answer(f"{prefix}/files/list", body={**session, "directory": "/src"})
    names = {Path(entry["path"]).name for entry in listed["files"]}
    walk.expect("files/list", {"main.cpp", "main.py"} <= names)
    build = {
        **session,
        "source_files": ["/src/main.cpp"],
        "output_binary": "/workspace/build/main",
        "compiler": "g++",
        "flags": ["-std=c++17", "-O2", "-Wall"],
    }
    built = walk.answer(f"{prefix}/build/cpp", body=build)
    walk.expect("build/cpp", built["build_id"].startswith("build-"))
    walk.expect("its status", (built["status"], built["stderr"]) == ("success", ""))
    walk.expect("its output", built["stdout"] == "Compiled successfully")
    walk.expect("its artifacts", built["artifacts"] == ["/workspace/build/main"])
    binary = {**session, "binary_path": "/workspace/build/main", "args": ["--verbose"]}
    started = walk.answer(f"{prefix}/execute/binary", body=binary)
    ended = walk.wait(f"{prefix}/executions/{started['execution_id']}", running)
    walk.expect("execute/binary", ended["stdout"] == "2--verbose\n")
    rust = {**session, "language": "rust", "code": "fn main() {}", "file_path": "/src/main.rs"}
    walk.expect("execute/rust", walk.status(f"{prefix}/execute/rust", body=rust) == 200)
    outside = {**session, "path": "/../../../etc/passwd"}
    walk.expect("a path outside", walk.status(f"{prefix}/files/read", body=outside) == 403)
    outside = {**session, "path": "../../evil", "content": ""}
    walk.expect("a path outside", walk.status(f"{prefix}/files/write", body=outside) == 403)


def walk_as_intruder(walk: Walk, kernel: str) -> None:
    """What another user, a stranger and a page of another server get."""
    for path, body in (
        ("/execute_code", {"id": kernel, "code": "1"}),
        ("/shutdown_kernel", {"id": kernel}),
        ("/v1/sessions/files/read", {"session_id": kernel, "path": "x"}),
        ("/v1/sessions/execute/python", {"session_id": kernel, "code": "1"}),
        (f"/v1/sessions/{kernel}/terminals", {}),
        (f"/v1/sessions/{kernel}/executions", {"code": "1"}),
    ):
        walk.expect(f"404 for ben: {path}", walk.status(path, user="ben", body=body) == 404)
    for end in ("", "/events", "/files/x", "/history", "/variables"):
        path = f"/v1/sessions/{kernel}{end}"
        walk.expect(f"404 for ben: {path}", walk.status(path, user="ben") == 404)
    walk.expect("ben's list", walk.answer("/v1/sessions", user="ben") == {"sessions": []})
    walk.expect("metrics for ben", walk.status("/metrics", user="ben") == 403)
    walk.expect("stop for ben", walk.status("/v1/stop", "-X", "POST", user="ben") == 403)
    walk.expect("no token", walk.status("/v1/sessions", user="") == 401)
    in_address = f"/v1/sessions?token={token('anna')}"
    walk.expect("a token in the address", walk.status(in_address, user="") == 401)
    many = [word for number in range(300) for word in ("-H", f"X-{number}: 1")]
    for sentence, expected, words in (
        ("an Origin of others", 401, ["-H", "Origin: https://evil.example"]),
        ("a Host of others", 401, ["-H", "Host: evil.example"]),
        ("two tokens", 401, ["-H", "Authorization: Bearer x"]),
        ("300 headers", 400, many),
        ("a long header", 431, ["-H", f"X-Long: {'x' * 40_000}"]),
        ("an id of several lines", 200, ["-H", 'X-Request-Id: a%0a{"level":"FORGED"}']),
    ):
        walk.expect(sentence, walk.status("/v1/sessions", *words) == expected)
    forged = "/v1/sessions/x%0a%7B%22level%22%3A%22FORGED%22%7D/history"
    walk.expect("a name of several lines", walk.status(forged) == 404)
    text = ["-H", "Content-Type: text/plain", "-d", "{}"]
    walk.expect("a form", walk.status("/execute_code", *text) == 415)
    deep = ["-H", "Content-Type: application/json", "-d", "[" * 50_000]
    walk.expect("deep JSON", walk.status("/execute_code", *deep) in (400, 422))


def walk_beside_slow_bodies(walk: Walk) -> None:
    """Fifty requests of ben whose bodies do not come hold nobody up."""
    host, _, port = walk.url.removeprefix("http://").partition(":")
    head = (
        f"POST /execute_code HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token('ben')}"
        "\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(head.encode())
        walk.expect("anna beside slow bodies", walk.status("/v1/sessions") == 200)
        walk.expect("ben beside slow bodies", walk.status("/v1/sessions", user="ben") == 200)
    walk.expect("ben after slow bodies", walk.status("/v1/limits", user="ben") == 200)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The URL of a server whose state and log are in this folder."""
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(f"{SECRET}\n")
    environ = {**os.environ, "HOME": str(folder)}
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
        environ[name] = str(folder / name.lower())
        Path(environ[name]).mkdir(mode=0o700)
    command = [sys.executable, "-m", "codeexec", "serve", "--json", "--bind", "127.0.0.1:0"]
    command += ["--jwt-secret", str(secret), "--log-format", "json", "--log-level", "DEBUG"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def check_log(walk: Walk, text: str) -> None:
    """Each line is one JSON object, and none has a token or was written by a client."""
    lines = []
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    print(f"{len(lines)} lines of the log")
    walk.expect("lines of JSON alone", len(lines) == len(text.splitlines()))
    walk.expect("their fields", all(set(line) == LINE_FIELDS for line in lines))
    walk.expect("their levels", all(line["level"] != "FORGED" for line in lines))
    walk.expect("no token", token("anna").partition(".")[0] not in text)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="cx-walk-", dir="/tmp") as name:
        folder = Path(name)
        with serving(folder) as url:
            walk = Walk(url)
            kernel = walk_operations(walk)
            for prefix in ("/v1/sessions", "/api/v1/sessions"):
                walk_programs(walk, prefix)
            walk_as_intruder(walk, kernel)
            walk_beside_slow_bodies(walk)
            ended = walk.answer("/shutdown_kernel", body={"id": kernel})
            walk.expect("/shutdown_kernel", ended == {"message": f"Kernel {kernel} shutdown"})
            for session in walk.answer("/v1/sessions")["sessions"]:
                if session["session_id"] != kernel:
                    walk.status(f"/v1/sessions/{session['session_id']}/stop", "-X", "POST")
        check_log(walk, (folder / "log").read_text())
    print(f"wrong: {'; '.join(walk.faults) or 'nothing'}")
    return len(walk.faults)


if __name__ == "__main__":
    sys.exit(main())
