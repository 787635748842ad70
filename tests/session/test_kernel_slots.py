"""What the kernels of one session do not do to each other, without a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain.clock import SystemClock
from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.events import CellRef, ExecutionQueued, InputCounted
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Execute, Interrupt
from codeexec.kernels import base as says
from codeexec.session.files.artifacts import BlobStore
from codeexec.session.kernels.event_handler import KernelEventHandler
from codeexec.session.kernels.outbox import OUTBOX, OpenDocuments, read_place
from codeexec.session.kernels.slots import MOST_KERNELS
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.journal import Journal
from codeexec.session.storage.journal_limit import JournalLimit
from support.sessions import open_host, open_session, submit


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[EventLog]:
    recorder = EventLog(
        Journal.create(tmp_path / "s" / "journal.db"), SystemClock(), lambda records: None
    )
    yield recorder
    recorder.close()


def intake_of(recorder: EventLog, kernel: str, folder: Path) -> KernelEventHandler:
    recorder.record(ExecutionQueued(kernel, "", options=ExecuteOptions(kernel=kernel)))
    documents = OpenDocuments(recorder.journal, kernel)
    limit = JournalLimit(recorder.journal, 0)
    blobs = BlobStore(folder / "blobs")
    return KernelEventHandler(recorder.find, blobs, documents, lambda finished: [], limit, kernel)


def test_an_update_of_a_display_reaches_those_of_its_own_kernel_alone(
    recorder: EventLog, tmp_path: Path
) -> None:
    kernels = ("python", "bash")
    intakes = {kernel: intake_of(recorder, kernel, tmp_path) for kernel in kernels}
    for kernel, intake in intakes.items():
        shown = says.Displayed(kernel, {"text/plain": "old"}, {}, "display", "same-id")
        recorder.record(*intake.take([shown]))
    refreshed = says.DisplayRefreshed("same-id", {"text/plain": "new"}, {})
    recorder.record(*intakes["bash"].take([refreshed]))
    views = recorder.snapshot.executions
    shown_text = {
        kernel: [part.text for display in views[kernel].displays for part in display.parts]
        for kernel in kernels
    }
    assert shown_text == {"python": ["old"], "bash": ["new"]}


def test_a_prompt_number_may_come_with_the_reply_alone(recorder: EventLog, tmp_path: Path) -> None:
    intake = intake_of(recorder, "python", tmp_path)
    recorder.record(*intake.take([says.Finished("python", "ok", count=3)]))
    assert recorder.snapshot.executions["python"].count == 3
    intake = intake_of(recorder, "bash", tmp_path)
    both: list[says.KernelEvent] = [says.Started("bash", 4), says.Finished("bash", "ok", count=4)]
    assert intake.take(both) == [InputCounted("bash", 4)]
    options = ExecuteOptions(silent=True)
    recorder.record(ExecutionQueued("hidden", "", options=options))
    assert intake.take([says.Finished("hidden", "ok", count=4)]) == []


def test_each_kernel_has_its_own_place_in_its_outbox(recorder: EventLog) -> None:
    for kernel, number in (("python", 3), ("bash", 7)):
        documents = OpenDocuments(recorder.journal, kernel)
        kernel_events: list[says.KernelEvent] = [says.StreamWritten("e", "stdout", "x")]
        kernel_events += [says.Reached(f"token-{kernel}", number)]
        recorder.record(private=documents.journaled_with(kernel_events))
    assert recorder.journal.get_private(OUTBOX) == {"token": "token-python", "number": 3}
    place = read_place(recorder.journal, "bash")
    assert place is not None
    assert (place.token, place.number) == ("token-bash", 7)


@pytest.mark.parametrize(
    "request_of_code",
    [
        Execute("ls", options=ExecuteOptions(kernel="bash")),
        Execute("ls", cell=CellRef("/w/a.sh", kernel="bash")),
    ],
)
async def test_code_of_a_session_in_a_container_is_not_run_by_a_kernel_of_this_machine(
    tmp_path: Path, request_of_code: Execute
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, backend="docker", start_kernel=False)
        with pytest.raises(UsageError, match="runs in a container"):
            await session.call(request_of_code)
        assert not session.snapshot.executions
        assert [slot.name for slot in session.slots] == ["python"]


async def test_a_session_has_so_many_kernels_at_most(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, start_kernel=False)
        for number in range(1, MOST_KERNELS):
            await submit(session, "", kernel=f"no-such-{number}")
        with pytest.raises(UsageError, match=str(MOST_KERNELS)):
            await submit(session, "", kernel="one-more")
        with pytest.raises(NotFound):
            await session.call(Interrupt(kernel="one-more"))
