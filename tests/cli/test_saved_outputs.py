"""`run --save` saves outputs as the kernel sent them, as nbclient does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from codeexec.cli import exit_codes
from codeexec.cli.outcome import judge
from codeexec.cli.run.cell_outputs import CellOutputs
from codeexec.domain.events import PASSED_OVER, ExecutionFinished
from codeexec.domain.outputs import ErrorInfo
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    InputRequested,
    OutputCleared,
    StreamWritten,
)
from support.peers import run_by_nbclient
from support.programs import Desk, read_notebook, write_notebook

CELLS = (
    "for n in range(3):\n    print(f'\\r{n}/3', end='', flush=True)\nprint()",
    r"print('a\rb', 'ab\bc', 'x\x00y\x0bz\x0c1\u20282', end='\r\n')",
    r"print('\x1b[0;31mred\x1b[0m \x1b[38;5;208morange\x1b[m\x1b[2K\x1b[1A')",
    "import sys\nprint('out')\nsys.stdout.flush()\nprint('err', file=sys.stderr)\n"
    "sys.stderr.flush()\nprint('out', end='')",
    "from IPython.display import clear_output, display, update_display\n"
    r"display({'text/plain': 'a\rb\x1b[0;31mc', 'text/html': '<b>\x1b</b>', "
    "'application/x+json': [1]}, raw=True, display_id='d', metadata={'k': 1})",
    "print('gone')\nclear_output(wait=True)\nprint('kept')\nclear_output(wait=True)",
    "print('gone')\nclear_output()\nprint('kept')\n'result'",
    "update_display({'text/plain': 'new'}, raw=True, display_id='d')",
    "display(1)\nraise ValueError('a\\rb')",
    "raise ExceptionGroup('g', [KeyError('k')]) from OSError(1, 'o')",
    "x = = 1",
    "import sys\nsys.exit(3)",
)


def _merged(outputs: list[Any]) -> list[Any]:
    """Adjacent texts of one stream are one output, whatever the messages were."""
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.get("name") == last.get("name") and output["output_type"] == "stream":
            last["text"] += output["text"]
        else:
            merged.append(dict(output))
    return merged


def _numberless(outputs: list[Any]) -> Any:
    """The outputs without the process id in the names of a kernel's temporary files."""
    return json.loads(re.sub(r"ipykernel_\d+", "ipykernel_N", json.dumps(outputs)))


@pytest.mark.slow
def test_outputs_are_saved_as_nbclient_saves_them(desk: Desk) -> None:
    data = json.loads(write_notebook(*CELLS))
    for cell in data["cells"]:
        cell["metadata"]["tags"] = ["raises-exception"]
    book = json.dumps(data)
    desk.file("book.ipynb", book)
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb")
    assert done.returncode == 0
    theirs, _ = run_by_nbclient(book)
    ours = read_notebook(desk.folder / "out.ipynb")
    for mine, other in zip(ours.cells, theirs.cells, strict=True):
        assert _numberless(mine.outputs) == _numberless(_merged(other.outputs)), mine.source
        assert mine.execution_count == other.execution_count
    assert ours.cells[0].outputs[0].text == "\r0/3\r1/3\r2/3\n"
    assert ours.cells[1].outputs[0].text.startswith("a\rb ab\bc x\x00y")


@pytest.mark.slow
def test_answers_are_saved_between_the_outputs(desk: Desk) -> None:
    desk.file("book.ipynb", write_notebook("print('a\\rb')\nprint(input('name? '))"))
    done = desk.run("run", "book.ipynb", "--save", "out.ipynb", stdin=b"Ann\n")
    assert done.returncode == 0
    (output,) = read_notebook(desk.folder / "out.ipynb").cells[0].outputs
    assert output.text == "b\nname? Ann\nAnn\n"


@pytest.mark.slow
def test_a_notebook_without_code_gets_its_language_as_from_nbclient(desk: Desk) -> None:
    book = json.dumps(
        {
            "cells": [{"cell_type": "markdown", "metadata": {}, "source": "# a"}],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 4,
        }
    )
    desk.file("book.ipynb", book)
    assert desk.run("run", "book.ipynb", "--save", "book.ipynb").returncode == 0
    saved = json.loads((desk.folder / "book.ipynb").read_text())
    theirs, _ = run_by_nbclient(book)
    assert saved["metadata"]["language_info"] == dict(theirs.metadata.language_info)
    spec = {"name": "nonesuch", "display_name": "x", "language": "julia"}
    saved["metadata"] = {"kernelspec": spec}
    desk.file("book.ipynb", json.dumps(saved))
    assert desk.run("run", "book.ipynb", "--save", "out.ipynb").returncode == 0
    assert read_notebook(desk.folder / "out.ipynb").metadata.language_info == {"name": "julia"}


def test_outputs_above_the_limit_are_not_collected() -> None:
    collected = CellOutputs(most_chars=10)
    collected.expect("a")
    collected.expect("b")
    collected.take([StreamWritten("a", "stdout", "12345"), StreamWritten("c", "stdout", "x" * 99)])
    assert collected.outputs("a") == [{"output_type": "stream", "name": "stdout", "text": "12345"}]
    collected.take([StreamWritten("b", "stdout", "123456"), StreamWritten("a", "stdout", "1")])
    assert (collected.outputs("a"), collected.outputs("b")) == (None, None)


def test_an_execution_that_asked_for_input_is_not_collected() -> None:
    collected = CellOutputs()
    collected.expect("a")
    collected.take([StreamWritten("a", "stdout", "x"), InputRequested("a", "? ", password=False)])
    collected.take([StreamWritten("a", "stdout", "y")])
    assert collected.outputs("a") is None


def test_events_become_outputs() -> None:
    collected = CellOutputs()
    for execution in ("a", "b"):
        collected.expect(execution)
    collected.take(
        [
            StreamWritten("a", "stdout", "gone"),
            OutputCleared("a", wait=True),
            Displayed("a", {"text/plain": "1"}, {}, "display", "d"),
            Displayed("b", {"text/plain": "2"}, {}, "result", None, 7),
            DisplayRefreshed("d", {"text/plain": "3"}, {"k": 1}),
            DisplayRefreshed("unknown", {"text/plain": "4"}, {}),
            ErrorRaised("b", ErrorInfo("E", "v", ("\x1b[0;31mtb",))),
        ]
    )
    assert json.loads(json.dumps([collected.outputs("a"), collected.outputs("b")])) == [
        [{"output_type": "display_data", "data": {"text/plain": "3"}, "metadata": {"k": 1}}],
        [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "2"},
                "metadata": {},
                "execution_count": 7,
            },
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mtb"]},
        ],
    ]


def test_a_cell_that_the_kernel_passed_over_is_not_told_as_a_failed_start() -> None:
    end = ExecutionFinished("x", "cancelled", PASSED_OVER)
    outcome = judge(end, death=None, interrupted=False, no_input=False)
    assert outcome.error is not None
    assert (outcome.code, outcome.error.title) == (exit_codes.KERNEL, "Not run")
