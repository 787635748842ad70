"""What every kernel does, whatever keeps it alive: code in, events out, exactly one end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from codeexec.domain.errors import KernelDied
from codeexec.domain.outputs import plain
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    Finished,
    OutputCleared,
    StartAdvanced,
    Started,
    StreamWritten,
)
from codeexec.kernels.jupyter.connection import SLICE
from codeexec.kernels.jupyter.messages.event_batches import BATCH
from support.containers import own_containers, require_engine
from support.jupyter_servers import TestServer
from support.kernel_cases import (
    CONTAINER_CASES,
    CONTRACT,
    DEADLINE,
    LOCAL_CASES,
    OTHER_RUNNER_CASES,
    RUNNER_CASE,
    KernelCase,
    Partner,
    patiently,
    remote_case,
    ssh_case,
    talking_to,
)
from support.servers import short_folder
from support.ssh_server import SshServer, ssh_server

SERVERS = ("jupyter_server", "kernel_gateway", "enterprise_gateway", "hub_server")
"""Fixtures of `tests/conftest.py`."""


MACHINES = {"ssh": f"#{sys.executable}", "ssh_runner": ""}
"""Interpreters there, for kernels without codeexec-tui on the machine: with ipykernel, without."""


def _other_runners() -> tuple[KernelCase, ...]:
    """Those of other versions of Python that the suite runs over."""
    if os.environ.get("CODEEXEC_TEST_PYTHONS") == "all":
        return OTHER_RUNNER_CASES
    ends = (*OTHER_RUNNER_CASES[:1], *OTHER_RUNNER_CASES[-1:])
    return tuple(dict.fromkeys(ends))


@pytest.fixture(
    params=[
        *LOCAL_CASES,
        RUNNER_CASE,
        *(pytest.param(each, marks=pytest.mark.slow) for each in _other_runners()),
        *(pytest.param(each, marks=pytest.mark.docker) for each in CONTAINER_CASES),
        *(pytest.param(each, marks=pytest.mark.slow) for each in (*SERVERS, *MACHINES)),
    ],
    ids=lambda case: case if isinstance(case, str) else case.name,
)
def case(request: pytest.FixtureRequest) -> Iterator[KernelCase]:
    found = request.param
    if found in MACHINES:
        request.getfixturevalue("ssh_machine")
        absent = frozenset({"outbox", "comms", "adoption"} if found == "ssh_runner" else ())
        yield ssh_case(found, f"ssh:bare:{MACHINES[found]}", absent)
        return
    if isinstance(found, str):
        server: TestServer = request.getfixturevalue(found)
        yield remote_case(found, server.address)
        assert server.kernels() == []
        return
    assert isinstance(found, KernelCase)
    if found not in CONTAINER_CASES:
        yield found
        return
    require_engine()
    yield found
    assert own_containers(CONTRACT) == []


@pytest.fixture(scope="module")
def ssh_machine() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CODEEXEC_SSH", server.command)
            yield server


@pytest_asyncio.fixture
async def partner(case: KernelCase, tmp_path: Path) -> AsyncIterator[Partner]:
    async with talking_to(case, tmp_path) as found:
        yield found


async def test_an_execution_is_taken_up_puts_out_and_ends_once(partner: Partner) -> None:
    execution = partner.submit("print('out')\nimport sys; print('err', file=sys.stderr)\n6 * 7")
    end = await partner.end_of(execution)
    assert (end.status, end.error, end.count) == ("ok", None, 1)
    events = [event for event in partner.events if not isinstance(event, StartAdvanced)]
    assert events[0] == Started(execution, 1)
    assert events[-1] is end
    assert partner.text(execution, "stdout") == "out\n"
    assert partner.text(execution, "stderr") == "err\n"
    [result] = partner.all(Displayed)
    assert (result.role, result.data["text/plain"], result.count) == ("result", "42", 1)


async def test_capabilities(partner: Partner, case: KernelCase) -> None:
    always = {
        "outbox",
        "stdin",
        "completion",
        "inspection",
        "variables",
        "sizes",
        "tables",
        "values",
        "comms",
    }
    assert set(partner.kernel.capabilities.names) == (always | case.place) - case.absent


async def test_silence_history_and_prompt_numbers(partner: Partner) -> None:
    await partner.run("x = 1", silent=True)
    assert partner.all(Started) == []
    await partner.run("x", store_history=False)
    await partner.run("x")
    assert [event.count for event in partner.all(Started)] == [1, 1]
    assert partner.all(Displayed)[-1].data["text/plain"] == "1"


async def test_an_error_is_shown_and_ends_the_execution(partner: Partner) -> None:
    end = await partner.run("1 / 0")
    assert end.status == "error"
    assert end.error is not None
    assert end.error.name == "ZeroDivisionError"
    [raised] = partner.all(ErrorRaised)
    assert raised.error.value == "division by zero"
    assert any("1 / 0" in plain(line) for line in raised.error.traceback)


async def test_the_display_protocol(partner: Partner) -> None:
    code = """
from IPython.display import display, clear_output, HTML
handle = display(HTML("<b>1</b>"), display_id="bar")
clear_output(wait=True)
"""
    first = partner.submit(code)
    await partner.end_of(first)
    await partner.run("handle.update(HTML('<b>2</b>'))")
    [shown] = partner.all(Displayed)
    assert shown.display_id == "bar"
    assert shown.data["text/html"] == "<b>1</b>"
    assert partner.all(OutputCleared) == [OutputCleared(first, True)]
    [refreshed] = partner.all(DisplayRefreshed)
    assert (refreshed.display_id, refreshed.data["text/html"]) == ("bar", "<b>2</b>")


@pytest.mark.slow
async def test_a_pager_and_a_figure_are_displays(partner: Partner, case: KernelCase) -> None:
    if case.has_matplotlib:
        await partner.run("import matplotlib.pyplot as p; p.plot([1, 2]); p.show()")
        assert str(partner.all(Displayed)[-1].data["image/png"]).startswith("iVBOR")
    await partner.run("len?")
    assert "Return the number of items" in str(partner.all(Displayed)[-1].data["text/plain"])


async def test_input_and_getpass(partner: Partner) -> None:
    code = "import getpass\na = input('name? ')\nb = getpass.getpass('word? ')\nprint(a, len(b))"
    execution = partner.submit("print('before'); " + code)
    asked = await partner.asked()
    assert (asked.execution, asked.prompt, asked.password) == (execution, "name? ", False)
    assert partner.text(execution) == "before\n"
    partner.jupyter.answer_stdin("Ada")
    asked = await partner.asked(2)
    assert (asked.prompt, asked.password) == ("word? ", True)
    partner.jupyter.answer_stdin("secret")
    await partner.end_of(execution)
    assert partner.text(execution).endswith("Ada 6\n")


async def test_input_is_refused_where_nobody_may_answer(partner: Partner) -> None:
    end = await partner.run("input()", allow_stdin=False)
    assert end.error is not None
    assert end.error.name == "StdinNotImplementedError"


async def test_output_that_does_not_come_from_print(partner: Partner) -> None:
    code = "import os, subprocess\nos.write(1, b'raw\\n')\nsubprocess.run(['echo', 'child'])"
    execution = partner.submit(code)
    await partner.end_of(execution)
    await partner.printed("child\n")
    assert "raw\n" in partner.text(execution)


async def test_a_thread_that_prints_later_keeps_its_execution(partner: Partner) -> None:
    code = """
import threading
go = threading.Event()
threading.Thread(target=lambda: (go.wait(), print("late", flush=True))).start()
"""
    first = partner.submit(code)
    await partner.end_of(first)
    await partner.jupyter.language.ask("answer('1')", DEADLINE)
    await partner.run("go.set()")
    await partner.printed("late")
    [late] = [event for event in partner.all(StreamWritten) if "late" in event.text]
    assert late.execution.startswith(first[:-1])  # one of ours, and not the question's


async def test_a_big_message_comes_whole_and_in_slices(partner: Partner) -> None:
    await partner.run("print('x' * 5_000_000)")
    assert partner.text() == "x" * 5_000_000 + "\n"
    assert max(len(event.text) for event in partner.all(StreamWritten)) <= 1 << 16
    await partner.run("from IPython.display import HTML; HTML('y' * 3_000_000)")
    assert len(str(partner.all(Displayed)[-1].data["text/html"])) == 3_000_000


@pytest.mark.slow
async def test_a_flood_leaves_the_loop_free(partner: Partner) -> None:
    execution = partner.submit("for i in range(200_000): print(i, 'x' * 60)")
    seen = most = 0
    ended = False
    async with asyncio.timeout(90):
        while not ended:
            await asyncio.sleep(0)  # one turn of the loop
            fresh = partner.events[seen:]
            seen += len(fresh)
            most = max(
                most, sum(len(event.text) for event in fresh if isinstance(event, StreamWritten))
            )
            ended = any(isinstance(event, Finished) for event in fresh)
    assert partner.text(execution).count("\n") == 200_000
    # However much is waiting, others have their turn after each batch of it.
    assert most < BATCH + SLICE


async def test_strange_text_and_numbers_pass(partner: Partner) -> None:
    await partner.run("print('\\x00|𝔘')")
    assert partner.text() == "\x00|𝔘\n"
    nan = "from IPython.display import display\n"
    nan += "display({'application/json': {'a': float('nan')}}, raw=True)"
    await partner.run(nan)
    assert "application/json" in partner.all(Displayed)[-1].data


async def test_interrupt_of_an_endless_print_loop(partner: Partner) -> None:
    execution = partner.submit("i = 0\nwhile True:\n    print(i, 'x' * 60)\n    i += 1")
    await partner.printed("\n1000 ")
    await partner.kernel.interrupt()
    end = await partner.end_of(execution)
    assert end.error is not None
    assert end.error.name == "KeyboardInterrupt"
    assert (await partner.run("1")).status == "ok"


async def test_a_cell_that_awaits_is_interrupted_at_once(partner: Partner) -> None:
    execution = partner.submit("import asyncio\nprint('on', flush=True)\nawait asyncio.sleep(600)")
    await partner.printed("on")
    async with asyncio.timeout(60):
        await partner.kernel.interrupt()
        end = await partner.end_of(execution)
    assert end.error is not None
    assert end.error.name in ("KeyboardInterrupt", "CancelledError")
    assert (await partner.run("1")).status == "ok"


async def test_an_interrupt_as_the_code_begins_always_ends_it(partner: Partner) -> None:
    for number in range(10):
        execution = partner.submit("import time\ntime.sleep(600)")
        await partner.kernel.interrupt()
        await asyncio.sleep(0.006 * number)  # the second one may come as the first one is told
        await partner.kernel.interrupt()
        end = await partner.end_of(execution)
        assert end.status == "error"
        assert end.error is not None
        assert end.error.name == "KeyboardInterrupt"
    ends = [event.execution for event in partner.all(Finished)]
    assert len(ends) == len(set(ends)) == 10


async def test_a_loop_that_ignores_interrupts_is_ended_by_signals(
    partner: Partner, case: KernelCase
) -> None:
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf', flush=True)\n"
    )
    partner.submit(code + "while True: pass")
    await partner.printed("deaf")
    await partner.kernel.interrupt()
    signum = signal.SIGKILL if case.has_server else signal.SIGTERM
    assert await partner.kernel.signal(signum)
    death = (await partner.death()).death
    assert ("server confirmed" if case.has_server else "SIGTERM") in death.message
    assert not partner.all(Finished)
    assert not partner.kernel.is_alive
    assert not await partner.kernel.signal(signal.SIGKILL)


async def test_an_exit_is_an_end_in_words_and_a_restart_is_fresh(
    partner: Partner, case: KernelCase
) -> None:
    await partner.run("x = 1")
    partner.submit("print('last words', flush=True)\ninput()\nimport os\nos._exit(3)")
    await partner.asked()
    partner.jupyter.answer_stdin("")
    death = (await partner.death()).death
    if case.has_server:
        assert "its server has started another one" in death.message
    else:
        assert death.exit_code == 3
        assert "exited with code 3" in death.message
    assert "last words" in partner.text()
    with pytest.raises(KernelDied):
        partner.submit("1")
    await partner.kernel.restart()
    end = await partner.run("x")
    assert end.error is not None
    assert end.error.name == "NameError"


@pytest.mark.slow
async def test_what_was_asked_of_the_old_kernel_never_reaches_the_new(partner: Partner) -> None:
    asked = "import os; print('asked of', os.getpid())"
    partner.submit("import time; time.sleep(600)")
    partner.submit(asked)  # the old one may still come to it, as it is interrupted
    await partner.kernel.restart()
    end = await partner.run("import os; print('now', os.getpid())")
    now = partner.text(end.execution).removeprefix("now ").strip()
    assert now.isdigit()
    assert f"asked of {now}" not in partner.text()
    assert partner.all(Finished)[-1] is end


async def test_it_can_be_asked_while_it_runs(partner: Partner) -> None:
    await partner.run("numbers = [1, 2, 3]")
    execution = partner.submit("answer = input('?'); print(answer)")
    await partner.asked()
    assert await partner.jupyter.language.ask("answer(str(len(user['numbers'])))", DEADLINE) == "3"
    language = partner.jupyter.language
    found = await patiently(lambda: language.complete("numbers.appe", 12))
    assert [match.text for match in found.matches] == ["append"]
    assert (found.start, found.end) == (8, 12)
    assert found.matches[0].type == "function"
    inspected = await patiently(lambda: language.inspect("numbers", 7, 0))
    assert inspected.found
    assert "list" in inspected.text
    checked = await patiently(lambda: language.is_complete("for x in y:"))
    assert checked.status == "incomplete"
    partner.jupyter.answer_stdin("still asked")
    await partner.end_of(execution)
    assert partner.text(execution) == "still asked\n"


async def test_a_question_leaves_no_trace(partner: Partner) -> None:
    await partner.run("before = set(globals()); _")
    await partner.jupyter.language.ask("secret = 1\nanswer('x')", DEADLINE)
    await partner.run("sorted(set(globals()) - before - {'before'})")
    shown = str(partner.all(Displayed)[-1].data["text/plain"])
    assert "secret" not in shown
    assert (await partner.run("1")).count == 3
    assert partner.text() == ""


async def test_a_question_that_fails_says_why(partner: Partner) -> None:
    with pytest.raises(Exception, match="ZeroDivisionError"):
        await partner.jupyter.language.ask("1 / 0", DEADLINE)


@pytest.mark.slow
async def test_background_children_do_not_outlive_it(case: KernelCase, tmp_path: Path) -> None:
    async with talking_to(case, tmp_path) as partner:
        await partner.run("import subprocess; p = subprocess.Popen(['sleep', '1000'])")
