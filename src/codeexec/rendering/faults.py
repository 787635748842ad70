"""Why a document cannot be drawn."""

from __future__ import annotations


class Fault(Exception):
    """Why a document cannot be drawn, in words that go on after a colon: `it has no size`."""
