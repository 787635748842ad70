"""Makes the command lines that build and run a file out of the templates of the catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal, NamedTuple

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import by_file, languages
from codeexec.languages.model import Language

_VERSION = r"-\d+(?:\.\d+)*$"  # compiled when used: each build imports this
Report = Literal["plain", "color", "parsed"]


class PlanOptions(NamedTuple):
    """What a user chooses: a profile (empty: the first), a compiler or interpreter in place of
    those of the catalog, words for the build, and arguments of the program."""

    profile: str = ""
    tool: str = ""
    flags: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    report: Report = "plain"
    """How a compiler writes its diagnostics."""
    standard: str = ""
    """Of the language; empty: its first."""


class Plan(NamedTuple):
    """The steps of one program. `build` is empty where the file is run as it is."""

    build: tuple[str, ...]
    run: tuple[str, ...]
    tool: str
    """The first word of the tool, for the reports."""
    inputs: tuple[str, ...] = ()
    """Lists what a build has read, one path a line; empty where the build itself does."""


def has_programs(language: Language) -> bool:
    """Whether a file of this language can be a program of its own. Python has kernels for that."""
    return language.name != "python" and bool(language.run)


def language_of_program(name: str, first_line: str = "") -> Language | None:
    """The language in which a file is a program of its own; None for Python (which has kernels),
    for notebooks, data and unknown files. UsageError for a header."""
    language = by_file(name, first_line)
    if language is None or not has_programs(language):
        return None
    if PurePath(name).suffix.lower() in language.headers:
        raise UsageError(
            f"{PurePath(name).name} is a header, which is part of a program.",
            f"Run a {language.title} file that includes it.",
        )
    return language


def is_program_language(name: str) -> bool:
    """Whether code of this language can be built and run as a program of its own."""
    language = languages().get(name)
    return language is not None and has_programs(language)


def carries_declarations(name: str) -> bool:
    """Whether cells of this language are programs, made of what the cells above them declare."""
    language = languages().get(name)
    return language is not None and bool(language.cells)


def shebang_words(first_line: str) -> tuple[str, ...]:
    """The command on the first line of a script, as the system reads it: a program and at most
    one argument. Empty where there is none."""
    if not first_line.startswith("#!"):
        return ()
    return tuple(first_line[2:].strip().split(maxsplit=1))


def make_plan(
    language: Language,
    file: str,
    tool: Sequence[str],
    places: Mapping[str, str],
    options: PlanOptions,
) -> Plan:
    """`tool` is the chosen program with its words, `places` has `output` and `depfile`, and `sarif`
    where the tool can write that. UsageError
    for an unknown profile, and for build options where nothing is built."""
    file = f"./{file}" if file.startswith("-") else file
    lists = {
        "{tool}": tuple(tool),
        "{profile}": profile_words(language, options.profile),
        "{report}": _report_words(language, tool[0], options.report, places.get("sarif", "")),
        "{flags}": options.flags,
        "{standard}": standard_words(language, options.standard),
    }
    if options.flags and not language.build:
        raise UsageError(
            f"{language.title} files are not built, so --flag has no meaning for them.",
            "Leave --flag out.",
        )
    texts = {"{file}": file, **{f"{{{name}}}": value for name, value in places.items()}}
    return Plan(
        _filled(language.build, lists, texts),
        (*_filled(language.run, lists, texts), *options.arguments),
        PurePath(tool[0]).name,
        _filled(language.inputs, lists, texts),
    )


def _report_words(language: Language, tool: str, report: Report, sarif: str) -> tuple[str, ...]:
    if report == "parsed":
        options = language.reports.get(_family(language, tool), ())
        further = (word.replace("{sarif}", sarif) for word in language.sarif) if sarif else ()
        return (*options, *further)
    return language.colors if report == "color" else ()


def _family(language: Language, tool: str) -> str:
    """The name by which the catalog has a tool: `g++-14` and `x86_64-linux-gnu-g++` are `g++`."""
    name = re.sub(_VERSION, "", PurePath(tool).name)
    return next(
        (compiler for compiler in language.reports if name.split("-")[-1] == compiler), name
    )


def profile_words(language: Language, profile: str) -> tuple[str, ...]:
    """The words of a profile, the first one where it is empty. UsageError for an unknown one."""
    if profile and profile not in language.profiles:
        names = ", ".join(language.profiles)
        raise UsageError(
            f"{language.title} has no build profile {profile!r}.",
            f"It has {names}." if names else "Leave --profile out.",
        )
    return language.profiles.get(profile or next(iter(language.profiles), ""), ())


def standard_words(language: Language, standard: str) -> tuple[str, ...]:
    """The arguments that select a language standard; an empty `standard` selects the first one.
    UsageError for an unknown standard."""
    if standard and standard not in language.standards:
        names = ", ".join(language.standards)
        raise UsageError(
            f"{language.title} has no standard {standard!r}.",
            f"It has {names}." if names else "Leave --std out.",
        )
    if not language.standards:
        return ()
    return (language.standard_word.replace("{standard}", standard or language.standards[0]),)


def _filled(
    template: Sequence[str], lists: Mapping[str, tuple[str, ...]], texts: Mapping[str, str]
) -> tuple[str, ...]:
    command: list[str] = []
    for word in template:
        if word in lists:
            command += lists[word]
            continue
        for name, text in texts.items():
            word = word.replace(name, text)
        command.append(word)
    return tuple(command)
