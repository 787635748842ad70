"""Axes of plotly as scales: what their values are in numbers, their range, and their ticks."""

from __future__ import annotations

import array
import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from codeexec.rendering.plotly.values import LARGEST, lines, number, table, text, values

ScaleKind = Literal["linear", "log", "date", "category"]

_DAY = 86400.0
_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10800.0, 21600.0, 43200.0, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY),
)
"""Seconds between ticks of dates; longer steps are months."""
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_MOST_CATEGORIES = 10_000
_SAMPLE = 200


class AxisTick(NamedTuple):
    """A place on a scale in its numbers, and the words there."""

    place: float
    label: str


class Scale:
    """One axis. `low` and `high` are its ends in numbers: of a log axis exponents of ten, of dates
    seconds, of others their places."""

    def __init__(self, axis: dict[str, Any], samples: Iterable[Sequence[Any]]) -> None:
        self.axis = axis
        self.kind: ScaleKind = _kind(axis.get("type"), samples)
        self._places: dict[str, int] = {}
        for name in values(axis.get("categoryarray")):
            self._place_of(str(name))
        self.low, self.high = math.inf, -math.inf
        self._has_bars = False
        self._leader: Scale | None = None
        self._is_closed = False

    def numbers(self, column: Sequence[Any]) -> list[float | None]:
        """The values in numbers of the scale; None for what has no place on it."""
        match self.kind:
            case "linear" if isinstance(column, array.array):  # a million of them
                return [value if -LARGEST < value < LARGEST else None for value in column]
            case "linear":
                return [number(value) for value in column]
            case "log":
                positives = (number(value) for value in column)
                return [math.log10(n) if n is not None and n > 0 else None for n in positives]
            case "date":
                return [_seconds(value) for value in column]
            case "category":
                return [None if v is None else float(self._place_of(_name(v))) for v in column]

    def _place_of(self, name: str) -> int:
        if name not in self._places and len(self._places) >= _MOST_CATEGORIES:
            return _MOST_CATEGORIES
        return self._places.setdefault(name, len(self._places))

    def cover(self, places: Iterable[float | None], margin: float = 0.0) -> None:
        """Have room for these places, and `margin` on both sides of each."""
        present = [place for place in places if place is not None]
        if self._leader is not None:
            self._leader.cover(present, margin)
        elif present:
            self.low = min(self.low, min(present) - margin)
            self.high = max(self.high, max(present) + margin)

    @property
    def follows(self) -> bool:
        """Whether another scale says the range."""
        return self._leader is not None

    def follow(self, leader: Scale) -> None:
        """Have the range and others of another scale of this kind, and widen it."""
        self._leader = leader
        self._places = leader._places

    def begin_at_zero(self) -> None:
        """Bars stand on the end of this scale."""
        self._has_bars = True
        if self._leader is not None:
            self._leader.begin_at_zero()
        if self.kind == "linear":
            self.cover([0.0])

    def close(self, padding: float) -> None:
        """Fix the range: the axis's own, or what is to be covered with a share of padding."""
        if self._leader is not None:
            self._leader.close(padding)
            self.low, self.high = self._leader.low, self._leader.high
            return
        if self._is_closed:
            return
        self._is_closed = True
        own = self.numbers_of_range()
        if own is not None:
            self.low, self.high = own
            return
        if not self.low <= self.high:
            self.low, self.high = 0.0, 1.0
        if self.kind == "category":
            self.low, self.high = min(self.low, -0.5), max(self.high, len(self._places) - 0.5)
        else:
            room = (self.high - self.low) * padding
            ends = (self.low, self.high) if self._has_bars else (math.nan, math.nan)
            self.low -= 0 if ends[0] == 0 else room
            self.high += 0 if ends[1] == 0 else room
        if not self.high > self.low:
            half = max(abs(self.low) * 0.1, 1.0 if self.kind != "date" else _DAY / 2)
            self.low, self.high = self.low - half, self.high + half
        if "reversed" in str(self.axis.get("autorange")):
            self.low, self.high = self.high, self.low

    def numbers_of_range(self) -> tuple[float, float] | None:
        """The range that the axis names."""
        ends = values(self.axis.get("range"))
        if len(ends) != 2:
            return None
        # Of a log axis the range is in exponents already, of others in places.
        numeric = [_seconds(end) if self.kind == "date" else number(end) for end in ends]
        low, high = numeric
        return None if low is None or high is None or low == high else (low, high)

    def share(self, place: float) -> float:
        """Where a place is: 0 at the low end, 1 at the high one; far outside at most 50."""
        share = (place - self.low) / (self.high - self.low)
        return min(max(share, -50.0), 50.0)

    @property
    def title(self) -> list[str]:
        return lines(self.axis.get("title"), 120)

    def ticks(self, most: int) -> list[AxisTick]:
        """At most about `most` ticks within the range."""
        if self.axis.get("showticklabels") is False and self.axis.get("ticks") == "":
            return []
        low, high = sorted((self.low, self.high))
        if specified := values(self.axis.get("tickvals")):
            labels = values(self.axis.get("ticktext"))
            places = self.numbers(list(specified[:200]))
            ticks = [
                AxisTick(place, text(labels[at] if at < len(labels) else specified[at], 40))
                for at, place in enumerate(places)
                if place is not None
            ]
        elif self.kind == "category":
            names = [*self._places]
            step = max(math.ceil(len(names) / max(most, 1)), 1)
            ticks = [AxisTick(float(at), text(names[at], 40)) for at in range(0, len(names), step)]
        elif self.kind == "date":
            ticks = _date_ticks(low, high, most)
        elif self.kind == "log":
            ticks = _log_ticks(low, high, most)
        else:
            ticks = self._linear_ticks(low, high, most)
        slack = (high - low) * 1e-6
        return [tick for tick in ticks if low - slack <= tick.place <= high + slack]

    def _linear_ticks(self, low: float, high: float, most: int) -> list[AxisTick]:
        step = nice_step((high - low) / max(most, 1))
        first = math.ceil(low / step - 1e-9)
        places = [
            at * step for at in range(first, first + most * 3) if at * step <= high + step / 9
        ]
        prefix, suffix = (
            text(self.axis.get("tickprefix"), 10),
            text(self.axis.get("ticksuffix"), 10),
        )
        is_share = str(self.axis.get("tickformat", "")).endswith("%")
        return [
            AxisTick(at, f"{prefix}{number_label(at, step, is_share)}{suffix}") for at in places
        ]


def nice_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least so large."""
    if not 0 < least < math.inf:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def span_of_axis(axis: dict[str, Any]) -> tuple[float, float]:
    """The part of the chart that an axis takes, as shares from its left or its bottom."""
    ends = [number(end) for end in values(axis.get("domain"))]
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        low, high = max(ends[0], 0.0), min(ends[1], 1.0)
        if high - low > 0.01:
            return low, high
    return 0.0, 1.0


def number_label(value: float, step: float, is_share: bool = False) -> str:
    """A number at a tick, with the digits that tell it from its neighbours."""
    if is_share:
        return f"{value:.{1 if step < 0.01 else 0}%}"
    if value == 0:
        return "0"
    size = max(abs(value), step)
    if size >= 1e15 or step < 1e-6:
        return f"{value:.3g}".replace("-", "−")
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            unit = 1e3 if name == "k" else unit
            digits = max(-math.floor(math.log10(step / unit) + 1e-9), 0)
            return f"{value / unit:.{digits}f}{name}".replace("-", "−")
    digits = max(-math.floor(math.log10(step) + 1e-9), 0)
    return f"{value:.{digits}f}".replace("-", "−")


def _log_ticks(low: float, high: float, most: int) -> list[AxisTick]:
    step = max(math.ceil((high - low) / max(most, 1)), 1)
    powers = range(max(math.floor(low), -330), min(math.ceil(high), 330) + 1, step)
    ticks = [AxisTick(float(power), _power(power)) for power in powers]
    if high - low < 2:
        more = (factor * 10.0**power for power in powers for factor in (2, 5) if abs(power) < 300)
        ticks += [AxisTick(math.log10(value), f"{value:g}") for value in more]
    return sorted(ticks)


def _power(power: int) -> str:
    if -3 <= power < 4:
        return f"{10.0**power:g}"
    return f"10{str(power).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def _date_ticks(low: float, high: float, most: int) -> list[AxisTick]:
    least = (high - low) / max(most, 1)
    step = next((step for step in _STEPS if step >= least), None)
    if step is not None:
        pattern = "%b %d" if step >= _DAY else "%H:%M" if step >= 60 else "%H:%M:%S"
        first = math.ceil(low / step)
        places = [at * step for at in range(first, first + 3 * most) if at * step <= high]
        ticks = [AxisTick(at, _date(at).strftime(pattern).replace(" 0", " ")) for at in places]
        if ticks and step >= 3600 / 2:
            first_tick = ticks[0]
            ticks[0] = first_tick._replace(label=f"{first_tick.label}\n{_date(low).year}")
        return ticks
    months = next((m for m in _MONTHS if m * 30.4 * _DAY >= least), _MONTHS[-1])
    start = _date(low)
    month = (start.year * 12 + start.month - 1) // months * months
    ticks = []
    while len(ticks) < 3 * most and month // 12 < 9999:
        place = datetime(max(month // 12, 1), month % 12 + 1, 1, tzinfo=UTC).timestamp()
        if place > high:
            break
        pattern = "%Y" if months >= 12 else "%b %Y"
        ticks.append(AxisTick(place, _date(place).strftime(pattern)))
        month += months
    return ticks


def _date(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return datetime(1970, 1, 1, tzinfo=UTC)


def _seconds(value: object) -> float | None:
    """A date as seconds: ISO 8601, or a number of milliseconds."""
    if isinstance(value, str):
        try:
            date = datetime.fromisoformat(value.strip()[:26].replace("Z", ""))
        except ValueError:
            return None
        try:
            return date.replace(tzinfo=UTC).timestamp()
        except (OverflowError, ValueError):
            return None
    numeric = number(value)
    return None if numeric is None else numeric / 1000


def _name(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)[:200]


def _kind(named: object, samples: Iterable[Sequence[Any]]) -> ScaleKind:
    if named in ("linear", "log", "date", "category"):
        return named
    if named == "multicategory":
        return "category"
    sampled = [v for sample in samples for v in sample[:_SAMPLE] if v is not None]
    if not sampled:
        return "linear"
    others = [value for value in sampled if isinstance(value, str | bool) and number(value) is None]
    if 2 * len(others) > len(sampled):
        is_date = all(isinstance(v, str) and len(v) > 6 and _seconds(v) is not None for v in others)
        return "date" if is_date else "category"
    return "linear"


def axis_of(layout: dict[str, Any], name: str) -> dict[str, Any]:
    """An axis of the layout: `x2` is `xaxis2`."""
    return table(layout.get(f"{name[:1]}axis{name[1:]}"))
