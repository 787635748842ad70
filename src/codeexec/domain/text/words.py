"""Durations and sizes in few characters, the same for every client."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float) -> str:
    """A running time: `24 ms`, `0.8 s`, `12 s`, `3:05`, `2:14:00`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_left(seconds: float) -> str:
    """Until the end of a job: `3 h left`, `59 min left`, `no time left`."""
    minutes = int(seconds // 60)
    if minutes >= 120:
        return f"{minutes // 60} h left"
    if seconds <= 0:
        return "no time left"
    return f"{minutes} min left" if minutes else "less than 1 min left"


def size_words(size: int) -> str:
    """Bytes in at most seven characters: `640 B`, `12 kB`, `3.4 MB`, `120 GB`."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if unit > 1 and value < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"
