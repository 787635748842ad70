"""Builds a single file in a container with the flags of the project that it belongs to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from codeexec.environments.base import run
from codeexec.kernels.process.projects.folders import folder_name
from codeexec.kernels.process.projects.guest import guest_root
from codeexec.kernels.process.projects.own_flags import NAME, merged, own_databases
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.languages.model import Language
from codeexec.languages.plan import PlanOptions
from codeexec.languages.projects.compile_commands import (
    MOST_BYTES,
    CompileFlags,
    flags_in,
    flags_of,
)
from codeexec.languages.projects.detect import Project, find_project
from codeexec.languages.projects.plan import BuildChoice

_HEAD = f'head -c {MOST_BYTES} "$1" 2>/dev/null || :'


async def with_guest_flags(
    guests: GuestPrograms, language: Language, file: Path, options: PlanOptions
) -> PlanOptions:
    """See `with_project_flags`. The database is that of the project's own folder, or else of what
    the container has built of it."""
    project = await asyncio.to_thread(find_project, file)
    if project is None:
        return options
    keeps_profile = not options.profile
    flags = await asyncio.to_thread(_own_flags, project, file, keeps_profile)
    if flags is None:
        place = Path(guest_root(guests.environment)) / folder_name(project, BuildChoice())
        command = ("/bin/sh", "-c", _HEAD, "sh", str(place / NAME))
        content = (await run(guests.environment, command)).stdout
        flags = flags_in(file, content, place, keeps_profile=keeps_profile)
    if flags is None:
        return options
    is_usable = bool(flags.compiler) and bool(await guests.find_paths((flags.compiler,)))
    return merged(language, options, flags, is_usable=is_usable)


def _own_flags(project: Project, file: Path, keeps_profile: bool) -> CompileFlags | None:
    for database in own_databases(project):
        flags = flags_of(file, database, keeps_profile=keeps_profile)
        if flags is not None:
            return flags
    return None
