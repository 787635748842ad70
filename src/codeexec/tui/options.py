"""Options of a workbench start, from the command line. Imports nothing that takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from codeexec.client.wire import Address

Policy = Literal["locked", "network", "open"]
Transport = Literal["relay", "ports"]


# No dataclasses here: importing what makes them would delay the first frame.
class ServerTarget(NamedTuple):
    """A session server of another machine: `name` to show, `option` of the command line that
    names it."""

    address: Address
    name: str
    option: str


class OpenOptions(NamedTuple):
    """Options of the command line.

    `docker` is None without `--docker`, else the image; an empty image stands for the default one.
    An empty `theme`, `kernel`, `policy` or `transport` is taken from the settings. `server` is
    None for the user's own on this machine.
    """

    files: tuple[str, ...] = ()
    kernel: str = ""
    new: bool = False
    session: str = ""
    docker: str | None = None
    policy: Policy | Literal[""] = ""
    transport: Transport | Literal[""] = ""
    pull: bool = False
    theme: str = ""
    attach: bool = False
    watch: bool = False
    server: ServerTarget | None = None
    lesson: str = ""
    """Path of the lesson to give; empty for none."""
    is_tour: bool = False
    """The lesson is a tour: its steps stand in the workbench, its script is among the files."""
    speaker: bool = False
    """Show the speaker's view of it."""
    typing: int | Literal["keys", "once", ""] = ""
    """How its code is typed; empty: as it says."""
    learner: str = ""
    """Name of the person who does the exercises of the lesson; empty: it is given."""
    terminal: str = ""
    """Id of the terminal to show alone; empty for none."""

    @property
    def only_watches(self) -> bool:
        """Whether the session refuses what would change it. The speaker's view watches as well, but
        steers the lesson."""
        return self.watch and not self.speaker

    def attach_command(self, session: str) -> str:
        """The command line that comes back to a session."""
        option = f" {self.server.option}" if self.server else ""
        return f"{program_command()} attach{option} {session}".rstrip()


def program_command() -> str:
    """How a shell starts this program: by its name, or by its path where PATH does not have it."""
    import shlex
    import shutil
    import sys
    from pathlib import Path

    name, program = "codeexec-tui", Path(sys.argv[0])
    is_known = program.name != name or shutil.which(name) is not None
    return name if is_known else shlex.quote(str(program.absolute()))
