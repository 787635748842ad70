"""Build profiles in files with settings: the tables `[programs.profiles.NAME]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from codeexec.domain.errors import UsageError

if TYPE_CHECKING:
    from codeexec.languages.profiles import BuildProfile

NAME = "programs.profiles"
MOST_PROFILES = 50
MANUAL = """
[programs]  # How programs are built.
# Build profiles of your own, each a table. `base` is a profile of the language (empty: its first),
# `flags` are further words for the compiler; `compiler`, `standard` and `language` can be left out.
# [programs.profiles.fast]
# base = "release"
# flags = ["-march=native", "-ffast-math"]
# compiler = "clang++"
# standard = "c++23"
# language = "cpp"
"""


def read_profiles(value: object) -> tuple[list[BuildProfile], list[tuple[str, UsageError]]]:
    """The profiles of one file, and for each that cannot be used its key and why."""
    from codeexec.languages.profiles import parse_profile  # of those who have profiles alone

    if not isinstance(value, Mapping):
        error = UsageError("it is no table.", "Write a table [programs.profiles.NAME].")
        return [], [(NAME, error)]
    profiles: list[BuildProfile] = []
    problems: list[tuple[str, UsageError]] = []
    for name, table in value.items():
        try:
            if len(profiles) >= MOST_PROFILES:
                raise UsageError(f"There are more than {MOST_PROFILES} profiles.", "Remove some.")
            profiles.append(parse_profile(str(name), table))
        except UsageError as error:
            problems.append((f"{NAME}.{name}", error))
    return profiles, problems


def profile_lines(profile: BuildProfile) -> list[str]:
    """The profile as TOML, without the line of its name."""
    from codeexec.config.keys import to_toml

    fields = profile._asdict()
    words = ", ".join(map(to_toml, profile.flags))
    return [
        f"{key} = [{words}]" if key == "flags" else f"{key} = {to_toml(fields[key])}"
        for key in ("base", "flags", "compiler", "standard", "language")
        if fields[key]
    ]
