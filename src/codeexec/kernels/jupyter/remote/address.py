"""Addresses of Jupyter servers as people paste them; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit

from codeexec.domain.backends import ADDRESSES
from codeexec.domain.errors import UsageError

PAGES = frozenset(
    {"api", "consoles", "doc", "edit", "files", "lab", "login", "nbclassic", "notebooks", "retro",
     "terminals", "tree", "view", "voila"}
)  # fmt: skip
"""First words of paths below the root of a server: what follows the root is cut off there."""

UNIX = "unix:"
NEXT_STEP = "Paste it as the server prints it, such as http://HOST:8888/lab?token=… or unix:/PATH."
_KERNEL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`base` is the URL of the server's root, which ends with a slash; `socket` is the path of its
    Unix socket, empty over TCP. `kernel` is a kernelspec or the id of a running kernel."""

    base: str
    socket: str = ""
    kernel: str = ""
    token: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The address for people and as a key: without token and kernel."""
        return f"{UNIX}{self.socket}" if self.socket else self.base

    @property
    def kernel_id(self) -> str:
        """Of the running kernel to attach to; empty: one is started."""
        return self.kernel if is_kernel_id(self.kernel) else ""


def is_kernel_id(text: str) -> bool:
    return _KERNEL_ID.fullmatch(text) is not None


def looks_like_address(text: str) -> bool:
    """Whether the text begins as the address of a server does."""
    return text.startswith(ADDRESSES)


def parse_address(text: str) -> ServerAddress:
    """The address that was pasted; without a scheme it is one of HTTP. UsageError."""
    text = text.strip()
    if text.startswith(UNIX):
        return _unix(text)
    if "://" not in text:
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"The address of the server cannot be read: {error}.", NEXT_STEP) from None
    token = parse_qs(parts.query).get("token", [""])[0]
    kernel = unquote(parts.fragment)
    root, kernel_id = _root(parts.path)
    if parts.scheme == "http+unix":
        socket = unquote(parts.netloc)
        return ServerAddress(f"http://localhost{root}", socket, kernel or kernel_id, token)
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("The address of the server is none of HTTP.", NEXT_STEP)
    if parts.username or parts.password:
        raise UsageError(
            "The address has a user name or password in it, which a Jupyter server does not take.",
            "Leave it out; the token belongs behind ?token=",
        )
    bracketed = f"[{host}]" if ":" in host else host
    location = bracketed if port is None else f"{bracketed}:{port}"
    return ServerAddress(f"{parts.scheme}://{location}{root}", "", kernel or kernel_id, token)


def _unix(text: str) -> ServerAddress:
    tail, _, fragment = text.removeprefix(UNIX).partition("#")
    path, _, query = tail.partition("?")
    path = "/" + path.lstrip("/")
    token = parse_qs(query).get("token", [""])[0]
    if path == "/":
        raise UsageError("The address names no socket.", NEXT_STEP)
    return ServerAddress("http://localhost/", path, unquote(fragment), token)


def _root(path: str) -> tuple[str, str]:
    """The path of the server's root, and the id of the kernel that the rest names."""
    segments = [word for word in path.split("/") if word]
    if segments[:2] == ["hub", "user"]:  # a page of the hub that leads to the user's server
        segments = segments[1:]
    begin = 2 if segments[:1] == ["user"] else 0
    cut = next((at for at in range(begin, len(segments)) if segments[at] in PAGES), len(segments))
    tail = segments[cut:]
    kernel_id = tail[2] if tail[:2] == ["api", "kernels"] and len(tail) > 2 else ""
    root = "".join(f"{quote(unquote(word))}/" for word in segments[:cut])
    return f"/{root}", kernel_id if is_kernel_id(kernel_id) else ""
