"""Identity of a client: the user of the service, and what their token allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Literal

from msgspec import Struct

from codeexec.domain.errors import Denied

Scope = Literal["read", "run", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "run", "admin")
"""Each one includes those before it."""


class Identity(Struct, frozen=True):
    """`subject` owns the sessions that it opens, and sees no others. Empty: the operator of the
    server, with a view of all. `expires` is in seconds since 1970; None: never."""

    subject: str = ""
    scope: Scope | None = "admin"
    expires: float | None = None
    agent: str = ""
    """The name of the agent that the token was made for; empty: it is a person's or program's."""

    @property
    def owner(self) -> str | None:
        """For `SessionLookup`: None finds the sessions of all."""
        return self.subject or None

    def may(self, scope: Scope) -> bool:
        return self.scope is not None and SCOPES.index(self.scope) >= SCOPES.index(scope)

    def require(self, scope: Scope) -> None:
        """Denied unless the token has this scope."""
        if not self.may(scope):
            given = f"the scope {self.scope!r}" if self.scope else "no scope of this server"
            raise Denied(
                f"This needs the scope {scope!r}; your token has {given}.",
                "Get a token with that scope from whoever runs the server.",
            )


OPERATOR = Identity()
"""The user who runs the server: by the private socket, the static token, or `--no-auth`."""

VISITOR = Identity("page", None, 0.0)
"""A browser that asks for a page: what it may see is decided by its cookie."""

NOBODY = Identity("nobody", None, 0.0)
"""Before a client has told who it is."""

current_identity: ContextVar[Identity] = ContextVar("current_identity")
"""Who sent the HTTP request that is being answered."""

current_admission: ContextVar[Callable[[], Awaitable[Identity]]] = ContextVar("current_admission")
"""Checks the token of the client again whose request is being answered. It raises Denied."""

current_agent: ContextVar[str] = ContextVar("current_agent", default="")
"""The name of the agent that sent it; empty: no agent did, as far as it says."""


def agent_name(text: str) -> str:
    """The name of an agent as it is shown; empty where nothing of it can be shown."""
    return "".join(character for character in text if character.isprintable()).strip()[:100]


def widest_scope(names: Iterable[str]) -> Scope | None:
    """The scope that includes all named ones; None when no name is a known scope."""
    given = set(names)
    return next((scope for scope in reversed(SCOPES) if scope in given), None)
