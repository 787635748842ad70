"""Our own master connection, for machines where `ssh` asks: a password, a code, a passphrase.

The user answers on the terminal once. All later lines go through the master, also those that are
opened while the workbench has the terminal.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import TypeVar

from codeexec.client.wire import Address
from codeexec.config.paths import make_private
from codeexec.environments.ssh.command import master_command, master_socket
from codeexec.environments.ssh.failures import ASKED_ABOUT, SshFailure

T = TypeVar("T")


def open_master(address: Address, ssh: Sequence[str]) -> bool:
    """Let `ssh`, with these words, ask on the terminal; returns whether it was let in."""
    path = master_socket(address.ssh, address.port)
    make_private(path.parent)
    path.unlink(missing_ok=True)
    done = subprocess.run(
        master_command(ssh, address.ssh, address.port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def after_questions(address: Address, work: Callable[[], T], ssh: Callable[[], Sequence[str]]) -> T:
    """Do the work; where a line was refused, let `ssh` ask on the terminal, and do it once more.
    SshFailure."""
    try:
        return work()
    except SshFailure as error:
        if error.kind not in ASKED_ABOUT or not os.isatty(0) or not open_master(address, ssh()):
            raise
    return work()
