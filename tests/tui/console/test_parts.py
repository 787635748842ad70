"""Parts of the console without a screen: the cursor among cards, and the note about the kernel."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from codeexec.domain.events import Death, KernelRef
from codeexec.domain.options import DEFAULT_KERNEL, ExecuteOptions
from codeexec.domain.outputs import ErrorInfo
from codeexec.domain.programs import StepName, StepResult
from codeexec.domain.snapshot import ExecutionStatus, ExecutionView, KernelView, Snapshot
from codeexec.domain.text.printable import printable
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.step_facts import failure_words
from codeexec.tui.panes.console.cards.card import Line
from codeexec.tui.panes.console.cards.card_list import CardList
from codeexec.tui.panes.console.cards.cursor import CardCursor
from codeexec.tui.panes.console.kernel_note import KernelNote
from codeexec.tui.panes.console.paint import CardPainter
from codeexec.tui.render.kernel_words import kernel_words
from codeexec.tui.session.feed import Frame
from codeexec.tui.theme.theme import built_in_folder, find_theme

STEPS: tuple[StepName, ...] = ("build", "run")
HARBOUR = find_theme("harbour", [built_in_folder()])


def cards_of(*statuses: ExecutionStatus) -> CardList:
    """One card for each status, of executions `1`, `2`, …"""
    card_list = CardList(OutputContext(HARBOUR))
    card_list.take(frame_of(*statuses), CardPainter(HARBOUR))
    return card_list


def frame_of(*statuses: ExecutionStatus, kernel: KernelView | None = None) -> Frame:
    views: Mapping[str, ExecutionView] = {
        str(number): ExecutionView(str(number), "f()", status, number=number, generation=1)
        for number, status in enumerate(statuses, 1)
    }
    kernels = {} if kernel is None else {DEFAULT_KERNEL: kernel}
    snapshot = Snapshot(executions=dict(views), kernels=kernels)
    return Frame(snapshot, Snapshot(), changed=frozenset(views))


def test_the_cursor_begins_at_the_last_card_and_stops_at_the_ends() -> None:
    cursor = CardCursor(cards_of("ok", "ok", "ok"))
    keys = []
    for by in (-1, -1, -1, -1, 1, 1, 1):
        cursor.selected = cursor.neighbour(by)
        assert cursor.selected is not None
        keys.append(cursor.selected.key)
    assert keys == ["3", "2", "1", "1", "2", "3", "3"]
    assert CardCursor(cards_of()).neighbour(1) is None
    assert CardCursor(cards_of()).current is None


def test_the_cursor_stands_on_the_card_that_stands_for_those_that_wait() -> None:
    cursor = CardCursor(cards_of("running", "queued", "queued", "queued"))
    assert cursor.current is not None and cursor.current.key == "2"
    assert cursor.neighbour(-1) is cursor.current


def test_a_card_that_is_gone_is_not_selected() -> None:
    card_list = cards_of("ok", "ok", "ok")
    cursor = CardCursor(card_list)
    cursor.selected = card_list.cards[0]
    card_list.trim(2)
    cursor.drop_missing()
    assert cursor.selected is None
    cursor.selected = card_list.cards[0]
    cursor.drop_missing()
    assert cursor.selected is card_list.cards[0]


def test_a_match_is_a_row_of_output_or_a_line_of_code() -> None:
    card_list = cards_of("ok", "ok")
    first, second = card_list.cards
    cursor = CardCursor(card_list)
    cursor.marked_row = (first.key, 3)
    assert cursor.is_marked(first, Line("row", 3))
    assert not cursor.is_marked(second, Line("row", 3))
    assert not cursor.is_marked(first, Line("code", 3))
    cursor.marked_part = "code"
    assert cursor.is_marked(first, Line("code", 3))


@pytest.mark.parametrize(
    ("kernel", "words", "command"),
    [
        (KernelView(state="idle", generation=1), "", "kernel.restart"),
        (KernelView(state="idle", generation=2), "kernel restarted", "kernel.restart"),
        (KernelView(state="starting", generation=2), "", "kernel.restart"),
        (
            KernelView(state="dead", generation=1, kernel=KernelRef("python3", "Python 3")),
            "Kernel ended. Enter starts a new one",
            "kernel.restart",
        ),
        (
            KernelView(state="dead", generation=1, death=Death("There is no kernel 'x'.")),
            "There is no kernel 'x'. Enter or F12 chooses a kernel",
            "kernel.choose",
        ),
    ],
)
def test_the_note_about_the_kernel(kernel: KernelView, words: str, command: str) -> None:
    note = KernelNote()
    frame = frame_of("ok", kernel=kernel)
    cards = cards_of("ok")
    assert note.follow(frame, cards) == bool(words)
    assert note.text.startswith(words) and bool(note.text) == bool(words)
    assert note.start_command == command
    assert not note.follow(frame, cards)


@pytest.mark.parametrize("width", [24, 40, 61, 62, 80])
def test_the_facts_of_a_program_are_not_cut_within_one(width: int) -> None:
    run = StepResult("run", ("./a",), 1, seconds=5.3, peak_memory=11_900_000, cpu_seconds=0.057)
    build = StepResult("build", ("g++",), 0, seconds=0.3)
    view = ExecutionView("1", "f()", "error", number=1, steps=(build, run))
    card_list = CardList(OutputContext(HARBOUR))
    snapshot = Snapshot(executions={"1": view})
    painter = CardPainter(HARBOUR)
    card_list.take(Frame(snapshot, Snapshot(), changed=frozenset("1")), painter)
    strips = painter.note(next(iter(card_list)), width)
    lines = [strip.text for strip in strips]
    facts = ["exit 1", "5.3 s", "11.9 MB", "CPU 57 ms", "built in 0.3 s"]
    assert " ".join(lines).replace("   ", " ") == f"{' · '.join(facts[:4])} {facts[4]}"
    assert all(any(fact in line for line in lines) for fact in facts)
    assert all(len(line) <= width for line in lines)
    # How a failed program ended is no remark.
    assert {part.style for strip in strips for part in strip} == {HARBOUR.style("run.failed")}


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ("python", "python"),
        ("programs:cpp", "C++"),
        ("programs:javascript", "JavaScript"),
        ("programs:project", "project"),
        ("python@a-host-with-a-long-name", "python@a-host-w…"),
        ("a\x1b[31m", "a␛[31m"),
    ],
)
def test_kernels_of_programs_are_called_by_their_language(kernel: str, words: str) -> None:
    assert kernel_words(kernel) == words


@pytest.mark.parametrize(
    ("kernel", "error", "codes", "words"),
    [
        ("programs:rust", ErrorInfo("Not run", "Rust needs rustc."), (), "Rust needs rustc."),
        ("programs:cpp", ErrorInfo("Not run", "a: No such file"), (0,), "a: No such file"),
        ("programs:cpp", ErrorInfo("Not run", ""), (), "Not run"),
        ("programs:cpp", ErrorInfo("BuildFailed", "g++ ended with status 1."), (1,), ""),
        (
            "programs:cpp",
            ErrorInfo("BuildFailed", "g++ ended with status 1. The disk is full: make room."),
            (1,),
            "The disk is full: make room.",
        ),
        ("programs:cpp", ErrorInfo("SystemExit", "3"), (0, 3), ""),
        ("python", ErrorInfo("NameError", "x"), (), ""),
    ],
)
def test_why_a_program_did_not_run_stands_on_its_card(
    kernel: str, error: ErrorInfo, codes: tuple[int, ...], words: str
) -> None:
    steps = tuple(
        StepResult(name, ("tool",), code) for name, code in zip(STEPS, codes, strict=False)
    )
    options = ExecuteOptions(kernel=kernel)
    view = ExecutionView("1", "f()", "error", options=options, error=error, steps=steps)
    card_list = CardList(OutputContext(HARBOUR))
    painter = CardPainter(HARBOUR)
    frame = Frame(Snapshot(executions={"1": view}), Snapshot(), changed=frozenset("1"))
    card_list.take(frame, painter)
    card = next(iter(card_list))
    assert card.has_note == bool(words or steps)
    assert failure_words(view) == words
    if card.has_note:
        assert painter.note(card, 60)[0].text.startswith(words)


@pytest.mark.parametrize("colors", [True, False])
def test_the_lines_of_a_card_look_at_its_code_once(
    monkeypatch: pytest.MonkeyPatch, colors: bool
) -> None:
    painter = CardPainter(HARBOUR)
    painter.colors = colors
    view = ExecutionView("1", "if x:\n\tf()\n\tg()", "ok", number=1, generation=1)
    card_list = CardList(OutputContext(HARBOUR))
    card_list.take(Frame(Snapshot(executions={"1": view}), Snapshot(), frozenset("1")), painter)
    texts: list[str] = []

    def noted(text: str, *, lines: bool = False) -> str:
        texts.append(text)
        return printable(text, lines=lines)

    for module in ("codeexec.tui.render.highlight", "codeexec.tui.panes.console.paint"):
        monkeypatch.setattr(f"{module}.printable", noted)
    (card,) = card_list
    lines = [painter.code(card, number, 60).text for number in range(3)]
    assert [line[4:10] for line in lines[1:]] == ["    f(", "    g("]
    assert [text for text in texts if "\n" in text] == ["if x:\n    f()\n    g()"]


def test_another_theme_keeps_languages_and_names_of_kernels() -> None:
    painter = CardPainter(HARBOUR)
    kernels = {name: KernelView("idle", language=name) for name in ("python", "cpp")}
    assert painter.follow_kernels(Snapshot(kernels=kernels))
    other = painter.in_theme(find_theme("noon", [built_in_folder()]))
    assert not other.follow_kernels(Snapshot(kernels=kernels))
