"""Hands on what a kernel has left on disk that died while no server listened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

from codeexec.domain.errors import KernelUnavailable
from codeexec.environments.short_folders import PREFIX
from codeexec.kernels.base import Handle, Sink
from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.launch import CHANNELS, CONNECTION_FILE
from codeexec.kernels.jupyter.outbox.reader import read_place
from codeexec.kernels.jupyter.outbox.spool import read_spool
from codeexec.kernels.jupyter.process import read_connection_file
from codeexec.kernels.jupyter.zmq_transport import open_zmq


def folder_of(handle: Handle) -> Path | None:
    """The folder of a kernel's process on this machine; None for other kernels."""
    folder = handle.get("folder")
    if not isinstance(folder, str) or not Path(folder).name.startswith(PREFIX):
        return None
    return Path(folder)


async def hand_on_left(handle: Handle, sink: Sink, running: str) -> None:
    """Tell `sink` what came after the place in `handle["outbox"]`, with the end of `running`
    where the kernel reached it."""
    place, folder = read_place(handle.get("outbox")), folder_of(handle)
    if place is None or folder is None:
        return
    connection = KernelConnection(open_zmq, _connection(folder), "left", token_hex(16), sink)
    try:
        connection.outbox.begin(place)
        if running:
            connection.expect(running)
        await connection.hear_out(read_spool(folder))
        if connection.is_idle_after(running):
            connection.give_up(running)
    finally:
        connection.close()


def _connection(folder: Path) -> Mapping[str, object]:
    try:
        return read_connection_file(folder / CONNECTION_FILE)
    except KernelUnavailable:
        # A kernel that ends by itself removes the file, and with it the key that signatures are
        # checked with; the folder is ours alone.
        ports = {f"{channel}_port": number for channel, number in CHANNELS.items()}
        return {"transport": "ipc", "ip": str(folder / "k"), "key": "", **ports}
