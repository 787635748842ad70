"""A registry of images with one image in it, of noise: what `pull` fetches, as slowly as told."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHUNK, PAUSE = 1 << 16, 0.02
"""Bytes at a time, and seconds between, of the first half of a layer."""

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry:
    """`go_on` lets the second half of every layer be sent."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.go_on = threading.Event()
        self.blobs: dict[str, bytes] = {}
        layers, plain = [], []
        for number, size in enumerate(sizes):
            archive = _archive(f"noise-{number}", os.urandom(size))
            plain.append(_digest(archive))
            layers.append(self._keep(gzip.compress(archive, 1), LAYER))
        config = {
            "architecture": _architecture(),
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": plain},
        }
        said = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._keep(json.dumps(config).encode(), CONFIG),
            "layers": layers,
        }
        self.manifest = json.dumps(said).encode()
        self.size = sum(int(layer["size"]) for layer in layers)
        self.image = ""
        """Its whole name, once it is served."""

    def _keep(self, data: bytes, kind: str) -> dict[str, int | str]:
        self.blobs[_digest(data)] = data
        return {"mediaType": kind, "size": len(data), "digest": _digest(data)}


@contextmanager
def serve_registry(*sizes: int) -> Iterator[Registry]:
    """On the loopback, which engines trust without TLS; layers of so many bytes each."""
    registry = Registry(sizes)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts, names = self.path.split("/"), ("1", _digest(registry.manifest))
            if self.path == "/v2/":
                self._answer(b"{}", "application/json")
            elif parts[2:-1] == ["noise", "manifests"] and parts[-1] in names:
                self._answer(registry.manifest, MANIFEST)
            elif "blobs" in parts and parts[-1] in registry.blobs:
                self._answer(registry.blobs[parts[-1]], "application/octet-stream")
            else:
                told = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
                self._answer(json.dumps(told).encode(), "application/json", 404)

        do_HEAD = do_GET

        def _answer(self, data: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Content-Digest", _digest(data))
            self.end_headers()
            if self.command == "HEAD":
                return
            half = len(data) // 2 if len(data) > 1 << 16 else 0
            try:
                for at in range(0, half, CHUNK):
                    self.wfile.write(data[at : min(at + CHUNK, half)])
                    # Engines tell how far they are ten times a second at most.
                    registry.go_on.wait(PAUSE)
                if half:
                    registry.go_on.wait(60)
                self.wfile.write(data[half:])
            except ConnectionError:
                self.close_connection = True  # it was given up

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test's output is for what went wrong."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.image = f"127.0.0.1:{server.server_address[1]}/noise:1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield registry
    finally:
        registry.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _archive(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def _architecture() -> str:
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
