"""Verifies JSON Web Tokens: signed with a shared secret, an RSA key, or keys at a URL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from codeexec.domain.errors import Denied, UsageError
from codeexec.server.access.identity import Identity, Scope, agent_name, widest_scope
from codeexec.server.access.verifier import KeysNeeded

if TYPE_CHECKING:
    from jwt.types import Options

MAX_TOKEN = 8192
MAX_SUBJECT = 200
"""Characters."""

DEFAULT_SCOPE: Scope = "run"
"""Of a token that has no `scope` claim."""

_NEXT = "Get a new one where you got it."


class JwtSettings(Struct, frozen=True):
    """Where keys are, and what else a token must say. At least one of the first three is set.
    Each token must have `sub` and `exp`; `audience` and `issuer`, where set, must be its `aud`
    and `iss`."""

    secret_file: Path | None = None
    """Secrets for HS256, one a line; each has at least 32 characters."""
    key_file: Path | None = None
    """RSA public keys for RS256, as PEM."""
    jwks_url: str = ""
    """Public keys as a JSON Web Key Set."""
    audience: str = ""
    issuer: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.secret_file or self.key_file or self.jwks_url)


class VerificationKey(Struct, frozen=True):
    """`key` as PyJWT takes it, and the one algorithm that it is for."""

    key: object
    algorithm: str


class KeySource(Protocol):
    def keys_for(self, key_id: str) -> Sequence[VerificationKey]:
        """The keys that may have signed a token whose header names `key_id` (empty: none is
        named). KeysNeeded, Unavailable."""
        ...

    async def fetch(self) -> None:
        """After KeysNeeded."""
        ...


class JwtVerifier:
    """A token is good when one key of one source verifies it, with the algorithm of that key: the
    one that the token names itself decides nothing."""

    def __init__(self, settings: JwtSettings, sources: Sequence[KeySource]) -> None:
        self._settings = settings
        self._sources = sources

    def identify(self, token: str) -> Identity:
        import jwt

        if len(token) > MAX_TOKEN:
            raise Denied("The token is too long.", _NEXT)
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Denied("The token is wrong.", _NEXT) from error
        key_id = header.get("kid")
        keys_needed: KeysNeeded | None = None
        for source in self._sources:
            try:
                keys = source.keys_for(key_id if isinstance(key_id, str) else "")
            except KeysNeeded as error:
                keys_needed = error
                continue
            for key in keys:
                if key.algorithm != header.get("alg"):
                    continue
                try:
                    return self._identity(self._claims(token, key))
                except jwt.InvalidSignatureError:
                    continue
        raise keys_needed or Denied("The token is signed with a key that is not known here.", _NEXT)

    async def fetch_keys(self) -> None:
        for source in self._sources:
            await source.fetch()

    def _claims(self, token: str, key: VerificationKey) -> dict[str, object]:
        """InvalidSignatureError where another key signed it; Denied."""
        import jwt

        options: Options = {
            "require": ["exp", "sub"],
            "verify_aud": bool(self._settings.audience),
            # When it was made decides nothing, and clocks differ by a second.
            "verify_iat": False,
        }
        try:
            claims: dict[str, object] = jwt.decode(
                token,
                key.key,  # type: ignore[arg-type]
                algorithms=[key.algorithm],
                audience=self._settings.audience or None,
                issuer=self._settings.issuer or None,
                options=options,
            )
        except jwt.InvalidSignatureError:
            raise
        except jwt.ExpiredSignatureError as error:
            raise Denied("The token has expired.", _NEXT) from error
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise Denied(f"The token is wrong: {str(error)[:200]}.", _NEXT) from error
        return claims

    def _identity(self, claims: dict[str, object]) -> Identity:
        subject, expires = claims["sub"], claims["exp"]
        if not isinstance(subject, str) or not is_subject(subject):
            raise Denied("The token names no user: its `sub` is not a name.", _NEXT)
        if not isinstance(expires, int | float):
            raise Denied("The token is wrong: its `exp` is no number.", _NEXT)
        agent = claims.get("agent")
        name = "" if agent in (None, False, "") else agent_name(str(agent)) or "agent"
        return Identity(subject, _scope(claims), float(expires), name)


def is_subject(text: str) -> bool:
    """Whether this can be the name of a user."""
    return 0 < len(text) <= MAX_SUBJECT and text.isprintable() and text == text.strip()


def _scope(claims: dict[str, object]) -> Scope | None:
    """`scope` is words in a text (RFC 8693), or a list of them."""
    given = claims.get("scope")
    if given is None:
        return DEFAULT_SCOPE
    if isinstance(given, str):
        return widest_scope(given.split())
    if isinstance(given, list):
        return widest_scope(name for name in given if isinstance(name, str))
    return None


def require_pyjwt() -> None:
    """UsageError where the packages for JWTs are not installed."""
    try:
        import cryptography  # noqa: F401
        import jwt  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"JSON Web Tokens need the package {error.name}.",
            "Install it: pip install 'codeexec-tui[jwt]'",
        ) from error
