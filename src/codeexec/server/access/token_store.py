"""Tokens that this server's owner makes for users, for services without an identity provider.

`tokens.json` in the state folder holds their digests, never the tokens. It is read again when it
changes, so that a token can be made or revoked while the server runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from codeexec.domain.errors import CodeexecError, Denied, NotFound, StorageError, UsageError
from codeexec.hostfiles.file_version import FileVersion, file_version
from codeexec.hostfiles.private_file import find_private
from codeexec.server.access.identity import Identity, Scope, agent_name
from codeexec.server.access.jwt_verifier import is_subject

log = logging.getLogger(__name__)

PREFIX = "cxt_"
FILE = "tokens.json"
MAX_BYTES = 16 << 20
"""Of the file: about 80,000 tokens."""

_NEXT = "Ask whoever runs the server for another one."


class StoredToken(msgspec.Struct, frozen=True):
    """Times are in seconds since 1970. `digest` is the SHA-256 of the token. `agent` names the
    agent that it was made for, if any."""

    id: str
    user: str
    scope: Scope
    created: float
    expires: float
    digest: str
    agent: str = ""


class TokenStore:
    """The file of one state folder. `clock` tells seconds since 1970."""

    def __init__(self, state: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = state / FILE
        self._clock = clock
        self._version: FileVersion | None = None
        self._tokens: dict[str, StoredToken] = {}

    def create(
        self, user: str, scope: Scope, seconds: float, agent: str = ""
    ) -> tuple[str, StoredToken]:
        """A new token, which is told only now, and what is stored of it. `seconds` until it
        expires; `agent` is the name of the agent that gets it. UsageError, StorageError."""
        if not is_subject(user):
            raise UsageError(f"{user[:40]!a} is no name of a user.", "Give one, such as anna.")
        if agent and agent != agent_name(agent):
            raise UsageError(f"{agent[:40]!a} is no name of an agent.", "Give a plain name.")
        token_id = secrets.token_hex(4)
        token = f"{PREFIX}{token_id}_{secrets.token_urlsafe(32)}"
        now = self._clock()
        stored = StoredToken(token_id, user, scope, now, now + seconds, _digest(token), agent)
        with self._changing() as tokens:
            tokens[token_id] = stored
        return token, stored

    def list(self) -> tuple[StoredToken, ...]:
        """All that were not revoked, in the order in which they were made. StorageError."""
        return tuple(sorted(self._read().values(), key=lambda token: token.created))

    def revoke(self, name: str) -> tuple[StoredToken, ...]:
        """Forget the token of this id, or all tokens of this user. NotFound, StorageError."""
        with self._changing() as tokens:
            revoked = tuple(t for t in tokens.values() if name in (t.id, t.user))
            if not revoked:
                raise NotFound(
                    f"There is no token of {name[:100]!r}.", "See: codeexec-tui token list"
                )
            for token in revoked:
                del tokens[token.id]
        return revoked

    def identify(self, token: str) -> Identity:
        """See `TokenVerifier`."""
        self._refresh()
        token_id = token.removeprefix(PREFIX).partition("_")[0]
        stored = self._tokens.get(token_id)
        if stored is None or not hmac.compare_digest(stored.digest, _digest(token)):
            raise Denied("The token is wrong, or was revoked.", _NEXT)
        if self._clock() >= stored.expires:
            raise Denied("The token has expired.", _NEXT)
        return Identity(stored.user, stored.scope, stored.expires, stored.agent)

    async def fetch_keys(self) -> None:
        """There are none."""

    def _refresh(self) -> None:
        version = file_version(self.path)
        if version == self._version:
            return
        try:
            self._tokens = self._read()
        except CodeexecError as error:
            # A revoked token may stand in what was read before.
            log.error("no token of %s is taken: %s", self.path, error)
            self._tokens = {}
        self._version = version

    def _read(self) -> dict[str, StoredToken]:
        content = find_private(self.path, MAX_BYTES)
        try:
            tokens = msgspec.json.decode(content or "[]", type=list[StoredToken])
        except msgspec.MsgspecError as error:
            raise StorageError(
                f"{self.path} cannot be read: {error}.", "Move it away; its tokens are then void."
            ) from error
        return {token.id: token for token in tokens}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, StoredToken]]:
        """The tokens, to be changed; written when the block ends. Other processes wait."""
        beside = self.path.with_name(f".{FILE}.new")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{FILE}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._not_written(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = self._read()
            yield tokens
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                with os.fdopen(os.open(beside, flags, 0o600), "wb") as out:
                    out.write(msgspec.json.format(msgspec.json.encode(list(tokens.values()))))
                beside.replace(self.path)
            except OSError as error:
                raise self._not_written(error) from error
        finally:
            os.close(lock)

    def _not_written(self, error: OSError) -> StorageError:
        return StorageError(
            f"{self.path} cannot be written: {error.strerror or error}.",
            "Look at the folder and its disk.",
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
