"""Starts the kernel of `run` before the option parser is imported.

The session is guessed from the raw arguments, and only for a plain Python. If the guess turns out
wrong, the kernel is not used and is ended.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeexec.kernels.early import EarlyKernel

_WITH_VALUE = {
    "--save",
    "--artifacts",
    "--timeout",
    "--policy",
    "--preset",
    "--transport",
    "--color",
    "--cell-timeout",
    "--parameters-file",
    "--parameters-yaml",
    "--parameters-base64",
}
_FLAGS = {"--cells", "--json", "--keep-going", "--trust"}


def guess(arguments: list[str], cwd: str) -> dict[str, object] | None:
    """The fields of OpenSession that `run ARGUMENTS` will request; None if that is unclear."""
    session: dict[str, object] = {"cwd": cwd, "env": {}}
    env: dict[str, str] = {}
    file = ""
    remaining = iter(arguments)
    for word in remaining:
        name, sign, value = word.partition("=")
        if name in ("--kernel", "--cwd", "--env"):
            value = value if sign else next(remaining, "")
            if name == "--env":
                key, _, variable = value.partition("=")
                env[key] = variable
            elif name == "--kernel":
                session["kernel"] = value
            else:
                session["cwd"] = os.path.abspath(value)  # noqa: PTH100  # pathlib costs 5 ms
        elif name in _WITH_VALUE:
            if not sign:
                next(remaining, "")
        elif word == "--":
            file = file or next(remaining, "")
            break
        elif not word.startswith("-") or word == "-":
            file = file or word
        elif name == "--docker" or not (file or word in _FLAGS):
            return None  # an unknown option after FILE belongs to the program
    # Without --cells a script is a program, which needs no kernel.
    is_script = "--cells" in arguments and file.endswith(".py") and os.path.isfile(file)  # noqa: PTH113
    says_settings = any(name.startswith("CODEEXEC_KERNEL_") for name in os.environ)
    if not is_script or says_settings or "--help" in arguments:
        return None
    session["file"] = os.path.abspath(file)  # noqa: PTH100
    session["env"] = env
    return session


def start(arguments: list[str]) -> EarlyKernel | None:
    session = guess(arguments, os.getcwd())  # noqa: PTH109
    if session is None:
        return None
    from codeexec.environments.trust.store import RunTrust
    from codeexec.kernels.early import EarlyKernel

    return EarlyKernel.start(session, RunTrust(str(session.get("file") or "")))
