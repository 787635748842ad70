"""Bases of requests and replies, and the reply `Done`."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

R = TypeVar("R")


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class Reply(Struct, frozen=True, omit_defaults=True):
    """Base of all replies."""


class Done(Reply, frozen=True):
    """The request was accepted. `seq` is the number of the last event by then, `count` how many
    items it concerned."""

    seq: int = 0
    count: int = 0


class Request(Struct, Generic[R], frozen=True, omit_defaults=True, tag_field="type", tag=_snake):
    """Base of all requests; `Answer` is the type of the reply."""

    Answer: ClassVar[type[Reply]] = Done
