"""Sessions as they could have been: events in batches, made by real output documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from codeexec.domain.events import (
    AnyEvent,
    Artifact,
    ArtifactAdded,
    ArtifactRemoved,
    Death,
    DefaultKernelChosen,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    FilesChanged,
    InputCounted,
    InterruptEscalated,
    KernelDied,
    KernelPaused,
    KernelReady,
    KernelRef,
    KernelRemoved,
    KernelResumed,
    KernelStarting,
    KernelStopped,
    NextInputOffered,
    NoticeGiven,
    OutputChanged,
    Recorded,
    SessionClosed,
    SessionOpened,
    SessionRenamed,
    StdinAnswered,
    StdinRequested,
    Variable,
    VariablesTaken,
)
from codeexec.domain.events.comms import CommChanged, CommClosed, CommOpened
from codeexec.domain.events.lines import KernelLineChanged, LineCut
from codeexec.domain.events.starts import ImagePullAdvanced, KernelStartAdvanced
from codeexec.domain.options import DEFAULT_KERNEL, ExecuteOptions
from codeexec.domain.outputs import Display, ErrorInfo, MimePart
from codeexec.session.output.document import OutputDocument
from support.terminal_text import texts

_LONG_ROW = "long" * 2000 + "\n"

EXECUTIONS = ("e0", "e1", "e2")
_DISPLAY_IDS = ("d0", "d1")

Batches = list[list[AnyEvent]]


@dataclass
class Story:
    """What a session's engine does with the words of a kernel; `flush` ends a batch."""

    batches: Batches = field(default_factory=list)
    _events: list[AnyEvent] = field(default_factory=list)
    _documents: dict[str, OutputDocument] = field(default_factory=dict)
    _totals: dict[str, int] = field(default_factory=dict)
    _keys: int = 0

    def tell(self, event: AnyEvent) -> None:
        self.output()
        self._events.append(event)

    def document(self, name: str) -> OutputDocument:
        return self._documents.setdefault(name, OutputDocument(self._totals.get(name, 0)))

    def forget(self) -> None:
        """As for executions that are long over: their last rows can no longer be rewritten."""
        self.output()
        self._documents.clear()

    def show(self, name: str, display_id: str | None) -> None:
        self._keys += 1
        parts = (MimePart("text/plain", 3, f"<{self._keys}>"),)
        self.document(name).show(Display(f"k{self._keys}", parts, display_id=display_id))

    def refresh(self, display_id: str) -> None:
        self._keys += 1
        parts = (MimePart("text/plain", 3, f"<{self._keys}>"),)
        self.tell(DisplayUpdated(display_id, parts, {"n": self._keys}))
        for document in self._documents.values():
            document.update_display(display_id, parts, {"n": self._keys})

    def output(self) -> None:
        for name, document in self._documents.items():
            patch = document.take_patch()
            if patch is not None:
                self._totals[name] = patch.total
                self._events.append(OutputChanged(name, patch.start, patch.total, patch.runs))

    def flush(self) -> None:
        self.output()
        if self._events:
            self.batches.append(self._events)
            self._events = []


Step = Callable[[Story], None]

_names = st.sampled_from(EXECUTIONS)
_streams = st.sampled_from(["stdout", "stderr"])
_outputs: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda name, stream, text: lambda story: story.document(name).write(stream, text),
        _names,
        _streams,
        texts,
    ),
    st.builds(
        lambda name, stream, count: (
            lambda story: story.document(name).write(stream, "row\n" * count)
        ),
        _names,
        _streams,
        st.integers(1, 300),
    ),
    st.builds(
        lambda name: lambda story: story.document(name).write("stdout", "long" * 2000 + "\n"),
        _names,
    ),
    st.builds(
        lambda name, display_id: lambda story: story.show(name, display_id),
        _names,
        st.sampled_from([None, *_DISPLAY_IDS]),
    ),
    st.builds(lambda name: lambda story: story.document(name).fail(ErrorInfo("E", "v")), _names),
)
_rarer: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda name, wait: lambda story: story.document(name).clear(wait), _names, st.booleans()
    ),
    st.builds(
        lambda display_id: lambda story: story.refresh(display_id), st.sampled_from(_DISPLAY_IDS)
    ),
    st.just(Story.forget),
)


def _artifact(number: int, digest: str) -> Artifact:
    return Artifact(f"a{number}", "f.png", "image/png", 10, digest)


_kernels = st.sampled_from([DEFAULT_KERNEL, "bash"])
_small = st.integers(0, 3)
_comms = st.sampled_from(["c1", "c2"])
_states = st.dictionaries(st.sampled_from(["value", "max"]), _small | st.text(max_size=3))
other_events: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(SessionOpened, st.just("s"), st.just("name"), st.just("/w"), st.just(1)),
    st.builds(SessionRenamed, st.sampled_from(["a", "b"])),
    st.builds(SessionClosed),
    st.builds(NoticeGiven, st.sampled_from(["info", "warning"]), st.text(max_size=3)),
    st.builds(KernelStarting, _small, st.just(KernelRef("python3")), _kernels),
    st.builds(KernelReady, _small, st.none() | _small, kernel=_kernels),
    st.builds(KernelDied, _small, st.just(Death("gone", 1)), _kernels),
    st.builds(KernelStopped, _small, kernel=_kernels),
    st.builds(KernelRemoved, _kernels),
    st.builds(DefaultKernelChosen, _kernels),
    st.builds(KernelPaused, _small, _kernels),
    st.builds(KernelResumed, _small, _kernels),
    st.builds(KernelLineChanged, st.none() | st.just(LineCut(1.0, "cut")), _kernels),
    st.builds(KernelStartAdvanced, st.just("spawning"), st.just(1.0), _small, _kernels),
    st.builds(ImagePullAdvanced, st.just("image"), _small, _small, kernel=_kernels),
    st.builds(
        InterruptEscalated,
        st.sampled_from(["interrupt", "kill", "obeyed"]),
        _names,
        kernel=_kernels,
    ),
    st.builds(
        ExecutionQueued,
        st.just("late"),
        st.text(max_size=3),
        options=st.builds(ExecuteOptions, timeout=st.just(1.5), kernel=_kernels),
    ),
    st.builds(ExecutionStarted, _names, _small),
    st.builds(InputCounted, _names, _small),
    st.builds(StdinRequested, st.just("r"), _names, st.just("? "), st.booleans()),
    st.builds(StdinAnswered, st.just("r"), _names),
    st.builds(
        ExecutionFinished,
        _names,
        st.sampled_from(["ok", "error", "lost"]),
        error=st.none() | st.just(ErrorInfo("E", "v", ("t",))),
    ),
    st.builds(NextInputOffered, _names, st.text(max_size=3), st.booleans()),
    st.builds(VariablesTaken, _small, st.just((Variable("x", "int", "1"),)), kernel=_kernels),
    st.builds(ArtifactAdded, st.builds(_artifact, _small, st.sampled_from(["x", "y"]))),
    st.builds(FilesChanged, st.just(("x",)), others=st.booleans(), is_watched=st.booleans()),
    st.builds(ArtifactRemoved, st.sampled_from(["a0", "a1"])),
    st.builds(CommOpened, _comms, st.just("jupyter.widget"), _names, _states, kernel=_kernels),
    st.builds(CommChanged, _comms, _states, handled=st.just(("m",)), kernel=_kernels),
    st.builds(CommClosed, _comms, _kernels),
)
_tellings: st.SearchStrategy[Step] = st.builds(
    lambda event: lambda story: story.tell(event), other_events
)


def _told(steps: list[Step]) -> Batches:
    story = Story()
    for name in EXECUTIONS:
        story.tell(ExecutionQueued(name, "code"))
        story.tell(ExecutionStarted(name))
    for step in steps:
        step(story)
    story.flush()
    return story.batches


_flushes: st.SearchStrategy[Step] = st.just(Story.flush).map(lambda flush: flush)

stories: st.SearchStrategy[Batches] = st.lists(
    st.one_of(_outputs, _outputs, _outputs, _rarer, _tellings, _flushes, _flushes),
    min_size=8,
    max_size=50,
).map(_told)
"""Batches of events, the output in them complete."""


def recorded(batches: Batches) -> list[Recorded]:
    """The events with their numbers, as if there were a journal."""
    return [
        Recorded(seq, 100.0 + number, event)
        for seq, (number, event) in enumerate(
            ((number, event) for number, batch in enumerate(batches) for event in batch), 1
        )
    ]
