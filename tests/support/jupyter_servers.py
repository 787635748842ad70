"""Real Jupyter servers for tests, in a virtual environment of their own that is made once."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.jupyter.remote.access import Access
from codeexec.kernels.jupyter.remote.address import parse_address
from codeexec.kernels.jupyter.remote.files.environment import ServedPlace
from codeexec.kernels.jupyter.remote.rest import JupyterServer
from support.ports import pick_port

PACKAGES = (
    "jupyter_server==2.21.*",
    "jupyter_kernel_gateway==3.0.*",
    "jupyterhub==6.1.*",
    "ipykernel>=7.4,<8",
)
VENV = Path(__file__).parents[2] / ".venv-jupyter"
GATEWAY_PACKAGES = ("jupyter_enterprise_gateway==3.3.*",)
GATEWAY_VENV = VENV.with_name(".venv-enterprise-gateway")
"""It does not resolve with ipykernel 7: its kernels are those of VENV."""
TOKEN = f"token-of-tests-{secrets.token_hex(8)}"
PASSWORD = "correct horse é staple"
READY_WAIT = 120.0
_NAMES = {"jupyter_server", "kernel_gateway", "enterprise_gateway", "jupyter_hub", "hub_server"}
SERVER_SECONDS = 1200
"""For a test that uses one: the first one makes the environment, the others wait for that. Beside
other work the packages take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = {*getattr(item, "fixturenames", ()), *vars(getattr(item, "module", item))}
        if names & _NAMES and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SERVER_SECONDS))


@dataclass(frozen=True, slots=True)
class TestServer:
    """A server that runs; `url` is its root, without the token. `folder` has all that it keeps.
    `pid` is 0 where a hub starts it."""

    url: str
    pid: int
    folder: Path
    log: Path
    token: str = TOKEN

    __test__ = False

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def address(self) -> str:
        """As people paste it."""
        return f"{self.url}lab?token={self.token}"

    def get(self, path: str) -> object:
        return self.ask("GET", path)

    def ask(self, method: str, path: str) -> object:
        """The JSON of the answer."""
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def kernels(self) -> list[dict[str, object]]:
        try:
            models = self.get("api/kernels")
        except urllib.error.HTTPError as error:
            if error.code != 500:
                raise
            models = self.get("api/kernels")  # a kernel was just being made, or removed
        assert isinstance(models, list)
        return models


@pytest.fixture(scope="session", name="jupyter_server")
def shared_jupyter_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A Jupyter Server with its own settings, for all tests of a process."""
    with jupyter_server(tmp_path_factory.mktemp("jupyter-server")) as server:
        yield server


@pytest.fixture(scope="session", name="kernel_gateway")
def shared_kernel_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A Kernel Gateway, for all tests of a process."""
    with kernel_gateway(tmp_path_factory.mktemp("kernel-gateway")) as server:
        yield server


@pytest.fixture(scope="session", name="enterprise_gateway")
def shared_enterprise_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """An Enterprise Gateway, for all tests of a process."""
    with enterprise_gateway(tmp_path_factory.mktemp("enterprise-gateway")) as server:
        yield server


def program(name: str, venv: Path = VENV, packages: tuple[str, ...] = PACKAGES) -> str:
    """The path of a program of the environment, which is made when it is not there."""
    done, made = venv / "done", repr(packages)
    with venv.with_name(f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text() != made:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet"]
            install = [*pip, "install", "--disable-pip-version-check", *packages]
            subprocess.run(install, check=True)
            # At each start it makes the parser of a format that no server checks: 2.5 s.
            subprocess.run([*pip, "uninstall", "--yes", "rfc3987-syntax"], check=True)
            done.write_text(made)
    return str(venv / "bin" / name)


@contextmanager
def jupyter_server(
    folder: Path,
    *options: str,
    port: int = 0,
    token: str = TOKEN,
    root: Path | None = None,
) -> Iterator[TestServer]:
    """It keeps its own files in `folder`, and serves those of `root`; None: of `folder`."""
    port = port or pick_port()
    command = [
        program("jupyter-server"),
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root or folder}",
        *options,
    ]
    # By a variable: other users see the words of a command.
    with _running(command, folder, port, {"JUPYTER_TOKEN": token}) as server:
        yield server


@contextmanager
def password_server(folder: Path) -> Iterator[TestServer]:
    """A server that takes PASSWORD on its page; its token is for tests alone."""
    python = program("python")
    code = "import sys; from jupyter_server.auth import passwd; print(passwd(sys.argv[1]))"
    made = subprocess.run([python, "-c", code, PASSWORD], capture_output=True, check=True)
    hashed = made.stdout.decode().strip()
    option = f"--PasswordIdentityProvider.hashed_password={hashed}"
    with jupyter_server(folder, option) as server:
        yield server


@asynccontextmanager
async def served_place(server: TestServer, here: Path) -> AsyncIterator[ServedPlace]:
    """The environment of a session with kernels of the server; `here` is its folder here."""
    access = Access(parse_address(server.url), server.token)
    place = ServedPlace(JupyterServer(access), LocalEnvironment(here))
    try:
        yield place
    finally:
        await place.terminate()


@contextmanager
def kernel_gateway(folder: Path) -> Iterator[TestServer]:
    port = pick_port()
    command = [
        program("jupyter-kernelgateway"),
        "--KernelGatewayApp.ip=127.0.0.1",
        f"--KernelGatewayApp.port={port}",
        "--KernelGatewayApp.port_retries=0",
        "--JupyterWebsocketPersonality.list_kernels=True",
    ]
    with _running(command, folder, port, {"KG_AUTH_TOKEN": TOKEN}) as server:
        yield server


@contextmanager
def enterprise_gateway(folder: Path) -> Iterator[TestServer]:
    argv = [program("python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    proxy = "enterprise_gateway.services.processproxies.processproxy.LocalProcessProxy"
    spec = {
        "argv": argv,
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"process_proxy": {"class_name": proxy}},
    }
    specs = folder / "jupyter_data_dir" / "kernels" / "python3"
    specs.mkdir(parents=True)
    (specs / "kernel.json").write_text(json.dumps(spec))
    port = pick_port()
    command = [
        program("jupyter-enterprisegateway", GATEWAY_VENV, GATEWAY_PACKAGES),
        "--EnterpriseGatewayApp.ip=127.0.0.1",
        f"--EnterpriseGatewayApp.port={port}",
        "--EnterpriseGatewayApp.port_retries=0",
        "--EnterpriseGatewayApp.list_kernels=True",
    ]
    with _running(command, folder, port, {"EG_AUTH_TOKEN": TOKEN}) as server:
        yield server


@contextmanager
def _running(
    command: list[str], folder: Path, port: int, env: dict[str, str]
) -> Iterator[TestServer]:
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    }
    # With the second one kernels do not catch what children write.
    left_out = ("PYTHONPATH", "PYTEST_CURRENT_TEST")
    inherited = {key: value for key, value in os.environ.items() if key not in left_out}
    inherited["PATH"] = f"{VENV / 'bin'}:{inherited['PATH']}"
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**inherited, **own, **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd=folder,
        )
    [token] = env.values()
    server = TestServer(f"http://127.0.0.1:{port}/", process.pid, folder, log, token)
    try:
        _wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(server: TestServer, process: subprocess.Popen[bytes]) -> None:
    end = monotonic() + READY_WAIT
    while monotonic() < end:
        assert process.poll() is None, server.log.read_text()
        try:
            server.get("api/kernelspecs")
            return
        except (OSError, urllib.error.URLError):
            sleep(0.1)
    raise AssertionError(f"not ready: {server.log.read_text()}")
