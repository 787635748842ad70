"""Names of the backends that are ours; others have theirs from entry points."""

LOCAL = "local"
CONTAINERS = "docker"
"""Also of podman: `KernelRef.engine` names the program."""
