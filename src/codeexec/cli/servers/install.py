"""Puts this version of codeexec-tui on another machine, into a virtual environment of its own."""

from __future__ import annotations

import shlex
import subprocess
from typing import NamedTuple

from codeexec.cli.servers.own_wheel import Wheel
from codeexec.client.ssh.line import INSTALLED
from codeexec.client.wire import Address
from codeexec.domain.text.printable import printable
from codeexec.environments.ssh.command import ssh_command
from codeexec.environments.ssh.failures import OWN_FAILURE, SshFailure, failure_of

_MARK = "codeexec-tui-install "
_NO_PYTHON = 3
_LAST_WORDS = 600

# Double quotes alone: the whole of it stands within single ones.
_SCRIPT = """set -eu
venv="{venv}"; root="${{venv%/*}}"; target="$root/venvs/{build}"; wheel="$root/{wheel}"
say() {{ echo; echo "{mark}$*"; }}
mkdir -p "$root/venvs"; umask 077; cat >"$wheel"
PATH="$PATH:$HOME/.local/bin:$HOME/.cargo/bin"; export PATH
if [ -e "$target/complete" ]; then say "tool it was there already"
else
  rm -rf "$target"
  if command -v uv >/dev/null 2>&1; then
    uv venv -q --python ">=3.11" "$target"
    uv pip install -q --python "$target/bin/python" "$wheel"
    say "tool uv"
  else
    found=
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
      can() {{ "$python" -c "import sys, venv, $1; sys.exit(sys.version_info < (3, 11))"; }}
      {{ can pip || can ensurepip; }} >/dev/null 2>&1 && {{ found=$python; break; }}
    done
    [ -n "$found" ] || exit {no_python}
    "$found" -m venv --without-pip "$target"
    pip() {{ "$found" -m pip --python "$target/bin/python" "$@"; }}
    if ! pip --version >/dev/null 2>&1; then
      "$found" -m venv --clear "$target"
      pip() {{ "$target/bin/python" -m pip "$@"; }}
    fi
    pip install -q --disable-pip-version-check "$wheel"
    say "tool venv and pip"
  fi
  : >"$target/complete"
fi
rm -f "$wheel"
ln -sfn "$target" "$venv"
say "python $("$target/bin/python" -V)"
say "version $("$venv/bin/codeexec-tui" --version)"
say "place $target"
"""


class Installed(NamedTuple):
    """What was done there: `tool` installed it with `python` in the folder `place`."""

    tool: str
    python: str
    version: str
    place: str


def install(address: Address, wheel: Wheel) -> Installed:
    """`ssh` asks on the terminal what it has to. SshFailure."""
    script = _SCRIPT.format(
        venv=INSTALLED,
        build=wheel.build,
        wheel=wheel.name,
        mark=_MARK,
        no_python=_NO_PYTHON,
    )
    port = ["-p", str(address.port)] if address.port else []
    on_host = f"exec /bin/sh -c {shlex.quote(script)}"
    done = subprocess.run(
        [*ssh_command(), "-T", "-o", "RemoteCommand=none", *port, "--", address.ssh, on_host],
        input=wheel.content,
        capture_output=True,
        check=False,
    )
    errors = printable(done.stderr.decode("utf-8", "replace"), lines=True)
    if done.returncode == OWN_FAILURE:
        raise failure_of(address.place, done.returncode, errors)
    if done.returncode == _NO_PYTHON:
        raise SshFailure(
            "missing",
            f"{address.place} has neither uv nor Python 3.11 or later with venv and pip.",
            f"Install one of them there: ssh {address.place}",
        )
    if done.returncode:
        raise SshFailure(
            "server",
            f"The installation on {address.place} failed: {errors.strip()[-_LAST_WORDS:]}",
            "Mend that there, and install again: nothing of before has changed.",
        )
    lines = printable(done.stdout.decode("utf-8", "replace"), lines=True).splitlines()
    pairs = [line.removeprefix(_MARK).partition(" ") for line in lines if line.startswith(_MARK)]
    facts = {name: text for name, _, text in pairs}
    return Installed(*(facts.get(name, "?") for name in Installed._fields))
