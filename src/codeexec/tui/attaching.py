"""Which session a start of the workbench means: the one named, this folder's, or a new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.client.api import HostClient
from codeexec.domain.errors import NotFound
from codeexec.domain.requests import ListSessions, OpenSession, SessionSummary

if TYPE_CHECKING:
    from codeexec.tui.app import OpenOptions


@dataclass(frozen=True, slots=True)
class Place:
    """Where one works: the folder, and the files to show."""

    folder: Path
    files: tuple[Path, ...]


def place_of(files: tuple[str, ...], cwd: Path) -> Place:
    """A folder among the files is where one works; else it is the current one."""
    paths = [(cwd / name).expanduser() for name in files]
    folders = [path for path in paths if path.is_dir()]
    folder = folders[0].resolve() if folders else cwd
    return Place(folder, tuple(path for path in paths if not path.is_dir()))


def wanted(options: OpenOptions, place: Place) -> OpenSession:
    """The request for a new session, or for the one of that name."""
    return OpenSession(
        cwd=str(place.folder),
        name=options.session,
        kernel=options.kernel,
        file=str(place.files[0]) if place.files else "",
        backend="docker" if options.docker is not None else "local",
        image=options.docker or "",
    )


async def find_session(host: HostClient, options: OpenOptions, place: Place) -> SessionSummary:
    """Open it or attach to it. Raises NotFound where one is to be attached to and is not there,
    and whatever the host has to say."""
    if options.attach:
        return await _running(host, options.session)
    if not options.new and not options.session and options.docker is None and not options.demo:
        listed = await host.call(ListSessions(ended=False))
        mine = [
            one
            for one in listed.sessions
            if one.cwd == str(place.folder) and options.kernel in ("", one.kernel)
        ]
        if mine:
            return max(mine, key=lambda one: one.changed_at)
    return await host.call(wanted(options, place))


async def _running(host: HostClient, name: str) -> SessionSummary:
    listed = (await host.call(ListSessions(ended=False))).sessions
    found = [one for one in listed if not name or name in (one.name, one.session_id)]
    if not found:
        names = ", ".join(one.name for one in listed)
        raise NotFound(
            f"No session {name!r} is running." if name else "No session is running.",
            f"Running are: {names}." if names else "Begin one with `codeexec-tui`.",
        )
    return max(found, key=lambda one: one.changed_at)
