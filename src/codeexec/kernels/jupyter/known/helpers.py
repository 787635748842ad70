"""Completion, documentation and variables of a kernel: by its messages, or by our helper code."""

from __future__ import annotations

from dataclasses import dataclass

from codeexec.kernels.capabilities import (
    HasSizes,
    HasTables,
    HasValues,
    HasVariables,
    Inspectable,
)
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns
from codeexec.kernels.jupyter.known.table import KnownKernel
from codeexec.kernels.jupyter.language_service import LanguageService
from codeexec.kernels.jupyter.messages.python_variables import PythonVariables


@dataclass(frozen=True, slots=True)
class Helpers:
    """The parts of `Capabilities` that depend on the language; None where there is none."""

    inspection: Inspectable | None = None
    variables: HasVariables | None = None
    sizes: HasSizes | None = None
    tables: HasTables | None = None
    values: HasValues | None = None


def helpers_of(
    known: KnownKernel, language: str, service: LanguageService, runs: HelperRuns
) -> Helpers:
    """Those of a kernel that has answered; before that `language` is empty."""
    from codeexec.kernels.jupyter.known import values  # its helper code, once a kernel has answered

    lacks = {ability.ability for ability in known.absent}
    inspection = service if "inspection" not in lacks else None
    if known.helper and not runs.is_possible:
        return Helpers(inspection if known.helper != "bash" else None)
    match known.helper:
        case "bash":
            from codeexec.kernels.jupyter.known.bash import BashHelp

            shell = BashHelp(runs)
            return Helpers(shell, shell, values=values.bash_values(runs))
        case "r":
            from codeexec.kernels.jupyter.known.r import RVariables

            return Helpers(inspection, RVariables(runs), values=values.r_values(runs))
        case "javascript":
            return Helpers(inspection, values=values.javascript_values(runs))
        case "python":
            from codeexec.kernels.jupyter.known.python import SilentQuestions

            ask = SilentQuestions(runs).ask
            variables = PythonVariables(ask)
            of_python = values.python_values(ask)
            return Helpers(inspection, variables, variables, variables, of_python)
    if language != "python" or "variables" in lacks:
        return Helpers(inspection)
    variables = PythonVariables(service.ask)
    of_python = values.python_values(service.ask)
    return Helpers(inspection, variables, variables, variables, of_python)
