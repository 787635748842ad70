"""A machine that `ssh` reaches, and a folder there, as users write them."""

from __future__ import annotations

from typing import NamedTuple

from codeexec.domain.errors import UsageError

SSH_SCHEME = "ssh://"
_FORMS = "Write [USER@]HOST[:FOLDER], or ssh://[USER@]HOST[:PORT]/FOLDER."


class SshPlace(NamedTuple):
    """`host` is `HOST` or `USER@HOST`, as `ssh` takes it. A `port` of 0 means what the
    configuration of `ssh` says. `folder` is absolute, or starts from the home folder there."""

    host: str
    port: int = 0
    folder: str = ""

    def __str__(self) -> str:
        folder = self.folder if self.folder[:1] == "/" else f"/~/{self.folder}"
        return f"{SSH_SCHEME}{self.host}{f':{self.port}' if self.port else ''}{folder}"

    @property
    def short(self) -> str:
        """As scp has it, where it has no port."""
        if self.port:
            return str(self)
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.folder}" if self.folder else host


def parse_ssh_place(place: str) -> SshPlace:
    """`[USER@]HOST[:FOLDER]`, as scp has it, or an `ssh://` URL. UsageError."""
    if place.startswith(SSH_SCHEME):
        return _of_url(place)
    host, bracket, rest = place.partition("]")  # of an IPv6 address
    end, _, folder = (rest if bracket else host).partition(":")
    return _checked(f"{host}]{end}" if bracket else end, 0, folder)


def _of_url(url: str) -> SshPlace:
    place, slash, path = url.removeprefix(SSH_SCHEME).partition("/")
    host, colon, port = place.rpartition(":")
    if not colon or "]" in port:
        host, port = place, ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"{port} is no port.", _FORMS)
    folder = path.removeprefix("~/") if path[:2] in ("~", "~/") else slash + path
    return _checked(host, int(port or 0), folder if folder not in ("/", "~") else "")


def _checked(host: str, port: int, folder: str) -> SshPlace:
    host = host.replace("[", "").replace("]", "")
    is_word = host.isascii() and host.isprintable() and not set(host) & set(" '\"\\`$;&|<>()")
    if not host or host.startswith("-") or not is_word or not folder.isprintable():
        raise UsageError(f"{host or 'An empty name'} is no host that ssh takes.", _FORMS)
    if folder == "~" or folder.startswith("~/"):
        folder = folder[2:]
    return SshPlace(host, port, folder)
