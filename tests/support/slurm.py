"""A batch system of one node on this machine: Slurm with munge, whose files are all in a folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.ports import pick_port
from support.servers import wait_for

_SYSTEM = f"{os.environ['PATH']}:/usr/sbin"


@dataclass(frozen=True)
class Slurm:
    """`config` is for SLURM_CONF."""

    config: Path

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        environ = {**os.environ, "SLURM_CONF": str(self.config)}
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def jobs(self) -> list[str]:
        """State and number of each job that has not ended."""
        return self.ask("squeue", "--noheader", "--format=%T %i").splitlines()


@contextmanager
def slurm_there(folder: Path) -> Iterator[Slurm]:
    """Of one processor, so that a second job waits. `folder` is ours alone."""
    if os.geteuid() != 0 or shutil.which("slurmctld", path=_SYSTEM) is None:
        pytest.skip("needs root and Slurm: apt-get install slurmctld slurmd slurm-client munge")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o755)  # munge trusts no folder that hides its socket
    (folder / "key").touch(mode=0o400)
    (folder / "key").write_bytes(os.urandom(128))
    host = socket.gethostname().partition(".")[0]
    (folder / "slurm.conf").write_text(
        f"ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n"
        f"SlurmctldPort={pick_port()}\nSlurmdPort={pick_port()}\nAuthType=auth/munge\n"
        f"AuthInfo=socket={folder}/munge\nCredType=cred/munge\nMpiDefault=none\n"
        f"StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n"
        f"SlurmctldPidFile={folder}/ctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n"
        f"SlurmctldLogFile={folder}/ctld.log\nSlurmdLogFile={folder}/slurmd.log\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nKillWait=2\n"
        "SchedulerParameters=bf_interval=1,sched_interval=1\n"
        "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
        f"NodeName={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN\n"
        "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
    )
    slurm = Slurm(folder / "slurm.conf")
    munge = [
        *("munged", "--foreground", "--force", f"--key-file={folder}/key"),
        *(f"--socket={folder}/munge", f"--pid-file={folder}/munged.pid"),
        *(f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"),
    ]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for command in (munge, ["slurmctld", "-D"], ["slurmd", "-D"]):
            program = shutil.which(command[0], path=_SYSTEM)
            assert program is not None
            environ = {**os.environ, "SLURM_CONF": str(slurm.config)}
            with (folder / f"{command[0]}.out").open("wb") as log:
                words = [program, *command[1:]]
                daemons.append(subprocess.Popen(words, env=environ, stdout=log, stderr=log))
            if command is munge:
                wait_for((folder / "munge").exists, "munge")
        wait_for(lambda: _is_idle(slurm), "a node of Slurm")
        yield slurm
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def _is_idle(slurm: Slurm) -> bool:
    try:
        return slurm.ask("sinfo", "--noheader", "--format=%T") == "idle"
    except subprocess.CalledProcessError:
        return False
