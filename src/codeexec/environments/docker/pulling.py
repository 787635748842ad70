"""How far an image has come, out of what `docker pull` and `podman pull` draw on a terminal.

On a pipe both tell no sizes. On a terminal they rewrite a line for each layer, which is read here
piece by piece: where on the screen it stands does not matter, as each names its layer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pull:
    """`done` and `total` are bytes, of those layers whose size is known by now."""

    layers_done: int = 0
    layers: int = 0
    done: int = 0
    total: int = 0


@dataclass(slots=True)
class _Layer:
    done: int = 0
    total: int = 0
    is_over: bool = False


_CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
_ENDS = re.compile(r"[\r\n]")
_SIZES = r"(?P<done>[\d.]+ ?[kKMGT]?i?B) ?/ ?(?P<total>[\d.]+ ?[kKMGT]?i?B)"
_STATES = (
    "Pulling fs layer|Waiting|Downloading|Retrying|Verifying Checksum|Download complete|"
    "Extracting|Pull complete|Already exists"
)
_DOCKER = re.compile(rf"(?P<id>[0-9a-f]{{12}}): (?P<state>{_STATES})(?:.*?{_SIZES})?")
_PODMAN = re.compile(
    rf"Copying blob (?:sha256:)?(?P<id>[0-9a-f]{{12}})[0-9a-f]* ?"
    rf"(?P<state>done|skipped)?(?:.*?{_SIZES})?"
)
_HERE = ("Verifying Checksum", "Download complete", "Extracting")
_OVER = ("Pull complete", "Already exists", "done", "skipped")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
MOST = 1000
"""Layers, and the words kept of what was said beside them: an engine has 127 at most."""


class PullReader:
    """Takes what is drawn, as it comes."""

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}
        self._rest = ""
        self._said: list[str] = []

    @property
    def said(self) -> str:
        """The last lines that are not of a layer: why it failed."""
        return "\n".join(self._said)

    @property
    def pull(self) -> Pull:
        layers = self._layers.values()
        return Pull(
            sum(layer.is_over for layer in layers),
            len(layers),
            sum(layer.done for layer in layers),
            sum(layer.total for layer in layers),
        )

    def take(self, text: str) -> None:
        """Some more of it, cut anywhere."""
        *lines, self._rest = _ENDS.split(self._rest[-4096:] + text)
        for line in lines:
            self._take_line(_CONTROL.sub("", line).strip())

    def end(self) -> None:
        """That was all."""
        self.take("\n")

    def _take_line(self, line: str) -> None:
        match = _DOCKER.match(line) or _PODMAN.match(line)
        if match is None:
            if line:
                self._said = [*self._said[-20:], line[:MOST]]
            return
        name, state = match["id"], match["state"] or ""
        if name not in self._layers and len(self._layers) >= MOST:
            return
        layer = self._layers.setdefault(name, _Layer())
        layer.is_over = layer.is_over or state in _OVER
        if match["total"] is not None:
            # What is counted while it is unpacked is how much of it is unpacked.
            layer.total = max(layer.total, _bytes(match["total"]))
            layer.done = _bytes(match["done"])
        if layer.is_over or state in _HERE:
            layer.done = layer.total


def _bytes(amount: str) -> int:
    plain = amount.removesuffix("B").removesuffix("i")
    units = _BINARY_UNITS if amount.endswith("iB") else _UNITS
    unit = plain[-1] if plain[-1] in units else ""
    try:
        return int(float(plain.removesuffix(unit)) * units[unit])
    except ValueError:
        return 0
