"""Addresses of Jupyter servers as people paste them; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, quote, unquote, urlsplit

from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import ADDRESSES

PAGES = frozenset(
    {"api", "consoles", "doc", "edit", "files", "lab", "login", "nbclassic", "notebooks", "retro",
     "terminals", "tree", "view", "voila"}
)  # fmt: skip
"""First words of paths below the root of a server: what follows the root is cut off there."""

HUB_PAGES = frozenset({"api", "login"})
USER_PAGES = frozenset({"user", "spawn", "spawn-pending"})
"""Pages of a hub whose path goes on with the name of a user."""

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
    hub: str = ""
    """URL of the root of the JupyterHub that starts the server; empty for others."""
    user: str = ""
    """Of the hub whose server it is; empty with a hub: the owner of the token."""
    server: str = ""
    """The name of one of the user's several servers; empty: the default one."""

    @property
    def name(self) -> str:
        """The address for people and as a key: without token and kernel."""
        return f"{UNIX}{self.socket}" if self.socket else self.base

    @property
    def kernel_id(self) -> str:
        """Of the running kernel to attach to; empty: one is started."""
        return self.kernel if is_kernel_id(self.kernel) else ""

    def of_user(self, user: str, server: str = "") -> ServerAddress:
        """The server of a user of the hub."""
        words = ["user", user, *([server] if server else [])]
        path = "".join(f"{quote(word, safe='')}/" for word in words)
        base = f"{self.hub.removesuffix('hub/')}{path}"
        return replace(self, base=base, user=user, server=server)


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
    path = _Path.of(parts.path)
    kernel = unquote(parts.fragment) or path.kernel_id
    if parts.scheme == "http+unix":
        return _address("http://localhost", unquote(parts.netloc), path, kernel, token)
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("The address of the server is none of HTTP.", NEXT_STEP)
    if parts.username or parts.password:
        raise UsageError(
            "The address has a user name or password in it, which a Jupyter server does not take.",
            "Leave it out; the token belongs behind ?token=",
        )
    bracketed = f"[{host}]" if ":" in host else host
    location = bracketed if port is None else f"{bracketed}:{port}"
    return _address(f"{parts.scheme}://{location}", "", path, kernel, token)


def _address(origin: str, socket: str, path: _Path, kernel: str, token: str) -> ServerAddress:
    hub = f"{origin}{path.hub}" if path.hub else ""
    address = ServerAddress(f"{origin}{path.root}", socket, kernel, token, hub)
    return address.of_user(path.user, path.server) if path.user else address


def _unix(text: str) -> ServerAddress:
    tail, _, fragment = text.removeprefix(UNIX).partition("#")
    path, _, query = tail.partition("?")
    path = "/" + path.lstrip("/")
    token = parse_qs(query).get("token", [""])[0]
    if path == "/":
        raise UsageError("The address names no socket.", NEXT_STEP)
    return ServerAddress("http://localhost/", path, unquote(fragment), token)


@dataclass(frozen=True, slots=True)
class _Path:
    """What the path of an address says; `hub` is the path of a hub's root, empty without one."""

    root: str
    hub: str = ""
    user: str = ""
    server: str = ""
    kernel_id: str = ""

    @classmethod
    def of(cls, text: str) -> _Path:
        segments = [unquote(word) for word in text.split("/") if word]
        first_page = next((at for at, word in enumerate(segments) if word in PAGES), len(segments))
        for at, word in enumerate(segments[:first_page]):
            following = segments[at + 1 :]
            if word == "hub" and (not following or following[0] not in PAGES - HUB_PAGES):
                if following[:1] and following[0] in USER_PAGES and len(following) > 1:
                    return cls._of_user(segments[:at], following[1:])
                hub = _joined([*segments[:at], "hub"])
                return cls(hub, hub)
            if word == "user" and following:
                return cls._of_user(segments[:at], following)
        return cls(_joined(segments[:first_page]), kernel_id=_kernel_id(segments[first_page:]))

    @classmethod
    def _of_user(cls, before: list[str], segments: list[str]) -> _Path:
        """`segments`: the user, then the name of a server if there is one, then the rest."""
        user, below = segments[0], segments[1:]
        server = below.pop(0) if below and below[0] not in PAGES else ""
        hub = _joined([*before, "hub"])
        return cls(hub, hub, user, server, _kernel_id(below))


def _joined(segments: list[str]) -> str:
    return "/" + "".join(f"{quote(word)}/" for word in segments)


def _kernel_id(page: list[str]) -> str:
    """The id of the kernel that a path below a server's root names."""
    kernel_id = page[2] if page[:2] == ["api", "kernels"] and len(page) > 2 else ""
    return kernel_id if is_kernel_id(kernel_id) else ""
