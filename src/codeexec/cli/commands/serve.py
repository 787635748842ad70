"""`codeexec-tui serve`: the session server in the foreground."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.domain.env_vars.secret import TOKEN
from codeexec.domain.errors import Conflict, StorageError, UsageError
from codeexec.hostfiles.private_file import find_private

MIN_TOKEN = 16
"""Minimum characters of a token in a file."""

MIN_ENVIRONMENT_TOKEN = 8
"""Minimum characters of a token from the environment, which serves one run."""

_COMMAND = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_ANOTHER = "Remove {file} to get a new token there, or make one yourself: " + _COMMAND


def parse_bind(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[v6]:PORT` or `:PORT` (loopback). UsageError."""
    host, sign, port = text.rpartition(":")
    if not sign or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"--bind {text} is no HOST:PORT.", "Write it as --bind 127.0.0.1:8890, or :0."
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def read_token(file: Path | None) -> str:
    """The token in the file, which is created (0600) if missing. Without a file: the token in
    CODEEXEC_TOKEN, else a new token.

    UsageError for a token that can be guessed or that other users can read, StorageError when
    the file cannot be read or created.
    """
    if file is None:
        token = os.environ.get(TOKEN, "").strip()
        if token:
            _check_token(token, TOKEN, MIN_ENVIRONMENT_TOKEN)
        return token or secrets.token_urlsafe(32)
    written = find_private(file)
    if written is not None:
        _check_token(written, str(file), MIN_TOKEN)
        return written
    token = secrets.token_urlsafe(32)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(token + "\n")
    except OSError as error:
        raise StorageError(
            f"The token file {file} cannot be made: {error.strerror}.", "Name another file."
        ) from error
    return token


def _check_token(token: str, where: str, least: int) -> None:
    if len(token) < least:
        is_there = f"has {len(token)} characters" if token else "is empty"
        raise UsageError(
            f"The token in {where} {is_there}; at least {least} are required.",
            _ANOTHER.format(file=where) if where != TOKEN else f"Make one: {_COMMAND}",
        )
    if not all("!" <= character <= "~" for character in token):
        raise UsageError(
            f"The token in {where} is not one word of plain characters.", f"Make one: {_COMMAND}"
        )


def _read_env(named: Path | None) -> None:
    """Set the variables of the file where the environment does not have them."""
    from codeexec.config.env_file import apply_env, read_env_file, read_folder_env, refused_words
    from codeexec.environments.trust.store import TrustStore

    if named is not None:
        apply_env(os.environ, read_env_file(named))
        return
    variables, refused = read_folder_env(Path.cwd(), TrustStore())
    if refused:
        style.say(refused_words(refused), file=sys.stderr)
    apply_env(os.environ, variables)


@click.command()
@click.option("--bind", default="", metavar="HOST:PORT", help="Serve on TCP too; :0 for any port.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the token for TCP clients; created if missing.",
)
@click.option(
    "--no-auth",
    is_flag=True,
    help="Ask TCP clients for no token; on a loopback address alone.",
)
@click.option(
    "--jwt-secret",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of secrets for JWTs signed with HS256, one a line.",
)
@click.option(
    "--jwt-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of public keys for JWTs signed with RS256, as PEM.",
)
@click.option("--jwks-url", default="", metavar="URL", help="Public keys for JWTs, at a URL.")
@click.option("--jwt-audience", default="", metavar="NAME", help="What `aud` of JWTs must be.")
@click.option("--jwt-issuer", default="", metavar="NAME", help="What `iss` of JWTs must be.")
@click.option("--host-name", multiple=True, metavar="NAME", help="A name clients call it by.")
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Certificate chain for TLS, as PEM.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its key, where it is in another file.",
)
@click.option(
    "--behind-proxy", is_flag=True, help="A proxy does TLS, and nobody else reaches the address."
)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="File of variables, in place of .env of this folder.",
)
@click.option(
    "--log-format",
    type=click.Choice(("text", "json")),
    help="Log to standard error too, as text or as one JSON object a line.",
)
@click.option(
    "--log-level",
    type=click.Choice(("DEBUG", "INFO", "WARN", "ERROR"), case_sensitive=False),
    help="INFO without it. DEBUG logs the first 100 characters of code too.",
)
@click.option(
    "--isolate",
    type=click.Choice(["docker", "none"]),
    default="none",
    help="docker: run sessions of TCP and HTTP clients in containers, whatever they ask for.",
)
@click.option(
    "--isolate-policy",
    default="locked",
    metavar="POLICY",
    help="What those containers may do: locked, network or open, with changes.",
)
@click.option("--isolate-image", default="", metavar="IMAGE", help="Default: that of docker.image.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
def serve(
    bind: str,
    token_file: Path | None,
    no_auth: bool,
    jwt_secret: Path | None,
    jwt_key: Path | None,
    jwks_url: str,
    jwt_audience: str,
    jwt_issuer: str,
    host_name: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    behind_proxy: bool,
    env_file: Path | None,
    log_format: str | None,
    log_level: str | None,
    isolate: str,
    isolate_policy: str,
    isolate_image: str,
    as_json: bool,
) -> None:
    """Serve sessions in the foreground, until Ctrl+C.

    Without --bind it serves on a private socket, like the server that the workbench starts. With
    --bind, a server that runs already listens on TCP too, until Ctrl+C; its sessions go on.
    TCP clients need the token; it is printed unless --token-file is given. Users with a JWT, or a
    token of `codeexec-tui token create`, have sessions of their own. With --no-auth every user and
    program of this machine can run code as you. An address that other machines reach needs TLS:
    --tls-cert, or a proxy.
    """
    from codeexec.cli.servers.joined_listener import keep_listener
    from codeexec.config.paths import find_paths, read_lock
    from codeexec.environments.holder.holding import Holding
    from codeexec.kernels.early import EarlyKernel
    from codeexec.kernels.factory import make_factory
    from codeexec.server.access.jwt_verifier import JwtSettings
    from codeexec.server.access.settings import AccessSettings
    from codeexec.server.access.user_limits import user_limits
    from codeexec.server.logs.lines import redaction
    from codeexec.server.logs.options import log_options
    from codeexec.server.logs.setup import set_up_log
    from codeexec.server.main import ServerOptions
    from codeexec.server.main import serve as serve_now
    from codeexec.server.service_settings import (
        service_settings,
        with_isolation,
        with_session_limits,
    )
    from codeexec.server.start import (
        claim,
        clean_environ,
        container_settings,
        host_settings,
        remote_targets,
    )
    from codeexec.server.tcp_listener import ListenerOptions, listener_request

    _read_env(env_file)
    logs = log_options(log_format, log_level, os.environ)
    address = parse_bind(bind) if bind else None
    if no_auth and (address is None or token_file is not None):
        raise UsageError(
            "--no-auth is for --bind without --token-file.",
            "Write: codeexec-tui serve --bind 127.0.0.1:8000 --no-auth",
        )
    jwt = JwtSettings(jwt_secret, jwt_key, jwks_url, jwt_audience, jwt_issuer)
    if jwt.is_set and (no_auth or address is None):
        raise UsageError("Keys for JWTs are for --bind without --no-auth.", "Add --bind HOST:PORT.")
    token = ""
    # Where users have JWTs, the static token is for who asks for one.
    if address and not no_auth and (not jwt.is_set or token_file or os.environ.get(TOKEN)):
        token = read_token(token_file)
    if tls_key is not None and tls_cert is None:
        raise UsageError("--tls-key is for --tls-cert.", "Name the certificate: --tls-cert FILE")
    names = frozenset(name.lower() for name in host_name)
    access = AccessSettings(jwt, names, tls_cert, tls_key, behind_proxy)
    limits = service_settings(os.environ)
    clean_environ()
    paths = find_paths()

    def ready(url: str, *, is_joined: bool = False) -> None:
        shown_token = token if url and token_file is None else ""
        if as_json:
            addresses: dict[str, object] = {"socket": str(paths.socket), "url": url}
            addresses |= {"token": shown_token} if shown_token else {}
            style.say_json({**addresses, "joined": is_joined}, flush=True)
            return
        joined = "  (of the server that runs already, with its settings)" if is_joined else ""
        style.say(f"socket  {paths.socket}{joined}", flush=True)
        if url:
            style.say(f"url     {url}", flush=True)
            if token:
                style.say(f"token   {shown_token or f'in {token_file}'}", flush=True)
        if is_joined:
            style.say("Ctrl+C closes this address; the server and its sessions go on.", flush=True)

    settings = with_session_limits(host_settings(), limits, is_service=address is not None)
    if isolate == "docker":
        settings = with_isolation(
            settings, limits, isolate_image or container_settings().image, isolate_policy
        )
    listener = ListenerOptions(address, token, not no_auth, access) if address else None
    instance = claim(paths)
    if instance is None:
        if listener is None:
            raise Conflict(
                "A session server runs already.",
                "Give --bind HOST:PORT to let it listen on TCP too.",
            )
        if isolate == "docker":
            holder = read_lock(paths)
            raise Conflict(
                "A session server runs already, and --isolate is for one that starts.",
                f"End it first: kill {holder.pid if holder else 'PID'}. "
                "The next one takes up its sessions and kernels.",
            )
        request = listener_request(listener)
        asyncio.run(keep_listener(paths, request, lambda url: ready(url, is_joined=True)))
        return
    listening = instance.bind()
    redaction.hide(token)
    set_up_log(paths.log, logs.level, logs.form or "text", on_stderr=logs.form is not None)

    options = ServerOptions(
        paths,
        listener=listener,
        settings=settings,
        service=limits,
        user_limits=user_limits(os.environ),
    )
    kernels = make_factory(EarlyKernel(), container_settings, Holding(paths.holder), remote_targets)
    asyncio.run(serve_now(options, instance, listening, kernels, ready))
