"""A private sshd on a high port of this machine, with keys and files of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from support.ports import pick_port
from support.servers import Apart, user, wait_for

PASSPHRASE = "of the sealed key"
NOISE = "Welcome to the far machine."
"""Printed by the login shell before each command."""


@dataclass(frozen=True, slots=True)
class SshServer:
    """`far` are the folders and the session server of the user there. In `config` the host `far`
    is it, and so are `bare` (without codeexec-tui), `old` (with an old one), and
    `sealed` (with PASSPHRASE)."""

    folder: Path
    port: int
    far: Apart

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def command(self) -> str:
        """For CODEEXEC_SSH."""
        return f"ssh -F {shlex.quote(str(self.config))}"

    def left(self) -> list[psutil.Process]:
        """Processes that a login of the host `bare` has started and that have not ended."""
        found = []
        for process in psutil.process_iter(["name", "ppid"]):
            with suppress(psutil.Error):
                path = process.environ().get("PATH", "")
                is_of_login = path.startswith(f"{self.folder / 'bare-bin'}:")
                if is_of_login and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def add_host(self, name: str, **options: object) -> None:
        """A further name; each option is one of ssh_config."""
        own = {
            "HostName": "127.0.0.1",
            "Port": self.port,
            "IdentityFile": self.folder / "key",
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.folder / "known_hosts",
            **options,
        }
        with self.config.open("a") as config:
            config.write(f"Host {name}\n" + "".join(f"  {key} {own[key]}\n" for key in own))


@contextmanager
def ssh_server(folder: Path) -> Iterator[SshServer]:
    """`folder` has a short path, and is ours alone."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None and not os.environ.get("CI"):
        pytest.skip("sshd is not installed: apt-get install openssh-server")
    assert program, "sshd is not installed"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with user() as far:
        server = SshServer(folder, pick_port(), far)
        _write_keys(server)
        variables = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
        set_env = " ".join(f"{name}={far.environ[name]}" for name in variables)
        (folder / "sshd_config").write_text(
            f"Port {server.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nPidFile none\nStrictModes no\n"
            "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"SetEnv {set_env}\n"
        )
        with (folder / "sshd.log").open("wb") as log:
            daemon = subprocess.Popen(
                [program, "-D", "-e", "-f", folder / "sshd_config"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for(lambda: _listens(server.port) or daemon.poll() is not None, "sshd")
            assert daemon.poll() is None, (folder / "sshd.log").read_text()
            yield server
            wait_for(lambda: not server.left(), "the end of all that logins have started")
        finally:
            daemon.terminate()
            daemon.wait()


def _write_keys(server: SshServer) -> None:
    folder = server.folder
    programs = {
        "key": Path(sys.executable).parent / "codeexec-tui",
        "bare": None,
        "old": _old_program(folder),
    }
    lines = []
    for name, target in {"host_key": None, "stranger": None, **programs}.items():
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
        if name not in programs:
            continue
        bin_folder = folder / f"{name}-bin"
        bin_folder.mkdir()
        if target is not None:
            (bin_folder / "codeexec-tui").symlink_to(target)
        path = f"{bin_folder}:/usr/bin:/bin"
        own = ""
        if name == "bare":
            # A Python, and nothing of what is downloaded.
            (bin_folder / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
            own = f"export HOME={folder}/bare-home PIP_NO_DEPS=1 PIP_NO_INDEX=1 PIP_NO_COMPILE=1; "
        command = f'echo -n {NOISE!r}; export PATH={path}; {own}eval \\"$SSH_ORIGINAL_COMMAND\\"'
        lines.append(f'command="{command}" {(folder / f"{name}.pub").read_text()}')
    (folder / "authorized_keys").write_text("".join(lines))
    host_key = (folder / "host_key.pub").read_text().rsplit(" ", 1)[0]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {host_key}\n")
    keygen = ["ssh-keygen", "-q", "-p", "-N", PASSPHRASE, "-f", str(folder / "sealed")]
    shutil.copy2(folder / "key", folder / "sealed")
    subprocess.run(keygen, check=True)
    server.add_host("far")
    server.add_host("sealed", IdentityFile=folder / "sealed", IdentityAgent="none")
    server.add_host("bare", IdentityFile=folder / "bare")
    server.add_host("old", IdentityFile=folder / "old")


def _old_program(folder: Path) -> Path:
    program = folder / "old-codeexec-tui"
    hello = '{"version":"0.0.9\\u001b[2J","schema":1}'
    program.write_text(f"#!/bin/sh\necho\nprintf '%s\\n' 'codeexec-tui-relay {hello}'\n")
    program.chmod(0o755)
    return program


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
