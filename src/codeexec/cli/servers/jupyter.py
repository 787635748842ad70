"""Jupyter servers as options of commands name them. Tokens leave the command line at once."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

from codeexec.domain.places.backends import ADDRESSES, REMOTE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeexec.domain.requests import KernelInfo
    from codeexec.kernels.jupyter.remote.backend import ServedKernel

OPTIONS = ("--server", "--kernel")


def hide_tokens(arguments: list[str]) -> None:
    """Replace this process where an address in its arguments has a token: other users of the
    machine see the arguments. The token is kept in a file first. CodeexecError."""
    if not any("token=" in word for word in arguments):
        return
    end = arguments.index("--") if "--" in arguments else len(arguments)
    before = ["", *arguments[:end]]
    hidden = [_without_token(*pair) for pair in pairwise(before)] + arguments[end:]
    if hidden != arguments:
        own = sys.orig_argv[: len(sys.orig_argv) - len(arguments)]
        os.execv(sys.executable, [*own, *hidden])


def _without_token(option: str, word: str) -> str:
    """The word without a token, where it is the value of the option, or has one of OPTIONS."""
    name, sign, value = word.partition("=") if word.startswith(OPTIONS) else ("", "", word)
    prefix = f"{REMOTE}:" if value.startswith(f"{REMOTE}:") else ""
    address = value.removeprefix(prefix)
    is_value = bool(name) or option in OPTIONS
    if not is_value or not address.startswith(ADDRESSES) or "token=" not in address:
        return word
    from codeexec.kernels.jupyter.remote.address import parse_address
    from codeexec.kernels.jupyter.remote.tokens import keep_token

    parsed = parse_address(address)
    if parsed.token:
        keep_token(parsed.name, parsed.token)
    fragment = f"#{parsed.kernel}" if parsed.kernel else ""
    return f"{name}{sign}{prefix}{parsed.name}{fragment}"


def is_jupyter_server(name: str) -> bool:
    """Whether `--server` names a Jupyter server: by its address, or by a table [remote.NAME]."""
    if name.startswith(ADDRESSES):
        return True
    from codeexec.config.load import load

    settings = load().settings
    is_session_server = any(server.name == name for server in settings.servers)
    return not is_session_server and any(
        remote.name == name and remote.url for remote in settings.remote
    )


def find_place(server: str, kernel: str = "") -> ServedKernel:
    """The server and the kernel there; its token is asked for where none is known and there is a
    terminal. UsageError, NotFound."""
    from codeexec.domain.errors import NotFound
    from codeexec.kernels.jupyter.remote.backend import RemoteBackend
    from codeexec.kernels.jupyter.remote.tokens import VARIABLE, keep_token
    from codeexec.server.start import remote_targets

    if not is_jupyter_server(server) and "." not in server and ":" not in server:
        raise NotFound(
            f"There is no server {server!r} in your settings.",
            f"Write [{REMOTE}.{server}] with url = …: codeexec-tui config edit",
        )
    backend = RemoteBackend(remote_targets)
    place = backend.place(f"{server}#{kernel}" if kernel else server)
    token = os.environ.get(VARIABLE, "")
    if not token and not place.access.token and sys.stdin.isatty():
        token = _ask(place)
    if token:
        # For the session server, which has an environment of its own.
        keep_token(place.access.address.name, token)
        place = backend.place(f"{server}#{kernel}" if kernel else server)
    return place


def kernel_name(server: str, kernel: str = "") -> str:
    """The name of the kernel that `--server` and `--kernel` mean together; without a token."""
    return find_place(server, kernel).kernel_name


def _ask(place: ServedKernel) -> str:
    """The token that the user types; empty where the server wants none, or does not answer."""
    import asyncio

    import click

    from codeexec.kernels.jupyter.remote.failures import ServerFailure
    from codeexec.kernels.jupyter.remote.rest import JupyterServer

    async def look() -> str:
        server = JupyterServer(place.access)
        try:
            if server.hub is not None:
                await server.hub.user()  # the server itself may not run
            else:
                await server.specs()
        except ServerFailure as error:
            return error.kind
        finally:
            await server.close()
        return ""

    if asyncio.run(look()) not in ("token", "forbidden", "xsrf"):
        return ""
    hub = place.access.address.hub
    where = f" (its page {hub}token makes one)" if hub else ""
    return str(click.prompt(f"Token of {place.name}{where}", hide_input=True, err=True)).strip()


def kernels_of(server: str) -> list[KernelInfo]:
    """The kernelspecs of a server, and the kernels that run there. CodeexecError."""
    import asyncio

    from codeexec.kernels.jupyter.remote.backend import RemoteBackend
    from codeexec.server.start import remote_targets

    place = find_place(server)
    infos = asyncio.run(RemoteBackend(remote_targets).offers_of(place.name))
    return list(infos)


def stop_kernels(server: str, ids: Sequence[str]) -> list[tuple[str, int]]:
    """End the kernels whose ids begin so; each id with what the server answered. NotFound,
    UsageError: none was ended."""
    import asyncio

    from codeexec.kernels.jupyter.remote.rest import JupyterServer

    place = find_place(server)

    async def stop() -> list[tuple[str, int]]:
        api = JupyterServer(place.access)
        try:
            running = [kernel.id for kernel in await api.kernels()]
            chosen = [_full_id(begin, running, api.name, server) for begin in ids]
            return [(kernel_id, await api.delete(kernel_id)) for kernel_id in dict.fromkeys(chosen)]
        finally:
            await api.close()

    return asyncio.run(stop())


def _full_id(begin: str, running: Sequence[str], name: str, server: str) -> str:
    from codeexec.domain.errors import NotFound, UsageError

    matching = [kernel_id for kernel_id in running if kernel_id.startswith(begin)]
    if not matching:
        step = f"codeexec-tui kernels list --server {server}"
        raise NotFound(f"{name} has no kernel {begin}.", step)
    if len(matching) > 1:
        raise UsageError(f"{begin} begins {len(matching)} ids.", "Write more of it.")
    return matching[0]
