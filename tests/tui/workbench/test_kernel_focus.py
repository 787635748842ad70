"""Which kernel a request of the workbench goes to, and whose state is shown."""

from __future__ import annotations

import pytest

from codeexec.domain import requests as q
from codeexec.domain.events import CellRef, StdinRequested
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.snapshot import ExecutionView, KernelView, Snapshot
from codeexec.tui.session.kernel_focus import KernelFocus
from codeexec.tui.workbench.session.kernel_choices import free_name

SNAPSHOT = Snapshot(kernels={"python": KernelView("idle"), "bash": KernelView("busy")})


@pytest.fixture
def focus() -> KernelFocus:
    focus = KernelFocus()
    focus.focused(SNAPSHOT)
    return focus


def kernel_of(focus: KernelFocus, request: q.Execute) -> str:
    addressed = focus.addressed(request)
    assert isinstance(addressed, q.Execute)
    return addressed.options.kernel


def test_the_prompt_and_questions_go_to_the_kernel_in_focus(focus: KernelFocus) -> None:
    assert kernel_of(focus, q.Execute("1")) == ""
    assert focus.addressed(q.Interrupt()) == q.Interrupt()
    focus.choose("bash")
    assert kernel_of(focus, q.Execute("1")) == "bash"
    named = ExecuteOptions(kernel="python")
    assert kernel_of(focus, q.Execute("1", options=named)) == "python"
    assert focus.addressed(q.Interrupt("kill")) == q.Interrupt("kill", kernel="bash")
    assert focus.addressed(q.Complete("x", 1)) == q.Complete("x", 1, "bash")
    restart = q.RestartKernel(kernel="python")
    assert focus.addressed(restart) is restart
    assert focus.addressed(q.ClearQueue()) == q.ClearQueue()


def test_a_document_goes_to_its_own_kernel_whatever_has_the_focus(focus: KernelFocus) -> None:
    cell = q.Execute("1", cell=CellRef("/w/a.py"))
    focus.choose("bash")
    assert kernel_of(focus, cell) == ""
    assert focus.of_document("/w/a.py") == "python"
    told: list[str] = []
    focus.on_chosen = lambda: told.append(focus.chosen_for("/w/a.py"))
    focus.choose_for("/w/a.py", "bash")
    assert told == ["bash"]
    focus.choose("python")
    assert kernel_of(focus, cell) == "bash"
    assert focus.of_document("/w/a.py") == "bash"
    assert focus.of_document("/w/b.py") == "python"
    focus.choose_for("/w/a.py", "")
    assert kernel_of(focus, cell) == ""


def test_the_kernel_in_focus_is_shown_while_the_session_has_it(focus: KernelFocus) -> None:
    assert focus.focused(SNAPSHOT) is SNAPSHOT
    changes = []
    focus.on_change = lambda: changes.append(focus.name)
    focus.choose("bash")
    assert focus.focused(SNAPSHOT).kernel.state == "busy"
    focus.choose_for("/w/a.py", "bash")
    focus.forget("bash")
    assert focus.focused(SNAPSHOT).kernel.state == "idle"
    assert focus.of_document("/w/a.py") == "python"
    assert changes == ["bash", ""]
    focus.choose("gone")
    assert focus.focused(SNAPSHOT) is SNAPSHOT


def test_choices_of_an_earlier_workbench_hold_for_kernels_that_are_there(
    focus: KernelFocus,
) -> None:
    focus.choose_for("/w/now.py", "python")
    focus.restore({"/w/a.sh": "bash", "/w/b.jl": "julia", "/w/c.py": "", "/w/now.py": "bash"})
    assert focus.chosen_for("/w/a.sh") == "bash"
    focus.focused(SNAPSHOT)
    assert focus.of_document("/w/a.sh") == "bash"
    assert [focus.chosen_for(name) for name in ("/w/b.jl", "/w/c.py")] == ["", ""]
    assert focus.of_document("/w/now.py") == "python"


def test_a_document_with_another_name_keeps_its_kernel(focus: KernelFocus) -> None:
    focus.choose_for("/w/a.sh", "bash")
    focus.rename("/w/a.sh", "/w/b.sh")
    focus.rename("/w/other", "/w/more")
    assert (focus.chosen_for("/w/a.sh"), focus.chosen_for("/w/b.sh")) == ("", "bash")


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("python3", "python-2"),
        ("/v/bin/python", "python-2"),
        ("docker:image", "python-2"),
        ("bash", "bash-2"),
        ("ir", "ir"),
    ],
)
def test_another_kernel_has_a_name_of_its_own(spec: str, name: str) -> None:
    assert free_name(spec, SNAPSHOT) == name


def test_what_asks_for_input_is_found_on_any_kernel() -> None:
    in_bash = ExecuteOptions(kernel="bash")
    waiting = ExecutionView("e", "", "queued", options=in_bash)
    snapshot = Snapshot(kernels=SNAPSHOT.kernels, executions={"e": waiting})
    assert snapshot.queue_of("") == ()
    assert snapshot.queue_of("bash") == (waiting,)
    assert snapshot.asking is None
    assert not snapshot.is_running
    asked = StdinRequested("r", "f")
    asking = ExecutionView("f", "", "running", options=in_bash, stdin=asked)
    here = ExecutionView("g", "", "running", stdin=StdinRequested("s", "g"))
    snapshot = Snapshot(kernels=SNAPSHOT.kernels, executions={"f": asking})
    assert snapshot.asking is asking
    assert snapshot.is_running
    assert snapshot.running is None
    both = Snapshot(kernels=SNAPSHOT.kernels, executions={"f": asking, "g": here})
    assert both.asking is here


def test_the_kernel_of_the_cell_with_the_cursor_has_the_focus(focus: KernelFocus) -> None:
    changes: list[str] = []
    focus.on_change = lambda: changes.append(focus.cell_language)
    focus.enter_cell("bash")
    assert focus.addressed(q.Interrupt()) == q.Interrupt(kernel="bash")
    assert focus.focused(SNAPSHOT).kernel.state == "busy"
    assert not focus.is_missing
    # Code goes where it says itself: at the prompt to the kernel of the prompt.
    assert kernel_of(focus, q.Execute("1")) == ""
    cell = q.Execute("1", cell=CellRef("/w/a.py"), options=ExecuteOptions(language="bash"))
    focus.choose_for("/w/a.py", "python")
    assert kernel_of(focus, cell) == ""
    focus.enter_cell("r")
    assert focus.is_missing
    assert focus.addressed(q.RestartKernel()) == q.RestartKernel()
    assert focus.focused(SNAPSHOT) is SNAPSHOT
    started = Snapshot(kernels={**SNAPSHOT.kernels, "ir": KernelView("idle", language="R")})
    assert focus.focused(started).default_kernel == "ir"
    assert not focus.is_missing
    focus.enter_cell("")
    focus.enter_cell("")
    assert focus.addressed(q.Interrupt()) == q.Interrupt()
    assert changes == ["bash", "r", ""]
