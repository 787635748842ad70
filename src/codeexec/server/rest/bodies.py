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


class WrongContentType(UsageError):
    """A body that is said to be no JSON; 415 in HTTP."""


def check_content_type(request: Request) -> None:
    """WrongContentType where the client names another type than JSON: pages of other servers can
    send forms and plain text without asking, but no JSON. None named is JSON."""
    named = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if named and named != "application/json" and not named.endswith("+json"):
        raise WrongContentType(
            f"The body is {named[:100]!a}, and JSON is expected.",
            "Send it with Content-Type: application/json",
        )


async def read_json(request: Request, kind: type[Body]) -> Body:
    """The body as a `kind`. UsageError, also WrongFields and WrongContentType."""
    check_content_type(request)
    data = await request.body()
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise WrongFields(f"{error}.", "See /docs for what is expected.") from error
    except UNREADABLE as error:
        raise UsageError(f"The body is not JSON: {error}.", "Send one JSON object.") from error
