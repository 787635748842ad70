"""Settings of a network listener: its users, its host names and its certificates."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from codeexec.domain.errors import UsageError
from codeexec.server.access.jwt_verifier import JwtSettings, JwtVerifier, require_pyjwt
from codeexec.server.access.token_store import PREFIX, TokenStore
from codeexec.server.access.verifier import TokenVerifier, Verifiers


class AccessSettings(Struct, frozen=True):
    """`host_names` are names by which clients call the server, beside that of `--bind`.
    `tls_key` None: the key stands in the file of the certificate. `is_behind_proxy`: a proxy before
    the server does TLS, and nothing else reaches the listener."""

    jwt: JwtSettings = field(default_factory=JwtSettings)
    host_names: frozenset[str] = frozenset()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    is_behind_proxy: bool = False

    @property
    def protects(self) -> bool:
        """Whether tokens and code do not cross a network as plain text."""
        return self.tls_certificate is not None or self.is_behind_proxy


def make_verifier(settings: AccessSettings, state: Path) -> TokenVerifier:
    """For the tokens of users: those in the state folder, and JWTs where the settings say so.
    UsageError, StorageError."""
    jwt = settings.jwt
    if not jwt.is_set:
        return Verifiers(TokenStore(state), None, PREFIX)
    if jwt.jwks_url and not jwt.audience:
        raise UsageError(
            "The keys at a URL sign tokens for other services as well.",
            "Name this one as the tokens do: --jwt-audience NAME",
        )
    require_pyjwt()
    from codeexec.server.access.key_sources import key_sources

    return Verifiers(TokenStore(state), JwtVerifier(jwt, key_sources(jwt)), PREFIX)
