"""`codeexec-tui token`: tokens for users of the service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import click

from codeexec.cli import messages as style

if TYPE_CHECKING:
    from codeexec.server.access.identity import Scope
    from codeexec.server.access.token_store import StoredToken, TokenStore

_DAY = 86400.0


@click.group()
def token() -> None:
    """Tokens for users of a server that others reach."""


@token.command("create")
@click.argument("user")
@click.option(
    "--scope",
    type=click.Choice(["read", "run", "admin"]),
    default="run",
    show_default=True,
    help="What it allows: look, run code, or also stop the server.",
)
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True, max=36500),
    default=90.0,
    show_default=True,
    help="Days until it expires.",
)
@click.option(
    "--agent",
    default="",
    metavar="NAME",
    help="It is for an agent: what that runs is marked, and confirmed as [agents] says.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def create(user: str, scope: str, days: float, agent: str, as_json: bool) -> None:
    """Make a token for USER. With it the user sees their own sessions alone.

    It is printed once, and cannot be shown again. It works at once.
    """
    text, stored = _store().create(user, cast("Scope", scope), days * _DAY, agent)
    if as_json:
        style.say_json({**_fields(stored), "token": text})
        return
    style.say(f"token   {text}")
    style.say(f"id      {stored.id}, for {stored.user}, {stored.scope}, until {_day(stored)}")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_tokens(as_json: bool) -> None:
    """List the tokens that were made and not revoked."""
    for stored in _store().list():
        if as_json:
            style.say_json(_fields(stored))
        else:
            agent = f", agent {stored.agent}" if stored.agent else ""
            style.say(
                f"{stored.id}  {stored.user:<20} {stored.scope:<5}  until {_day(stored)}{agent}"
            )


@token.command("revoke")
@click.argument("names", metavar="ID|USER...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def revoke(names: tuple[str, ...], as_json: bool) -> None:
    """Revoke a token by its id, or all tokens of a user.

    Open connections end within seconds.
    """
    store = _store()
    for name in names:
        for stored in store.revoke(name):
            if as_json:
                style.say_json({"id": stored.id, "user": stored.user, "revoked": True})
            else:
                style.say(f"Revoked {stored.id} of {stored.user}.")


def _store() -> TokenStore:
    from codeexec.config.paths import find_paths
    from codeexec.server.access.token_store import TokenStore

    return TokenStore(find_paths().state)


def _fields(stored: StoredToken) -> dict[str, object]:
    return {
        "id": stored.id,
        "user": stored.user,
        "scope": stored.scope,
        "agent": stored.agent,
        "created": stored.created,
        "expires": stored.expires,
    }


def _day(stored: StoredToken) -> str:
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.expires))
    return f"{day} (expired)" if stored.expires <= time.time() else day
