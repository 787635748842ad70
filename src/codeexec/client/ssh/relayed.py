"""What `--ssh` does where codeexec-tui is not installed: a session of this machine has its kernels
there, which our relay runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from codeexec.client.wire import Address
from codeexec.config.load import load
from codeexec.domain.places.backends import OVER_SSH
from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.ssh.failures import SshFailure

T = TypeVar("T")


def relayed_kernel(address: Address, kernel: str) -> str:
    """The name of a kernel in the folder of the address; `kernel` is an interpreter or kernelspec
    there, empty for the interpreter on the PATH of a login."""
    place = SshPlace(address.ssh, address.port, address.folder).short
    return f"{OVER_SSH}:{place}{f'#{kernel}' if kernel else ''}"


def in_jobs(host: str) -> str:
    """A sentence where kernels on this host run in jobs, as the user's settings say, so that our
    relay runs there; else empty."""
    remotes = load(Path("/")).settings.remote
    if any(remote.name == host and remote.launch for remote in remotes):
        return f"Kernels on {host} run in a job, as [remote.{host}] says."
    return ""


def or_relayed(work: Callable[[], T], relayed: Callable[[str], T]) -> T:
    """Do the work; where codeexec-tui is missing on the machine, do `relayed` in its place, which
    gets the sentence that says so. SshFailure."""
    try:
        return work()
    except SshFailure as error:
        if error.kind != "missing":
            raise
        problem = error.message.rstrip(".")
        return relayed(f"{problem}, so a relay runs the kernel there. {error.next_step}")
