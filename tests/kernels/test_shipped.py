"""Files that a container gets for its kernel: all that our launcher loads."""

from __future__ import annotations

import re
from pathlib import Path

from codeexec.kernels.jupyter.launch import GUEST, LAUNCHER
from codeexec.kernels.relay.launcher_files import SHIPPED


def test_what_the_launcher_loads_is_shipped_into_containers() -> None:
    loaded = set(re.findall(r'\bload\("([\w/]+)"\)', Path(LAUNCHER).read_text("utf-8")))
    assert {"outbox", "questions"} < loaded
    assert {f"{name}.py" for name in loaded} <= set(SHIPPED)
    assert all((Path(GUEST) / name).is_file() for name in SHIPPED)
