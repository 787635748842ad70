"""Builds projects in a container: its tools are used, and its own temporary folder.

The project's folder is mounted in the container at its own path, so its build files are read here.
What the tools write about targets and tests is copied from the container; all of that is data.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from codeexec.domain.errors import StorageError, UsageError
from codeexec.domain.options import ProgramOptions
from codeexec.domain.programs import StepResult
from codeexec.environments.base import Environment, run
from codeexec.environments.docker.environment import DockerEnvironment
from codeexec.kernels.jupyter.launch import GUEST
from codeexec.kernels.process.projects.folders import folder_name
from codeexec.kernels.process.projects.plan import (
    ProjectPlan,
    build_tool_missing,
    compiler_missing,
    find_request,
    not_built,
    plan_steps,
)
from codeexec.kernels.process.steps.build import BuiltProgram
from codeexec.kernels.process.steps.guest import HOW_TO_INSTALL, GuestPrograms, is_executable
from codeexec.languages.projects.detect import Project
from codeexec.languages.projects.plan import (
    QUERY,
    QUERY_TEXT,
    REPLY,
    BuildChoice,
    ProjectStep,
    compiler_variable,
    junit_file,
    step_environ,
)

TOOLS = ("cmake", "ctest", "ninja", "meson", "make")
MOST_FOLDERS = 4
"""Build folders that a container keeps: its temporary folder is memory."""
_MARKERS = ("build.ninja", "Makefile", "CMakeCache.txt", "meson-info")
_NOT_MOUNTED = (
    "The engine is on another machine, where the folder of the project is not mounted.",
    "Build it with an engine on this machine: docker.context",
)


def guest_root(environment: Environment) -> PurePosixPath:
    """Where a container has its build folders. All kernels of a session look there."""
    return environment.base_paths.temporary / "codeexec-projects"


class GuestProjects:
    """One container; it is a ProjectPlace. Its builds come one after the other: one kernel of the
    session builds projects."""

    def __init__(self, guests: GuestPrograms, session_folder: str) -> None:
        """The container sees nothing but `session_folder`, at the real path of that."""
        self._guests = guests
        self._environment = guests.environment
        self._session_folder = session_folder
        self._root = Path(guests.environment.base_paths.workspace)
        self._copy = tempfile.TemporaryDirectory(prefix="codeexec-project-")

    async def plan(self, options: ProgramOptions) -> ProjectPlan:
        """The errors of `plan_project`; UsageError for a project that the container does not
        see."""
        environment = self._environment
        if isinstance(environment, DockerEnvironment) and environment.mounted is None:
            raise UsageError(*_NOT_MOUNTED)
        project, choice = await asyncio.to_thread(
            find_request, self._in_container(options), self._root
        )
        if not project.folder.is_relative_to(self._root):
            raise UsageError(
                f"The {project.title} is in {project.folder}; the container sees {self._root} "
                "alone.",
                "Open the session in the folder of the project: --cwd FOLDER",
            )
        environ = step_environ(self._guests.environ, platform="linux")
        paths = await self._guests.find_paths(
            (*TOOLS, *([choice.compiler] * bool(choice.compiler)))
        )
        if choice.compiler:
            if choice.compiler not in paths:
                raise compiler_missing(choice.compiler)
            if project.system == "meson":
                environ[compiler_variable(choice.compiler)] = choice.compiler
        folder = self._folder(project, choice)
        plan = ProjectPlan(
            project, folder, choice.target, (), environ, self._metadata(project, folder)
        )
        if options.steps == "run":
            await self._update(plan)
            return plan
        junit = junit_file(project, Path())
        is_test = options.steps == "test"
        cpus = await self._update(
            plan,
            prepare=_preparation(project, is_fresh=options.rebuild),
            remove=[str(junit)] if is_test and junit is not None else [],
        )

        def find_tool(name: str) -> str:
            if name not in paths:
                raise build_tool_missing(project, name, HOW_TO_INSTALL)
            return paths[name]

        has_ninja = "ninja" in paths and "CMAKE_GENERATOR" not in environ
        steps = await asyncio.to_thread(
            plan_steps,
            plan,
            choice._replace(jobs=cpus),
            find_tool,
            is_test=is_test,
            has_ninja=has_ninja,
        )
        return plan._replace(steps=steps)

    async def begin(self, plan: ProjectPlan) -> Callable[[], None]:
        return lambda: None

    async def result(
        self, plan: ProjectPlan, step: ProjectStep, status: int, seconds: float, report: str
    ) -> StepResult:
        await self._update(plan)
        return await asyncio.to_thread(plan.result, step, status, seconds, report)

    async def program(self, plan: ProjectPlan, arguments: tuple[str, ...]) -> BuiltProgram:
        path = await asyncio.to_thread(plan.find_program)
        if not await is_executable(self._environment, str(path)):
            raise not_built(path)
        return plan.program_at(path, arguments, self._guests.environ)

    def close(self) -> None:
        self._copy.cleanup()

    def _in_container(self, options: ProgramOptions) -> ProgramOptions:
        """With the folder of the project as the container has it."""
        named = Path(options.project.folder if options.project is not None else "")
        if options.project is None or not named.is_relative_to(self._session_folder):
            return options
        folder = str(self._root / named.relative_to(self._session_folder))
        return replace(options, project=replace(options.project, folder=folder))

    def _folder(self, project: Project, choice: BuildChoice) -> Path:
        """Never one of the user's: what this machine's tools have configured is not the
        container's."""
        if project.system in ("make", "ninja"):
            return project.folder
        return Path(guest_root(self._environment)) / folder_name(project, choice)

    def _metadata(self, project: Project, folder: Path) -> Path:
        return folder if folder == project.folder else Path(self._copy.name, folder.name)

    async def _update(
        self,
        plan: ProjectPlan,
        *,
        prepare: Mapping[str, object] | None = None,
        remove: Sequence[str] = (),
    ) -> int:
        """Copy what the container has to tell of the build folder; returns how many processors it
        has. StorageError."""
        is_in_place = plan.metadata == plan.folder
        request = {
            "folder": str(plan.folder),
            "prepare": None if is_in_place else prepare,
            "remove": list(remove),
            "present": [] if is_in_place else _MARKERS,
            "read": [] if is_in_place else _patterns(plan.project),
        }
        outcome = await run(
            self._environment, ("python3", "-c", _source()), stdin=json.dumps(request).encode()
        )
        try:
            answer = json.loads(outcome.stdout)
        except ValueError:
            answer = {"error": outcome.stderr.decode("utf-8", "replace").strip()}
        if not isinstance(answer, dict) or "error" in answer:
            reason = answer.get("error") if isinstance(answer, dict) else "no answer"
            raise StorageError(
                f"{plan.project.title} cannot be built in the container: {reason}.",
                "Restart the kernel, or give the container more room: docker.policy",
            )
        if not is_in_place:
            await asyncio.to_thread(_write_copy, plan, answer)
        cpus = answer.get("cpus")
        return cpus if isinstance(cpus, int) and cpus > 0 else 1


def _preparation(project: Project, *, is_fresh: bool) -> Mapping[str, object]:
    files = {str(QUERY): QUERY_TEXT} if project.system == "cmake" else {}
    return {"is_fresh": is_fresh, "files": files, "most": MOST_FOLDERS}


def _patterns(project: Project) -> list[str]:
    """The files that are copied."""
    junit = junit_file(project, Path())
    own = (
        [str(REPLY / "*.json")] if project.system == "cmake" else ["meson-info/intro-targets.json"]
    )
    return [*own, str(junit)] if junit is not None else own


def _write_copy(plan: ProjectPlan, answer: Mapping[str, object]) -> None:
    """Write the files that were asked for, and no others: the answer comes from a container."""
    present, files = answer.get("present"), answer.get("files")
    for name in _MARKERS:
        path = plan.metadata / name
        is_present = isinstance(present, list) and name in present
        if name == "meson-info":
            if is_present:
                path.mkdir(parents=True, exist_ok=True)
        elif is_present:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.unlink(missing_ok=True)
    patterns = _patterns(plan.project)
    for old in [path for pattern in patterns for path in plan.metadata.glob(pattern)]:
        old.unlink()
    for name, text in files.items() if isinstance(files, dict) else ():
        if any(
            PurePosixPath(name).match(pattern) and _is_beside(name, pattern) for pattern in patterns
        ):
            path = plan.metadata / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text), "utf-8", "replace")


def _is_beside(name: str, pattern: str) -> bool:
    """Whether a file is in the very folder of the pattern."""
    return PurePosixPath(name).parent == PurePosixPath(pattern).parent


@cache
def _source() -> str:
    return Path(GUEST, "files", "project_files.py").read_text("utf-8")
