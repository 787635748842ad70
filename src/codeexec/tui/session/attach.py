"""Choose the session for a workbench start: the named one, the folder's, or a new one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from codeexec.client.api import HostClient
from codeexec.client.remote import folder_there
from codeexec.domain.errors import NotFound
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.places.containers import PORTS
from codeexec.domain.requests import (
    ListSessions,
    OpenSession,
    SessionSummary,
    StopSession,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.client.wire import Address
    from codeexec.config.model import Settings
    from codeexec.tui.options import OpenOptions
    from codeexec.tui.session.workspace import Workspace


LEARNERS_SESSION = "learn-"
"""Begin of the name of a session in which a learner does a lesson."""

_MOST_NAME = 24
"""Characters of a learner's name in the name of a session."""


def wanted(options: OpenOptions, place: Workspace, settings: Settings) -> OpenSession:
    """The request for a new session, or for the one of that name; what the command line does not
    say, the settings do. A kernel that it names is one of this machine."""
    docker = settings.docker
    in_container = options.docker is not None or (
        settings.kernel.backend == CONTAINERS and not options.kernel
    )
    request = OpenSession(
        cwd=str(place.folder),
        name=options.session,
        kernel=options.kernel,
        file=str(place.files[0]) if place.files else "",
    )
    if not in_container:
        return replace(request, kernel=options.kernel or settings.kernel.name)
    pull = "true" if options.pull else docker.pull
    policy = replace(docker, policy=options.policy or docker.policy, pull=pull).wanted
    image = options.docker or docker.image
    transport = options.transport or docker.transport
    return replace(request, backend=CONTAINERS, image=image, policy=policy, transport=transport)


async def find_session(
    host: HostClient, options: OpenOptions, place: Workspace, settings: Callable[[], Settings]
) -> SessionSummary:
    """Open it or attach to it: to this folder's, where that has what the command line names. Only
    a new session asks for the settings, which take a while to read.
    Raises NotFound where one is to be attached to and is not there, and whatever the host has to
    say."""
    if options.server is not None and options.server.address.ssh:
        return await _over_ssh(host, options, options.server.address)
    if options.lesson:
        return await _session_of_lesson(host, options, place, settings)
    if options.attach:
        return await _running(host, options.session, opens=options.server is not None)
    if options.server is not None:
        return await host.call(OpenSession(name=options.session))
    if not options.new and not options.session:
        listed = await host.call(ListSessions(ended=False))
        in_folder = [
            candidate for candidate in listed.sessions if candidate.cwd == str(place.folder)
        ]
        for session in in_folder:
            if _never_had_a_kernel(session) and not session.executions and not session.clients:
                # Begun with a kernel that there is not: nothing is in it that could be lost.
                await host.call(StopSession(session.session_id))
        mine = [
            candidate
            for candidate in in_folder
            if _fits(candidate, options) and not _never_had_a_kernel(candidate)
        ]
        if mine:
            return max(mine, key=lambda candidate: candidate.changed_at)
    return await host.call(wanted(options, place, settings()))


async def _over_ssh(host: HostClient, options: OpenOptions, address: Address) -> SessionSummary:
    """That of the address's folder, or a new one; with `attach` and no folder any that runs."""
    listed = (await host.call(ListSessions(ended=False))).sessions
    if options.attach and (options.session or (listed and not address.folder)):
        return await _running(host, options.session, opens=False)
    cwd = await folder_there(host, address)
    mine = [candidate for candidate in listed if candidate.cwd == cwd and _fits(candidate, options)]
    if mine and not options.new and not options.session:
        return max(mine, key=lambda candidate: candidate.changed_at)
    return await host.call(OpenSession(cwd=cwd, name=options.session, kernel=options.kernel))


async def _session_of_lesson(
    host: HostClient, options: OpenOptions, place: Workspace, settings: Callable[[], Settings]
) -> SessionSummary:
    """The session in which a lesson is given, or a new one."""
    listed = (await host.call(ListSessions(ended=False))).sessions
    base = f"lesson-{Path(options.lesson).stem}"
    if options.learner:
        base = f"{LEARNERS_SESSION}{Path(options.lesson).stem}-{_as_name(options.learner)}"
    is_named = re.compile(rf"{re.escape(base)}(~\d+)?").fullmatch
    # On another machine the session has a folder of its own.
    folder = str(place.folder) if options.server is None else ""
    given = [
        candidate
        for candidate in listed
        if (not folder or candidate.cwd == folder)
        and is_named(candidate.name)
        and (candidate.learner is None or candidate.learner.learner == options.learner)
    ]
    for session in [candidate for candidate in given if _never_had_a_kernel(candidate)]:
        if not options.watch:
            await host.call(StopSession(session.session_id))
            given.remove(session)
            listed = tuple(candidate for candidate in listed if candidate is not session)
    if given and not options.new:
        return max(given, key=lambda candidate: candidate.changed_at)
    if options.watch:
        raise NotFound(
            f"{options.lesson} is not being given.",
            f"Begin it in another terminal: codeexec-tui lesson {shlex.quote(options.lesson)}",
        )
    taken = {candidate.name for candidate in listed}
    names = (f"{base}~{number}" if number > 1 else base for number in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    if options.server is not None:
        return await host.call(OpenSession(name=name, kernel=options.kernel))
    return await host.call(wanted(options._replace(session=name), place, settings()))


def _as_name(learner: str) -> str:
    """The name of a learner as a part of the name of a session."""
    return re.sub(r"\W+", "-", learner.casefold()).strip("-")[:_MOST_NAME] or "learner"


def _never_had_a_kernel(session: SessionSummary) -> bool:
    """Whether the kernel that it was begun with was not found, for instance a name mistyped."""
    return session.state == "dead" and not session.kernel_name


def _fits(session: SessionSummary, options: OpenOptions) -> bool:
    """Whether it has the kernel, the container, its policy and transport, as far as they are
    named."""
    if options.kernel and options.kernel not in (session.kernel, session.kernel_name):
        return False
    if options.docker is not None and session.backend != CONTAINERS:
        return False
    if options.docker and session.kernel_name != f"{CONTAINERS}:{options.docker}":
        return False
    words = session.policy.split(" · ")
    if options.transport and (PORTS in words) != (options.transport == PORTS):
        return False
    # The words begin with the name of the policy: `locked · no network …`, `locked, changed …`.
    return not options.policy or session.policy.split(" ")[0].rstrip(",") == options.policy


async def _running(host: HostClient, name: str, *, opens: bool) -> SessionSummary:
    """`opens`: where no session runs and none is named, open one in a new folder."""
    listed = (await host.call(ListSessions(ended=False))).sessions
    matching = [
        session for session in listed if not name or name in (session.name, session.session_id)
    ]
    if opens and not listed and not name:
        return await host.call(OpenSession())
    if not matching:
        names = ", ".join(session.name for session in listed)
        raise NotFound(
            f"No session {name!r} is running." if name else "No session is running.",
            f"Running are: {names}." if names else "Begin one with `codeexec-tui`.",
        )
    return max(matching, key=lambda session: session.changed_at)
