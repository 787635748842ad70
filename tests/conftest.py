"""No example of a property is late, and no test reads or writes the state of whoever runs it."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# The same examples in every run: what random ones found is kept as `@example` in their tests.
settings.register_profile("ci", settings.get_profile("untimed"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "untimed")

_STATE = tempfile.TemporaryDirectory(prefix="codeexec-tests-")
os.environ["XDG_STATE_HOME"] = _STATE.name
