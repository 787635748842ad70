"""`codeexec-tui serve`: the session server in the foreground."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path

import click

from codeexec.cli import style
from codeexec.domain.errors import Conflict, StorageError, UsageError


def parse_bind(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[v6]:PORT` or `:PORT` (loopback). UsageError."""
    host, sign, port = text.rpartition(":")
    if not sign or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"--bind {text} is no HOST:PORT.", "Write it as --bind 127.0.0.1:8890, or :0."
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def read_token(file: Path | None) -> str:
    """The token in the file, which is made (0600) when it is not there; without a file a fresh
    one. The environment's CODEEXEC_TOKEN wins over a fresh one."""
    if file is None:
        return os.environ.get("CODEEXEC_TOKEN") or secrets.token_urlsafe(32)
    try:
        if file.exists():
            token = file.read_text(encoding="utf-8").strip()
            if not token:
                raise UsageError(f"{file} is empty.", "Write a token in it, or remove it.")
            return token
        token = secrets.token_urlsafe(32)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(token + "\n")
    except OSError as error:
        raise StorageError(
            f"The token file {file} cannot be used: {error.strerror}.", "Name another file."
        ) from error
    return token


@click.command()
@click.option("--bind", default="", metavar="HOST:PORT", help="Serve on TCP too; :0 for any port.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the token of TCP clients is, or is put.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where it serves as JSON.")
def serve(bind: str, token_file: Path | None, as_json: bool) -> None:
    """Serve sessions in the foreground, until Ctrl+C.

    Without --bind this is the server that the workbench starts by itself: on a private socket.
    TCP clients always need the token; it is printed unless --token-file names where it is.
    """
    from codeexec.config.paths import find_paths
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.factory import make_factory
    from codeexec.server.main import ServerOptions, set_up_log
    from codeexec.server.main import serve as serve_now
    from codeexec.server.start import claim, container_settings, host_settings

    address = parse_bind(bind) if bind else None
    token = read_token(token_file) if address else ""
    paths = find_paths()
    instance = claim(paths)
    if instance is None:
        raise Conflict(
            "A session server runs already.",
            "Stop it first, with `codeexec-tui sessions stop` for what runs in it.",
        )
    listening = instance.bind()
    set_up_log(paths.log)

    def ready(url: str) -> None:
        shown = f"{url}/?token={token}" if url and token_file is None else url
        if as_json:
            style.say_json({"socket": str(paths.socket), "url": shown}, flush=True)
            return
        style.say(f"socket  {paths.socket}", flush=True)
        if shown:
            style.say(f"url     {shown}", flush=True)
            if token_file is not None:
                style.say(f"token   in {token_file}", flush=True)

    options = ServerOptions(paths, bind=address, token=token, settings=host_settings())
    kernels = make_factory(EarlyKernel(), container_settings)
    asyncio.run(serve_now(options, instance, listening, kernels, ready))
