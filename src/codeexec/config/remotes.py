"""Jupyter servers and batch machines by name: the tables `[remote.NAME]` of the user's file."""

from __future__ import annotations

from collections.abc import Mapping

from codeexec.config.model import JupyterRemote
from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import KERNEL_PREFIX
from codeexec.domain.places.jobs import check_launch
from codeexec.domain.places.ssh import parse_ssh_place

SECTION = "remote"
MANUAL = """
[remote]  # Jupyter servers, for `--server NAME` of `run` and the workbench, and for F12.
# [remote.lab]
# url = "https://hub.example/user/me/"
# token_file = "~/.config/codeexec-tui/hub.token"  # its mode is 0600; else the token is asked for
# password_file = "~/.config/codeexec-tui/lab.password"  # 0600; for a server with a password
# ca_file = "~/certificates/lab.pem"  # the authority of its certificate
# keep_active = true  # tell its JupyterHub each minute while code runs that the server is in use
# kernel_env = { KERNEL_USERNAME = "ann", KERNEL_LAUNCH_TIMEOUT = "300" }  # Enterprise Gateway
# [remote.cluster]  # a host of ssh whose kernels run in jobs: --ssh cluster, F12
# launch = "srun --time=1:00:00 {command}"
"""

_TEXTS = ("url", "token_file", "password_file", "ca_file", "launch")
KEEP_ACTIVE = "keep_active"
KERNEL_ENV = "kernel_env"
_KEYS = (*_TEXTS, KEEP_ACTIVE, KERNEL_ENV)


def read_remote(name: str, table: object) -> JupyterRemote:
    """The server of one table. UsageError for what cannot be used."""
    if not isinstance(table, Mapping):
        raise UsageError("it is no table.", f"Write a table [{SECTION}.NAME] with url = …")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{key} is unknown.", f"Its keys are {', '.join(_KEYS)}.")
    values = {key: table.get(key, "") for key in _TEXTS}
    for key, value in values.items():
        if not isinstance(value, str):
            raise UsageError(f"{key} is no text.", "Write it in quotes.")
    if values["launch"]:
        if set(table) != {"launch"}:
            raise UsageError(
                "launch is for machines over ssh, and stands alone.", "Remove the rest."
            )
        return JupyterRemote(_checked_host(name), launch=check_launch(str(values["launch"])))
    if not values["url"]:
        raise UsageError("it has no url.", 'Write url = "https://HOST:PORT/".')
    if "#" in name or ":" in name or "/" in name:
        raise UsageError("its name has one of the characters # : /", "Choose a plain word.")
    keeps_active = table.get(KEEP_ACTIVE, True)
    if not isinstance(keeps_active, bool):
        raise UsageError(
            f"{KEEP_ACTIVE} is neither true nor false.", f"Write {KEEP_ACTIVE} = true."
        )
    texts = {key: str(value) for key, value in values.items()}
    kernel_env = _read_variables(table.get(KERNEL_ENV, {}))
    return JupyterRemote(name, **texts, keep_active=keeps_active, kernel_env=kernel_env)


def _checked_host(name: str) -> str:
    """The name of a machine as `--ssh` has it."""
    if parse_ssh_place(name) != (name, 0, ""):
        raise UsageError(f"{name} is no host as `ssh` takes it.", "Write [USER@]HOST.")
    return name


def _read_variables(table: object) -> tuple[tuple[str, str], ...]:
    step = f'Write {KERNEL_ENV} = {{ KERNEL_USERNAME = "ann" }}.'
    if not isinstance(table, Mapping):
        raise UsageError(f"{KERNEL_ENV} is no table.", step)
    for variable, value in table.items():
        if not variable.startswith(KERNEL_PREFIX) or not isinstance(value, str):
            raise UsageError(
                f"{KERNEL_ENV} has texts, whose names begin with {KERNEL_PREFIX}; "
                f"{variable} is none.",
                step,
            )
    return tuple((str(variable), str(value)) for variable, value in table.items())
