"""Reads what schema 1 wrote as schema 2: events of older journals, and requests in the older form.

Schema 1 had the options of an execution beside its code, and the `KernelRef` of
`kernel_starting` in the field that now names the kernel within its session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from codeexec.domain.events import AnyEvent
from codeexec.domain.options import ExecuteOptions

_options = msgspec.json.Decoder(ExecuteOptions)


def flat_options(data: bytes | str) -> ExecuteOptions:
    """The options that stand beside the code of a request or an event; ValueError."""
    return _options.decode(data)


def nest_options(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields of an `Execute`, with options that stand beside its code moved into `options`."""
    flat = {name: fields[name] for name in ExecuteOptions.__struct_fields__ if name in fields}
    options = fields.get("options", {})
    if not flat or not isinstance(options, dict):
        return dict(fields)
    others = {name: value for name, value in fields.items() if name not in flat}
    return {**others, "options": {**flat, **options}}


def upgrade_event(data: bytes | str) -> AnyEvent:
    """An event that schema 2 cannot read. ValueError where schema 1 could not either."""
    fields = msgspec.json.decode(data, type=dict[str, object])
    if fields.get("type") == "kernel_starting" and isinstance(fields.get("kernel"), dict):
        fields["ref"] = fields.pop("kernel")
    return cast(AnyEvent, msgspec.convert(fields, AnyEvent))
