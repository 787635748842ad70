"""Build profiles of a user's own: each is one of a language with further flags, a compiler and a
standard of its own. They stand in the settings as `[programs.profiles.NAME]`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import languages
from codeexec.languages.model import Language

KEYS = ("base", "flags", "compiler", "standard", "language")
_NAME = re.compile(r"[^\W\d_][\w.+-]{0,39}")


class BuildProfile(NamedTuple):
    """`base` is a profile of the language (empty: its first), `flags` are further words for the
    compiler. `language` is empty for a profile of all languages that have its base."""

    name: str
    base: str = ""
    flags: tuple[str, ...] = ()
    compiler: str = ""
    standard: str = ""
    language: str = ""

    def fits(self, language: Language) -> bool:
        """Whether files of this language can be built with it."""
        if not language.build or self.language not in ("", language.name):
            return False
        has_base = not self.base or self.base in language.profiles
        return has_base and (not self.standard or self.standard in language.standards)


class BuildWords(NamedTuple):
    """How a program is built, with a profile that its language has."""

    profile: str = ""
    compiler: str = ""
    standard: str = ""
    flags: tuple[str, ...] = ()


def parse_profile(name: str, table: object) -> BuildProfile:
    """The profile that a table of the settings describes. UsageError for one that no language can
    be built with, and says why."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a build profile.", "Use a letter, then letters and digits."
        )
    if any(name in language.profiles for language in languages().values()):
        raise UsageError(f"{name} is a build profile of ours.", "Choose another name.")
    if not isinstance(table, Mapping):
        raise UsageError(f"The build profile {name} is no table.", f"Write it as {_example(name)}")
    if unknown := [key for key in table if key not in KEYS]:
        raise UsageError(
            f"A build profile has no {', '.join(map(str, unknown))}.", f"It has {', '.join(KEYS)}."
        )
    texts = {key: _text(name, key, table.get(key, "")) for key in KEYS if key != "flags"}
    profile = BuildProfile(name, flags=_flags(name, table.get("flags", [])), **texts)
    if profile.compiler:
        _words(name, "compiler", profile.compiler)
    _check(profile)
    return profile


def _check(profile: BuildProfile) -> None:
    catalog = languages()
    built = [language for language in catalog.values() if language.build]
    if profile.language:
        if profile.language not in {language.name for language in built}:
            names = ", ".join(language.name for language in built)
            raise UsageError(f"{profile.language} is no language that is built.", f"Use {names}.")
        built = [catalog[profile.language]]
    if any(profile.fits(language) for language in built):
        return
    if profile.base and not any(profile.base in language.profiles for language in built):
        names = ", ".join(dict.fromkeys(name for language in built for name in language.profiles))
        raise UsageError(f"There is no build profile {profile.base!r}.", f"Its base is {names}.")
    names = ", ".join(standard for language in built for standard in language.standards)
    raise UsageError(f"There is no standard {profile.standard!r}.", f"Use one of {names}.")


def profiles_of(language: Language, own: Sequence[BuildProfile]) -> list[str]:
    """Names of the profiles that can be chosen for a language, the default first."""
    return [*language.profiles, *(profile.name for profile in own if profile.fits(language))]


def resolve(language: Language, own: Sequence[BuildProfile], chosen: BuildWords) -> BuildWords:
    """What is chosen, with a profile of the language in place of one of `own`: what is chosen
    beside it wins. UsageError for a profile that is not there."""
    if not chosen.profile or chosen.profile in language.profiles:
        return chosen
    profile = next((profile for profile in own if profile.name == chosen.profile), None)
    if profile is None or not profile.fits(language):
        fault = f"has no build profile {chosen.profile!r}"
        if profile is not None:
            fault = f"is not built with the profile {profile.name}"
        names = ", ".join(profiles_of(language, own))
        raise UsageError(
            f"{language.title} {fault}.", f"It has {names}." if names else "Leave --profile out."
        )
    return BuildWords(
        profile.base,
        chosen.compiler or profile.compiler,
        chosen.standard or profile.standard,
        (*profile.flags, *chosen.flags),
    )


def _text(name: str, key: str, value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise UsageError(f"{key} of the build profile {name} is no text.", _example(name))
    return value


def _flags(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return _words(name, "flags", value)
    if isinstance(value, list) and all(
        isinstance(word, str) and "\0" not in word for word in value
    ):
        return tuple(value)
    raise UsageError(f"flags of the build profile {name} are no list of words.", _example(name))


def _words(name: str, key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        problem = f"{key} of the build profile {name}: a quotation mark is open."
        raise UsageError(problem, "Close it.") from None


def _example(name: str) -> str:
    return f'[programs.profiles.{name}] base = "release", flags = ["-march=native"]'
