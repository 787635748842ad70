"""TLS of a listener: its certificate, which is read again when its file changes."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from codeexec.domain.errors import UsageError
from codeexec.hostfiles.file_version import FileVersion, file_version

log = logging.getLogger(__name__)


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """For a server with this certificate chain (PEM); `key` None: it stands in the same file. New
    connections get a certificate that replaces it. UsageError where the files cannot be used."""
    try:
        context = _load(certificate, key)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The certificate {certificate} cannot be used: {_reason(error)}.",
            "Give a chain and its key as PEM, without a password: --tls-cert FILE --tls-key FILE",
        ) from error
    renewal = _Renewal(certificate, key, context)
    context.sni_callback = renewal.on_handshake
    return context


class _Renewal:
    """Lets each handshake use the certificate that is in the files now."""

    def __init__(self, certificate: Path, key: Path | None, context: ssl.SSLContext) -> None:
        self._certificate = certificate
        self._key = key
        self._context = context
        self._versions = self._look()

    def on_handshake(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:
        """As `SSLContext.sni_callback`, which is called without a name, too."""
        versions = self._look()
        if versions != self._versions:
            self._versions = versions
            try:
                self._context = _load(self._certificate, self._key)
                log.info("read the certificate %s again", self._certificate)
            except (OSError, ValueError) as error:
                reason = _reason(error)
                log.error("the certificate stays as it was; %s: %s", self._certificate, reason)
        connection.context = self._context

    def _look(self) -> list[FileVersion | None]:
        return [file_version(file) for file in (self._certificate, self._key) if file is not None]


def _load(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # Without a password of ours OpenSSL asks for one on the terminal.
    context.load_cert_chain(certificate, key, password=lambda: "")
    return context


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is not PEM").replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
