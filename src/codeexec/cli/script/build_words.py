"""How the options of a command say that a program or project is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.languages.catalog import by_name

if TYPE_CHECKING:
    from codeexec.cli.run_options import RunOptions
    from codeexec.languages.model import Language
    from codeexec.languages.profiles import BuildWords


def build_words(options: RunOptions, language: Language | None = None) -> BuildWords:
    """The options with a profile of ours in place of one of the user's. A project, which has no
    `language`, is built as C++ is. UsageError for a profile that is not there."""
    from codeexec.languages.profiles import BuildWords, resolve

    chosen = BuildWords(options.profile, options.compiler, options.standard, options.flags)
    return resolve(language or by_name("cpp"), options.profiles, chosen)
