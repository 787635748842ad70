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
from functools import partial
from pathlib import Path

import psutil
import pytest

from codeexec.environments.ssh.command import master_socket
from support.ports import pick_port
from support.servers import Apart, user, wait_for

PASSPHRASE = "of the sealed key"
PASSWORD = "of nobody else"
NOISE = "Welcome to the far machine."
"""Printed by the login shell before each command."""


@dataclass(frozen=True, slots=True)
class SshServer:
    """`far` are the folders and the session server of the user there. In `config` the host `far`
    is it, and so are `bare` (without codeexec-tui), `old` (with an old one), and
    `sealed` and `bare-sealed` (with PASSPHRASE)."""

    folder: Path
    port: int
    far: Apart

    @property
    def config(self) -> Path:
        return self.folder / "config"

    def end_masters(self) -> None:
        """End the master connections of this process to all hosts."""
        for master in master_socket("any", 0).parent.glob("ssh-*"):
            end = [*shlex.split(self.command), "-S", str(master), "-O", "exit", "any"]
            subprocess.run(end, check=False, capture_output=True)

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


@contextmanager
def password_server(server: SshServer) -> Iterator[None]:
    """Two more sshd, which know PASSWORD as the password of root: the host `by-password` asks for
    it itself, `by-code` by the dialog that one-time codes use. They see files of ours in place of
    those of the machine, in a mount namespace, so nothing of the machine is changed."""
    folder = server.folder / "passwords"
    folder.mkdir()
    _write_shadow(folder)
    login = (server.folder / "authorized_keys").read_text().splitlines()[1]
    command = login.removeprefix('command="').partition('" ssh-')[0].replace('\\"', '"')
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    daemons = []
    for name, words in {
        "by-password": "UsePAM no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no",
        "by-code": "UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes",
    }.items():
        port = pick_port()
        (folder / name).write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {server.folder}/host_key\n"
            f"PidFile none\nStrictModes no\nPermitRootLogin yes\nPubkeyAuthentication no\n"
            f"MaxAuthTries 3\nForceCommand {command}\n{words}\n"
        )
        script = (
            f"mount --bind {folder}/shadow /etc/shadow && mount --bind {folder}/pam "
            f"/etc/pam.d/sshd && exec {program} -D -e -f {folder}/{name}"
        )
        with (folder / f"{name}.log").open("wb") as log:
            daemon = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script], stdout=log, stderr=log
            )
        daemons.append(daemon)
        wait_for(partial(_listens, port), "sshd with passwords")
        key = (server.folder / "known_hosts").read_text().partition(" ")[2]
        with (server.folder / "known_hosts").open("a") as known:
            known.write(f"[127.0.0.1]:{port} {key}")
        server.add_host(name, Port=port, User="root", NumberOfPasswordPrompts=2)
    try:
        yield
    finally:
        for daemon in daemons:
            daemon.terminate()
            daemon.wait()


def _write_shadow(folder: Path) -> None:
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True
    ).stdout.strip()
    shadow = "".join(
        f"root:{hashed}:{line.split(':', 2)[2]}" if line.startswith("root:") else line
        for line in Path("/etc/shadow").read_text().splitlines(keepends=True)
    )
    (folder / "shadow").touch(mode=0o600)
    (folder / "shadow").write_text(shadow)
    allowed = "account required pam_permit.so\nsession required pam_permit.so\n"
    (folder / "pam").write_text(f"auth required pam_unix.so\n{allowed}")


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
    for name, key in {"sealed": "key", "bare-sealed": "bare"}.items():
        keygen = ["ssh-keygen", "-q", "-p", "-N", PASSPHRASE, "-f", str(folder / name)]
        shutil.copy2(folder / key, folder / name)
        subprocess.run(keygen, check=True)
        server.add_host(name, IdentityFile=folder / name, IdentityAgent="none")
    server.add_host("far")
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
