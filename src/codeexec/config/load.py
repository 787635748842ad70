"""Settings in layers: flag, environment, project file, user file, default.

For each key the first layer that sets a value wins; the origin of each value is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from codeexec.config.guarded import (
    guarded_digest,
    refused_settings,
    untrusted_holder,
    untrusted_plugins,
)
from codeexec.config.keys import Key, convert, keys, likely_name
from codeexec.config.model import JupyterRemote, Programs, RemoteServer, Settings
from codeexec.config.profiles import NAME as PROFILES
from codeexec.config.profiles import read_profiles
from codeexec.config.remotes import SECTION as REMOTES
from codeexec.config.remotes import read_remote
from codeexec.config.servers import SECTION as SERVERS
from codeexec.config.servers import read_server
from codeexec.domain.errors import Denied, UsageError
from codeexec.domain.text.parsing import load_toml
from codeexec.environments.trust.store import Trust, TrustStore
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate
from codeexec.hostfiles.state import PROJECT_FILE, SETTING_PREFIX, USER_FILE, config_folder

if TYPE_CHECKING:
    from codeexec.languages.profiles import BuildProfile

MOST_BYTES = 1 << 20
"""Bytes of a file with settings."""

Layer = Literal["flag", "environment", "env file", "project", "user", "default"]


class Origin(Struct, frozen=True):
    """The layer that set a value: `place` is the flag, the variable or the file."""

    layer: Layer
    place: str = ""

    def __str__(self) -> str:
        return f"{self.layer} {self.place}".rstrip()


class SettingProblem(Struct, frozen=True):
    """A setting that cannot be used; the next layer's value stands in for it."""

    place: str
    key: str
    message: str
    next_step: str

    def __str__(self) -> str:
        where = f"{self.place}: {self.key}" if self.key else self.place
        return f"{where}: {self.message}"


class Withheld(Struct, frozen=True):
    """A setting that chooses what is executed, and is not used: `holder`, the folder of its file,
    is not trusted."""

    place: str
    key: str
    value: object
    holder: str

    def __str__(self) -> str:
        return f"{self.key} of {self.place} is not used: {self.holder} is not trusted."


class Loaded(Struct, frozen=True):
    """`origins` has an entry for each key, such as `editor.tab_size`, and for each build profile,
    such as `programs.profiles.fast`. `withheld` are settings of a project that would count if its
    folder was trusted."""

    settings: Settings
    origins: Mapping[str, Origin]
    problems: tuple[SettingProblem, ...] = ()
    withheld: tuple[Withheld, ...] = ()

    def checked(self) -> Settings:
        """The settings; raises UsageError for the first problem."""
        for problem in self.problems:
            raise UsageError(str(problem), problem.next_step)
        return self.settings


# -- where things are ------------------------------------------------------------------


def user_folder(environ: Mapping[str, str] | None = None) -> Path:
    """`$XDG_CONFIG_HOME/codeexec-tui`, where settings, themes and keymaps are kept."""
    return Path(config_folder(environ))


def user_file(environ: Mapping[str, str] | None = None) -> Path:
    """CODEEXEC_CONFIG names another one."""
    variables = os.environ if environ is None else environ
    named = variables.get(f"{SETTING_PREFIX}CONFIG")
    return Path(named).expanduser() if named else user_folder(variables) / USER_FILE


def project_file(cwd: Path) -> Path | None:
    """The nearest `.codeexec.toml` from `cwd` upward."""
    for folder in (cwd, *cwd.parents):
        if (file := folder / PROJECT_FILE).is_file():
            return file
    return None


# -- loading ---------------------------------------------------------------------------


def load(
    cwd: Path | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    trust: Trust | None = None,
    env_file: tuple[Path, Mapping[str, str]] | None = None,
) -> Loaded:
    """The settings for work in `cwd`. Never fails: what is wrong is in `problems`.

    `flags` maps keys such as `kernel.name` to values; a None says nothing. `trust` decides
    whether a project may choose what is executed; by default what the user has decided.
    `env_file`: a `.env` file and its variables, below those of the environment.
    """
    variables = os.environ if environ is None else environ
    key_by_name = {key.name: key for key in keys()}
    trust = trust or TrustStore(environ=variables)
    folder = (cwd or Path.cwd()).absolute()
    problems: list[SettingProblem] = []
    withheld: list[Withheld] = []
    values: dict[str, object] = {}
    profiles: dict[str, BuildProfile] = {}
    servers: dict[str, RemoteServer] = {}
    remotes: dict[str, JupyterRemote] = {}
    origins = {name: Origin("default") for name in key_by_name}

    def say(key: Key, value: object, origin: Origin) -> None:
        try:
            values[key.name] = convert(key, value, textual="env" in origin.layer)
            origins[key.name] = origin
        except ValueError:
            wrong = f"{_shown(value)} is not {key.accepts}."
            problems.append(SettingProblem(origin.place, key.name, wrong, f"Give {key.example}."))

    layers: tuple[tuple[Layer, Path | None], ...] = (
        ("user", user_file(variables)),
        ("project", project_file(folder)),
    )
    for layer, path in layers:
        content = list(_read(path, problems)) if path else []
        refused = refused_settings(path, content, trust) if path and layer == "project" else ()
        for name, value in content:
            if path is not None and name in refused:
                withheld.append(Withheld(str(path), name, value, str(path.parent)))
            elif layer == "project" and name.startswith("docker.") and name != "docker.image":
                # The code that comes with a project does not choose what confines it.
                wrong = "a project has no say in what its code may do."
                step = f"Take it out, or say it in your own file: {user_file(variables)}"
                problems.append(SettingProblem(str(path), name, wrong, step))
            elif name in key_by_name:
                say(key_by_name[name], value, Origin(layer, str(path)))
            elif name == PROFILES:
                own, refused_profiles = read_profiles(value)
                profiles |= {profile.name: profile for profile in own}
                origins |= {f"{PROFILES}.{p.name}": Origin(layer, str(path)) for p in own}
                problems += [
                    SettingProblem(str(path), key, e.message, e.next_step)
                    for key, e in refused_profiles
                ]
            elif layer == "user" and name.startswith(f"{SERVERS}."):
                # A project has no say: its address would be sent the user's token.
                try:
                    server = read_server(name.partition(".")[2], value)
                    servers[server.name] = server
                    origins[name] = Origin(layer, str(path))
                except UsageError as e:
                    problems.append(SettingProblem(str(path), name, e.message, e.next_step))
            elif layer == "user" and name.startswith(f"{REMOTES}."):
                try:
                    remote = read_remote(name.partition(".")[2], value)
                    remotes[remote.name] = remote
                    origins[name] = Origin(layer, str(path))
                except UsageError as e:
                    problems.append(SettingProblem(str(path), name, e.message, e.next_step))
            else:
                problems.append(_unknown(str(path), name))
    for key in key_by_name.values():
        if env_file is not None and key.variable in env_file[1]:
            say(key, env_file[1][key.variable], Origin("env file", str(env_file[0])))
        if key.variable in variables:
            say(key, variables[key.variable], Origin("environment", key.variable))
    kernel = str(values.get("kernel.name", ""))
    if holder := untrusted_holder(kernel, folder, trust):
        place = origins["kernel.name"].place
        withheld.append(Withheld(place, "kernel.name", kernel, holder))
        del values["kernel.name"]
        origins["kernel.name"] = Origin("default")
    plugins, origin = str(values.get("session.plugins", "")), origins["session.plugins"]
    if origin.layer != "project" and (holder := untrusted_plugins(plugins, folder, trust)):
        withheld.append(Withheld(origin.place, "session.plugins", plugins, holder))
        del values["session.plugins"]
        origins["session.plugins"] = Origin("default")
    for name, value in (flags or {}).items():
        if value is not None:
            say(key_by_name[name], value, Origin("flag", f"--{name.rpartition('.')[2]}"))
    settings = _build(values)
    if profiles:
        settings = replace(settings, programs=Programs(tuple(profiles.values())))
    if servers:
        settings = replace(settings, servers=tuple(servers.values()))
    if remotes:
        settings = replace(settings, remote=tuple(remotes.values()))
    return Loaded(settings, origins, tuple(problems), tuple(withheld))


def settings_digest(file: Path) -> str:
    """`guarded_digest` of a settings file; that of no settings where it is not there."""
    return guarded_digest(_read(file, []))


def _unknown(place: str, name: str) -> SettingProblem:
    return SettingProblem(place, name, "there is no such setting.", likely_name(name))


def _read(path: Path, problems: list[SettingProblem]) -> Iterator[tuple[str, object]]:
    """The settings of a file as `table.key` and value; no file says nothing."""
    try:
        data, info = read(locate(path), MOST_BYTES)
        if info.st_size > MOST_BYTES:
            wrong = f"it has more than {MOST_BYTES >> 20} MB."
            problems.append(SettingProblem(str(path), "", wrong, "Remove what is no setting."))
            return
        text = data.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return
    except Denied as error:
        problems.append(SettingProblem(str(path), "", error.message, error.next_step))
        return
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(
            SettingProblem(str(path), "", f"line {line} is not UTF-8.", "Save the file as UTF-8.")
        )
        return
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}."
        problems.append(SettingProblem(str(path), "", problem, "Check its permissions."))
        return
    try:
        tables = load_toml(text)
    except ValueError as error:
        problems.append(
            SettingProblem(
                str(path), "", f"{error}.", "Correct that line, or comment it out with #."
            )
        )
        return
    for section, content in tables.items():
        if isinstance(content, dict):
            for name, value in content.items():
                yield f"{section}.{name}", value
        else:
            yield section, content


def _shown(value: object) -> str:
    """The value as Python writes it, cut off where it is long."""
    try:
        text = repr(value)
    except ValueError:  # a hexadecimal number of thousands of digits
        return "a number of too many digits"
    return text if len(text) <= 80 else f"{text[:80]}…"


def _build(values: Mapping[str, object]) -> Settings:
    settings = Settings()
    changed: dict[str, object] = {}
    for section in Settings.__struct_fields__:
        own = {
            name.partition(".")[2]: value
            for name, value in values.items()
            if name.startswith(f"{section}.")
        }
        if own:
            changed[section] = replace(getattr(settings, section), **own)
    return replace(settings, **changed)  # each is of its section
