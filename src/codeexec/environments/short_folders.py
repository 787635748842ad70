"""Private folders whose paths are short enough for Unix sockets: standard library alone."""

# pathlib would double the time that importing this takes.
# ruff: noqa: PTH102, PTH106, PTH108, PTH112, PTH118, PTH119, PTH208

from __future__ import annotations

import os

PREFIX = "codeexec-"
NAME_LENGTH = 6  # short, as xeus takes no address of more than 31 bytes
NAME_SIGNS = b"abcdefghijklmnopqrstuvwxyz012345"  # 32, so that each byte deals them out evenly
LONGEST_SOCKET_PATH = 100  # sun_path holds 107 bytes and a NUL on Linux, 103 on macOS


def make_folder() -> str:
    """A fresh folder, 0700, with a path short enough for unix sockets."""
    # Not XDG_RUNTIME_DIR first: it is removed when the user's last login ends.
    for base in ("/tmp", os.environ.get("TMPDIR", ""), os.environ.get("XDG_RUNTIME_DIR", "")):
        plain = base.isascii() and base.isprintable() and not set('"\\') & set(base)
        if not plain or not os.path.isdir(base) or not os.access(base, os.W_OK):
            continue
        if len(base) + len(PREFIX) + NAME_LENGTH + 5 > LONGEST_SOCKET_PATH:
            continue
        while True:
            name = bytes(NAME_SIGNS[byte % 32] for byte in os.urandom(NAME_LENGTH))
            folder = os.path.join(base, PREFIX + name.decode())
            try:
                os.mkdir(folder, 0o700)
                return folder
            except FileExistsError:
                continue
    raise FileNotFoundError("no folder for sockets: neither /tmp nor TMPDIR will do")


def remove_flat(folder: str) -> None:
    """Delete a folder that `make_folder` made, with the files in it. What is not there, or of
    another name, is left."""
    if not os.path.basename(folder).startswith(PREFIX):
        return
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError:
        pass  # gone, or somebody keeps a folder there
