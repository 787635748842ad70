"""Real kernels that nobody listens to for a while: everything arrives once, in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from codeexec.domain.events import KernelRef
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    ExecuteCall,
    Finished,
    Handle,
    InputRequested,
    KernelChoice,
    KernelEvent,
    NeverTaken,
    OutputCleared,
    Started,
    StreamWritten,
)
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter import launch
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.process import LocalProcess
from support.kernel_cases import LOCAL_CASES, Partner, no_orphans, talking_to

pytestmark = pytest.mark.slow

LOCAL = LOCAL_CASES[0]
DEADLINE = 90.0


def workspace_of(partner: Partner) -> Handle:
    reached = partner.reached
    assert reached is not None
    return {"token": reached.token, "number": reached.number, "part": reached.part}


class Watched:
    """A kernel whose listener goes away without a word and comes back as another."""

    def __init__(self, partner: Partner) -> None:
        self.before = partner
        self.partner = partner

    @property
    def events(self) -> list[KernelEvent]:
        """What both listeners have heard, with text written in a row joined."""
        return joined([*self.before.events, *self.partner.events])

    @property
    def text(self) -> str:
        return self.before.text() + self.partner.text()

    async def leave(self, handle: Handle | None = None) -> Handle:
        kernel = self.before.jupyter
        handle = {**(handle or kernel.handle())}
        await kernel.detach()
        return {**handle, "outbox": workspace_of(self.before)}

    async def come_back(self, handle: Handle, running: str) -> Partner:
        self.partner = Partner()
        kernel = await Kernels().adopt(handle, self.partner.sink, running)
        assert kernel is not None
        self.partner.kernel = kernel
        return self.partner


def joined(kernel_events: list[KernelEvent]) -> list[KernelEvent]:
    found: list[KernelEvent] = []
    for event in kernel_events:
        last = found[-1] if found else None
        if (
            isinstance(event, StreamWritten)
            and isinstance(last, StreamWritten)
            and last.stream == event.stream
        ):
            found[-1] = replace(last, text=last.text + event.text)
        else:
            found.append(event)
    return found


@asynccontextmanager
async def watched(cwd: Path) -> AsyncIterator[Watched]:
    partner = Partner()
    with no_orphans():
        partner.kernel = LOCAL.create(cwd, partner.sink)
        await partner.kernel.start()
        both = Watched(partner)
        try:
            yield both
        finally:
            await both.partner.kernel.shutdown()


async def until(holds: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


OUTBOX = "get_ipython().kernel.control_handlers['codeexec_outbox_request'].__self__.outbox"
"""What the kernel keeps, in its own code."""
FLAG = "import pathlib; pathlib.Path('done').touch()\n"


async def test_lines_printed_while_nobody_listens_arrive_once_and_in_order(
    tmp_path: Path,
) -> None:
    wait = " while i == 50 and not os.path.exists('go'): pass\n"
    code = f"import os\nfor i in range(1000):\n print('line', i, flush=True)\n{wait}{FLAG}"
    async with watched(tmp_path) as both:
        execution = both.before.submit(code)
        await both.before.printed("line 50\n")
        handle = await both.leave()
        (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, "the end of the cell")
        partner = await both.come_back(handle, execution)
        end = await partner.end_of(execution)
        assert end == Finished(execution, "ok", None, 1)
        assert both.text == "".join(f"line {i}\n" for i in range(1000))
        # The kernel goes on as ever.
        again = partner.submit("print('and now')")
        assert (await partner.end_of(again)).count == 2
        assert partner.text(again) == "and now\n"


async def test_a_listener_that_comes_back_amid_the_output_loses_nothing(tmp_path: Path) -> None:
    # Some lines after each that a listener has heard it waits until that one is about to leave.
    code = """
for i in range(600):
    print(i, flush=True)
    while i in (60, 210, 360) and not os.path.exists(f'left-{i - 10}'): time.sleep(0.001)
    time.sleep(0.0005)
"""
    async with watched(tmp_path) as both:
        execution = both.before.submit(f"import os, time\n{code}")
        text = ""
        for until_line in (50, 200, 350):
            await both.partner.printed(f"\n{until_line}\n")
            both.before = both.partner
            (tmp_path / f"left-{until_line}").touch()
            handle = await both.leave()
            text += both.before.text()
            await both.come_back(handle, execution)
        await both.partner.end_of(execution)
        assert text + both.partner.text() == "".join(f"{i}\n" for i in range(600))


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [("1 / 0", "error", "ZeroDivisionError"), ("6 * 7", "ok", ""), ("exit_code = 1", "ok", "")],
)
async def test_how_a_cell_ended_meanwhile_is_known(
    code: str, status: str, name: str, tmp_path: Path
) -> None:
    waiting = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
    async with watched(tmp_path) as both:
        execution = both.before.submit(f"{waiting}\nprint('x')\n{FLAG}\n{code}")
        await both.before.until(lambda: both.before.all(Started) or None)
        handle = await both.leave()
        (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, "the end of the cell")
        end = await (await both.come_back(handle, execution)).end_of(execution)
        assert (end.status, end.error.name if end.error else "", end.count) == (status, name, 1)
        assert both.text == "x\n"
        assert len(both.partner.all(ErrorRaised)) == (status == "error")
        assert len(both.partner.all(Displayed)) == (code == "6 * 7")


async def test_input_asked_while_nobody_listens_is_asked_again(tmp_path: Path) -> None:
    code = f"import time\nprint('a')\ntime.sleep(0.3)\n{FLAG}\nx = input('name? ')\nprint('got', x)"
    async with watched(tmp_path) as both:
        execution = both.before.submit(code)
        await both.before.printed("a")
        handle = await both.leave()
        await until((tmp_path / "done").exists, "the question")
        partner = await both.come_back(handle, execution)
        assert (await partner.asked()).prompt == "name? "
        partner.jupyter.answer_stdin("Ann")
        await partner.end_of(execution)
        assert both.text == "a\ngot Ann\n"
        assert len(partner.all(InputRequested)) == 1


async def test_a_question_that_was_open_is_told_with_the_same_name(tmp_path: Path) -> None:
    async with watched(tmp_path) as both:
        execution = both.before.submit("print('got', input('?'))")
        question = await both.before.asked()
        partner = await both.come_back(await both.leave(), execution)
        assert await partner.asked() == question
        partner.jupyter.answer_stdin("it")
        await partner.end_of(execution)
        assert both.text == "got it\n"


async def test_displays_updates_clears_and_streams_keep_their_order(tmp_path: Path) -> None:
    code = """
import os, sys
from IPython.display import display, clear_output, update_display
for i in range(100):
    print('out', i, flush=True)
    print('err', i, file=sys.stderr, flush=True)
    display({'text/plain': str(i)}, raw=True, display_id=f'd{i % 3}')
    update_display({'text/plain': f'new {i}'}, raw=True, display_id=f'd{i % 3}')
    if i % 50 == 0: clear_output(wait=True)
    while i == 20 and not os.path.exists('go'): pass
""" + FLAG  # fmt: skip
    async with watched(tmp_path) as both:
        (tmp_path / "go").touch()
        plain = both.before.submit(code)
        await both.before.end_of(plain)
        wanted = joined(both.before.events)
        (tmp_path / "done").unlink()
        (tmp_path / "go").unlink()
        both.before.events.clear()
        execution = both.before.submit(code)
        await both.before.printed("err 20\n")
        handle = await both.leave()
        (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, "the end of the cell")
        await (await both.come_back(handle, execution)).end_of(execution)
        assert [_named(event, execution) for event in both.events] == [
            _named(event, plain) for event in wanted
        ]
        assert len(both.before.all(DisplayRefreshed) + both.partner.all(DisplayRefreshed)) == 100
        assert len(both.before.all(OutputCleared) + both.partner.all(OutputCleared)) == 2


def _named(event: KernelEvent, execution: str) -> KernelEvent:
    """The event under another name, without the prompt number."""
    if isinstance(event, (Started, Finished)):
        return replace(event, execution="e", count=None)
    if isinstance(event, (StreamWritten, Displayed, OutputCleared)):
        assert event.execution == execution
        return replace(event, execution="e")
    return event


async def test_a_long_message_cut_in_its_middle_is_told_to_its_end(tmp_path: Path) -> None:
    async with watched(tmp_path) as both:
        execution = both.before.submit("print('x' * 3_000_000 + 'end\\n' * 500_000)")
        await both.before.until(lambda: len(both.before.text()) > 3_100_000 or None)
        handle = await both.leave()
        assert workspace_of(both.before)["part"]
        assert len(both.before.text()) < 5_000_000
        await (await both.come_back(handle, execution)).end_of(execution)
        assert both.text == "x" * 3_000_000 + "end\n" * 500_000 + "\n"


async def test_output_of_forked_children_threads_and_file_descriptors_is_kept(
    tmp_path: Path,
) -> None:
    code = f"""
import os, threading
print('begin', flush=True)
while not os.path.exists('go'): pass
pid = os.fork()
if not pid:
    print('child', flush=True)
    os._exit(0)
os.waitpid(pid, 0)
thread = threading.Thread(target=lambda: print('thread', flush=True))
thread.start(); thread.join()
os.write(1, b'descriptor\\n')
os.system('echo program')
{FLAG}
"""
    async with watched(tmp_path) as both:
        execution = both.before.submit(code)
        await both.before.printed("begin")
        handle = await both.leave()
        (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, "the end of the cell")
        partner = await both.come_back(handle, execution)
        await partner.end_of(execution)
        await partner.until(lambda: both.text.count("\n") == 5 or None)
        assert sorted(both.text.split()) == ["begin", "child", "descriptor", "program", "thread"]


FLOOD = """
import os, threading, time
is_done = False
def flood():
    while not is_done:
        print('flood', flush=True)
for _ in range(2): threading.Thread(target=flood).start()
"""
LATE_IDLE = """
is_done = True
publish = get_ipython().kernel._publish_status
def publish_late(status, *args, **kwargs):
    while status == 'idle' and not os.path.exists('go'):
        time.sleep(0.001)
    return publish(status, *args, **kwargs)
get_ipython().kernel._publish_status = publish_late
"""


async def test_code_ends_with_its_last_output_and_before_its_idle(tmp_path: Path) -> None:
    async with watched(tmp_path) as both:
        partner = both.before
        await partner.run(FLOOD)
        for number in range(30):
            end = await partner.run(f"display('shown {number}')\n'value {number}'")
            before = partner.events[: partner.events.index(end)]
            outputs = [event.data["text/plain"] for event in before if isinstance(event, Displayed)]
            assert outputs[-2:] == [f"'shown {number}'", f"'value {number}'"]
        await partner.run(LATE_IDLE)  # whose own idle is late as well
        (tmp_path / "go").touch()
        assert (await partner.run("1 / 0")).status == "error"
        assert (await partner.run("print('and now')")).status == "ok"


async def test_messages_with_binary_buffers_are_kept_and_do_no_harm(tmp_path: Path) -> None:
    code = f"""
from comm import create_comm
comm = create_comm(target_name='nobody')
for i in range(300):
    comm.send({{'i': i}}, buffers=[bytearray(range(256)) * 100])
print('sent')
{FLAG}
"""
    async with watched(tmp_path) as both:
        execution = both.before.submit("import os\nwhile not os.path.exists('go'): pass\n" + code)
        await both.before.until(lambda: both.before.reached)
        handle = await both.leave()
        (tmp_path / "go").touch()
        await until((tmp_path / "done").exists, "the end of the cell")
        await (await both.come_back(handle, execution)).end_of(execution)
        assert both.text == "sent\n"


async def test_an_execution_that_was_never_sent_is_told_so(tmp_path: Path) -> None:
    async with watched(tmp_path) as both:
        await both.before.run("x = 1")
        handle = await both.leave()
        partner = await both.come_back(handle, "exec-lost")
        event = await partner.until(lambda: next(iter(partner.all(NeverTaken)), None))
        assert event.execution == "exec-lost"
        partner.kernel.execute(ExecuteCall("exec-lost", "x += 1; print(x)"))
        assert (await partner.end_of("exec-lost")).status == "ok"
        assert partner.text() == "2\n"


async def test_a_request_on_its_way_to_the_kernel_runs_once(tmp_path: Path) -> None:
    code = "x += 1; print(x)"
    async with watched(tmp_path) as both:
        pid = both.before.kernel.pid
        assert pid is not None
        await both.before.run("x = 1")
        os.kill(pid, signal.SIGSTOP)
        execution = both.before.submit(code)
        await asyncio.sleep(0.05)  # for ZeroMQ to send it, most likely
        handle = await both.leave()
        coming = asyncio.create_task(both.come_back(handle, execution))
        os.kill(pid, signal.SIGCONT)
        partner = await coming
        await partner.until(lambda: bool(partner.all(Finished) or partner.all(NeverTaken)) or None)
        if partner.all(NeverTaken):  # it had not left our process
            partner.kernel.execute(ExecuteCall(execution, code))
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text() == "2\n"


async def test_a_restarted_kernel_has_an_outbox_of_its_own(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as partner:
        await partner.run("print(1)")
        first = partner.kernel.handle()["outbox"]
        await partner.kernel.restart()
        await partner.run("print(2)")
        second = partner.kernel.handle()["outbox"]
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        assert first["token"] != second["token"]
        assert partner.text() == "1\n2\n"


async def test_acknowledged_messages_are_forgotten_by_the_kernel(tmp_path: Path) -> None:
    # Every look adds messages of its own, so the number kept may grow before it falls.
    forgotten = (
        f"box = {OUTBOX}\n"
        "with box._lock:\n"  # the kernel's I/O thread adds messages meanwhile
        "    count = box.last - len(box._messages)\n"
        "print(count)"
    )
    async with talking_to(LOCAL, tmp_path) as partner:
        await partner.run("for i in range(300): print(i, flush=True)")

        async def count() -> int:
            execution = partner.submit(forgotten)
            await partner.end_of(execution)
            return int(partner.text(execution))

        assert await count() == 0
        place = partner.reached
        assert place is not None
        assert place.number > 300
        outbox = partner.kernel.capabilities.outbox
        assert outbox is not None
        outbox.acknowledge(place)
        async with asyncio.timeout(DEADLINE):
            while await count() < place.number:
                pass
        assert await count() == place.number


@pytest.mark.parametrize("argv", [["-m", "ipykernel_launcher"], [launch.LAUNCHER]])
async def test_a_kernel_of_another_launcher_has_no_outbox_and_is_adopted(
    argv: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, *argv, "-f", "{connection_file}"]
    partner = Partner()
    with no_orphans():

        async def start() -> launch.Spawned:
            return launch.spawn(command, str(tmp_path), {})

        life = LocalProcess(start)
        kernel = JupyterKernel(KernelRef("other"), life, partner.sink)
        partner.kernel = kernel
        await kernel.start()
        try:
            # Also where it has one: somebody else reads it.
            assert kernel.capabilities.outbox is None
            assert (await partner.run("print(1)")).status == "ok"
            assert partner.reached is None
        finally:
            await kernel.shutdown()


async def test_an_ipykernel_whose_insides_are_others_runs_without_an_outbox(
    tmp_path: Path,
) -> None:
    site, work = tmp_path / "site", tmp_path / "work"
    site.mkdir()
    work.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'ipykernel.kernelapp':\n"
        "            from ipykernel.iostream import IOPubThread\n"
        "            send = IOPubThread._really_send\n"
        "            def schedule(self, *args, **kwargs):\n"
        "                self.schedule(lambda: send(self, *args, **kwargs))\n"
        "            IOPubThread.send_multipart = schedule\n"
        "sys.meta_path.insert(0, Hook())\n"
    )
    partner = Partner()
    choice = KernelChoice(str(work), env={"PYTHONPATH": str(site)})
    with no_orphans():
        partner.kernel = Kernels().create(choice, partner.sink)
        await partner.kernel.start()
        try:
            assert not partner.kernel.capabilities.outbox
            execution = partner.submit("print('works')")
            await partner.end_of(execution)
            assert partner.text() == "works\n"
            assert partner.reached is None
        finally:
            await partner.kernel.shutdown()


async def test_output_that_zeromq_dropped_is_asked_for_again(tmp_path: Path) -> None:
    """A kernel drops what its reader has no room for, here all but one message."""
    code = """
import zmq
socket = get_ipython().kernel.iopub_thread.socket
send, socket_class = socket.send_multipart, type(socket)
count = 0
def lossy(self, frames, *args, **kwargs):
    global count
    count += 1
    if count % 10 == 0: zmq.Socket.send_multipart(self, frames, *args, **kwargs)
socket.__class__ = type('Lossy', (socket_class,), {'send_multipart': lossy})
for i in range(200): print(i, flush=True)
"""
    async with talking_to(LOCAL, tmp_path) as partner:
        end = await partner.run(code)
        assert end.status == "ok"
        assert partner.text() == "".join(f"{i}\n" for i in range(200))


KILL = "import signal; os.kill(os.getpid(), signal.SIGKILL)\n"


async def test_the_last_lines_of_a_kernel_that_is_killed_are_there(tmp_path: Path) -> None:
    code = f"import os\nfor i in range(300): print(i, flush=True)\n{KILL}"
    async with talking_to(LOCAL, tmp_path) as partner:
        for _ in range(3):
            execution = partner.submit(code)
            assert (await partner.death()).death.signal == signal.SIGKILL
            assert partner.text(execution) == "".join(f"{i}\n" for i in range(300))
            partner.events.clear()
            await partner.kernel.restart()


@pytest.mark.parametrize("is_done", [False, True])
async def test_what_a_kernel_printed_that_died_while_nobody_listened_is_told(
    is_done: bool, tmp_path: Path
) -> None:
    wait = "while not os.path.exists('go'): pass\n"
    code = (
        f"import os\nprint('begin', flush=True)\n{wait}for i in range(300): print(i, flush=True)\n"
    )
    # The cell has ended when `idle` is the last message of all.
    later = f"""
import os, threading, time
outbox = {OUTBOX}
def end():
    while b'"idle"' not in outbox._messages[-1][-1]: time.sleep(0.005)
    {KILL}
threading.Thread(target=end).start()
1"""
    code += later if is_done else KILL
    partner, other = Partner(), Partner()
    with no_orphans():
        partner.kernel = LOCAL.create(tmp_path, partner.sink)
        kernel = partner.jupyter
        await kernel.start()
        execution = partner.submit(code)
        await partner.printed("begin")
        handle = {**kernel.handle()}
        await kernel.detach()
        (tmp_path / "go").touch()
        process = psutil.Process(int(str(handle["pid"])))
        await until(lambda: process.status() == psutil.STATUS_ZOMBIE, "the death of the kernel")
        await asyncio.to_thread(os.waitpid, process.pid, 0)
        adopted = await Kernels().adopt(
            {**handle, "outbox": workspace_of(partner)}, other.sink, execution
        )
        assert adopted is None
        lines = "".join(f"{i}\n" for i in range(300))
        assert partner.text() + other.text() == f"begin\n{lines}"
        ends = [Finished(execution, "ok", None, 1)] if is_done else []
        assert other.all(Finished) == ends
        assert not Path(str(handle["folder"])).exists()
