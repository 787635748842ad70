"""Answers to input() are rows of the output, in the order in which things happened."""

from __future__ import annotations

from codeexec.documents.notebook.row_outputs import outputs_of
from codeexec.domain.outputs import Run, iter_rows
from codeexec.domain.result import make_result
from codeexec.domain.snapshot import ExecutionView
from codeexec.session.output.document import OutputDocument


def _rows(document: OutputDocument) -> list[tuple[str, str]]:
    patch = document.take_patch()
    assert patch is not None
    return [(row.kind, row.text) for row in iter_rows(patch.runs)]


def _game() -> OutputDocument:
    document = OutputDocument()
    document.answer("Your guess? ", "3")
    document.write("stdout", "too low\n")
    document.answer("Your guess? ", "9")
    document.write("stdout", "too high\n")
    return document


def test_answers_stand_between_what_was_printed_before_and_after() -> None:
    assert _rows(_game()) == [
        ("stdin", "Your guess? 3"),
        ("stdout", "too low"),
        ("stdin", "Your guess? 9"),
        ("stdout", "too high"),
    ]


def test_what_is_printed_next_does_not_go_on_in_a_row_above_the_answer() -> None:
    document = OutputDocument()
    document.write("stdout", "Guess:")
    document.answer("ipdb> ", "c")
    document.write("stdout", "low\n")
    assert [text for _, text in _rows(document)] == ["Guess:", "ipdb> c", "low"]


def test_control_sequences_and_line_ends_of_questions_and_answers_do_nothing() -> None:
    document = OutputDocument()
    document.answer("One\nTwo? ", "\x1b[2Jx\x1b]0;title\x07")
    assert [text for _, text in _rows(document)] == ["One", "Two? x"]


def test_a_document_that_was_resumed_goes_on_below_the_answer() -> None:
    first = OutputDocument()
    first.answer("? ", "a")
    document = OutputDocument.resumed(1, [Run("stdin", "? a")], first.state())
    document.write("stdout", "b\n")
    patch = document.take_patch()
    assert patch is not None
    assert (patch.start, patch.total) == (1, 2)


def test_notebooks_have_them_as_text_and_results_not_as_stdout() -> None:
    patch = _game().take_patch()
    assert patch is not None
    (output,) = outputs_of(patch.runs, lambda part: "")
    assert output == {
        "output_type": "stream",
        "name": "stdout",
        "text": "Your guess? 3\ntoo low\nYour guess? 9\ntoo high\n",
    }
    result = make_result([], ExecutionView("e", "code"), patch.runs, {})
    assert result.stdout == ["too low", "too high"]
