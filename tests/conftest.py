"""No example of a property is late, and no test reads or writes the state of whoever runs it."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

_STATE = tempfile.TemporaryDirectory(prefix="codeexec-tests-")
os.environ["XDG_STATE_HOME"] = _STATE.name
