"""Dates and times of widgets as the user reads and types them.

ipywidgets sends the parts of a JavaScript date: months count from 0, and a moment with a time zone
is in UTC. It is shown and typed in the time of this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from codeexec.domain.errors import UsageError

MOMENTS = frozenset({"DatePicker", "Time", "Datetime", "NaiveDatetime"})
"""Kinds of models whose value is a date, a time, or both."""

_EXAMPLES = {
    "DatePicker": "a date, such as 2026-03-01",
    "Time": "a time, such as 14:30 or 14:30:15",
    "Datetime": "a date and a time, such as 2026-03-01 14:30",
    "NaiveDatetime": "a date and a time, such as 2026-03-01 14:30",
}

Moment = date | time | datetime


def text_of_moment(kind: str, value: object) -> str:
    """Empty where there is none."""
    moment = _moment(kind, value)
    if moment is None:
        return ""
    if isinstance(moment, datetime):
        if moment.tzinfo is not None:
            moment = moment.astimezone().replace(tzinfo=None)
        return f"{moment.date().isoformat()} {_clock(moment.time())}"
    return _clock(moment) if isinstance(moment, time) else moment.isoformat()


def typed_moment(kind: str, text: str) -> dict[str, object] | None:
    """The value that the user has typed; None: no moment. UsageError where it is none."""
    text = text.strip()
    if not text:
        return None
    try:
        return _parts(_parsed(kind, text))
    except (ValueError, OverflowError):
        raise UsageError(f"This widget takes {_EXAMPLES[kind]}.", "Type it again.") from None


def moved_moment(kind: str, state: Mapping[str, object], steps: float) -> dict[str, object] | None:
    """The value so many days later; of a time so many steps of the widget, which end at midnight.
    None where it cannot be moved."""
    moment = _moment(kind, state.get("value"))
    if moment is None or abs(steps) > 1000:
        return None
    try:
        if not isinstance(moment, time):
            return _parts(moment + timedelta(days=steps))
        step = state.get("step")
        seconds = float(step) if isinstance(step, int | float) and 0 < step < 1e5 else 60.0
        day = datetime.combine(date(2000, 1, 2), moment)
        moved = day + timedelta(seconds=seconds * steps)
        return _parts(moved.time()) if moved.date() == day.date() else None
    except OverflowError:
        return None


def _parsed(kind: str, text: str) -> Moment:
    if kind == "DatePicker":
        return date.fromisoformat(text)
    if kind == "Time":
        return time.fromisoformat(text).replace(tzinfo=None)
    moment = datetime.fromisoformat(text)
    if kind == "Datetime":
        return moment.astimezone(UTC)
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo is not None else moment


def _moment(kind: str, value: object) -> Moment | None:
    if not isinstance(value, Mapping):
        return None
    try:
        clock = time(
            _whole(value.get("hours")),
            _whole(value.get("minutes")),
            _whole(value.get("seconds")),
            _whole(value.get("milliseconds")) * 1000,
        )
        if kind == "Time":
            return clock
        day = date(
            _whole(value.get("year")), _whole(value.get("month")) + 1, _whole(value.get("date"))
        )
        if kind == "DatePicker":
            return day
        return datetime.combine(day, clock, UTC if kind == "Datetime" else None)
    except (ValueError, OverflowError):
        return None


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) < 1e9 else 0


def _parts(moment: Moment) -> dict[str, object]:
    parts: dict[str, object] = {}
    if isinstance(moment, date):  # a datetime is one
        parts |= {"year": moment.year, "month": moment.month - 1, "date": moment.day}
    if isinstance(moment, time | datetime):
        parts |= {
            "hours": moment.hour,
            "minutes": moment.minute,
            "seconds": moment.second,
            "milliseconds": moment.microsecond // 1000,
        }
    return parts


def _clock(clock: time) -> str:
    """Without seconds where there are none."""
    if clock.microsecond:
        return clock.isoformat("milliseconds")
    return clock.isoformat("seconds" if clock.second else "minutes")
