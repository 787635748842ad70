"""A real JupyterHub for tests, in the environment of the Jupyter servers."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from support.jupyter_servers import READY_WAIT, VENV, TestServer, program
from support.ports import pick_port

PROXY = "configurable-http-proxy@4.6.3"
"""It runs with node 18; later ones want node 20 and more."""

CONFIG = '''
import asyncio, os, sys
from pathlib import Path
from jupyterhub.spawner import SimpleLocalProcessSpawner

FOLDER = Path({folder!r})


class Spawner(SimpleLocalProcessSpawner):
    """The servers `slow` start when there is a file `go`; those named `fails` never do."""

    async def start(self):
        if self.name == "fails":
            raise RuntimeError("no machine is \\x1b[31mfree")
        while self.name == "slow" and not (FOLDER / "go").exists():
            await asyncio.sleep(0.05)
        return await super().start()

    async def progress(self):
        yield {{"progress": 20, "message": "Looking for a machine"}}
        if self.name == "slow":
            yield {{"progress": 40, "message": "Waiting\\x1b]0;title\\x07 for\\nthe image"}}


c = get_config()
c.JupyterHub.spawner_class = Spawner
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.allow_named_servers = True
c.JupyterHub.bind_url = "http://127.0.0.1:{port}/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["node", {proxy!r}]
c.ConfigurableHTTPProxy.pid_file = str(FOLDER / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{{FOLDER}}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(FOLDER / "cookie_secret")
c.SimpleLocalProcessSpawner.home_dir_template = str(FOLDER / "home" / "{{username}}")
c.Spawner.cmd = [{single!r}, "--allow-root"]
c.Spawner.environment = {{"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}}
c.Spawner.default_url = "/"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.JupyterHub.services = [{{"name": "tests", "api_token": os.environ["ADMIN_TOKEN"]}}]
c.JupyterHub.load_roles = [
    {{
        "name": "tests-role",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "tokens", "access:servers", "shutdown"],
    }},
]
'''


@dataclass(frozen=True, slots=True)
class TestHub:
    """A hub that runs; `url` is the root of its host."""

    url: str
    folder: Path
    admin_token: str

    __test__ = False

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """The JSON of the answer of the hub's API."""
        request = urllib.request.Request(
            f"{self.url}hub/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.admin_token}"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, object] = json.loads(answer.read() or b"{}")
            return found

    def make_user(self, name: str, scopes: list[str] | None = None) -> str:
        """A token of a user, whom the hub need not know yet; `scopes` are all its rights."""
        try:
            self.ask("POST", f"users/{name}")
        except urllib.error.HTTPError as error:
            assert error.code == 409  # it knows them
        body = {} if scopes is None else {"scopes": scopes}
        return str(self.ask("POST", f"users/{name}/tokens", body)["token"])

    def server(self, user: str, name: str = "") -> dict[str, object] | None:
        """The hub's model of a server; None for one that it does not know."""
        model = self.ask("GET", f"users/{user}?include_stopped_servers=1")["servers"]
        assert isinstance(model, dict)
        found: dict[str, object] | None = model.get(name)
        return found

    def is_running(self, user: str, name: str = "") -> bool:
        """Whether a server runs, or starts or ends."""
        model = self.server(user, name)
        return model is not None and bool(model["ready"] or model["pending"])

    def let_slow_ones_start(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture(scope="session", name="jupyter_hub")
def shared_jupyter_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestHub]:
    """A JupyterHub with its proxy, for all tests of a process."""
    with jupyter_hub(tmp_path_factory.mktemp("jupyter-hub")) as hub:
        yield hub


@pytest.fixture(scope="session", name="hub_server")
def shared_hub_server(jupyter_hub: TestHub) -> TestServer:
    """The server of a user of the hub, which the first kernel starts."""
    token = jupyter_hub.make_user("kim")
    folder = jupyter_hub.folder / "home" / "kim"
    return TestServer(f"{jupyter_hub.url}user/kim/", 0, folder, folder / "log", token)


def proxy_program() -> str:
    """The script of the hub's proxy, which npm installs when it is not there."""
    folder = VENV / PROXY
    script = folder / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    with (VENV.parent / ".venv-jupyter.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            folder.mkdir(parents=True, exist_ok=True)
            npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
            subprocess.run([*npm, PROXY], check=True)
    return str(script)


@contextmanager
def jupyter_hub(folder: Path) -> Iterator[TestHub]:
    """A JupyterHub whose servers are processes of this user, with their files below `folder`."""
    hub_program = program("jupyterhub")
    token = secrets.token_hex(16)
    port, hub_port, proxy_port = pick_port(), pick_port(), pick_port()
    hub = TestHub(f"http://127.0.0.1:{port}/", folder, token)
    config = folder / "jupyterhub_config.py"
    config.write_text(
        CONFIG.format(
            folder=str(folder),
            port=port,
            hub_port=hub_port,
            proxy_port=proxy_port,
            proxy=proxy_program(),
            single=str(VENV / "bin" / "jupyterhub-singleuser"),
        )
    )
    # As for the Jupyter servers: with the second one kernels do not catch what children write.
    left_out = ("PYTHONPATH", "PYTEST_CURRENT_TEST")
    inherited = {key: value for key, value in os.environ.items() if key not in left_out}
    inherited["PATH"] = f"{VENV / 'bin'}:{inherited['PATH']}"
    log = folder / "hub.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [hub_program, "-f", str(config)],
            env={**inherited, "ADMIN_TOKEN": token},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder,
        )
    try:
        _wait_until_ready(hub, process, log)
        yield hub
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The hub ends its proxy and servers; what it leaves is killed."""
    started = []
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(60)
    process.kill()
    process.wait()
    for left in psutil.wait_procs(started, 5)[1]:
        with suppress(psutil.NoSuchProcess):
            left.kill()


def _wait_until_ready(hub: TestHub, process: subprocess.Popen[bytes], log: Path) -> None:
    end = monotonic() + READY_WAIT
    while monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            hub.ask("GET", "")
            return
        except OSError:
            sleep(0.3)  # the proxy logs each question that comes before the hub is there
    raise AssertionError(f"not ready: {log.read_text()}")
