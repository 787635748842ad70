"""Names of kernels within a session, what they stand for, and the order of their executions."""

from __future__ import annotations

import pytest

from codeexec.domain.errors import UsageError
from codeexec.domain.events import CellRef
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels.base import KernelChoice
from codeexec.session.kernels.names import (
    check_kernel_name,
    first_kernel_name,
    same_language,
    spec_of,
)
from codeexec.session.kernels.queueing.queue import first_startable, skipped_with


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (KernelChoice("/w"), "python"),
        (KernelChoice("/w", "python3"), "python"),
        (KernelChoice("/w", "python3.12"), "python"),
        (KernelChoice("/w", "bash"), "bash"),
        (KernelChoice("/w", "xcpp17"), "xcpp17"),
        (KernelChoice("/w", "/v/bin/python"), "python"),
        (KernelChoice("/w", "kernel-1.json"), "python"),
        (KernelChoice("/w", backend="docker", image="r:1"), "python"),
        (KernelChoice("/w", connection_file="/run/k.json"), "python"),
    ],
)
def test_the_first_kernel_is_named_by_what_was_asked_for(choice: KernelChoice, name: str) -> None:
    assert first_kernel_name(choice) == name


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("python", ""),
        ("python-2", ""),
        ("python@gpu-host", ""),
        ("bash", "bash"),
        ("bash-12", "bash"),
        ("bash@host", "bash"),
        ("python3", "python3"),
    ],
)
def test_a_name_says_which_kernel_to_start(name: str, spec: str) -> None:
    assert spec_of(name) == spec


@pytest.mark.parametrize(
    ("written", "language"),
    [("C++17", "cpp"), ("cpp", "cpp"), ("Python", "python"), ("sh", "bash"), ("R", "r")],
)
def test_spellings_of_a_language_are_the_same(written: str, language: str) -> None:
    assert same_language(written) == language


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "x" * 201, "\x1b[31m", "half \ud800", "/bin/python"]
)
def test_a_name_is_printable_and_not_too_long(name: str) -> None:
    with pytest.raises(UsageError):
        check_kernel_name(name)


def test_a_name_has_no_spaces_around_it() -> None:
    assert check_kernel_name(" bash ") == "bash"


def execution(
    number: int, kernel: str, document: str = "", *, stop: bool = True, is_open: bool = True
) -> ExecutionView:
    return ExecutionView(
        f"e{number}",
        "",
        "queued" if is_open else "ok",
        cell=CellRef(document) if document else None,
        options=ExecuteOptions(kernel=kernel, stop_on_error=stop),
        number=number,
    )


def named(*views: ExecutionView) -> dict[str, ExecutionView]:
    return {view.execution_id: view for view in views}


def test_an_execution_waits_for_those_before_it_in_its_document() -> None:
    views = named(
        execution(1, "python", "a.py"),
        execution(2, "bash", "a.py"),
        execution(3, "bash", "b.sh"),
        execution(4, "bash"),
    )
    assert first_startable(["e1"], views) == "e1"
    assert first_startable(["e2", "e3", "e4"], views) == "e3"
    assert first_startable(["e2", "e4"], views) == "e4"
    assert first_startable(["e2"], views) is None
    assert first_startable([], views) is None
    views["e1"] = execution(1, "python", "a.py", is_open=False)
    assert first_startable(["e2", "e3", "e4"], views) == "e2"


def test_executions_without_a_document_wait_for_their_kernel_alone() -> None:
    views = named(execution(1, "python"), execution(2, "bash"))
    assert first_startable(["e2"], views) == "e2"


def test_what_is_skipped_is_the_rest_of_the_document_or_of_the_prompt() -> None:
    of_document = execution(2, "python", "a.py")
    assert skipped_with(of_document, execution(3, "bash", "a.py"))
    assert not skipped_with(of_document, execution(1, "bash", "a.py"))
    assert not skipped_with(of_document, execution(3, "python", "b.py"))
    assert not skipped_with(of_document, execution(3, "python"))
    at_prompt = execution(2, "python")
    assert skipped_with(at_prompt, execution(3, "python"))
    assert not skipped_with(at_prompt, execution(3, "bash"))
    assert not skipped_with(at_prompt, execution(3, "python", "a.py"))
    assert not skipped_with(execution(2, "python", stop=False), execution(3, "python"))
