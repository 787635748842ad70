"""Verifies the tokens of users: those that this server made, and those of an identity provider."""

from __future__ import annotations

from typing import Protocol

from codeexec.domain.errors import Denied
from codeexec.server.access.identity import Identity


class KeysNeeded(Denied):
    """The key of this token is not at hand, or the keys are too old: fetch them, then ask again."""


class TokenVerifier(Protocol):
    """Tells whose token it is."""

    def identify(self, token: str) -> Identity:
        """Does not block. Denied for a token that is wrong, has expired or was revoked;
        KeysNeeded."""
        ...

    async def fetch_keys(self) -> None:
        """Get the keys that `identify` needs, as far as they can be had."""
        ...


class Verifiers:
    """Several kinds of tokens, each told by its form."""

    def __init__(self, own: TokenVerifier, others: TokenVerifier | None, own_prefix: str) -> None:
        """`own` has the tokens that begin with `own_prefix`, `others` all else."""
        self._own = own
        self._others = others
        self._own_prefix = own_prefix

    def identify(self, token: str) -> Identity:
        if token.startswith(self._own_prefix):
            return self._own.identify(token)
        if self._others is None:
            raise Denied("The token is wrong.", "Ask whoever runs the server for another one.")
        return self._others.identify(token)

    async def fetch_keys(self) -> None:
        if self._others is not None:
            await self._others.fetch_keys()
