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
    from codeexec.kernels.jupyter.remote.access import Access
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
    """The server and the kernel there. Where no token is known, or a login may have expired, the
    password of the environment is used, or a terminal is asked for one of them. UsageError,
    NotFound, ServerFailure."""
    from codeexec.domain.errors import NotFound
    from codeexec.kernels.jupyter.remote.backend import RemoteBackend
    from codeexec.kernels.jupyter.remote.tokens import PASSWORD_VARIABLE, VARIABLE, keep_token
    from codeexec.server.start import remote_targets

    if not is_jupyter_server(server) and "." not in server and ":" not in server:
        raise NotFound(
            f"There is no server {server!r} in your settings.",
            f"Write [{REMOTE}.{server}] with url = …: codeexec-tui config edit",
        )
    backend = RemoteBackend(remote_targets)
    place = backend.place(f"{server}#{kernel}" if kernel else server)
    token, access = os.environ.get(VARIABLE, ""), place.access
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if token:
        # For the session server, which has an environment of its own.
        keep_token(access.address.name, token)
    elif (
        (access.token and not access.is_login)
        or not (password or sys.stdin.isatty())
        or not _sign_in(access, password)
    ):
        return place
    return backend.place(f"{server}#{kernel}" if kernel else server)


def kernel_name(server: str, kernel: str = "") -> str:
    """The name of the kernel that `--server` and `--kernel` mean together; without a token."""
    return find_place(server, kernel).kernel_name


def _sign_in(access: Access, password: str) -> bool:
    """Get and keep a token or login, where the server or its hub does not know us; whether there is
    one now. An empty password: the user is asked. ServerFailure where the password is wrong."""
    import asyncio

    import click

    from codeexec.kernels.jupyter.remote.failures import ServerFailure
    from codeexec.kernels.jupyter.remote.login.sign_in import (
        MOST_TRIES,
        REFUSED,
        keep_login,
        question,
        try_secret,
    )
    from codeexec.kernels.jupyter.remote.rest import JupyterServer

    async def look() -> str:
        server = JupyterServer(access)
        try:
            await server.check_token()
        except ServerFailure as error:
            return error.kind
        finally:
            await server.close()
        return ""

    if asyncio.run(look()) not in REFUSED:
        return True
    if password:
        asyncio.run(keep_login(access, password))
        return True
    prompt = question(access).removesuffix(":")
    for _ in range(MOST_TRIES):
        try:
            text = str(click.prompt(prompt, hide_input=True, err=True))
            asyncio.run(try_secret(access, text))
            return True
        except ServerFailure as error:
            if error.kind not in REFUSED:
                raise
            click.echo(error.message, err=True)
    return False


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
