"""How code is run: options that a client chooses, carried whole from a request to the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

DEFAULT_KERNEL = "python"
"""The name of a session's first kernel where nothing else names it, and of the only kernel that
a session of schema 1 had."""


PROGRAMS = "programs"
"""Before the colon in the name of a kernel of programs, such as `programs:cpp`."""

OnDisconnect = Literal["continue", "interrupt"]

ProgramSteps = Literal["build_and_run", "build", "run", "test"]


class ProjectOptions(Struct, frozen=True, omit_defaults=True):
    """A project that a build system builds (CMake, Meson, Ninja, Make). `folder` is a path in it,
    relative to the session's folder or absolute; empty: the session's folder. `target` is empty for
    the build system's default; to be run it is then the only program of the project. `preset` is
    one of CMake's configure presets. Of its tests only `tests` are run, by the names that their
    results have; empty: all."""

    folder: str = ""
    target: str = ""
    preset: str = ""
    tests: tuple[str, ...] = ()


PROJECT_KERNEL = f"{PROGRAMS}:project"
"""The kernel that builds projects, runs their programs and their tests."""


class ProgramOptions(Struct, frozen=True, omit_defaults=True):
    """How a program is built and run. `file` is its path, relative to the session's folder or
    absolute; empty: the code is the program, or `project` is built. `steps`: `run` reuses what was
    built, whatever has changed since; `test` builds a project and runs its tests. `profile`,
    `compiler` and `standard` (as `c++23`) are empty for the first of the language, `flags` are
    further words for the compiler. `rows` are those of its terminal, whose width is
    `ExecuteOptions.columns`; without `echo` that does not show what is typed. With `rebuild`
    nothing is reused. A program that runs has the variables of `environment` besides those of the
    session, and starts in `folder`; the file `stdin` is its input (empty: its terminal). Both are
    relative to the session's folder or absolute."""

    file: str = ""
    steps: ProgramSteps = "build_and_run"
    arguments: tuple[str, ...] = ()
    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    standard: str = ""
    rows: int = 24
    rebuild: bool = False
    project: ProjectOptions | None = None
    echo: bool = True
    environment: Mapping[str, str] = {}
    folder: str = ""
    stdin: str = ""


class CodeAbove(Struct, frozen=True, omit_defaults=True):
    """Code of another cell of the same document, and where it begins there (from 0)."""

    code: str
    first_line: int = 0
    title: str = ""


class PluginStep(Struct, frozen=True, omit_defaults=True):
    """What an execution does with a plugin, in place of running code. Made by the session alone.
    `payload` is the step whose request has the implementation."""

    action: Literal["load", "test", "unload"]
    name: str
    payload: str = ""


class ExecuteOptions(Struct, frozen=True, omit_defaults=True):
    """`timeout` limits the run in seconds, from its start. `columns` is the width in cells of the
    screen that shows the output, which Python kernels tell to pandas and others; 0: none. With
    `draws_widgets` the client draws widgets of Jupyter; else tqdm draws its bars as text.

    `kernel` names a kernel of the session, which is started on need; without it `language` chooses
    one, and without both the session's default kernel runs the code. Of an execution, `kernel` is
    the one that runs it. `program` is for kernels of programs. `stop_on_error`: when this execution
    does not end well, those that wait behind it in the same document are skipped; without a
    document, those without one that wait for the same kernel. `on_disconnect`: what happens to an
    execution that is not over when the connection ends that queued it, or an HTTP connection that
    waits for it: it goes on, or is interrupted (taken out of the queue).

    For Python kernels: with `report` the execution reports variables and result at its end
    (`ExecutionReport`); `index` is the number in the names of its artifacts, 0: that of the
    execution among those of its session that are not silent; with `show_assignments` the value of
    a last line that assigns is shown too; `env_id` is what plugins are told of their environment
    where no variable TASKWEAVER_ENV_ID is set. `plugin` is set by the session alone.

    `above` are the cells of the same language above a cell, in the order of its document, for
    languages whose cells are programs (`Language.cells`): their declarations are part of it. An
    execution that has ended lets go of them."""

    silent: bool = False
    store_history: bool = True
    allow_stdin: bool = True
    stop_on_error: bool = True
    timeout: float | None = None
    columns: int = 0
    draws_widgets: bool = False
    language: str = ""
    kernel: str = ""
    program: ProgramOptions | None = None
    on_disconnect: OnDisconnect = "continue"
    report: bool = False
    index: int = 0
    show_assignments: bool = False
    env_id: str = ""
    plugin: PluginStep | None = None
    above: tuple[CodeAbove, ...] = ()


NO_OPTIONS = ExecuteOptions()
