"""What a browser may do to widgets, on a page whose address was given out for that.

A browser sets the value of a control, opens a child of a tab, or presses a button. It sends no
other key and no other message, so that an address for widgets is not one for the whole of what a
kernel's comms can do.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from codeexec.domain import requests as q
from codeexec.domain.content.comms import WIDGET
from codeexec.domain.errors import Conflict, Denied, NotFound, UsageError
from codeexec.server.browser.addresses import GrantedPage
from codeexec.server.browser.widgets import kind_of
from codeexec.server.rest.bodies import WrongContentType, read_json
from codeexec.session.session import Session

_CLIENT = q.ClientInfo("browser page")

_KEYS = {
    "value": {
        *("IntSlider", "FloatSlider", "FloatLogSlider", "IntRangeSlider", "FloatRangeSlider"),
        *("Text", "Textarea", "Password", "Combobox", "IntText", "BoundedIntText", "FloatText"),
        *("BoundedFloatText", "DatePicker", "ColorPicker", "Checkbox", "ToggleButton"),
        *("Time", "Datetime", "NaiveDatetime", "Play"),
    },
    "index": {
        *("Dropdown", "Select", "SelectMultiple", "RadioButtons", "ToggleButtons"),
        *("SelectionSlider", "SelectionRangeSlider"),
    },
    "selected_index": {"Tab", "Accordion"},
    **{key: {"Play"} for key in ("playing", "repeat", "_playing", "_repeat")},
}
"""The keys that a browser may set, and of which kinds of widgets."""

_MESSAGES = {
    "click": {"Button"},
    "submit": {"Text", "Password", "Combobox"},
}
"""What `event` of a message may say, by kinds of widgets."""


class WidgetMessage(msgspec.Struct, frozen=True):
    """The body of a request: what the user does with the widget of this model."""

    model: str
    message: q.CommUpdate | q.CommMessage


async def operate(page: GrantedPage, session: Session, request: Request) -> q.CommSent:
    """Send to the kernel what the body of the request says. Denied where the page only shows;
    UsageError, NotFound, Conflict, Unavailable."""
    if not page.is_controlling:
        raise Denied(
            "This page shows widgets, and operates none.",
            "Get another one: codeexec-tui page --control",
        )
    if not request.headers.get("content-type", ""):
        raise WrongContentType(
            "The body has no type.", "Send it with Content-Type: application/json"
        )
    body = await read_json(request, WidgetMessage)
    _check(session, body)
    return await session.call(q.SendComm(body.model, body.message), _CLIENT)


def _check(session: Session, body: WidgetMessage) -> None:
    view = session.snapshot.comms.get(body.model)
    if view is None or view.target != WIDGET:
        raise NotFound(
            "The session does not keep this widget any more.",
            "Run the cell that makes it, and use the new one.",
        )
    kind = kind_of(view)
    message = body.message
    if isinstance(message, q.CommUpdate):
        is_allowed = bool(message.state) and all(
            kind in _KEYS.get(key, ()) for key in message.state
        )
    else:
        event = message.content.get("event")
        is_allowed = (
            message.content.keys() == {"event"}
            and isinstance(event, str)
            and kind in _MESSAGES.get(event, ())
        )
    if not is_allowed:
        raise UsageError(
            f"A page does not do this to a widget of the kind {kind[:60]!a}.",
            "Set `value` or `index` of a control, or press a button.",
        )
    if view.state.get("disabled") is True:
        raise Conflict("This widget is disabled.", "Code in the kernel enables it.")
