"""Hands on what a kernel has left on disk that died while no server listened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.errors import KernelUnavailable
from codeexec.kernels.base import Handle, Sink
from codeexec.kernels.jupyter.conversation import Conversation
from codeexec.kernels.jupyter.launch import CHANNELS, CONNECTION_FILE, PREFIX
from codeexec.kernels.jupyter.outbox import read_place
from codeexec.kernels.jupyter.process import read_connection_file
from codeexec.kernels.jupyter.spool import read_spool


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
    talk = Conversation(_connection(folder), "left", "", sink)
    try:
        talk.outbox.begin(place)
        if running:
            talk.expect(running)
        await talk.hear_out(read_spool(folder))
        if talk.is_idle_after(running):
            talk.give_up(running)
    finally:
        talk.close()


def _connection(folder: Path) -> Mapping[str, object]:
    try:
        return read_connection_file(folder / CONNECTION_FILE)
    except KernelUnavailable:
        # A kernel that ends by itself removes the file, and with it the key that signatures are
        # checked with; the folder is ours alone.
        ports = {f"{channel}_port": number for channel, number in CHANNELS.items()}
        return {"transport": "ipc", "ip": str(folder / "k"), "key": "", **ports}
