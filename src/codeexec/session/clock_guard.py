"""Tells whether the wall clock can be trusted, before anything is deleted because of its age.

After each look the state folder remembers the time, the boot and how long the machine was up:

- Within one boot the clock must advance as the uptime does, give or take a day.
- Over a reboot the time for which the machine was off is unknown. A clock that went back, or on by
  more than a day, may be right or wrong.
- A time that is doubted is trusted once it has held for a day (counted over reboots, without the
  unknown time), or once the clock is back to within a day of what was trusted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from codeexec.environments import processes

log = logging.getLogger(__name__)

DAY = 86_400.0
"""Seconds by which the clock may be off, and for which a new time must hold."""

FILE = "clock.json"


class Sighting(msgspec.Struct, frozen=True):
    """The clock at the last look; times in seconds since 1970, `uptime` since the boot."""

    wall: float
    uptime: float
    boot: str
    trusted: float
    """When it was last trusted, by the clock of then."""
    trusted_uptime: float = 0.0
    trusted_boot: str = ""
    held: float | None = None
    """For how long a time that is doubted has held; None while the clock is trusted."""


class ClockGuard:
    """`check` is called now and then; the file in `state` outlives the server."""

    def __init__(
        self,
        state: Path,
        uptime: Callable[[], float] = processes.uptime,
        boot: Callable[[], str] = processes.boot_id,
    ) -> None:
        self._path = state / FILE
        self._uptime = uptime
        self._boot = boot

    def check(self, now: float, newest: float | None) -> bool:
        """Whether `now` can be trusted. `newest` is when the newest session last changed: what is
        known of the time where nothing was remembered."""
        uptime, boot = self._uptime(), self._boot()
        last = self._read()
        if last is None:
            last = Sighting(wall=now, uptime=uptime, boot=boot, trusted=newest or now)
        held = self._held(last, now, uptime, boot)
        if held is None:
            self._write(Sighting(now, uptime, boot, now, uptime, boot))
            return True
        if last.held is None:
            log.warning(
                "The clock differs by %+.1f days from what was expected. No ended session is "
                "deleted until the new time has held for a day.",
                (now - last.trusted) / DAY,
            )
        self._write(msgspec.structs.replace(last, wall=now, uptime=uptime, boot=boot, held=held))
        return False

    @staticmethod
    def _held(last: Sighting, now: float, uptime: float, boot: str) -> float | None:
        """For how long the time has held that is doubted; None where it is trusted."""
        expected = last.trusted
        if boot == last.trusted_boot and uptime >= last.trusted_uptime:
            expected += uptime - last.trusted_uptime
        if abs(now - expected) <= DAY:
            return None
        if last.held is None:
            return 0.0
        passed = now - last.wall
        is_same_boot = boot == last.boot and uptime >= last.uptime
        if passed < 0 or (is_same_boot and abs(passed - (uptime - last.uptime)) > DAY):
            return 0.0  # it was set once more
        held = last.held + (passed if is_same_boot or passed <= DAY else 0.0)
        return None if held >= DAY else held

    def _read(self) -> Sighting | None:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Sighting)
        except (OSError, msgspec.MsgspecError):
            return None  # the first look, or the file was damaged

    def _write(self, sighting: Sighting) -> None:
        beside = self._path.with_name(f".{FILE}.part")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(sighting))
            beside.replace(self._path)
        except OSError as error:
            log.info("%s cannot be written: %s", self._path, error)
