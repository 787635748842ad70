"""Variables for a kernel of a gateway, as part of the kernel's name: `NAME#SPEC?KERNEL_CPUS=2`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import KERNEL_PREFIX


def variable_words(line: Sequence[str]) -> dict[str, str]:
    """The variables among the words of a line: KERNEL_NAME=VALUE."""
    pairs = (word.partition("=") for word in line if word.startswith(KERNEL_PREFIX))
    return {name: value for name, sign, value in pairs if sign}


def add_variables(name: str, variables: Mapping[str, str]) -> str:
    """The name of a kernel of a server, with these variables in place of others."""
    if not variables:
        return name
    plain = name.partition("?")[0] if "#" in name else f"{name}#"
    return f"{plain}?{urlencode(variables)}"


def split_variables(kernel: str) -> tuple[str, dict[str, str]]:
    """What stands behind `#` in the name of a kernel: the kernelspec, and the variables. UsageError
    for one that no gateway takes."""
    spec, _, query = kernel.partition("?")
    variables = dict(parse_qsl(query, keep_blank_values=True))
    for name in variables:
        if not name.startswith(KERNEL_PREFIX):
            raise UsageError(
                f"A gateway takes variables whose names begin with {KERNEL_PREFIX}; {name[:40]!r} "
                "is none.",
                "Write KERNEL_CPUS=2.",
            )
    return spec, variables
