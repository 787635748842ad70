"""Whether a kernel can run a file: code of another language, or data, is refused in words."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from codeexec.domain.errors import NotFound
from codeexec.languages.catalog import by_file, by_name


class Refusal(NamedTuple):
    """Why a file is not run, and what the user can do instead."""

    message: str
    next_step: str


def refusal(name: str, first_line: str, kernel_language: str) -> Refusal | None:
    """Why a kernel of that language does not run the file `name`; None where it does.

    A file of no language that we know is run, as `python FILE` would.
    """
    by_suffix = by_file(name)
    language = by_file(name, first_line)
    if by_suffix is not None and by_suffix.name == "text":
        language = by_file(PurePath(name).stem, first_line)  # text, but for what its `#!` says
        if language is None:
            kind = PurePath(name).suffix.lstrip(".").upper() or "text"
            return Refusal(
                f"{name} is a file of text or data ({kind}), not code.",
                "Open it, or read it from a script or notebook.",
            )
    if language is None or language.name == _known(kernel_language):
        return None
    title = language.title or language.name
    return Refusal(
        f"{name} is {title}, and the kernel runs {_title(kernel_language)}.",
        f"Start a kernel for {title}, if one is installed: `codeexec-tui kernels` lists them."
        if language.kernels
        else "Open it, or read it from a script or notebook.",
    )


def _known(language: str) -> str:
    try:
        return by_name(language or "python").name
    except NotFound:
        return language.lower()


def _title(language: str) -> str:
    try:
        return by_name(language or "python").title or language
    except NotFound:
        return language
