"""Hash functions of the interpreter itself, for names and comparisons, not for secrets.

`hashlib` loads OpenSSL besides: that takes longer than the first steps of a start, and 2 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hashlib import _Hash


def _load(name: str, *modules: str) -> Callable[..., _Hash]:
    """The function of the first of these modules that is there, else that of `hashlib`: they are no
    part of Python's documented library."""
    for module in (*modules, "hashlib"):
        try:
            function: Any = getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
        return function  # type: ignore[no-any-return]
    raise ImportError(name)


blake2b = _load("blake2b", "_blake2")
sha1 = _load("sha1", "_sha1")
blake2s = _load("blake2s", "_blake2")
sha256 = _load("sha256", "_sha2", "_sha256")
