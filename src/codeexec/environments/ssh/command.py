"""The command line of `ssh`: the user's own configuration, and what our lines need."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from codeexec.domain.content.digests import blake2s
from codeexec.environments.ssh.failures import SshFailure
from codeexec.hostfiles.programs import which
from codeexec.hostfiles.state import APP, runtime_folder

COMMAND = "CODEEXEC_SSH"
"""Variable with the command to run in place of `ssh`, such as `ssh -F FILE`."""

OPTIONS = (
    *("-T", "-o", "BatchMode=yes", "-o", "RemoteCommand=none"),
    # The line is ours alone: it binds no port, and nobody else's session ends with it.
    *("-o", "ClearAllForwardings=yes", "-o", "ControlMaster=no"),
    *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"),
)

PERSIST = "8h"
"""How long our master connection stays when no line goes through it."""

_MAX_PATH = 85
"""Bytes; `ssh` adds a name of 17 while it binds the socket."""


def ssh_command() -> list[str]:
    """The words that run `ssh`. SshFailure where there is none."""
    command = shlex.split(os.environ.get(COMMAND, "")) or ["ssh"]
    program = which(command[0])
    if program is None:
        raise SshFailure(
            "ssh", f"There is no program {command[0]} on PATH.", "Install OpenSSH's client."
        )
    return [program, *command[1:]]


def line_command(host: str, port: int, script: str) -> list[str]:
    """The command whose stdio is that of the shell script on `host`. SshFailure."""
    master = master_socket(host, port)
    own = ["-S", str(master)] if master.exists() else []
    port_words = ["-p", str(port)] if port else []
    remote_command = f"exec /bin/sh -c {shlex.quote(script)}"
    return [*ssh_command(), *own, *OPTIONS, *port_words, "--", host, remote_command]


def master_command(ssh: Sequence[str], host: str, port: int) -> list[str]:
    """The command that opens our master connection and ends when that goes on in the background;
    `ssh` are the words that run it. It may ask."""
    path = str(master_socket(host, port))
    options = ("-o", f"ControlPersist={PERSIST}", "-o", "ClearAllForwardings=yes", "-T")
    alive = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")
    port_words = ["-p", str(port)] if port else []
    own = ["-M", "-S", path, *options, *alive, "-o", "RemoteCommand=none"]
    return [*ssh, *own, *port_words, "--", host, "true"]


def master_socket(host: str, port: int) -> Path:
    """Where the master connection for this machine listens, if there is one."""
    name = f"ssh-{blake2s(f'{host} {port}'.encode(), digest_size=6).hexdigest()}"
    path = Path(runtime_folder(), name)
    if len(os.fsencode(path)) > _MAX_PATH:
        path = Path("/tmp") / f"{APP}-{os.getuid()}" / name
    return path
