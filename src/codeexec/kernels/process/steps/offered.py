"""The languages whose programs can be built and run on this machine, for the list of kernels."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.domain.options import PROGRAMS
from codeexec.domain.requests import KernelInfo
from codeexec.kernels.process.steps.tools import ToolMissing, find_tool, locate_here
from codeexec.languages.catalog import languages
from codeexec.languages.plan import has_programs

LIMIT = "Each run is a program of its own: variables do not last from one run to the next."


def offered_languages(environ: Mapping[str, str]) -> list[KernelInfo]:
    """Those with an installed tool; looks for files, and starts nothing."""
    locate = locate_here(environ)
    infos = []
    for language in languages().values():
        if not has_programs(language) or not language.tools:
            continue
        try:
            tool = find_tool(language, locate)
        except ToolMissing:
            continue
        name, title = f"{PROGRAMS}:{language.name}", f"{language.title} programs"
        infos.append(
            KernelInfo(name, title, language.name, " ".join(tool), PROGRAMS, limits=(LIMIT,))
        )
    return infos
