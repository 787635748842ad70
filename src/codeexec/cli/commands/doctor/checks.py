"""The checks of `doctor`: each yields a grade, a finding and, for problems, a fix."""

from __future__ import annotations

import locale
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from codeexec.config.load import load
from codeexec.config.paths import MAX_SOCKET_PATH, Paths, find_paths, make_private
from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.plain_files import read_plain
from codeexec.environments.trust.store import trust_command

Grade = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    name: str
    grade: Grade
    told: str
    fix: str = ""


def check_python() -> DoctorCheck:
    return DoctorCheck("python", "ok", f"{platform.python_version()}, {sys.executable}")


def check_kernels(cwd: Path) -> Iterator[DoctorCheck]:
    from codeexec.kernels.factory import Kernels

    kernels = Kernels().list(str(cwd))
    usable = [kernel for kernel in kernels if not kernel.problem]
    if not usable:
        fix = next(
            (kernel.fix for kernel in kernels if kernel.fix), "python -m pip install ipykernel"
        )
        yield DoctorCheck("kernel", "fail", "No kernel can be used here.", fix)
    for kernel in usable:
        if kernel.is_default:
            told = f"{kernel.display_name}, {kernel.path}"
            if kernel.remark:
                told += f". {kernel.remark} {kernel.fix}"
            yield DoctorCheck("kernel", "ok", told)
            break
    else:
        if usable:
            yield DoctorCheck("kernel", "ok", f"{len(usable)} can be used")
    for kernel in kernels:
        if kernel.problem:
            grade: Grade = "fail" if kernel.is_default else "warn"
            yield DoctorCheck("kernel", grade, f"{kernel.name}: {kernel.problem}", kernel.fix)


def check_terminal(environ: Mapping[str, str], is_terminal: bool) -> Iterator[DoctorCheck]:
    term = environ.get("TERM", "")
    if not is_terminal:
        yield DoctorCheck("terminal", "ok", "Output does not go to a terminal; nothing to check.")
        return
    size = shutil.get_terminal_size()
    description = f"{term or 'TERM is not set'}, {size.columns}×{size.lines}"
    if term in ("", "dumb"):
        yield DoctorCheck(
            "terminal", "warn", description, "Use a terminal that sets TERM, or `run` instead."
        )
    elif size.columns < 40 or size.lines < 10:
        yield DoctorCheck(
            "terminal", "warn", description, "Make the window larger: 80×24 shows all panes."
        )
    else:
        yield DoctorCheck("terminal", "ok", description)
    colors = environ.get("COLORTERM", "")
    if colors in ("truecolor", "24bit") or environ.get("NO_COLOR"):
        yield DoctorCheck("colours", "ok", colors or "NO_COLOR is set")
    else:
        yield DoctorCheck(
            "colours",
            "warn",
            "The terminal does not say that it has 16 million colours.",
            "If it has: export COLORTERM=truecolor",
        )
    if environ.get("TMUX"):
        yield DoctorCheck(
            "tmux",
            "ok",
            "Pictures need passthrough in tmux: set -g allow-passthrough on",
        )


def check_locale() -> DoctorCheck:
    encoding = locale.getencoding()
    if re.sub(r"[^a-z0-9]", "", encoding.lower()) == "utf8":
        return DoctorCheck("locale", "ok", encoding)
    return DoctorCheck(
        "locale", "warn", f"The locale's encoding is {encoding}.", "export LANG=C.UTF-8"
    )


def check_state(paths: Paths) -> DoctorCheck:
    try:
        make_private(paths.state)
        probe = paths.state / f".doctor-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except CodeexecError as error:
        return DoctorCheck("state folder", "fail", error.message, error.next_step)
    except OSError as error:
        return DoctorCheck(
            "state folder",
            "fail",
            f"{paths.state} cannot be written: {error.strerror}.",
            "Make it writable and make room, or set XDG_STATE_HOME to another folder.",
        )
    free = shutil.disk_usage(paths.state).free
    description = f"{paths.state}, {free / 2**30:.1f} GB free"
    if free < 256 * 2**20:
        return DoctorCheck(
            "state folder", "warn", description, "Make room: `codeexec-tui sessions rm` helps."
        )
    return DoctorCheck("state folder", "ok", description)


def check_socket(paths: Paths) -> DoctorCheck:
    from codeexec.client import spawn

    address = str(paths.socket)
    if len(os.fsencode(address)) > MAX_SOCKET_PATH:
        return DoctorCheck(
            "socket", "fail", f"{address} is too long.", "Set XDG_RUNTIME_DIR to a short path."
        )
    if spawn.find(paths):
        return DoctorCheck("socket", "ok", f"A server listens on {address}.")
    try:
        make_private(paths.socket.parent)
    except CodeexecError as error:
        return DoctorCheck("socket", "fail", error.message, error.next_step)
    return DoctorCheck("socket", "ok", f"{address}, no server runs now.")


LOGIND = (Path("/etc/systemd/logind.conf"), Path("/etc/systemd/logind.conf.d"))


def check_logout(user: str, places: tuple[Path, ...] = LOGIND) -> DoctorCheck:
    """Whether logging out ends the server: systemd does so if KillUserProcesses is on and the
    user does not linger. https://www.freedesktop.org/software/systemd/man/logind.conf.html"""
    if not Path("/run/systemd/system").is_dir():
        return DoctorCheck(
            "logging out", "ok", "No systemd here: sessions live on after a log-out."
        )
    kills = False
    for place in places:
        files = sorted(place.glob("*.conf")) if place.is_dir() else [place]
        for file in files:
            try:
                text = read_plain(file).decode("utf-8", "replace")
            except OSError:
                continue  # the default is no
            for value in re.findall(r"^\s*KillUserProcesses\s*=\s*(\w+)", text, re.MULTILINE):
                kills = value.lower() in ("yes", "true", "1", "on")
    if not kills or Path(f"/var/lib/systemd/linger/{user}").exists():
        return DoctorCheck("logging out", "ok", "Sessions live on after a log-out.")
    return DoctorCheck(
        "logging out",
        "warn",
        "systemd ends your processes at log-out (KillUserProcesses=yes), sessions too.",
        f"loginctl enable-linger {user}",
    )


def check_settings(cwd: Path) -> Iterator[DoctorCheck]:
    loaded = load(cwd)
    for problem in loaded.problems:
        yield DoctorCheck("settings", "fail", str(problem), problem.next_step)
    for setting in loaded.withheld:
        yield DoctorCheck("settings", "warn", str(setting), trust_command(setting.holder))
    if not loaded.problems:
        changed_count = sum(origin.layer != "default" for origin in loaded.origins.values())
        yield DoctorCheck(
            "settings", "ok", f"{changed_count} changed" if changed_count else "all as by default"
        )


def check_docker(cwd: Path) -> DoctorCheck:
    """Whether an engine answers; `docker check` also starts a container."""
    import asyncio

    from codeexec.environments.docker.engine import find_engine, installed

    settings = load(cwd).settings
    is_wanted = settings.kernel.backend == CONTAINERS
    programs = installed()
    if settings.docker.engine != "auto":
        programs = [settings.docker.engine]
    if not programs and not is_wanted:
        return DoctorCheck("docker", "ok", "No container engine; `--docker` is unavailable.")
    program = next(iter(programs), "docker")
    engine = find_engine(program, settings.docker.context)
    try:
        engine_info = asyncio.run(engine.info())
    except CodeexecError as error:
        message = f"{program}: {error.message}"
        return DoctorCheck("docker", "fail" if is_wanted else "warn", message, error.next_step)
    message = f"{program} {engine_info.version} answers; `codeexec-tui docker check` checks more."
    return DoctorCheck("docker", "ok", message)


CHILDREN_MARK = "CODEEXEC_DOCTOR"


def check_children() -> DoctorCheck:
    """Whether processes that left a kernel's process group are found by their environment."""
    from codeexec.environments.marks import find_marked

    value = str(os.getpid())
    probe = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, CHILDREN_MARK: value},
        start_new_session=True,
    )
    try:
        is_found = probe.pid in find_marked(CHILDREN_MARK, value)
    finally:
        probe.kill()
        probe.communicate()
    if is_found:
        message = "Processes end with their kernel, unless they clear their environment."
        return DoctorCheck("child processes", "ok", message)
    return DoctorCheck(
        "child processes",
        "warn",
        "Processes that leave their kernel's process group (setsid, daemons) outlive it.",
        "End them in your code: this system hides the environment of processes.",
    )


def check_environment(cwd: Path, environ: Mapping[str, str]) -> DoctorCheck:
    """Whether code sees variables that look like secrets."""
    from codeexec.config.load import load
    from codeexec.domain.env_vars.inherited import PROPOSED, matches, name_patterns

    hidden = name_patterns(load(cwd).settings.kernel.hide_env)
    seen = sorted(name for name in environ if matches(name, PROPOSED) and not matches(name, hidden))
    if not seen:
        return DoctorCheck("environment", "ok", "No variable that code sees looks like a secret.")
    names = ", ".join(seen[:3]) + (f" and {len(seen) - 3} more" if len(seen) > 3 else "")
    return DoctorCheck(
        "environment",
        "ok",
        f"Code that you run sees {names}. If it should not, hide them:",
        f"codeexec-tui config set kernel.hide_env '{' '.join(PROPOSED)}'",
    )


def all_checks(cwd: Path, environ: Mapping[str, str], is_terminal: bool) -> Iterator[DoctorCheck]:
    paths = find_paths(environ)
    yield check_python()
    yield from check_kernels(cwd)
    yield from check_terminal(environ, is_terminal)
    yield check_locale()
    yield check_state(paths)
    yield check_socket(paths)
    yield check_children()
    yield check_logout(environ.get("USER", "") or str(os.getuid()))
    yield from check_settings(cwd)
    yield check_environment(cwd, environ)
    yield check_docker(cwd)
