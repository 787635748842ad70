"""How the options of a command say that a program or project is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.languages.catalog import by_name

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.domain.options import ProgramOptions
    from codeexec.languages.model import Language
    from codeexec.languages.profiles import BuildWords


def build_words(options: RunOptions, language: Language | None = None) -> BuildWords:
    """The build settings of the options, with a profile of the user replaced by the built-in
    profile that it is based on. A project has no `language` and is built like C++. UsageError for
    an unknown profile."""
    from codeexec.languages.profiles import BuildWords, resolve

    chosen = BuildWords(options.profile, options.compiler, options.standard, options.flags)
    return resolve(language or by_name("cpp"), options.profiles, chosen)


def built_by(
    options: RunOptions, program: ProgramOptions, language: Language | None = None
) -> ProgramOptions:
    """The program or project, to be built as the options say. UsageError as in `build_words`."""
    from msgspec.structs import replace

    words = build_words(options, language)
    return replace(program, **words._asdict(), rebuild=options.no_cache)
