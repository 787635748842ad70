"""`codeexec-tui config`: shows and changes settings, with the origin of each value."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import click

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_setting, complete_value
from codeexec.config.edit import set_value, unset_value
from codeexec.config.env_file import ENV_FILE, read_env_file, read_folder_env, refused_words
from codeexec.config.keys import find_key, keys, to_toml, value_of
from codeexec.config.load import load, project_file, user_file
from codeexec.config.manual import manual
from codeexec.config.profiles import NAME as PROFILES
from codeexec.config.profiles import profile_lines
from codeexec.domain.errors import StorageError, UsageError
from codeexec.environments.trust.store import TrustStore, trust_step
from codeexec.hostfiles.programs import editor_command
from codeexec.hostfiles.state import PROJECT_FILE


@click.group()
def config() -> None:
    """Show and change settings, and where each comes from.

    A setting is read from the first of these that sets it: the command line, the environment
    (CODEEXEC_ and its name, such as CODEEXEC_EDITOR_TAB_SIZE), for `serve` the file .env of the
    folder that it is started in (or --env-file), .codeexec.toml in this folder or
    one above it, the user's file, the default.
    """


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--changed", is_flag=True, help="Only settings that differ from the default.")
@click.option("--env-file", type=click.Path(path_type=Path), help="As `serve --env-file` reads it.")
@click.option("--manual", "as_manual", is_flag=True, help="As a commented file to start from.")
def show(as_json: bool, changed: bool, env_file: Path | None, as_manual: bool) -> None:
    """Show every setting, its value and its origin."""
    if as_manual:
        style.say_lines(manual().removesuffix("\n"))
        return
    loaded = load(env_file=_env_file(env_file))
    chosen = [key for key in keys() if not changed or loaded.origins[key.name].layer != "default"]
    if as_json:
        settings = {
            key.name: {
                "value": value_of(loaded.settings, key.name),
                "default": key.default,
                "origin": loaded.origins[key.name].layer,
                "place": loaded.origins[key.name].place,
                "accepts": key.accepts,
                "variable": key.variable,
                "doc": key.doc,
            }
            for key in chosen
        }
        problems = [
            {"place": p.place, "key": p.key, "message": p.message, "next_step": p.next_step}
            for p in loaded.problems
        ]
        withheld = [
            {"place": w.place, "key": w.key, "value": str(w.value), "folder": w.holder}
            for w in loaded.withheld
        ]
        profile_records = {
            profile.name: {
                **profile._asdict(),
                "origin": str(loaded.origins[f"{PROFILES}.{profile.name}"]),
            }
            for profile in loaded.settings.programs.profiles
        }
        record = {"settings": settings, "problems": problems, "withheld": withheld}
        style.say_json({**record, "profiles": profile_records})
        return
    color = style.wants_color(sys.stdout)
    section = ""
    for key in chosen:
        table, _, name = key.name.partition(".")
        if table != section:
            if section:
                style.say()
            style.say(style.paint(f"[{table}]", "strong", color))
            section = table
        value = to_toml(value_of(loaded.settings, key.name))
        origin = loaded.origins[key.name]
        comment = style.paint(
            f"  # {origin}", "accent" if origin.layer != "default" else "dim", color
        )
        style.say(f"{name} = {value}", comment)
        for line in textwrap.wrap(key.doc, 92, initial_indent="    ", subsequent_indent="    "):
            style.say(style.paint(line, "dim", color))
    for profile in loaded.settings.programs.profiles:
        style.say()
        style.say(style.paint(f"[{PROFILES}.{profile.name}]", "strong", color))
        origin = loaded.origins[f"{PROFILES}.{profile.name}"]
        for number, line in enumerate(profile_lines(profile)):
            style.say(line, style.paint("" if number else f"  # {origin}", "accent", color))
    for problem in loaded.problems:
        mark = style.paint("✗", "bad", style.wants_color(sys.stderr))
        style.say(mark, f" {problem} {problem.next_step}", file=sys.stderr)
    for setting in loaded.withheld:
        mark = style.paint("!", "warn", style.wants_color(sys.stderr))
        style.say(mark, f" {setting} {trust_step(setting.holder)}", file=sys.stderr)


def _env_file(named: Path | None) -> tuple[Path, dict[str, str]]:
    """The file that `serve` reads here, and its variables."""
    if named is not None:
        return named, read_env_file(named)
    variables, refused = read_folder_env(Path.cwd(), TrustStore())
    if refused:
        style.say(refused_words(refused), file=sys.stderr)
    return Path.cwd() / ENV_FILE, variables


@config.command()
@click.argument("key", shell_complete=complete_setting)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def get(key: str, as_json: bool) -> None:
    """Print the value of one setting, such as editor.tab_size, and its origin on stderr."""
    setting = find_key(key)
    loaded = load()
    value, origin = value_of(loaded.settings, key), loaded.origins[key]
    if as_json:
        style.say_json(
            {
                "key": key,
                "value": value,
                "default": setting.default,
                "origin": origin.layer,
                "place": origin.place,
            }
        )
        return
    style.say(value if isinstance(value, str) else to_toml(value))
    comment = style.paint(f"# {origin}", "dim", style.wants_color(sys.stderr))
    style.say(comment, file=sys.stderr, flush=True)


PROJECT = click.option(
    "--project", is_flag=True, help="In the project's file; without one, in this folder."
)


@config.command("set")
@click.argument("key", shell_complete=complete_setting)
@click.argument("value", shell_complete=complete_value)
@PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def set_command(key: str, value: str, project: bool, as_json: bool) -> None:
    """Write one setting to the user's file; comments and other settings are kept."""
    setting = find_key(key)
    file = _file_for(key, project)
    written = set_value(file, setting, value)
    if as_json:
        style.say_json({"key": key, "value": written, "path": str(file)})
    else:
        style.say(f"{key} = {to_toml(written)}  # {file}")
    _warn_if_overridden(key, file)


@config.command()
@click.argument("key", shell_complete=complete_setting)
@PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def unset(key: str, project: bool, as_json: bool) -> None:
    """Remove one setting from the user's file, so that the next layer applies."""
    setting = find_key(key)
    file = _file_for(key, project)
    is_removed = unset_value(file, setting)
    if as_json:
        style.say_json({"key": key, "removed": is_removed, "path": str(file)})
    else:
        outcome = "removed from" if is_removed else "is not in"
        style.say(f"{key} {outcome} {file}")


def _file_for(key: str, project: bool) -> Path:
    """The file to write: the user's, or with `project` the project's."""
    if not project:
        return user_file()
    if key.startswith("docker.") and key != "docker.image":
        raise UsageError(
            f"{key} has no effect in a project's file: code must not choose its own limits.",
            "Leave out --project to write it to your own file.",
        )
    folder = Path.cwd()
    return project_file(folder) or folder / PROJECT_FILE


def _warn_if_overridden(key: str, file: Path) -> None:
    """Warn if a layer above `file` sets the key too."""
    origin = load().origins[key]
    if origin.place != str(file):
        style.say(
            style.paint("!", "warn", style.wants_color(sys.stderr)),
            f" Another value counts here: that of {origin}.",
            file=sys.stderr,
        )


@config.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def path(as_json: bool) -> None:
    """Print the files that settings are read from."""
    user, project = user_file(), project_file(Path.cwd())
    if as_json:
        files = {"user": str(user), "project": str(project) if project else None}
        style.say_json(files)
        return
    style.say(f"user     {user}{'' if user.is_file() else '  (does not exist yet)'}")
    style.say(f"project  {project or '(none in this folder or above)'}")


@config.command()
@PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print the path when done, as JSON.")
def edit(project: bool, as_json: bool) -> None:
    """Open the user's file in $VISUAL or $EDITOR; a new file explains every setting."""
    folder = Path.cwd()
    file = (project_file(folder) or folder / PROJECT_FILE) if project else user_file()
    if not file.exists():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(manual(), encoding="utf-8")
        except OSError as error:
            raise StorageError(
                f"{file} cannot be written: {error.strerror}.", "Check the folder's permissions."
            ) from error
    command = editor_command()
    try:
        subprocess.run([*command, str(file)], check=False)
    except OSError as error:
        raise UsageError(
            f"The editor {command[0]} cannot be started: {error.strerror}.",
            f"Set EDITOR to an installed editor, or open {file} yourself.",
        ) from error
    if as_json:
        style.say_json({"path": str(file)})
    problems = [problem for problem in load().problems if problem.place == str(file)]
    for problem in problems:
        raise UsageError(str(problem), problem.next_step)
