"""What may be set about a host of sessions; times in seconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct


class AgentSettings(Struct, frozen=True):
    """What an agent may run in a session without the user's confirmation."""

    confirm: Literal["always", "risky", "never"] = "risky"
    """Which code waits for the user: all, what looks risky, or none."""

    unattended: Literal["refuse", "run"] = "refuse"
    """What happens to code that would wait while no workbench is attached."""


class HostSettings(Struct, frozen=True):
    ladder: Literal["ask", "auto"] = "ask"
    """After an interrupt and a second one, wait to be asked again before ending the kernel, or
    go on by itself. A run that is out of time always goes on by itself."""

    ladder_grace: tuple[float, float, float] = (2.0, 3.0, 3.0)
    """How long the first, the second interrupt and SIGTERM are each given to work."""

    restart_dead_kernel: bool = False
    """Start a fresh kernel as soon as one dies, not only at the next execution."""

    start_backoff: float = 30.0
    """A start that fails for want of memory, processes or files is tried again after 1, 2, 4 …
    seconds, at most this many; 0: never. A kernel that is restarted when it dies waits so too."""

    idle_kernel: float = 12 * 3600.0
    """Stop a kernel that is idle and watched by nobody for so long; 0: never."""

    idle_host: float = 15 * 60.0
    """A server with no open session and no client ends after so long; 0: never."""

    watch_variables: bool = True
    """Look at the kernel's variables after each run."""

    collect_files: bool = True
    """Keep a copy of viewable files that a run wrote into the working folder."""

    watch_files: bool = True
    """Tell clients of changes of files in the working folder."""

    artifact_quota: int = 512 * 2**20
    """Blobs of a session; the oldest go first."""

    journal_limit: int = 2 * 2**30
    """Bytes that the journal of a session may take, with all that was printed: at the limit what
    runs is interrupted, and nothing more is run; 0: no limit."""

    terminals: int = 32
    """Terminals that a session may have."""

    terminal_idle: float = 0.0
    """End a shell in which nothing runs and that was not used for so long; 0: never."""

    terminal_scrollback: int = 2**20
    """Bytes of output that are kept of a terminal; the oldest go first."""

    session_memory: int = 0
    """Bytes that the processes of a session of the service may take outside of containers; 0: no
    limit."""

    session_cpus: float = 0.0
    """Cores on which they may run, rounded up; 0: all."""

    isolate_image: str = ""
    isolate_policy: str = ""
    """Where the policy is not empty: sessions of the service run in containers of this image
    with it, whatever their users ask for."""

    hide_env: tuple[str, ...] = ()
    """Names (`AWS_*`) of variables of this process that sessions do not see."""

    keep_days: float = 30.0
    """Ended sessions older than this are deleted."""

    keep_sessions: int = 200
    """Ended sessions beyond this number are deleted, the oldest first."""

    keep_bytes: int = 5 * 2**30
    """Ended sessions are deleted, the oldest first, while all take more than this."""

    agents: Callable[[], AgentSettings] = AgentSettings
    """Reads the settings of agents: a change counts without a restart of the server."""
