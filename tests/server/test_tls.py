"""TLS of a listener: who may be reached without it, and how a certificate is replaced."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import ssl
import sys
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from websockets.asyncio.client import connect

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.server.access.settings import AccessSettings
from codeexec.server.tcp_listener import ListenerOptions, open_tcp_listener
from support.servers import Here

TOKEN = "token-of-the-listener"


def make_certificate(folder: Path, password: bytes = b"") -> tuple[Path, Path]:
    """A certificate of localhost and 127.0.0.1, signed by itself, and its key."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    return files


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def test_requests_and_sockets_cross_the_network_encrypted(here: Here, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    access = AccessSettings(tls_certificate=certificate, tls_key=key)
    options = ListenerOptions(("127.0.0.1", 0), TOKEN, access=access)
    listener = await open_tcp_listener(here.service, options)
    assert listener.url.startswith("https://127.0.0.1:")
    url = listener.url.replace("127.0.0.1", "localhost")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    first = trusting(certificate)
    async with httpx.AsyncClient(base_url=url, verify=first, headers=headers, timeout=60) as web:
        assert (await web.get("/v1/sessions")).json() == {"sessions": []}
        refused = await web.get("/v1/sessions", headers={"Authorization": "Bearer x"})
        assert refused.status_code == 401
    async with here.client() as host, httpx.AsyncClient(base_url=url, verify=first) as browser:
        opened = await host.call(q.OpenSession(cwd=str(tmp_path), start_kernel=False))
        page = await host.call(q.OpenPage(opened.session_id))
        entered = await browser.get(page.path, timeout=60)
        assert entered.status_code == 303
        assert "; secure" in entered.headers["set-cookie"].lower()
    address = url.replace("https", "wss") + f"/v1/ws?token={TOKEN}"
    async with connect(address, ssl=first) as socket:
        assert "server" in str(await socket.recv())
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    async with asyncio.timeout(90):
        plain = await reader.read()
    assert b"HTTP/1.1" not in plain
    writer.close()
    # A new certificate is used without a restart, one that cannot be read is not.
    make_certificate(tmp_path)
    second = trusting(certificate)
    async with httpx.AsyncClient(base_url=url, verify=first, headers=headers, timeout=60) as web:
        with pytest.raises(httpx.ConnectError):
            await web.get("/v1/sessions")
    async with httpx.AsyncClient(base_url=url, verify=second, headers=headers, timeout=60) as web:
        assert (await web.get("/v1/sessions")).status_code == 200
    certificate.write_text("nothing")
    async with httpx.AsyncClient(base_url=url, verify=second, headers=headers, timeout=60) as web:
        assert (await web.get("/v1/sessions")).status_code == 200


FIRST_TLS = """
import sys
from codeexec.client.tls import import_asyncio
import_asyncio()
import asyncio
assert "ssl" not in sys.modules
from codeexec.client.socket import SocketHost
from codeexec.client.wire import parse_address
from codeexec.domain.requests import GetHostInfo

async def ask() -> None:
    address = parse_address(sys.argv[1], sys.argv[2])
    async with SocketHost(address, must_answer=True) as host:
        print((await host.call(GetHostInfo())).pid)

for _ in range(2):
    asyncio.run(ask())
"""


@pytest.mark.slow
async def test_a_client_that_began_without_openssl_speaks_tls(here: Here, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    access = AccessSettings(tls_certificate=certificate, tls_key=key)
    options = ListenerOptions(("127.0.0.1", 0), TOKEN, access=access)
    listener = await open_tcp_listener(here.service, options)
    url = listener.url.replace("127.0.0.1", "localhost")
    for trusted, expected in ((certificate, f"{os.getpid()}\n" * 2), (tmp_path, "")):
        client = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FIRST_TLS, url, TOKEN),
            env={**os.environ, "SSL_CERT_FILE": str(trusted)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, problem = await client.communicate()
        assert said.decode() == expected, problem.decode()
    assert b"its certificate is not trusted" in problem


async def test_without_tls_others_are_not_served(here: Here, tmp_path: Path) -> None:
    options = ListenerOptions(("0.0.0.0", 0), TOKEN)
    with pytest.raises(UsageError, match="--tls-cert"):
        await open_tcp_listener(here.service, options)
    certificate, key = make_certificate(tmp_path)
    for access in (
        AccessSettings(tls_certificate=certificate, tls_key=key),
        AccessSettings(is_behind_proxy=True),
    ):
        listener = await open_tcp_listener(
            here.service, ListenerOptions(options.bind, TOKEN, access=access)
        )
        assert listener.listening.getsockname()[1]


async def test_certificates_that_cannot_be_used_are_refused_in_words(
    here: Here, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    _, wrong_key = make_certificate(other)
    secret = tmp_path / "secret"
    secret.mkdir()
    closed = make_certificate(secret, b"password")
    for files in (
        (certificate, wrong_key),
        (certificate, None),
        (key, key),
        (tmp_path / "missing.pem", key),
        (tmp_path, key),
        closed,
    ):
        access = AccessSettings(tls_certificate=files[0], tls_key=files[1])
        options = ListenerOptions(("127.0.0.1", 0), TOKEN, access=access)
        with pytest.raises(UsageError, match="certificate"):
            await open_tcp_listener(here.service, options)
