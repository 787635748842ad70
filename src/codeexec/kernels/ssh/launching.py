"""Starts processes of kernels on another machine by the relay there."""

from __future__ import annotations

import json
from collections.abc import Mapping

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import run
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.kernels.jupyter.discover import KernelSpec
from codeexec.kernels.jupyter.launch import CHANNELS
from codeexec.kernels.relay.channel_proxy import connection
from codeexec.kernels.relay.launcher_files import launcher_files
from codeexec.kernels.ssh.interpreter import Interpreter
from codeexec.kernels.ssh.runner_pipes import send_program

_PORTS = (
    "import socket; s = [socket.socket() for _ in range(5)]; "
    "[each.bind(('127.0.0.1', 0)) for each in s]; print(*(each.getsockname()[1] for each in s))"
)


async def launch_ipykernel(
    environment: SshEnvironment,
    python: Interpreter,
    folder: str,
    key: str,
    env: Mapping[str, str],
) -> GuestProcess:
    """Start ipykernel by our launcher; it keeps its files, sockets and outbox in `folder`."""
    file = f"{folder}/kernel.json"
    files = [(f"{folder}/{name}", content) for name, content in launcher_files()]
    return await environment.wire.spawn(
        [python.path, f"{folder}/launch.py", "-f", file, *python.options],
        cwd=folder,
        env=_variables(environment, {**python.env, **env}),
        stdin=False,
        folders=[folder],
        files=[(file, json.dumps(connection(f"{folder}/k", key))), *files],
    )


async def launch_runner(
    environment: SshEnvironment, python: Interpreter, env: Mapping[str, str]
) -> GuestProcess:
    """Start our runner, which speaks by its pipes."""
    program = await send_program(environment)
    return await environment.wire.spawn(
        [python.path, program],
        cwd=str(environment.own_folder),
        env=_variables(environment, {**python.env, **env}),
    )


async def launch_spec(
    environment: SshEnvironment, spec: KernelSpec, folder: str, key: str, env: Mapping[str, str]
) -> tuple[GuestProcess, tuple[int, ...]]:
    """Start a kernel that keeps its files in `folder`. Returns the ports that it binds there; none
    for Unix sockets in that folder. EnvironmentUnavailable."""
    ports: tuple[int, ...] = ()
    if spec.transports[0] == "tcp":
        outcome = await run(environment, [environment.python, "-IS", "-c", _PORTS])
        ports = tuple(int(word) for word in outcome.stdout.split() if word.isdigit())
        if len(ports) != len(CHANNELS):
            raise EnvironmentUnavailable(f"{environment.place.host} has no free ports.")
    file = f"{folder}/kernel.json"
    command = [word.replace("{connection_file}", file) for word in spec.command]
    process = await environment.wire.spawn(
        command,
        cwd=str(environment.folder),
        env={**spec.env, **env},
        stdin=False,
        folders=[folder],
        files=[(file, json.dumps(connection(f"{folder}/k", key, ports)))],
    )
    return process, ports


def _variables(environment: SshEnvironment, env: Mapping[str, str]) -> dict[str, str]:
    # Our launcher enters the folder when nothing more is imported: not from there.
    return {"TERM": "xterm-256color", "CODEEXEC_CWD": str(environment.folder), **env}
