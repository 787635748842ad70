"""Memory of processes, by the session that has started them."""

from __future__ import annotations

import os
import subprocess

from codeexec.environments.processes import descendants, end_identified, identify
from codeexec.environments.usage.process_table import read_table
from codeexec.environments.usage.process_use import ProcessUse


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


def test_a_table_finds_the_descendants_of_a_process() -> None:
    shell = ["sh", "-c", "sleep 100 & echo started; wait"]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            table = read_table()
            assert read_table(3600) is table
            family = table.descendants(process.pid)
            assert family == descendants(process.pid)
            assert len(family) == 1
            assert all(table.is_there(pid, identity) for pid, identity in family.items())
            assert not table.is_there(process.pid, "another")
        finally:
            os.killpg(process.pid, 9)
    assert process.pid not in read_table().rows
