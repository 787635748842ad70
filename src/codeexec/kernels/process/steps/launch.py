"""Starts a program of a session on its terminal: watched, and able to outlive the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from codeexec.domain.options import ProgramOptions
from codeexec.environments.base import Environment, TerminalHandle, TerminalSize
from codeexec.environments.holder.client import ChannelReader
from codeexec.environments.local import LocalEnvironment
from codeexec.kernels.base import ExecuteCall
from codeexec.kernels.process.crashes.session import CrashWatch, GuestCrashWatch, Watch
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.guest import GuestPrograms
from codeexec.kernels.process.steps.start import start_command, start_variables
from codeexec.kernels.process.steps.survival import RunningProgram, Survival

SCREEN_COLUMNS = 80

FindGuests = Callable[[Environment], GuestPrograms]
"""Returns the programs that a kernel has in a container."""


@dataclass(frozen=True, slots=True)
class Launched:
    """A program that was started. With a `reader` it outlives the server."""

    terminal: TerminalHandle
    reader: ChannelReader | None
    watch: Watch


async def launch(
    program: BuiltProgram,
    environment: Environment,
    env: Mapping[str, str],
    call: ExecuteCall,
    size: TerminalSize,
    guests: FindGuests,
    survival: Survival | None,
    began: float,
) -> Launched:
    """`env` has the variables of the session, `size` is that of the program's terminal.
    EnvironmentUnavailable, OSError."""
    options = call.options.program or ProgramOptions()
    is_local = isinstance(environment, LocalEnvironment)
    watch = await _begin_watch(program, environment, guests, options)
    command = start_command(program, options, watch)
    variables = start_variables(env if is_local else program.environ, options)
    try:
        if survival is None or not survival.outlives:
            terminal = await environment.open_terminal(command, size=size, env=variables)
            return Launched(terminal, None, watch)
        assert isinstance(environment, LocalEnvironment), "programs of a container end with it"
        running = _running_program(program, call, options, began, watch)
        expected = await asyncio.to_thread(survival.expect, running)
        held = await environment.open_terminal(
            command, size=size, env=variables, folder=expected.terminal
        )
        try:
            await asyncio.to_thread(survival.note, replace(expected, is_started=True))
        except BaseException:
            await held.kill()
            raise
        return Launched(held, held.reader(), watch)
    except BaseException:
        await watch.close()
        raise


async def _begin_watch(
    program: BuiltProgram, environment: Environment, guests: FindGuests, options: ProgramOptions
) -> Watch:
    if isinstance(environment, LocalEnvironment):
        environ = {**program.environ, **options.environment}
        return await CrashWatch.begin(program.language, environ)
    return await GuestCrashWatch.begin(program.language, guests(environment))


def _running_program(
    program: BuiltProgram,
    call: ExecuteCall,
    options: ProgramOptions,
    began: float,
    watch: Watch,
) -> RunningProgram:
    return RunningProgram(
        call.execution,
        0,
        "",
        began,
        program.plan.run,
        program.plan.tool,
        str(program.cwd),
        options.echo,
        call.options.allow_stdin,
        watch.folder,
    )
