"""No example of a property is late, and no test reads or writes the state of whoever runs it."""

from __future__ import annotations

import os
import signal
import tempfile

from hypothesis import HealthCheck, settings

from support import idle

pytest_plugins = ("support.jupyter_servers", "support.jupyter_hubs")

settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# The same examples in every run: what random ones found is kept as `@example` in their tests.
settings.register_profile("ci", settings.get_profile("untimed"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "untimed")

idle.install()

_STATE = tempfile.TemporaryDirectory(prefix="codeexec-tests-")
os.environ["XDG_STATE_HOME"] = _STATE.name

# Set by readline, which the processes of pytest-xdist load; no terminal of a test has this size.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# Set where an environment is activated: sessions would take it for the environment of their folder.
for _name in ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV"):
    os.environ.pop(_name, None)

# Set in containers: prints of two processes would mix within a line, where nothing buffers them.
os.environ.pop("PYTHONUNBUFFERED", None)

# Under `nohup`, or in the background of a script, these are ignored, and so they would be in every
# program that a test starts; a program that finds a signal ignored leaves it so.
for _number, _handler in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
