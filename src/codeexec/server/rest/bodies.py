"""Reads the JSON body of a request."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from starlette.requests import Request

from codeexec.domain.errors import UsageError
from codeexec.domain.wire.codec import UNREADABLE

Body = TypeVar("Body")


class WrongFields(UsageError):
    """A body is JSON, but has fields that are missing or of another type."""


async def read_json(request: Request, kind: type[Body]) -> Body:
    """The body as a `kind`. UsageError, also WrongFields."""
    data = await request.body()
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise WrongFields(f"{error}.", "See /docs for what is expected.") from error
    except UNREADABLE as error:
        raise UsageError(f"The body is not JSON: {error}.", "Send one JSON object.") from error
