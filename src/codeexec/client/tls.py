"""asyncio without OpenSSL, which is loaded before the first connection over TLS.

asyncio imports `ssl`, which costs 1.4 MB, the pages of two libraries, and some 10 ms of each start.
Clients of the user's own server never use it.
"""

from __future__ import annotations

import importlib
import sys


def import_asyncio() -> None:
    """Import asyncio without `ssl`; nothing changes where either is loaded already."""
    if "asyncio" in sys.modules or "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # the documented way to block an import
    try:
        importlib.import_module("asyncio")
    finally:
        del sys.modules["ssl"]


def load_tls() -> None:
    """Give `ssl` to asyncio, if it was imported without."""
    import ssl
    from asyncio import base_events, selector_events, sslproto

    if vars(sslproto)["ssl"] is None:
        for module in (base_events, selector_events):
            vars(module)["ssl"] = ssl
        importlib.reload(sslproto)
