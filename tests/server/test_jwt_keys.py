"""Keys for JSON Web Tokens: what is accepted, and how they are changed while the server runs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from codeexec.domain.errors import CodeexecError, Denied, StorageError, UsageError
from codeexec.server.access.identity import Identity
from codeexec.server.access.jwt_verifier import JwtSettings
from codeexec.server.access.key_sources import KeyUrl
from codeexec.server.access.settings import AccessSettings, make_verifier
from codeexec.server.access.token_store import TokenStore
from codeexec.server.access.verifier import KeysNeeded, TokenVerifier
from codeexec.server.gate import Authenticator

SECRETS = (
    "first secret with more than 32 characters",
    "second secret with more than 32 characters",
)


def rsa_key(bits: int = 2048) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=bits)


@pytest.fixture(scope="module")
def rsa_keys() -> tuple[RSAPrivateKey, RSAPrivateKey]:
    return rsa_key(), rsa_key()


def pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def write_private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


def token(key: object, algorithm: str, key_id: str = "", /, **claims: object) -> str:
    payload = {"sub": "anna", "exp": time.time() + 600, **claims}
    headers = {"kid": key_id} if key_id else None
    return jwt.encode(payload, key, algorithm, headers)  # type: ignore[arg-type]


def verifier(tmp_path: Path, settings: JwtSettings) -> TokenVerifier:
    return make_verifier(AccessSettings(settings), tmp_path / "state")


def test_secrets_of_a_file_are_changed_while_the_server_runs(tmp_path: Path) -> None:
    file = write_private(tmp_path / "secrets", SECRETS[0])
    users = verifier(tmp_path, JwtSettings(secret_file=file))
    old, new = (token(secret, "HS256") for secret in SECRETS)
    assert users.identify(old).subject == "anna"
    with pytest.raises(Denied):
        users.identify(new)
    file.write_text("\n".join(SECRETS))
    assert users.identify(old).subject == users.identify(new).subject == "anna"
    file.write_text(SECRETS[1])
    assert users.identify(new).subject == "anna"
    with pytest.raises(Denied):
        users.identify(old)
    file.write_text("short")  # is reported, and changes nothing
    assert users.identify(new).subject == "anna"
    file.chmod(0o644)
    file.write_text(SECRETS[0])  # so is a file that others can read
    assert users.identify(new).subject == "anna"
    file.chmod(0o600)
    assert users.identify(old).subject == "anna"


def test_public_keys_verify_rs256_and_are_no_secret_for_hs256(
    tmp_path: Path, rsa_keys: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    first, second = rsa_keys
    file = tmp_path / "keys.pem"
    file.write_text(pem(first) + pem(second))
    users = verifier(tmp_path, JwtSettings(key_file=file))
    assert users.identify(token(first, "RS256")).subject == "anna"
    assert users.identify(token(second, "RS256", scope="admin")).scope == "admin"
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
    body = jwt.utils.base64url_encode(json.dumps({"sub": "anna", "exp": 2**40}).encode())
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    forged = algorithm.sign(head + b"." + body, pem(first).encode())
    for text in (
        b".".join((head, body, jwt.utils.base64url_encode(forged))).decode(),
        token(first, "RS512"),
        token(None, "none"),
    ):
        with pytest.raises(Denied):
            users.identify(text)


def test_audience_and_issuer_must_be_those_of_the_settings(tmp_path: Path) -> None:
    file = write_private(tmp_path / "secrets", SECRETS[0])
    users = verifier(tmp_path, JwtSettings(secret_file=file, audience="code", issuer="https://id"))
    good: dict[str, object] = {"aud": ["mail", "code"], "iss": "https://id"}
    assert users.identify(token(SECRETS[0], "HS256", **good)).subject == "anna"
    for wrong in ({}, {"aud": "mail"}, {"iss": "https://other"}):
        claims = {**good, **wrong} if wrong else {}
        with pytest.raises(Denied):
            users.identify(token(SECRETS[0], "HS256", **claims))


class KeyServer:
    """An identity provider that answers with `keys`, or not at all when they are None."""

    def __init__(self) -> None:
        self.keys: dict[str, RSAPrivateKey] | None = {}
        self.requests = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                self.requests += 1
                handler.send_response(200 if self.keys is not None else 503)
                handler.end_headers()
                handler.wfile.write(json.dumps({"keys": self._described()}).encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def _described(self) -> list[dict[str, object]]:
        described = []
        for key_id, key in (self.keys or {}).items():
            as_dict = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            described.append({**as_dict, "kid": key_id, "use": "sig", "alg": "RS256"})
        return described

    def __enter__(self) -> KeyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[KeyServer]:
    with KeyServer() as server:
        yield server


async def admit(gate: Authenticator, text: str) -> Identity:
    headers = {"host": "localhost", "authorization": f"Bearer {text}"}
    return await gate.admit(headers.get, "")


async def test_keys_at_a_url_are_fetched_when_a_token_names_a_new_one(
    tmp_path: Path, provider: KeyServer, rsa_keys: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    first, second = rsa_keys
    provider.keys = {"a": first}
    settings = JwtSettings(jwks_url=provider.url, audience="code")
    gate = Authenticator(is_private=False, verifier=verifier(tmp_path, settings))
    old = token(first, "RS256", "a", aud="code")
    new = token(second, "RS256", "b", aud="code")
    assert (await admit(gate, old)).subject == "anna"
    assert (await admit(gate, old)).subject == "anna"
    assert provider.requests == 1
    with pytest.raises(Denied):
        await admit(gate, new)
    provider.keys = {"b": second}
    assert (await admit(gate, new)).subject == "anna"
    with pytest.raises(Denied):
        await admit(gate, old)
    with pytest.raises(Denied):  # of another service
        await admit(gate, token(second, "RS256", "b", aud="mail"))
    provider.keys = None
    assert (await admit(gate, new)).subject == "anna"
    for number in range(30):
        with pytest.raises(Denied):
            await admit(gate, token(second, "RS256", f"unknown-{number}", aud="code"))
    assert provider.requests <= 10


async def test_keys_at_a_url_are_fetched_again_after_a_time(
    provider: KeyServer, rsa_keys: tuple[RSAPrivateKey, RSAPrivateKey]
) -> None:
    now = 0.0
    keys = KeyUrl(provider.url, lambda: now)
    provider.keys = {"a": rsa_keys[0]}
    with pytest.raises(KeysNeeded):
        keys.keys_for("a")
    await keys.fetch()
    assert len(keys.keys_for("a")) == len(keys.keys_for("")) == 1
    now = 301.0
    with pytest.raises(KeysNeeded):
        keys.keys_for("a")
    provider.keys = None
    await keys.fetch()
    assert len(keys.keys_for("a")) == 1
    now = 320.0
    provider.keys = {}
    with pytest.raises(KeysNeeded):
        keys.keys_for("a")


@pytest.mark.parametrize(
    "settings",
    [
        JwtSettings(jwks_url="http://id.example/keys", audience="code"),
        JwtSettings(jwks_url="file:///etc/passwd", audience="code"),
        JwtSettings(jwks_url="https://id.example/keys"),
        JwtSettings(secret_file=Path("missing")),
        JwtSettings(secret_file=Path("short")),
        JwtSettings(secret_file=Path("public")),
        JwtSettings(key_file=Path("missing")),
        JwtSettings(key_file=Path("secret")),
        JwtSettings(key_file=Path("weak.pem")),
    ],
)
def test_keys_that_are_none_or_weak_are_refused(
    settings: JwtSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_private(Path("short"), "short")
    write_private(Path("secret"), SECRETS[0])
    write_private(Path("public"), SECRETS[0]).chmod(0o644)
    Path("weak.pem").write_text(pem(rsa_key(1024)))
    with pytest.raises((UsageError, StorageError)):
        verifier(tmp_path, settings)


def test_a_token_of_the_store_is_made_told_once_and_revoked(tmp_path: Path) -> None:
    now = 1000.0
    store, server = (TokenStore(tmp_path, lambda: now) for _ in range(2))
    text, stored = store.create("anna", "read", 60.0)
    other, _ = store.create("ben", "run", 600.0)
    assert text not in store.path.read_text()
    assert store.path.stat().st_mode & 0o077 == 0
    assert server.identify(text) == Identity("anna", "read", 1060.0)
    assert server.identify(other).subject == "ben"
    assert [each.user for each in store.list()] == ["anna", "ben"]
    for wrong in (text[:-1], text + "x", text.replace(stored.id, "00000000"), "cxt_", ""):
        with pytest.raises(Denied):
            server.identify(wrong)
    now = 1060.0
    with pytest.raises(Denied, match="expired"):
        server.identify(text)
    store.path.chmod(0o644)
    with pytest.raises(Denied):
        server.identify(other)
    store.path.chmod(0o600)
    assert server.identify(other).subject == "ben"
    store.revoke("ben")
    with pytest.raises(Denied):
        server.identify(other)
    for name in ("ben", "nobody"):
        with pytest.raises(CodeexecError):
            store.revoke(name)
    store.path.write_text("[{]")
    with pytest.raises(Denied):
        server.identify(text)
    with pytest.raises(UsageError):
        store.create("anna\n", "read", 60.0)
