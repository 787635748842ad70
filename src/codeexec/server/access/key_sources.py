"""Keys that verify JSON Web Tokens: in files that are read again when they change, and at URLs."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from codeexec.domain.errors import CodeexecError, Unavailable, UsageError
from codeexec.hostfiles.file_version import file_version
from codeexec.hostfiles.private_file import read_private
from codeexec.server.access.jwt_verifier import JwtSettings, KeySource, VerificationKey
from codeexec.server.access.verifier import KeysNeeded

log = logging.getLogger(__name__)

MIN_SECRET = 32
"""Bytes of a secret for HS256: as many as its signature has (RFC 7518, 3.2)."""

MIN_RSA_BITS = 2048

FRESH_SECONDS = 300.0
"""After which the keys at a URL are fetched again."""

RETRY_SECONDS = 10.0
"""After which they are, when that failed."""

_FETCHES, _FETCH_WINDOW = 10, 60.0
"""Fetches within so many seconds, at most: anybody can name a key that is not known."""

_TIMEOUT = 5.0
_PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)
_URL_ALGORITHMS = ("RS256", "ES256")


def key_sources(settings: JwtSettings) -> list[KeySource]:
    """Those of the settings, read once. UsageError, StorageError."""
    sources: list[KeySource] = []
    if settings.secret_file is not None:
        sources.append(KeyFile(settings.secret_file, read_secrets))
    if settings.key_file is not None:
        sources.append(KeyFile(settings.key_file, read_public_keys))
    if settings.jwks_url:
        sources.append(KeyUrl(settings.jwks_url))
    return sources


class KeyFile:
    """Keys in a file. One that cannot be read any more leaves the keys that were there."""

    def __init__(self, path: Path, read: Callable[[Path], list[VerificationKey]]) -> None:
        self._path = path
        self._read = read
        self._version = file_version(path)
        self._keys = read(path)

    def keys_for(self, key_id: str) -> Sequence[VerificationKey]:
        version = file_version(self._path)
        if version != self._version:
            self._version = version
            try:
                self._keys = self._read(self._path)
                log.info("read the keys in %s again", self._path)
            except CodeexecError as error:
                log.error("the keys in %s stay as they were: %s", self._path, error)
        return self._keys

    async def fetch(self) -> None:
        """They are at hand."""


class KeyUrl:
    """Keys at a URL, as a JSON Web Key Set."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """UsageError for an address whose answer others could change."""
        parts = urlsplit(url)
        is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
            raise UsageError(
                f"The keys at {url[:200]!r} cannot be trusted.", "Give an https:// address."
            )
        self._url = url
        self._clock = clock
        self._keys: dict[str, list[VerificationKey]] | None = None
        self._due = 0.0
        self._fetches: deque[float] = deque(maxlen=_FETCHES)
        self._fetching = asyncio.Lock()

    def keys_for(self, key_id: str) -> Sequence[VerificationKey]:
        if self._may_fetch() and (self._keys is None or self._clock() >= self._due):
            raise KeysNeeded("The keys of the identity provider are being fetched.", "Ask again.")
        if self._keys is None:
            return ()  # the provider does not answer; the log has said why
        if not key_id:
            return [key for keys in self._keys.values() for key in keys]
        if key_id not in self._keys and self._may_fetch():
            raise KeysNeeded("The token's key is not known here.", "Ask again.")
        return self._keys.get(key_id, [])

    def _may_fetch(self) -> bool:
        now = self._clock()
        return len(self._fetches) < _FETCHES or now - self._fetches[0] > _FETCH_WINDOW

    async def fetch(self) -> None:
        asked_at = self._clock()
        async with self._fetching:
            if self._fetches and self._fetches[-1] >= asked_at:
                return  # somebody has just done it
            self._fetches.append(self._clock())
            try:
                self._keys = await asyncio.to_thread(_fetch_keys, self._url)
                self._due = self._clock() + FRESH_SECONDS
            except Unavailable as error:
                log.warning("the keys at %s stay as they were: %s", self._url, error)
                self._due = self._clock() + RETRY_SECONDS


def read_secrets(path: Path) -> list[VerificationKey]:
    """UsageError, StorageError."""
    secrets = [line.strip() for line in read_private(path).splitlines() if line.strip()]
    if not secrets or any(len(secret.encode()) < MIN_SECRET for secret in secrets):
        raise UsageError(
            f"A secret in {path} is too short; at least {MIN_SECRET} characters are required.",
            "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )
    return [VerificationKey(secret.encode(), "HS256") for secret in secrets]


def read_public_keys(path: Path) -> list[VerificationKey]:
    """UsageError."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        keys = [load_pem_public_key(pem) for pem in _PEM.findall(path.read_bytes())]
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not PEM of public keys"
        raise UsageError(
            f"The keys in {path} cannot be read: {why}.",
            "Make it with: openssl rsa -in private.pem -pubout",
        ) from error
    for key in keys:
        if not isinstance(key, RSAPublicKey) or key.key_size < MIN_RSA_BITS:
            raise UsageError(f"A key in {path} is no RSA key of {MIN_RSA_BITS} bits or more.")
    if not keys:
        raise UsageError(
            f"There is no public key in {path}.",
            "Make it with: openssl rsa -in private.pem -pubout",
        )
    return [VerificationKey(key, "RS256") for key in keys]


def _fetch_keys(url: str) -> dict[str, list[VerificationKey]]:
    """By key id; those without one are at ``""``. Blocks. Unavailable."""
    import jwt

    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_TIMEOUT)
    try:
        key_set = client.get_jwk_set()
    except (jwt.PyJWTError, ValueError, OSError) as error:
        raise Unavailable(f"They cannot be fetched: {str(error)[:200]}.") from error
    keys: dict[str, list[VerificationKey]] = {}
    for key in key_set.keys:
        is_for_signatures = key.public_key_use in (None, "sig")
        if is_for_signatures and key.algorithm_name in _URL_ALGORITHMS:
            verification_key = VerificationKey(key.key, key.algorithm_name)
            keys.setdefault(key.key_id or "", []).append(verification_key)
    return keys
