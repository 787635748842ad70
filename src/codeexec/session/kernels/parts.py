"""What the kernels of one session share, handed to each of them whole."""

from __future__ import annotations

from msgspec import Struct

from codeexec.domain.clock import Clock
from codeexec.kernels.base import KernelFactory
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.plugins.steps import PluginSteps
from codeexec.session.settings import HostSettings
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.journal_limit import JournalLimit
from codeexec.session.tasks import Tasks


class SessionParts(Struct, frozen=True):
    """`outlives`: kernels may be adopted when our process is gone. `answers` are the passwords
    that were given to any kernel of the session."""

    recorder: EventLog
    blobs: BlobStore
    factory: KernelFactory
    settings: HostSettings
    clock: Clock
    tasks: Tasks
    limit: JournalLimit
    answers: dict[str, None]
    plugins: PluginSteps
    outlives: bool
