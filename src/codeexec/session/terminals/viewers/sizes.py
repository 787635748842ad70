"""The size of a terminal that several clients show."""

from __future__ import annotations

from dataclasses import dataclass

from codeexec.domain.requests import ClientInfo
from codeexec.environments.base import TerminalSize


@dataclass(frozen=True, slots=True)
class _Shown:
    size: TerminalSize
    client: ClientInfo | None


class SharedSize:
    """The smallest of all clients' sizes, or that of the client which has control."""

    def __init__(self, size: TerminalSize) -> None:
        self._size = size
        self._shown: dict[str, _Shown] = {}
        self.owner = ""

    @property
    def size(self) -> TerminalSize:
        if self.owner:
            return self._shown[self.owner].size
        if self._shown:
            sizes = [viewer.size for viewer in self._shown.values()]
            self._size = TerminalSize(
                min(size.columns for size in sizes), min(size.rows for size in sizes)
            )
        return self._size

    def show(
        self, source: str, size: TerminalSize, client: ClientInfo | None, *, takes_control: bool
    ) -> None:
        """A client shows the terminal in this size."""
        self._shown[source] = _Shown(size, client)
        if takes_control:
            self.owner = source

    def hide(self, source: str) -> None:
        """A client shows it no more; the terminal keeps its size when none is left."""
        size = self.size
        if self._shown.pop(source, None) is not None and not self._shown:
            self._size = size
        if self.owner == source:
            self.owner = ""

    def hide_client(self, client: ClientInfo) -> bool:
        """The connection of a client has ended; whether it has shown the terminal."""
        sources = [name for name, viewer in self._shown.items() if viewer.client is client]
        for source in sources:
            self.hide(source)
        return bool(sources)
