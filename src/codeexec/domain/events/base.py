"""Base class of events."""

from __future__ import annotations

from msgspec import Struct


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Event(Struct, frozen=True, omit_defaults=True, tag_field="type", tag=_snake):
    """Base of all events."""
