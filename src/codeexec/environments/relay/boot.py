"""The relay's source, and the few words on the command line that receive it over stdin."""

from __future__ import annotations

from functools import cache
from importlib import resources

BOOT = (
    "import os,sys\n"
    "n=int(sys.argv[1]);b=b''\n"
    "while len(b)<n:\n"
    " c=os.read(0,n-len(b))\n"
    " if not c:sys.exit(125)\n"
    " b+=c\n"
    "exec(compile(b,'relay','exec'))"
)


@cache
def relay_source() -> bytes:
    """Guest code is read as a file: nothing on our side imports it."""
    return resources.files("codeexec").joinpath("guest", "relay.py").read_bytes()


def boot_arguments() -> list[str]:
    """Arguments of the guest's python3; isolated, so nothing in the workspace is imported."""
    return ["-IS", "-c", BOOT, str(len(relay_source()))]
