"""Names of the kernels of a session, and the languages they are chosen by."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeexec.domain.errors import UsageError
from codeexec.domain.language_words import LANGUAGE_WORDS
from codeexec.domain.options import DEFAULT_KERNEL, PROGRAMS
from codeexec.domain.places.backends import LOCAL
from codeexec.domain.requests import KernelInfo
from codeexec.domain.wire.checks import MAX_NAME, is_unicode
from codeexec.kernels.base import KernelChoice


def check_kernel_name(name: str) -> str:
    """The name without the spaces around it. UsageError when it can be none."""
    name = name.strip()
    is_plain = name.isprintable() and is_unicode(name) and "/" not in name
    if not name or len(name) > MAX_NAME or not is_plain:
        raise UsageError(
            f"This is no name of a kernel: {name[:40]!a}.",
            f"Choose up to {MAX_NAME} printable characters without /, such as python-2 or bash. "
            "A Python by its path is started under such a name: start_kernel with its `spec`.",
        )
    return name


def first_kernel_name(choice: KernelChoice) -> str:
    """The name of the kernel that a session is opened with."""
    name = choice.name
    is_path = "/" in name or "\\" in name or name.endswith(".json")
    if not name or is_path or choice.backend != LOCAL or choice.connection_file:
        return DEFAULT_KERNEL
    without_version = re.sub(r"(?<=[a-z])[\d.]+$", "", name.lower())
    return DEFAULT_KERNEL if without_version == DEFAULT_KERNEL else name


def spec_of(kernel_name: str) -> str:
    """The kernelspec that a kernel of this name is of, where none is given: `bash-2` and
    `bash@host` are of `bash`. Empty for `python`, which is the Python that is found."""
    spec = re.sub(r"-\d+$", "", kernel_name.partition("@")[0])
    return "" if spec == DEFAULT_KERNEL else spec


def same_language(language: str) -> str:
    """One spelling for the ways in which a language is written: `C++17`, `cpp`."""
    plain = re.sub(r"[\d.]+$", "", language.strip().lower())
    return LANGUAGE_WORDS.get(plain, plain)


def programs_of(language: str) -> str:
    """The kernel that builds and runs code of this language as programs; empty where there is none.
    Reads the catalog of languages, which takes some milliseconds."""
    from codeexec.languages.plan import is_program_language  # not at the start

    return f"{PROGRAMS}:{language}" if is_program_language(language) else ""


def in_catalog_order(infos: Sequence[KernelInfo]) -> list[KernelInfo]:
    """Kernels and runners of programs with those of a language together, in the order in which the
    catalog of languages names them; languages, and what it does not name, as they come."""
    from codeexec.languages.catalog import languages  # not at the start

    catalog = languages()
    places: dict[str, int] = {}
    for info in infos:
        places.setdefault(same_language(info.language), len(places))

    def rank(info: KernelInfo) -> tuple[int, int]:
        language = same_language(info.language)
        named = catalog[language].kernels if language in catalog else ()
        if language == "python":
            return places[language], 0  # the search for an interpreter has its own order
        if info.name in named:
            return places[language], named.index(info.name)
        is_program = info.name.startswith(f"{PROGRAMS}:")
        return places[language], len(named) + (not is_program)

    return sorted(infos, key=rank)
