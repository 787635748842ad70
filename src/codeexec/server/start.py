"""The server's first steps, on the standard library: lock, first kernel, socket, then the rest."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.config.paths import Paths, accepts, find_paths, read_lock
from codeexec.domain.env_vars.secret import drop_secrets
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.text.printable import printable
from codeexec.server.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.kernels.backends import RemoteTarget
    from codeexec.kernels.docker.containers import ContainerSettings
    from codeexec.session.settings import AgentSettings, HostSettings

EARLY_WAIT = 20.0
"""Seconds after which an early kernel is ended that nobody took: whoever began this server for a
session of theirs has gone away, or wanted another kernel."""

BOOT_WAIT = 1.0
"""Seconds after which the holder is there, also when nobody needs it: until then it is a fork that
shares our lock and our memory."""

_TURN = 10.0
"""Seconds that a server waits for its turn while another one ends."""


def main(argv: list[str]) -> int:
    """0 when it has served, or when another serves already; 1 with words on standard error."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    clean_environ()  # this server has no network, and so no token
    try:
        first, idle = _arguments(argv)
        paths = find_paths()
        instance = claim(paths)
        if instance is None:
            holder = read_lock(paths)
            _say(f"A server runs already, pid {holder.pid if holder else '?'}.")
            return 0
        return _run(paths, instance, first, idle)
    except CodeexecError as error:
        _say(f"{error.title}: {error}")
        return 1


def clean_environ() -> None:
    """Remove what no kernel and no engine may inherit: our secrets, and the size of the terminal
    from which the server was started."""
    drop_secrets(os.environ)
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


def _say(text: str) -> None:
    sys.stderr.write(printable(text, lines=True) + "\n")


def claim(paths: Paths) -> Instance | None:
    """The lock; None when another server has it and can be reached. One that is about to end is
    waited for, one whose socket was removed is asked to put it back."""
    # Once we hold the lock we may be asked for the socket, before we serve and can answer.
    signal.signal(signal.SIGUSR1, lambda *_: None)
    deadline = time.monotonic() + _TURN
    while (instance := Instance.claim(paths)) is None:
        holder = read_lock(paths)
        if holder is not None:
            if accepts(holder.socket):
                return None
            if not Path(holder.socket).exists():
                try:
                    os.kill(holder.pid, signal.SIGUSR1)
                except ProcessLookupError:
                    continue  # it has just ended
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return instance


def _arguments(argv: list[str]) -> tuple[dict[str, object], float | None]:
    """Fields of `OpenSession` for the session that will be asked for first, or nothing; and after
    how many idle seconds the server ends, if that is not what the settings say."""
    first: dict[str, object] = {}
    idle: float | None = None
    try:
        for option, text in zip(argv[::2], argv[1::2], strict=True):
            content = json.loads(text)
            if option == "--first-session" and isinstance(content, dict):
                first = content
            elif option == "--idle" and isinstance(content, int | float) and content > 0:
                idle = float(content)
            else:
                raise ValueError
    except ValueError as error:
        raise UsageError(
            f"What is meant by {' '.join(argv)!r}?",
            "The server takes --first-session JSON and --idle SECONDS; people start it as "
            "`codeexec-tui serve`.",
        ) from error
    return first, idle


def _run(
    paths: Paths, instance: Instance, first: dict[str, object], idle: float | None = None
) -> int:
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.held import EarlyHolder

    holder = EarlyHolder(paths.holder)
    early = EarlyKernel.start(first, start=holder.start)
    try:
        listening = instance.bind()
        # Imports make little garbage, and looking for it takes a tenth of their time.
        gc.disable()
        import asyncio

        from codeexec.kernels.factory import make_factory
        from codeexec.server.logs.setup import set_up_log
        from codeexec.server.main import ServerOptions, serve

        set_up_log(paths.log)
        settings = host_settings()
        if idle is not None:
            from msgspec.structs import replace  # not before the first kernel

            settings = replace(settings, idle_host=idle)
        options = ServerOptions(paths, settings=settings)
        gc.enable()
        gc.freeze()

        async def run() -> None:
            asyncio.get_running_loop().call_later(EARLY_WAIT, early.end)
            holding = holder.holding()
            asyncio.get_running_loop().call_later(BOOT_WAIT, holding.boot)
            kernels = make_factory(early, container_settings, holding, remote_targets)
            await serve(options, instance, listening, kernels)

        asyncio.run(run())
    finally:
        early.end()
    return 0


def host_settings() -> HostSettings:
    """What the user's file and the environment say of sessions; a project has no say in a
    server that all share."""
    from codeexec.config.load import load
    from codeexec.domain.env_vars.inherited import name_patterns
    from codeexec.session.settings import HostSettings

    loaded = load(Path("/")).settings
    settings = loaded.sessions
    names = {*settings.__struct_fields__} & {*HostSettings.__struct_fields__}
    return HostSettings(
        **{name: getattr(settings, name) for name in names},
        agents=agent_settings,
        hide_env=name_patterns(loaded.kernel.hide_env),
    )


def agent_settings() -> AgentSettings:
    """What the user's file and the environment say of agents, as they are now."""
    from codeexec.config.load import load
    from codeexec.session.settings import AgentSettings

    agents = load(Path("/")).settings.agents
    return AgentSettings(agents.confirm, agents.unattended)


def remote_targets() -> Sequence[RemoteTarget]:
    """The Jupyter servers of the user's file, with the tokens and passwords of their files."""
    from codeexec.config.load import load
    from codeexec.hostfiles.private_file import read_private
    from codeexec.kernels.backends import RemoteTarget

    targets = []
    for remote in load(Path("/")).settings.remote:
        token, password = (
            read_private(Path(file).expanduser()) if file else ""
            for file in (remote.token_file, remote.password_file)
        )
        targets.append(
            RemoteTarget(
                remote.name,
                remote.url,
                token,
                remote.ca_file,
                remote.keep_active,
                remote.kernel_env,
                remote.launch,
                password,
            )
        )
    return targets


def container_settings() -> ContainerSettings:
    """What the user's file and the environment say of containers."""
    from codeexec.config.load import load
    from codeexec.kernels.docker.containers import ContainerSettings

    settings = load(Path("/")).settings.docker
    return ContainerSettings(
        settings.engine,
        settings.context,
        settings.image,
        settings.wanted,
        settings.transport,
        settings.spare,
    )
