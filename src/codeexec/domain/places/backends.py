"""Names of the backends that are ours; others have theirs from entry points."""

LOCAL = "local"
CONTAINERS = "docker"
"""Also of podman: `KernelRef.engine` names the program."""
REMOTE = "remote"
"""Of Jupyter servers, on this machine or on others."""

OVER_SSH = "ssh"
"""Of machines that `ssh` reaches, without codeexec-tui there."""

KERNEL_PREFIX = "KERNEL_"
"""How the variables begin that an Enterprise Gateway takes with the start of a kernel."""

ADDRESSES = ("http://", "https://", "unix:", "http+unix://")
"""How the address of a Jupyter server begins; it is a name of a kernel there."""
