"""A kernel over another transport than ZeroMQ: nothing above the transport knows the difference."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from codeexec.domain.events import KernelRef
from codeexec.kernels.base import Displayed, ErrorRaised, Kernel, Notice, Sink
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.launch import Spawned, spawn_here
from codeexec.kernels.jupyter.process import LocalProcess
from codeexec.kernels.jupyter.transport import Receiver, Transport
from support.json_transport import JsonTransport
from support.kernel_cases import DEADLINE, KernelCase, talking_to

REF = KernelRef("python", "Python", "python", "", "local")


@pytest.fixture
def opened() -> list[JsonTransport]:
    """The transports that kernels of the case have opened."""
    return []


@pytest.fixture
def case(opened: list[JsonTransport]) -> KernelCase:
    def open_transport(
        endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> Transport:
        opened.append(JsonTransport(endpoint, identity, session, receiver))
        return opened[-1]

    def create(cwd: Path, sink: Sink) -> Kernel:
        async def start() -> Spawned:
            return spawn_here(str(cwd))

        process = LocalProcess(start)
        return JupyterKernel(REF, process, sink, primed=True, open_transport=open_transport)

    return KernelCase("json", create)


@pytest.mark.slow
async def test_code_questions_input_and_interrupts_over_another_transport(
    case: KernelCase, opened: list[JsonTransport], tmp_path: Path
) -> None:
    async with talking_to(case, tmp_path) as partner:
        end = await partner.run("x = 6 * 7\nprint('out')\nx")
        assert (end.status, end.count, partner.text(stream="stdout")) == ("ok", 1, "out\n")
        assert partner.all(Displayed)[-1].data["text/plain"] == "42"

        execution = partner.submit("y = input('y? '); print('y is', y)\nwhile True: pass")
        assert (await partner.asked()).prompt == "y? "
        partner.jupyter.answer_stdin("7")
        await partner.printed("y is 7\n")
        language = partner.jupyter.language
        assert await language.ask("answer(str(user['x']))", DEADLINE) == "42"  # beside the code
        await partner.kernel.interrupt()
        assert (await partner.end_of(execution)).status == "error"
        assert not partner.kernel.capabilities.outbox
        assert partner.all(Notice) == []
        assert partner.all(ErrorRaised)[-1].error.name == "KeyboardInterrupt"

        assert (await language.complete("x.bit_l", 7)).matches[0].text == "bit_length"
    [transport] = opened
    assert {channel for channel, _ in transport.sent} == {"shell", "control", "stdin"}
    assert transport.is_closed


@pytest.mark.slow
async def test_each_process_gets_a_transport_of_its_own(
    case: KernelCase, opened: list[JsonTransport], tmp_path: Path
) -> None:
    async with talking_to(case, tmp_path) as partner:
        partner.submit("print('first')\nimport time; time.sleep(60)")
        await partner.printed("first\n")
        await partner.kernel.restart()
        assert [transport.is_closed for transport in opened] == [True, False]
        assert (await partner.run("print('second')")).count == 1
        partner.submit("import os; os.kill(os.getpid(), 9)")
        assert (await partner.death()).death.signal == signal.SIGKILL
        assert opened[-1].is_closed
