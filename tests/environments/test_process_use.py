"""Memory of processes, by the session that has started them."""

from __future__ import annotations

import subprocess

from codeexec.environments.process_use import ProcessUse
from codeexec.environments.processes import end_identified, identify


def test_processes_that_were_counted_are_ended_and_no_later_one_of_their_number() -> None:
    with subprocess.Popen(["sleep", "100"]) as process:
        try:
            use = ProcessUse().look({"session": {process.pid: "main"}})["session"]
            assert use.processes == {"main": {process.pid: identify(process.pid)}}
            assert use.total > 0
            end_identified({process.pid: f"{identify(process.pid)}0"})
            assert process.poll() is None
            end_identified(use.processes["main"])
            assert process.wait(30) < 0
        finally:
            process.kill()
