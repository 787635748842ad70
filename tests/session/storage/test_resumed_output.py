"""Output that another server began: the last rows go on as if nothing had happened."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codeexec.domain.events import ExecutionQueued, OutputChanged, SessionOpened
from codeexec.domain.fold import apply
from codeexec.domain.outputs import Display, ErrorInfo, iter_rows
from codeexec.domain.snapshot import Snapshot
from codeexec.kernels.base import Reached
from codeexec.session.kernels.outbox import OUTBOX, OpenDocuments, read_place, with_place
from codeexec.session.output.document import OutputDocument
from codeexec.session.storage.journal import Journal
from support.terminal_text import StreamName, hostile_texts, texts

Write = tuple[StreamName, str]
STREAMS: st.SearchStrategy[StreamName] = st.sampled_from(["stdout", "stderr"])


class Storage:
    """A journal with one execution, whose document is written, left, and opened again."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal.create(path)
        self.documents = OpenDocuments(self.journal)
        self.snapshot = Snapshot()
        opened = self.journal.append([SessionOpened("s", "s", "/", 1), ExecutionQueued("e", "")], 0)
        self.snapshot = apply(self.snapshot, opened)
        self.document = self.reopen()

    def reopen(self) -> OutputDocument:
        self.documents.resume(read_place(self.journal))
        self.document = self.documents.reopen(self.snapshot.executions["e"])
        return self.document

    def save(self) -> None:
        patch = self.document.take_patch()
        self.documents.note("e", self.document)
        place = self.documents.place(Reached("t", 1))
        events = []
        if patch is not None:
            events.append(
                OutputChanged("e", patch.start, patch.total, patch.runs, patch.unfinished)
            )
        self.snapshot = apply(self.snapshot, self.journal.append(events, 0, {OUTBOX: place}))

    @property
    def rows(self) -> list[tuple[str, str]]:
        runs = iter_rows(self.journal.iter_rows("e"))
        return [(run.kind, run.text) for run in runs]


@contextmanager
def storage() -> Iterator[Storage]:
    with tempfile.TemporaryDirectory() as folder:
        stored = Storage(Path(folder, "s", "journal"))
        try:
            yield stored
        finally:
            stored.journal.close()


def rows_after(writes: Sequence[Write], *, leave_after: Callable[[int], bool]) -> list[object]:
    with storage() as stored:
        for number, (stream, text) in enumerate(writes):
            stored.document.write(stream, text)
            stored.save()
            if leave_after(number):
                stored.reopen()
        return list(stored.rows)


@pytest.mark.parametrize(
    ("writes", "rows"),
    [
        ([("stdout", "abc"), ("stdout", "def\n")], [("stdout", "abcdef")]),
        ([("stdout", "abc"), ("stdout", "\ndef\n")], [("stdout", "abc"), ("stdout", "def")]),
        ([("stdout", " 50 %"), ("stdout", "\r 60 %")], [("stdout", " 60 %")]),
        ([("stdout", "a\nb\n"), ("stdout", "\x1b[2AA")], [("stdout", "A"), ("stdout", "b")]),
        ([("stdout", "\x1b[3"), ("stdout", "1mred\x1b[0m")], [("stdout", "\x1b[31mred\x1b[0m")]),
        ([("stdout", "\x1b[31mre"), ("stdout", "d")], [("stdout", "\x1b[31mred\x1b[0m")]),
        ([("stdout", "\x1b[31m"), ("stdout", "d")], [("stdout", "\x1b[31md\x1b[0m")]),
        (
            [("stdout", "out"), ("stderr", "err"), ("stdout", "\rOUT"), ("stderr", "\rERR")],
            [("stdout", "OUT"), ("stderr", "ERR")],
        ),
    ],
)  # fmt: skip
def test_text_goes_on_where_it_stood(writes: list[Write], rows: list[tuple[str, str]]) -> None:
    assert rows_after(writes, leave_after=lambda number: True) == rows


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(STREAMS, st.one_of(texts, hostile_texts)), min_size=1, max_size=6),
    st.sets(st.integers(0, 5)),
)
@example([("stdout", "a"), ("stdout", "\n" * 130), ("stdout", "\x1b[5Ab")], {0, 1})
def test_whenever_the_server_changes_the_rows_are_the_same(
    writes: list[Write], changes: set[int]
) -> None:
    plainly = rows_after(writes, leave_after=lambda number: False)
    assert rows_after(writes, leave_after=changes.__contains__) == plainly


def test_a_clear_that_waits_is_done_by_the_next_server() -> None:
    with storage() as stored:
        stored.document.write("stdout", "old\n")
        stored.document.clear(True)
        stored.save()
        stored.reopen().write("stdout", "new\n")
        stored.save()
        assert stored.rows == [("stdout", "new")]


def test_objects_stay_between_the_rows_of_text() -> None:
    with storage() as stored:
        stored.document.write("stdout", "a")
        stored.document.show(Display("k", ()))
        stored.document.fail(ErrorInfo("E", "v"))
        stored.save()
        stored.reopen().write("stdout", "\rb\n")
        stored.save()
        runs = list(iter_rows(stored.journal.iter_rows("e")))
        assert [run.kind for run in runs] == ["stdout", "display", "error"]
        assert runs[0].text == "b"
        assert runs[1].display == Display("k", ())
        assert runs[2].error == ErrorInfo("E", "v")


def test_a_place_is_in_the_journal_with_the_rows_or_not_at_all() -> None:
    with storage() as stored:
        stored.document.write("stdout", "a\n")
        stored.save()
        wrong = OutputChanged("e", 1, 2, ("no rows",))  # type: ignore[arg-type]
        with pytest.raises(AttributeError):
            stored.journal.append([wrong], 0, {OUTBOX: {"token": "t", "number": 99}})
        place = read_place(stored.journal)
        assert place is not None
        assert place.reached == Reached("t", 1)
        assert stored.rows == [("stdout", "a")]


def test_a_place_of_another_process_is_not_read_on_from() -> None:
    with storage() as stored:
        stored.save()
        place = read_place(stored.journal)
        same: dict[str, object] = {"outbox": {"token": "t", "number": 0}}
        other: dict[str, object] = {"outbox": {"token": "u", "number": 0}}
        assert with_place(same, place)["outbox"] == {"token": "t", "number": 1, "part": 0}
        assert with_place(other, place) == other
        assert with_place({}, place) == {}
        assert with_place(same, None) == same


@pytest.mark.parametrize("value", [{"token": 3}, [], "x"])
def test_a_place_that_makes_no_sense_is_none(value: object) -> None:
    with storage() as stored:
        stored.journal.put_private(OUTBOX, value)
        assert read_place(stored.journal) is None


def test_a_state_that_json_cannot_hold_is_kept_as_it_can() -> None:
    document = OutputDocument()
    document.write("stdout", "\x1b]8;;\ud800")
    state = document.state()
    assert state is not None
    assert msgspec.json.decode(msgspec.json.encode(state))
