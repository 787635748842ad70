"""Makes the command lines that configure, build and test a project."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from codeexec.domain.errors import UsageError
from codeexec.hostfiles.state import is_own
from codeexec.languages.catalog import languages
from codeexec.languages.projects.detect import TITLES, Project, read_text
from codeexec.languages.projects.scan import scan_project

ProjectStepName = Literal["configure", "build", "test"]

QUERY = Path(".cmake", "api", "v1", "query", "client-codeexec", "query.json")
"""In a build folder of CMake: makes CMake write `REPLY`."""
QUERY_TEXT = '{"requests":[{"kind":"codemodel","version":2}]}'
REPLY = Path(".cmake", "api", "v1", "reply")
INSTALL = {
    name: f"apt install {package}, or without root: pip install {name}"
    for name, package in {"cmake": "cmake", "ninja": "ninja-build", "meson": "meson"}.items()
} | {"make": "apt install make"}
"""How a user gets each build tool."""
_HOME = re.compile(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", re.MULTILINE)
_CMAKE_TYPES = {"release": "Release"}
_SPECIAL = ("sanitize", "coverage")

FindTool = Callable[[str], str]
"""The path of a build tool. ToolMissing."""


class ProjectStep(NamedTuple):
    name: ProjectStepName
    command: tuple[str, ...]


class BuildChoice(NamedTuple):
    """What a user chooses: `target` (empty: the default one), the rest as in
    `domain.options.ProgramOptions`."""

    target: str = ""
    preset: str = ""
    profile: str = ""
    compiler: str = ""
    flags: tuple[str, ...] = ()
    standard: str = ""
    jobs: int = 1
    tests: tuple[str, ...] = ()

    @property
    def is_configured_by_user(self) -> bool:
        """Whether something was chosen that a folder which is configured already may not have."""
        return bool(self.preset or self.profile or self.compiler or self.flags or self.standard)


def check_choice(project: Project, choice: BuildChoice) -> None:
    """UsageError for what a build system does not have."""
    title = TITLES[project.system]
    if choice.preset and project.system != "cmake":
        raise UsageError(f"{title} has no presets.", "Leave --preset out.")
    if project.system in ("make", "ninja"):
        for option, value in (
            ("--profile", choice.profile),
            ("--compiler", choice.compiler),
            ("--std", choice.standard),
        ):
            if value:
                raise UsageError(
                    f"{project.file} chooses its own flags, so {option} has no meaning for it.",
                    "Give make a variable: --flag CXXFLAGS=-O2"
                    if project.system == "make"
                    else f"Leave {option} out.",
                )
    profiles = languages()["cpp"].profiles
    if choice.profile and choice.profile not in profiles:
        raise UsageError(
            f"A project has no build profile {choice.profile!r}.", f"It has {', '.join(profiles)}."
        )
    if choice.standard:
        _standard_language(choice.standard)
    if choice.target.startswith("-"):
        raise UsageError(f"{choice.target} is no name of a target.", "Name a target.")
    for name in choice.tests:
        if name.startswith("-") or not name:
            raise UsageError(f"{name!r} is no name of a test.", "Name a test.")


def configured_folder(project: Project) -> Path | None:
    """The folder `build` of a project, where its user has configured it; None elsewhere, and where
    others can change it: a build executes what is there."""
    folder = project.folder / "build"
    if not is_own(folder):
        return None
    if project.system == "meson":
        return folder if (folder / "meson-info").is_dir() and is_configured(folder) else None
    if project.system != "cmake":
        return None
    home = _HOME.search(read_text(folder / "CMakeCache.txt"))
    return folder if home is not None and Path(home[1]) == project.folder.resolve() else None


def is_configured(folder: Path) -> bool:
    """Whether a generator has written its files there."""
    return (folder / "build.ninja").is_file() or (folder / "Makefile").is_file()


def configure_steps(
    project: Project,
    folder: Path,
    choice: BuildChoice,
    find_tool: FindTool,
    *,
    has_ninja: bool,
    metadata: Path,
) -> list[ProjectStep]:
    """The step that makes the build folder ready; none where that is so. `metadata` has what was
    written there before: the folder itself, or a copy of what a container has."""
    if project.system == "cmake":
        if is_configured(metadata) and any((metadata / REPLY).glob("index-*.json")):
            return []
        command = [find_tool("cmake"), "-S", str(project.folder), "-B", str(folder)]
        if choice.preset:
            command.append(f"--preset={choice.preset}")
        elif not (metadata / "CMakeCache.txt").exists():
            command += ["-G", "Ninja"] if has_ninja else []
        command += ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *_cmake_words(choice)]
        return [ProjectStep("configure", tuple(command))]
    if project.system == "meson" and not is_configured(metadata):
        command = [find_tool("meson"), "setup", str(folder), str(project.folder)]
        return [ProjectStep("configure", (*command, *_meson_words(choice)))]
    return []


def build_steps(
    project: Project, folder: Path, choice: BuildChoice, find_tool: FindTool
) -> list[ProjectStep]:
    """The step that builds the target."""
    jobs, target = str(choice.jobs), choice.target
    match project.system:
        case "cmake":
            command = [find_tool("cmake"), "--build", str(folder), "--parallel", jobs]
            command += ["--target", target] if target else []
        case "meson":
            command = [find_tool("meson"), "compile", "-C", str(folder), "-j", jobs]
            command += [target] if target else []
        case "ninja":
            command = [find_tool("ninja"), "-C", str(folder), "-j", jobs, *choice.flags]
            command += [target] if target else []
        case "make":
            command = [find_tool("make"), "-C", str(folder), "-j", jobs, *choice.flags]
            command += ["--", target] if target else []
    return [ProjectStep("build", tuple(command))]


def testing_steps(
    project: Project, folder: Path, choice: BuildChoice, find_tool: FindTool
) -> list[ProjectStep]:
    """The step that runs the tests of a project that was built. UsageError where it has none."""
    jobs = str(choice.jobs)
    if project.system == "cmake":
        command = [find_tool("ctest"), "--test-dir", str(folder), "--parallel"]
        command += [jobs, "--output-on-failure", "--no-tests=error"]
        command += ["--output-junit", str(junit_file(project, folder))]
        command += ["-R", f"^({'|'.join(map(_quoted, choice.tests))})$"] if choice.tests else []
    elif project.system == "meson":
        command = [find_tool("meson"), "test", "-C", str(folder), "--no-rebuild"]
        command += ["--print-errorlogs", "--num-processes", jobs]
        command += map(_meson_test, choice.tests)
    elif choice.tests:
        raise UsageError(f"{project.file} has no single tests.", "Run all of them.")
    else:
        names = [target.name for target in scan_project(project).targets]
        target = next((name for name in ("check", "test") if name in names), "")
        if not target:
            raise UsageError(
                f"{project.file} has no target `check` or `test`.",
                "Add one that runs the tests, or build another target by its name.",
            )
        steps = build_steps(project, folder, choice._replace(target=target), find_tool)
        command = list(steps[0].command)
    return [ProjectStep("test", tuple(command))]


def _quoted(name: str) -> str:
    """The name of a test as a regular expression of CMake."""
    return re.sub(r"([][.^$*+?()|\\])", r"\\\1", name)


def _meson_test(name: str) -> str:
    """A test as Meson's command line names it; in results its suites stand before the project."""
    suite_part, colon, own_name = name.partition(":")
    return f"{suite_part.rpartition(' - ')[2]}{colon}{own_name}"


def junit_file(project: Project, folder: Path) -> Path | None:
    """Where the tests of a build folder write their results; None where they write none."""
    if project.system == "cmake":
        return folder / "Testing" / "codeexec-junit.xml"
    return folder / "meson-logs" / "testlog.junit.xml" if project.system == "meson" else None


def step_environ(environ: Mapping[str, str], *, platform: str = sys.platform) -> dict[str, str]:
    """For build tools: make writes the output of each parallel job in one piece, as ninja does.
    `platform` is that on which they run."""
    if platform != "linux":
        return dict(environ)  # macOS has a make that cannot do that
    flags = environ.get("MAKEFLAGS", "")
    return {**environ, "MAKEFLAGS": f"{flags} --output-sync=target".strip()}


def compiler_language(compiler: str) -> Literal["C", "CXX"]:
    """Of what a compiler is one, by its name: `clang++-14` is one of C++."""
    return "CXX" if "++" in compiler else "C"


def compiler_variable(compiler: str) -> Literal["CC", "CXX"]:
    """The variable in which Meson looks for a compiler of that language."""
    return "CXX" if compiler_language(compiler) == "CXX" else "CC"


def _standard_language(standard: str) -> Literal["C", "CXX"]:
    """UsageError for an unknown one."""
    for name, language in (("cpp", "CXX"), ("c", "C")):
        if standard in languages()[name].standards:
            return "CXX" if language == "CXX" else "C"
    names = ", ".join((*languages()["cpp"].standards, *languages()["c"].standards))
    raise UsageError(f"There is no standard {standard!r}.", f"Use one of {names}.")


def _cmake_words(choice: BuildChoice) -> list[str]:
    options: list[str] = []
    if choice.profile or not choice.preset:
        options.append(f"-DCMAKE_BUILD_TYPE={_CMAKE_TYPES.get(choice.profile, 'Debug')}")
    profiles = languages()["cpp"].profiles
    flags = [*(profiles[choice.profile] if choice.profile in _SPECIAL else ()), *choice.flags]
    if flags:
        joined = " ".join(flags)
        options += [f"-DCMAKE_C_FLAGS={joined}", f"-DCMAKE_CXX_FLAGS={joined}"]
    if choice.compiler:
        options.append(f"-DCMAKE_{compiler_language(choice.compiler)}_COMPILER={choice.compiler}")
    if choice.standard:
        language = _standard_language(choice.standard)
        extensions = "ON" if choice.standard.startswith("gnu") else "OFF"
        options.append(f"-DCMAKE_{language}_STANDARD={re.sub('[^0-9]', '', choice.standard)}")
        options.append(f"-DCMAKE_{language}_EXTENSIONS={extensions}")
    return options


def _meson_words(choice: BuildChoice) -> list[str]:
    options = [f"--buildtype={'release' if choice.profile == 'release' else 'debug'}"]
    if choice.profile == "sanitize":
        options += ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
    elif choice.profile == "coverage":
        options.append("-Db_coverage=true")
    if choice.standard:
        name = "cpp_std" if _standard_language(choice.standard) == "CXX" else "c_std"
        options.append(f"-D{name}={choice.standard}")
    return [*options, *_meson_flags(choice.flags)]


def _meson_flags(flags: Sequence[str]) -> list[str]:
    listed = ",".join(flags)
    return [f"-Dc_args={listed}", f"-Dcpp_args={listed}"] if flags else []
