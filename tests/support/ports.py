"""Ports for programs that bind them by themselves."""

from __future__ import annotations

import random
import socket

_FIRST, _BEYOND = 20_000, 32_000
"""Below the ports that Linux gives to those who ask for any: nobody else gets one of these between
the look here and the start of the program."""


def pick_port() -> int:
    """A port of this machine that is free."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(_FIRST, _BEYOND)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
